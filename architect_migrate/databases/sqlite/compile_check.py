"""Whether views and triggers work: SQLite takes them whatever they mention, and tells only who uses them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from architect_migrate.core.names import quote

if TYPE_CHECKING:
    from architect_migrate.model.schema import Schema


def compile_view(connection: sqlite3.Connection, name: str) -> None:
    """Compile what reads a view. Raises sqlite3.Error where it does not work."""
    connection.execute(f"EXPLAIN SELECT * FROM main.{quote(name)}")


def compile_triggers(connection: sqlite3.Connection, table: str) -> None:
    """Compile what sets off the triggers of a table (those of views are left alone). Raises sqlite3.Error."""
    if not _is_table(connection, table):
        return
    name = quote(table)
    columns = connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
    same = ", ".join(f"{quote(column)} = {quote(column)}" for (column,) in columns)
    connection.execute(f"EXPLAIN INSERT INTO main.{name} DEFAULT VALUES")
    connection.execute(f"EXPLAIN UPDATE main.{name} SET {same}")
    connection.execute(f"EXPLAIN DELETE FROM main.{name}")


def not_working(connection: sqlite3.Connection, schema: Schema) -> tuple[tuple[str, str, str], ...]:
    """(kind, name, SQLite's words) of views and triggers that do not work; of a table's triggers the first is named."""
    found = []
    for view in schema.views:
        try:
            compile_view(connection, view.spelling)
        except sqlite3.Error as error:
            found.append(("view", view.name, str(error)))
    for trigger in {it.table: it for it in reversed(schema.triggers)}.values():
        try:
            compile_triggers(connection, trigger.table)
        except sqlite3.Error as error:
            found.append(("trigger", trigger.name, str(error)))
    return tuple(found)


def _is_table(connection: sqlite3.Connection, name: str) -> bool:
    sql = "SELECT type FROM main.sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')"
    return bool(connection.execute(sql, (name,)).fetchone() == ("table",))
