"""Checks whether views and triggers work.

Why: SQLite accepts a view or trigger whatever it mentions, and reports an error only to the statement that uses it.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.sqlite.connection import in_memory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.schema import Schema


def compile_view(connection: sqlite3.Connection, name: str) -> None:
    """Compile a query of a view. Raises sqlite3.Error if the view does not work."""
    connection.execute(f"EXPLAIN SELECT * FROM main.{quote(name)}")


def compile_triggers(connection: sqlite3.Connection, table: str) -> None:
    """Compile statements that fire a table's triggers; triggers on views are skipped. Raises sqlite3.Error."""
    if not _is_table(connection, table):
        return
    name = quote(table)
    columns = connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
    same = ", ".join(f"{quote(column)} = {quote(column)}" for (column,) in columns)
    # Why EXPLAIN: SQLite compiles the statement, with the triggers that it would fire, and does not run it.
    connection.execute(f"EXPLAIN INSERT INTO main.{name} DEFAULT VALUES")
    connection.execute(f"EXPLAIN UPDATE main.{name} SET {same}")
    connection.execute(f"EXPLAIN DELETE FROM main.{name}")


def not_working(connection: sqlite3.Connection, schema: Schema) -> tuple[tuple[str, str, str], ...]:
    """(kind, name, SQLite's message) of views and triggers that do not work; the first trigger stands for its table."""
    failures = []
    for view in schema.views:
        try:
            compile_view(connection, view.spelling)
        except sqlite3.Error as error:
            failures.append(("view", view.name, str(error)))
    for trigger in {each.table: each for each in reversed(schema.triggers)}.values():
        try:
            compile_triggers(connection, trigger.table)
        except sqlite3.Error as error:
            failures.append(("trigger", trigger.name, str(error)))
    return tuple(failures)


def mismatched_keys(connection: sqlite3.Connection, before: Schema, after: Schema) -> tuple[tuple[str, str], ...]:
    """(table, SQLite's message) of new or changed tables whose foreign keys SQLite cannot check."""
    known, mismatches = set(before.tables), []
    for table in after.tables:
        if table in known or not table.foreign_keys:
            continue
        try:
            connection.execute(f"PRAGMA main.foreign_key_check({quote(table.name)})").fetchall()
        except sqlite3.Error as error:
            mismatches.append((table.name, str(error)))
    return tuple(mismatches)


def rename_refusals(*batches: Iterable[str]) -> tuple[str, ...]:
    """Why SQLite refuses to rename a table after each batch of statements on an empty database; empty if it does not.

    Why a rename: SQLite then reads every view and trigger of the schema, and its error names the first that fails.
    """
    with in_memory() as connection:
        return tuple(_refusal_after(connection, batch) for batch in batches)


def _refusal_after(connection: sqlite3.Connection, statements: Iterable[str]) -> str:
    for text in statements:
        connection.execute(text)
    connection.execute("CREATE TABLE archmig_probe (x)")
    try:
        connection.execute("ALTER TABLE archmig_probe RENAME TO archmig_probed")
    except sqlite3.OperationalError as error:
        connection.execute("DROP TABLE archmig_probe")
        return str(error)
    connection.execute("DROP TABLE archmig_probed")
    return ""


def _is_table(connection: sqlite3.Connection, name: str) -> bool:
    sql = "SELECT type FROM main.sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')"
    return bool(connection.execute(sql, (name,)).fetchone() == ("table",))
