"""Executes the repair steps of a plan on a SQLite database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.repair.rebuild import rebuild_table
from architect_migrate.databases.sqlite.repair.rename import rename_quietly
from architect_migrate.databases.sqlite.sql.render import statement
from architect_migrate.planning.plan import AlterObject, RebuildTable, References, RenameTable

if TYPE_CHECKING:
    import sqlite3

    from architect_migrate.databases.sqlite.repair.rebuild_rows import RowProgress
    from architect_migrate.planning.plan import RepairStep


def perform(connection: sqlite3.Connection, step: RepairStep, progress: RowProgress) -> None:
    """Execute a repair step; `progress` is called with the phase of a rebuild, and how many rows of how many."""
    match step:
        case RebuildTable():
            rebuild_table(connection, step.table, step.edits, dict(step.fill), progress)
        case AlterObject():
            for text in step.statements:
                connection.execute(text)
        case RenameTable() if step.references != References.FOLLOW:
            rename_quietly(connection, step.table, step.new)
        case _:
            connection.execute(statement(step))


def statements_of(step: RepairStep) -> tuple[str, ...]:
    """Return the statements of a repair step, as a plan shows them."""
    return step.statements if isinstance(step, AlterObject) else (statement(step),)
