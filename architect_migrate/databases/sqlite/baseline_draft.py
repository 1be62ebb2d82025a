"""The draft of a baseline: the objects of a database, without those and the columns that a chain makes by itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.definitions import definitions_of
from architect_migrate.databases.sqlite.sql.edit import edit_table
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.databases.sqlite.sql.nodes import Check, ForeignKey, Unique
from architect_migrate.databases.sqlite.sql.parser import parse_table
from architect_migrate.databases.values import StoredObject
from architect_migrate.planning.table_edits import DropCheck, DropForeignKey, DropUnique

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.sqlite.sql.nodes import Constraint, ParsedTable

Objects = tuple[StoredObject, ...]


def objects_in(connection: sqlite3.Connection, hidden: Iterable[str]) -> Objects:
    """Return the objects of a database as stored, without those of `hidden` tables and what SQLite makes by itself."""
    left_out = {fold(name) for name in hidden}
    stored = {sql: (name, table) for name, table, sql in connection.execute(_STORED)}
    found = (StoredObject(kind, *stored[sql], sql) for kind, sql in definitions_of(connection))
    return tuple(each for each in found if fold(each.table) not in left_out)


_STORED = "SELECT name, tbl_name, sql FROM main.sqlite_master"


def columns_of(table: StoredObject) -> frozenset[str]:
    """Return the folded names of a table's columns; none for a virtual table, whose columns its module makes."""
    parsed = _parsed(table)
    return frozenset(fold(column.name) for column in parsed.columns) if parsed else frozenset()


def parents_of(table: StoredObject) -> frozenset[str]:
    """Return the folded names of the tables to which a table has foreign keys."""
    parsed = _parsed(table)
    return frozenset(fold(key.table) for key in parsed.all(ForeignKey)) if parsed else frozenset()


def _parsed(table: StoredObject) -> ParsedTable | None:
    is_ordinary = table.kind == "table" and not table.sql.upper().startswith("CREATE VIRTUAL")
    return parse_table(table.sql) if is_ordinary else None


def without_column(objects: Objects, table: str, column: str) -> Objects:
    """Return the objects without a column, and without the constraints, indexes and triggers that use it.

    Raises sqlite3.Error if the table cannot be without it.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        own = [each for each in objects if fold(each.table) == fold(table)]
        (made,) = (each for each in own if each.kind == "table")
        parsed = parse_table(made.sql)
        edits = [edit for each in parsed.every_constraint if (edit := _drop(each, column))]
        connection.execute(edit_table(made.sql, dict.fromkeys(edits)))
        for each in (other for other in own if other.kind == "index"):
            connection.execute(each.sql)
            if fold(column) in _indexed(connection, each.name):
                connection.execute(f"DROP INDEX {quote(each.name)}")
        connection.execute(f"ALTER TABLE {quote(made.name)} DROP COLUMN {quote(column)}")
        kept = {each.name: each for each in objects_in(connection, ())}
    triggers = (each for each in own if each.kind == "trigger" and fold(column) not in map(fold, _words(each.sql)))
    return (*kept.values(), *triggers, *(each for each in objects if each not in own))


def _indexed(connection: sqlite3.Connection, index: str) -> set[str]:
    return {fold(row[2]) for row in connection.execute(f"PRAGMA index_info({quote(index)})") if row[2]}


def _drop(constraint: Constraint, column: str) -> DropCheck | DropForeignKey | DropUnique | None:
    """Return the edit that takes a constraint out, if it is one of a column among others."""
    match constraint:
        case Unique(columns=columns) if fold(column) in {fold(each.name) for each in columns}:
            return DropUnique(tuple(each.name for each in columns))
        case ForeignKey(columns=columns) if fold(column) in {fold(each.name) for each in columns}:
            return DropForeignKey(tuple(each.name for each in columns), constraint.table)
        case Check() if fold(column) in {fold(word) for word in _words(constraint.expression)}:
            return DropCheck(constraint.expression)
        case _:
            return None


def _words(expression: str) -> Iterator[str]:
    return (unquote(token.text) for token in significant(expression))


def script_of(objects: Objects) -> str:
    """Return the script that makes these objects, tables first."""
    order = ("table", "index", "view", "trigger")
    return "".join(f"{each.sql};\n" for each in sorted(objects, key=lambda each: order.index(each.kind)))
