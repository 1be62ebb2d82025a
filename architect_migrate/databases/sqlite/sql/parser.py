"""Reads CREATE TABLE and CREATE INDEX by SQLite's own grammar into the values of `sqlite_nodes`.

A descent over the tokens, without recursion: nested parentheses are skipped in a loop, no text is too deep.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NoReturn

from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.sqlite.sql.constraints import column_constraints, table_constraints
from architect_migrate.databases.sqlite.sql.cursor import Cursor
from architect_migrate.databases.sqlite.sql.lexer import canonical
from architect_migrate.databases.sqlite.sql.nodes import (
    Check,
    Collate,
    Constraint,
    Default,
    ForeignKey,
    Generated,
    IndexedColumn,
    NotNull,
    ParsedColumn,
    ParsedIndex,
    ParsedTable,
    PrimaryKey,
    Span,
    Unique,
)

__all__ = [
    "Check",
    "Collate",
    "Constraint",
    "Default",
    "ForeignKey",
    "Generated",
    "IndexedColumn",
    "NotNull",
    "ParsedColumn",
    "ParsedIndex",
    "ParsedTable",
    "PrimaryKey",
    "Span",
    "Unique",
    "parse_index",
    "parse_table",
]

_TABLE_CONSTRAINT = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")
# The words that end a type name: SQLite takes none of them for a name, so a type cannot contain them.
_AFTER_TYPE = frozenset(
    (
        "CONSTRAINT",
        "PRIMARY",
        "NOT",
        "NULL",
        "UNIQUE",
        "CHECK",
        "DEFAULT",
        "COLLATE",
        "REFERENCES",
        "AS",
        "DEFERRABLE",
    )
)


@lru_cache(maxsize=4096)
def parse_table(sql: str) -> ParsedTable:
    """The table that a CREATE TABLE statement declares; raises `UnreadableSqlError`."""
    cursor = Cursor(sql)
    cursor.expect("CREATE")
    _ = cursor.take("TEMP") or cursor.take("TEMPORARY")
    if cursor.at("VIRTUAL"):
        _refuse(cursor, "a table, not a virtual table")
    cursor.expect("TABLE")
    name, name_span = _created_name(cursor)
    if cursor.at("AS"):
        _refuse(cursor, "a list of columns (SQLite stores it expanded)")
    opening = cursor.here
    cursor.expect("(")
    columns = [_column(cursor)]
    while cursor.take(",") and not cursor.at(*_TABLE_CONSTRAINT):
        columns.append(_column(cursor))
    constraints = table_constraints(cursor)
    body = (opening, cursor.here + 1)
    cursor.expect(")")
    options = _options(cursor)
    return ParsedTable(
        name,
        tuple(columns),
        constraints,
        "ROWID" in options,
        "STRICT" in options,
        name_span=name_span,
        body=body,
    )


@lru_cache(maxsize=4096)
def parse_index(sql: str) -> ParsedIndex:
    """The index that a CREATE INDEX statement declares; raises `UnreadableSqlError`."""
    cursor = Cursor(sql)
    cursor.expect("CREATE")
    unique = cursor.take("UNIQUE")
    cursor.expect("INDEX")
    name, _ = _created_name(cursor)
    cursor.expect("ON")
    table = cursor.name()
    columns = cursor.indexed_columns(canonical)
    where = None
    if cursor.take("WHERE"):
        start = cursor.here
        cursor.skip_to_end()
        where = canonical(sql[start : cursor.last_end])
    cursor.finish()
    return ParsedIndex(name, table, unique, columns, where)


def _refuse(cursor: Cursor, expected: str) -> NoReturn:
    raise UnreadableSqlError(cursor.sql, cursor.here, expected)


def _created_name(cursor: Cursor) -> tuple[str, tuple[int, int]]:
    if cursor.at("IF"):
        cursor.expect("IF", "NOT", "EXISTS")
    name = cursor.name()
    if cursor.take("."):
        name = cursor.name()
    return name, cursor.last_span


def _options(cursor: Cursor) -> set[str]:
    options: set[str] = set()
    while not cursor.ended:
        if cursor.take("STRICT"):
            options.add("STRICT")
        else:
            cursor.expect("WITHOUT", "ROWID")
            options.add("ROWID")
        if not cursor.take(","):
            break
    cursor.finish()
    return options


def _column(cursor: Cursor) -> ParsedColumn:
    start = cursor.here
    name = cursor.name()
    name_span = cursor.last_span
    type_span = _type(cursor)
    constraints = column_constraints(cursor, name)
    written = cursor.sql[slice(*type_span)]
    return ParsedColumn(
        name, written, constraints, span=(start, cursor.last_end), name_span=name_span, type_span=type_span
    )


def _type(cursor: Cursor) -> tuple[int, int]:
    """The span of a type name: words, perhaps parentheses; empty, just after the name, without one."""
    end = cursor.last_end
    start = cursor.here
    while cursor.at_name() and not cursor.at(*_AFTER_TYPE):
        if cursor.at("GENERATED") and cursor.follows("ALWAYS", "AS"):
            break
        cursor.name()
        end = cursor.last_end
    if end > start and cursor.at("("):
        cursor.parenthesised()
        end = cursor.last_end
    return (start, end) if end > start else (end, end)
