"""The definitions of a database without its rows, and a copy of them in memory."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.databases.sqlite.connection import HeldConnection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What a virtual table keeps its rows in comes with the virtual table.
# Why no join: SQLite would list all tables again for each object.
_STORED = """SELECT type, sql FROM main.sqlite_master
             WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND (type <> 'table' OR name NOT IN (
                 SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'))
             ORDER BY rowid"""
# In the order in which they need each other.
_KINDS = ("table", "index", "view", "trigger")


def definitions_of(connection: sqlite3.Connection) -> tuple[tuple[str, str], ...]:
    """Return every object of a database as (kind, CREATE statement), in the order of creation."""
    return tuple((str(kind), str(sql)) for kind, sql in connection.execute(_STORED))


def copy_definitions(connection: sqlite3.Connection, definitions: Iterable[tuple[str, str]]) -> None:
    """Create objects on an empty database. Raises sqlite3.Error, for example if an application's module is missing."""
    for _, sql in sorted(definitions, key=lambda definition: _KINDS.index(definition[0])):
        connection.execute(sql)


def make_copy(connection: sqlite3.Connection, definitions: Iterable[tuple[str, str]]) -> None:
    """Create objects on an empty database, as `copy_definitions` does. Raises DatabaseError."""
    try:
        copy_definitions(connection, definitions)
    except sqlite3.Error as error:
        raise DatabaseError("a copy of the definitions", str(error), "nothing was changed") from error


@contextmanager
def held_in_memory() -> Iterator[HeldConnection]:
    """Open an empty database in memory, in a transaction like `connection.transaction`."""
    connection = sqlite3.connect(":memory:", isolation_level=None, factory=HeldConnection, cached_statements=0)
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA legacy_alter_table = OFF")
        connection.execute("BEGIN IMMEDIATE")
        yield connection
    finally:
        sqlite3.Connection.set_authorizer(connection, None)
        sqlite3.Connection.close(connection)
