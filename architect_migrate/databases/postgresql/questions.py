"""Answers questions about rows with SQL, so that PostgreSQL's own rules of comparison apply; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from architect_migrate.core.database_errors import ForbiddenQuestionError, QuestionError
from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.alike import changing, holds, lacks
from architect_migrate.databases.postgresql.catalog import column_names
from architect_migrate.databases.postgresql.connection import first_line
from architect_migrate.databases.postgresql.conversions import key_columns, lost_values
from architect_migrate.databases.postgresql.pinned import taken_back
from architect_migrate.databases.postgresql.presence import table_names
from architect_migrate.databases.postgresql.seeds import like, literals, number_like
from architect_migrate.planning.row_questions import (
    Alters,
    Answer,
    Changing,
    DuplicatesOf,
    KeysTaken,
    NullsIn,
    NullsOf,
    Orphans,
    RowsBeyond,
    RowsIn,
    RowsLike,
    ValuesBesides,
    ValuesLacking,
    Violating,
    describe,
)

if TYPE_CHECKING:
    from architect_migrate.planning.row_questions import Question

    Connection = psycopg.Connection[Any]

_MOST = 3


def ask(connection: Connection, question: Question) -> Answer:
    """Answer a question about rows.

    Raises QuestionError where PostgreSQL cannot answer, and for what only a run could find out.
    """
    try:
        with taken_back(connection):
            return _answer(connection, question)
    except psycopg.errors.InsufficientPrivilege as error:
        raise ForbiddenQuestionError(question.table, describe(question), first_line(error)) from error
    except psycopg.Error as error:
        raise QuestionError(question.table, describe(question), first_line(error)) from error


def row_counts(connection: Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {name: _count(connection, name, "true") for name in sorted(table_names(connection))}


def _answer(connection: Connection, question: Question) -> Answer:
    table = question.table
    match question:
        case RowsIn():
            return Answer(_count(connection, table, "true"))
        case RowsLike():
            return Answer(number_like(connection, table, question.columns, question.rows, question.key))
        case KeysTaken():
            where = f"{like(question.columns, question.key)} IN ({literals(question.rows)})"
            return _matching(connection, table, where, question.columns)
        case RowsBeyond():
            return Answer(_beyond(connection, question))
        case NullsIn(_, column):
            return _matching(connection, table, f"{quote(column)} IS NULL", key_columns(connection, table))
        case NullsOf(_, expression):
            return _matching(connection, table, f"({expression}\n) IS NULL", key_columns(connection, table))
        case Violating(_, check):
            return _matching(connection, table, f"NOT ({check}\n)", key_columns(connection, table))
        case ValuesBesides(_, column, besides):
            if changes := changing(connection, besides):
                raise QuestionError(table, describe(question), f"{changes} can be another value each time")
            where = f"NOT ({holds(connection, table, column, besides)})"
            return _matching(connection, table, where, key_columns(connection, table))
        case ValuesLacking(_, column, other, holding):
            where = lacks(connection, table, column, other)
            # What may be one of these counts as one: then a person is asked.
            if holding and not changing(connection, holding):
                where += f" AND ({holds(connection, table, other, holding)})"
            return _matching(connection, table, where, key_columns(connection, table))
        case Changing():
            return lost_values(connection, question)
        case DuplicatesOf():
            return _duplicates(connection, question)
        case Orphans():
            return _orphans(connection, question)
        case Alters():
            # What is not known counts as a change: then a person is asked.
            return Answer(1)
        case _:
            raise QuestionError(table, describe(question), "archmig runs no statement of a revision on PostgreSQL")


def _count(connection: Connection, table: str, where: str) -> int:
    sql = f"SELECT count(*) FROM {quote(table)} WHERE {where}"
    return int((connection.execute(sql).fetchone() or (0,))[0])


def _matching(
    connection: Connection, table: str, where: str, shown: tuple[str, ...], alias: str = "rows_asked"
) -> Answer:
    """Count the rows for which a condition is true; examples show the columns in `shown`."""
    source = f"{quote(table)} AS {alias}"
    count = int((connection.execute(f"SELECT count(*) FROM {source} WHERE {where}").fetchone() or (0,))[0])
    if not count or not shown:
        return Answer(count)
    parts = ", ".join(f"left({quote(column)}::text, 40)" for column in shown)
    rows = connection.execute(f"SELECT {parts} FROM {source} WHERE {where} LIMIT {_MOST}").fetchall()
    return Answer(count, tuple(_example(shown, row) for row in rows))


def _example(columns: tuple[str, ...], row: tuple[str | None, ...]) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in zip(columns, row, strict=True))


def _beyond(connection: Connection, question: RowsBeyond) -> int:
    """The number of rows that the other table does not have as often, by the text of their values."""
    own, others = ({*column_names(connection, table)} for table in (question.table, question.other))
    shared = [*((name, name) for name in sorted(own & others)), *question.renamed]
    if not shared:
        return _count(connection, question.table, "true")
    left, right = (", ".join(f"{quote(name)}::text" for name in side) for side in zip(*shared, strict=True))
    rows = f"SELECT {left} FROM {quote(question.table)} EXCEPT ALL SELECT {right} FROM {quote(question.other)}"
    return int((connection.execute(f"SELECT count(*) FROM ({rows}) AS more").fetchone() or (0,))[0])


def _duplicates(connection: Connection, question: DuplicatesOf) -> Answer:
    columns = [quote(column) for column in question.columns]
    where = " AND ".join([*(f"{column} IS NOT NULL" for column in columns), question.where or "true"])
    groups = f"FROM {quote(question.table)} WHERE {where} GROUP BY {', '.join(columns)} HAVING count(*) > 1"
    count = int((connection.execute(f"SELECT count(*) FROM (SELECT 1 {groups}) AS twice").fetchone() or (0,))[0])
    if not count:
        return Answer(0)
    parts = ", ".join(f"left({column}::text, 40)" for column in columns)
    rows = connection.execute(f"SELECT count(*), {parts} {groups} LIMIT {_MOST}").fetchall()
    return Answer(count, tuple(f"{', '.join(map(repr, values))} in {number} rows" for number, *values in rows))


def _orphans(connection: Connection, question: Orphans) -> Answer:
    children = [f"c.{quote(column)}" for column in question.columns]
    parents = [f"p.{quote(column)}" for column in question.parent_columns]
    filled = " AND ".join(f"{column} IS NOT NULL" for column in children)
    pairs = " AND ".join(f"{parent} = {child}" for parent, child in zip(parents, children, strict=True))
    missing = f"NOT EXISTS (SELECT FROM {quote(question.parent)} p WHERE {pairs})"
    return _matching(connection, question.table, f"{filled} AND {missing}", question.columns, "c")
