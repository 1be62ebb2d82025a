"""Rows of constants that revisions insert: read from the statements, and looked for in a database."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, literal, quote
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.model.history import SeedRow, is_of_constants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.sqlite.sql.lexer import Token
    from architect_migrate.model.history import ReplayedStatement
    from architect_migrate.model.schema import Schema, Table

# What may stand after the rows of an INSERT.
_ENDING = frozenset({"on", "returning"})


def seed_rows(connection: sqlite3.Connection, schema: Schema, statement: ReplayedStatement) -> Iterator[SeedRow]:
    """The rows of an INSERT of constants that are there now; none for a statement that reads a table.

    `connection` is the scratch database on which the statement ran, `schema` what it has now.
    """
    if not is_of_constants(statement):
        return
    table = next((one for one in schema.tables if one.name in statement.writes), None)
    if table is None or not (read := _constants(connection, statement.text, table)):
        return
    columns, rows = read
    for row in rows:
        seed = _named(table, dict(zip(columns, row, strict=True)))
        if is_there(connection, seed):
            yield seed


def is_there(connection: sqlite3.Connection, seed: SeedRow) -> bool:
    """Whether a database has the row; False also where the table or one of the columns is not there."""
    source = having(seed.table, zip(seed.columns, seed.values, strict=True))
    try:
        found = connection.execute(f"SELECT 1 {source} LIMIT 1")
        return found.fetchone() is not None
    except sqlite3.OperationalError:
        return False


def having(table: str, values: Iterable[tuple[str, str]]) -> str:
    """SQL for the rows of a table whose columns have the values of literals, compared as SQLite stores them.

    Why a column is qualified: SQLite takes a lone name in double quotes that means no column for a string.
    """
    where = " AND ".join(f"{quote(table)}.{quote(column)} IS {value}" for column, value in values)
    return f"FROM main.{quote(table)} WHERE {where}"


def _constants(
    connection: sqlite3.Connection, sql: str, table: Table
) -> tuple[tuple[str, ...], list[tuple[str, ...]]] | None:
    """The columns and the rows of an INSERT, as SQL literals; None where it is not written with plain rows.

    SQLite itself says what the rows are: the part of the text from VALUES or SELECT on is run by itself.
    """
    tokens = significant(sql)
    words = [fold(token.text) for token in tokens]
    start = _outside(words, {"values", "select"}, 0)
    if start is None or "into" not in words[:start]:
        return None
    end = _outside(words, _ENDING, start)
    columns = _columns(tokens, words, start) or tuple(column.name for column in table.columns)
    text = sql[tokens[start].start : tokens[end].start if end else len(sql)].rstrip().rstrip(";")
    try:
        cursor = connection.execute(f"SELECT * FROM ({text}\n)")
        rows = [tuple(map(_literal, row)) for row in cursor.fetchall()]
    except sqlite3.Error:
        return None
    return (columns, rows) if all(len(row) == len(columns) for row in rows) else None


def _columns(tokens: list[Token], words: list[str], end: int) -> tuple[str, ...]:
    """The columns that an INSERT names before `end`; none where it names none."""
    if words[end - 1] != ")":
        return ()
    names = tokens[words.index("(") + 1 : end - 1]
    return tuple(fold(unquote(token.text)) for token in names if token.text != ",")


def _outside(words: list[str], wanted: set[str] | frozenset[str], start: int) -> int | None:
    """Where the first of some words stands outside of all parentheses."""
    depth = 0
    for at in range(start, len(words)):
        depth += (words[at] == "(") - (words[at] == ")")
        if depth == 0 and words[at] in wanted:
            return at
    return None


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bytes():
            return f"x'{value.hex()}'"
        case str():
            return literal(value)
        case _:
            return repr(value)


def _named(table: Table, row: dict[str, str]) -> SeedRow:
    """A row by a key of its table that it gives a value to; by all its values where it gives none."""
    keys = [table.primary_key, *sorted(table.uniques)]
    given = (key for key in keys if key and all(row.get(column, "NULL") != "NULL" for column in key))
    columns = next(given, tuple(row))
    return SeedRow(table.name, tuple(columns), tuple(row[column] for column in columns))
