"""Reads the names of all objects in a database."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.names import fold
from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.sqlite.sql.parser import parse_table
from architect_migrate.model.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterator

NONE = Names()
_OBJECTS = "SELECT type, name FROM main.sqlite_master"
_COLUMNS = """SELECT m.name, x.name FROM main.sqlite_master m, pragma_table_xinfo(m.name) x
              WHERE m.type = 'table'"""
_TABLES = "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND sql LIKE '%constraint%'"


def names_in(connection: sqlite3.Connection) -> Names:
    """Return the names of all objects in the main database. Raises DatabaseError if SQLite cannot list all columns."""
    objects: dict[str, set[str]] = {}
    for kind, name in connection.execute(_OBJECTS):
        objects.setdefault(str(kind), set()).add(fold(str(name)))
    tables, indexes, triggers, views = (
        frozenset(objects.get(kind, set())) for kind in ("table", "index", "trigger", "view")
    )
    try:
        columns = frozenset((fold(str(table)), fold(str(column))) for table, column in connection.execute(_COLUMNS))
    except sqlite3.OperationalError as error:  # of a virtual table whose module is the application's
        raise DatabaseError("a virtual table", str(error), "its columns are not known") from error
    return Names(tables, columns, indexes, triggers, views, frozenset(_constraints(connection)))


def _constraints(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for table, sql in connection.execute(_TABLES):
        try:
            found = parse_table(str(sql)).every_constraint
        except UnreadableSqlError:
            continue
        yield from ((fold(str(table)), fold(each.name)) for each in found if each.name)
