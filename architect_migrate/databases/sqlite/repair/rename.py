"""Renames tables: for real, and on a copy of the definitions in memory to learn the schema afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.definitions import copy_definitions, definitions_of
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.sql.render import statement
from architect_migrate.planning.plan import References, RenameTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.plan import Step


def rename_quietly(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Rename a table without rewriting references to it: they are to mean the table that gets the name afterwards."""
    with _quiet(connection):
        connection.execute(f"ALTER TABLE main.{quote(old)} RENAME TO {quote(new)}")


@contextmanager
def _quiet(connection: sqlite3.Connection) -> Iterator[None]:
    """Rename by SQLite's legacy rules while the block runs.

    Why legacy_alter_table: otherwise ALTER TABLE rewrites every reference to the table, and fails where a view is
    broken at that moment. The PRAGMA also works inside a transaction.
    """
    # Why legacy: otherwise SQLite rewrites what refers to the table, and refuses where a view is broken meanwhile.
    (before,) = connection.execute("PRAGMA legacy_alter_table").fetchone()
    connection.execute("PRAGMA legacy_alter_table = ON")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA legacy_alter_table = {before}")


def schema_after(connection: sqlite3.Connection, steps: Iterable[Step], hidden: Iterable[str]) -> Schema | None:
    """The schema of a database after some repair steps, tried on a copy of its definitions in memory.

    None where SQLite does not accept the definitions or the statements there, for example because a virtual table's
    module is not loaded.
    """
    definitions = definitions_of(connection)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        try:
            copy_definitions(copy, definitions)
            for step in steps:
                _execute(copy, step)
        except sqlite3.Error:
            return None
        return read_schema(copy, [fold(name) for name in hidden])


def _execute(connection: sqlite3.Connection, step: Step) -> None:
    if isinstance(step, RenameTable) and step.references == References.FOLLOW:
        connection.execute(statement(step))
        return
    with _quiet(connection):
        connection.execute(statement(step))
