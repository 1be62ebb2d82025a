"""Answers questions about rows with SQL, so that SQLite's own rules of comparison and storage apply.

Only a temporary table is written, so a read-only connection and an open transaction are both fine.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, assert_never

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.rows.dry_statements import alters, orphaned
from architect_migrate.databases.sqlite.rows.exact import (
    exact,
    number_of_rows,
    own_key,
    row_table,
    row_tables,
    virtual_table,
)
from architect_migrate.databases.sqlite.rows.examples import MOST, excerpt, labelled, read, shown
from architect_migrate.databases.sqlite.rows.left_out import left_out_by
from architect_migrate.databases.sqlite.rows.seeds import like, literals, number_like
from architect_migrate.databases.sqlite.sql.affinity import affinity_of
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.planning.row_questions import (
    Alters,
    Answer,
    Changing,
    DuplicatesOf,
    KeysTaken,
    LeftOut,
    NullsIn,
    NullsOf,
    Orphaned,
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
    from collections.abc import Iterator

    from architect_migrate.databases.sqlite.rows.exact import RowTable
    from architect_migrate.planning.row_questions import Question

# What the types of STRICT tables store, but ANY.
_STRICT = {"INT": "integer", "INTEGER": "integer", "REAL": "real", "TEXT": "text", "BLOB": "blob"}
_SCRATCH = "_archmig_changing"


def ask(connection: sqlite3.Connection, question: Question) -> Answer:
    """Answer a question about rows.

    Raises QuestionError where SQLite cannot answer: no such table or column, or an unknown function.
    """
    try:
        with exact(connection):
            table = row_table(connection, question.table) or virtual_table(connection, question.table)
            if table is None:
                raise QuestionError(question.table, describe(question), "there is no such table")
            return _answer(connection, table, question)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
            raise
        raise QuestionError(question.table, describe(question), str(error)) from error


def row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """The number of rows of each table by folded name; virtual tables, which store rows elsewhere, are left out."""
    with exact(connection):
        return {name: number_of_rows(connection, table) for name, table in row_tables(connection).items()}


def _answer(connection: sqlite3.Connection, table: RowTable, question: Question) -> Answer:
    match question:
        case RowsIn():
            return Answer(number_of_rows(connection, table))
        case RowsLike():
            return Answer(number_like(connection, table.name, question.columns, question.rows, question.key))
        case KeysTaken():
            digests = like(connection, table.name, question.columns, question.key)
            return _matching(connection, table, f"{digests} IN ({literals(question.rows)})", question.columns)
        case LeftOut(_, selects):
            return Answer(left_out_by(connection, table.name, selects))
        case Alters():
            return Answer(alters(connection, question.table, question.statements()))
        case Orphaned():
            return Answer(orphaned(connection, table.name, question.statements))
        case RowsBeyond():
            return Answer(_beyond(connection, table, question))
        case NullsIn(_, column):
            return _matching(connection, table, f"{_column(table, column)} IS NULL", ())
        case NullsOf(_, expression):
            return _matching(connection, table, f"({expression}\n) IS NULL", ())
        case Violating(_, check):
            return _matching(connection, table, f"NOT ({check}\n)", _mentioned(table, check))
        case ValuesBesides(_, column, besides):
            return _matching(connection, table, f"NOT ({_holds(table, column, besides)})", ())
        case ValuesLacking(_, column, other, holding):
            mine, its = _column(table, column), _column(table, other)
            where = f"{mine} IS NOT NULL AND {mine} IS NOT {its}"
            return _matching(connection, table, f"{where} AND ({_holds(table, other, holding) or 'TRUE'})", ())
        case DuplicatesOf():
            return _duplicates(connection, table, question)
        case Changing():
            return _changing(connection, table, question)
        case Orphans():
            return _orphans(connection, table, question)
        case _:
            assert_never(question)


def _beyond(connection: sqlite3.Connection, table: RowTable, question: RowsBeyond) -> int:
    """The number of rows that the other table does not have as often, compared value by value as stored."""
    pair = row_tables(connection)[fold(question.other)]
    there = {fold(column) for column in pair.columns}
    shared = [(column, column) for column in table.columns if fold(column) in there]
    shared += question.renamed
    # The class of a value counts: without it 1 and 1.0 would be one value. Collations would merge 'a' and 'A'.
    own, others = (
        ", ".join(f"typeof({quote(name)}), {quote(name)} COLLATE BINARY" for name in side)
        for side in ([one for one, _ in shared], [other for _, other in shared])
    )
    named = [f"{part}{at}" for at in range(len(shared)) for part in ("class", "value")]
    both = f"SELECT {own}, 1 FROM {table.source} UNION ALL SELECT {others}, -1 FROM {pair.source}"
    grouped = f"SELECT sum(side) AS more FROM side GROUP BY {', '.join(named)} HAVING more > 0"
    sql = f"WITH side({', '.join(named)}, side) AS ({both}) SELECT coalesce(sum(more), 0) FROM ({grouped})"
    return _number(connection, sql) if shared else number_of_rows(connection, table)


def _number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])


def _column(table: RowTable, column: str) -> str:
    # Qualified: SQLite takes a lone name in double quotes that means no column for a string.
    return f"{quote(table.name)}.{quote(column)}"


def _holds(table: RowTable, column: str, values: tuple[str, ...]) -> str:
    """The condition that a column holds one of some values."""
    return " OR ".join(f"{_column(table, column)} IS ({value})" for value in values)


def _key(table: RowTable) -> tuple[str, ...]:
    """SQL for the values that identify a row in an example."""
    return own_key(table, quote(table.name))


def _mentioned(table: RowTable, expression: str) -> tuple[str, ...]:
    """The columns to show in an example of a violated check: those that the check names."""
    words = {fold(unquote(token.text)) for token in significant(expression) if token.kind in {"word", "quoted"}}
    return tuple(column for column in table.columns if fold(column) in words)


def _matching(
    connection: sqlite3.Connection, table: RowTable, condition: str, shown_columns: tuple[str, ...]
) -> Answer:
    """Count the rows for which a condition is true; examples show the columns in `shown_columns`."""
    source = f"FROM main.{quote(table.name)} WHERE {condition}"
    count = _number(connection, f"SELECT count(*) {source}")
    key = _key(table)
    values = [excerpt(part) for part in (*key, *(_column(table, name) for name in shown_columns))]
    if not count or not values:
        return Answer(count)
    rows = read(connection, f"SELECT {', '.join(values)} {source}")
    return Answer(count, tuple(labelled(row[: len(key)], row[len(key) :]) for row in rows))


def _duplicates(connection: sqlite3.Connection, table: RowTable, question: DuplicatesOf) -> Answer:
    collations, known = question.collations or ("",) * len(question.columns), {fold(name) for name in table.columns}
    # What is no column is an expression of an index.
    values = [_column(table, one) if fold(one) in known else f"({one}\n)" for one in question.columns]
    terms = [
        value + (f" COLLATE {quote(collation)}" if collation else "")
        for value, collation in zip(values, collations, strict=True)
    ]
    filled = [f"{value} IS NOT NULL" for value in values]
    where = " AND ".join([*filled, *([f"({question.where}\n)"] if question.where else [])])
    groups = f"FROM main.{quote(table.name)} WHERE {where} GROUP BY {', '.join(terms)} HAVING count(*) > 1"
    count = _number(connection, f"SELECT count(*) FROM (SELECT 1 {groups})")
    if not count:
        return Answer(0)
    parts = ", ".join(map(excerpt, values))
    rows = read(connection, f"SELECT count(*), {parts} {groups}")
    return Answer(count, tuple(f"{', '.join(map(shown, found))} in {number} rows" for number, *found in rows))


def _orphans(connection: sqlite3.Connection, table: RowTable, question: Orphans) -> Answer:
    children = [f"c.{quote(column)}" for column in question.columns]
    source = f"FROM main.{quote(table.name)} AS c"
    where = " AND ".join(f"{column} IS NOT NULL" for column in children)
    if row_table(connection, question.parent):
        parents = [f"p.{quote(column)}" for column in question.parent_columns]
        # As foreign keys do: by the parent's collation (it stands on the left) and its affinity (the child's is taken
        # away by the plus).
        pairs = " AND ".join(f"{parent} = +{child}" for parent, child in zip(parents, children, strict=True))
        source += f" LEFT JOIN main.{quote(question.parent)} AS p ON {pairs}"
        where += f" AND {parents[0]} IS NULL"
    count = _number(connection, f"SELECT count(*) {source} WHERE {where}")
    if not count:
        return Answer(0)
    key = own_key(table, "c")
    parts = ", ".join(excerpt(part) for part in (*key, *children))
    rows = read(connection, f"SELECT {parts} {source} WHERE {where}")
    return Answer(count, tuple(labelled(row[: len(key)], row[len(key) :]) for row in rows))


def _changing(connection: sqlite3.Connection, table: RowTable, question: Changing) -> Answer:
    key = _key(table)
    value = _column(table, question.column)
    with _scratch(connection, len(key), question):
        values = ", ".join([*key, value, value])
        connection.execute(f"INSERT INTO temp.{_SCRATCH} SELECT {values} FROM main.{quote(table.name)}")
        count = _number(connection, f"SELECT count(*) FROM temp.{_SCRATCH}")
        parts = ", ".join(excerpt(name) for name in (*_key_names(len(key)), "before", "after"))
        rows = read(connection, f"SELECT {parts} FROM temp.{_SCRATCH}")
    zeros = _negative_zeros(connection, table, question) if affinity_of(question.declared) == "REAL" else []
    rows += zeros
    told = tuple(labelled(row[:-2], row[-2:-1]) + _becomes(*row[-2:]) for row in rows[:MOST])
    return Answer(count + len(zeros), told)


def _becomes(before: object, after: object) -> str:
    """What a value would be stored as; empty for one that a STRICT table does not take at all."""
    return f" would be {shown(after)}" if shown(before) != shown(after) else ""


def _negative_zeros(connection: sqlite3.Connection, table: RowTable, question: Changing) -> list[tuple[object, ...]]:
    """The rows with -0.0, which a REAL column stores as an integer, and so as 0.0.

    Why read here: SQLite compares and shows -0.0 as 0.0.
    """
    value = _column(table, question.column)
    source = f"FROM {table.source} WHERE typeof({value}) = 'real' AND {value} = 0"
    rows = connection.execute(f"SELECT {', '.join([*_key(table), value])} {source}")
    return [(*row, 0.0) for row in rows if math.copysign(1, row[-1]) < 0]


@contextmanager
def _scratch(connection: sqlite3.Connection, key_width: int, question: Changing) -> Iterator[None]:
    """Create a temporary table that converts values as the declared type does, and keeps only those that change.

    It keeps those that the type does not take, where the table is STRICT.
    """
    declared = question.declared
    # In quotes the type is one word to the parser, and affinity goes by the letters in it all the same.
    columns = [*_key_names(key_width), "before", f"after {quote(declared)}" if declared else "after"]
    same = "typeof(NEW.before) = typeof(NEW.after) AND +NEW.before IS +NEW.after COLLATE BINARY"
    if question.strict and declared.upper() in _STRICT:
        same += f" AND typeof(NEW.after) IN ('null', '{_STRICT[declared.upper()]}')"
    connection.execute(f"CREATE TEMP TABLE {_SCRATCH} ({', '.join(columns)})")
    try:
        # The row goes again as soon as it is stored, so the table does not grow with the one asked about.
        connection.execute(
            f"CREATE TEMP TRIGGER {_SCRATCH}_kept AFTER INSERT ON {_SCRATCH} WHEN {same} "
            f"BEGIN DELETE FROM {_SCRATCH} WHERE rowid = NEW.rowid; END"
        )
        yield
    finally:
        connection.execute(f"DROP TABLE IF EXISTS temp.{_SCRATCH}")


def _key_names(width: int) -> list[str]:
    return [f"key_{place}" for place in range(width)]
