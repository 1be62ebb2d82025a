"""Plans the repairs of one SQLite database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.repair.from_chain import from_chain
from architect_migrate.databases.sqlite.repair.objects import RepairContext, dropped, object_work
from architect_migrate.databases.sqlite.repair.table import table_work
from architect_migrate.databases.sqlite.rows.questions import ask
from architect_migrate.planning.planner import RepairPlanner

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from architect_migrate.model.environment import Repair, Resolution
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.row_questions import Question


def repair_planner(
    connection: sqlite3.Connection,
    history: History,
    schemas: tuple[Schema, Schema],
    decided: tuple[tuple[Resolution, ...], Repair],
    as_it_is_now: Callable[[Question], Question],
) -> RepairPlanner:
    """Return what plans the repair from one schema to another: as the database has it, and as the chain makes it.

    `decided` are the resolutions and the policy. Rows are asked through the connection, with each question turned into
    one about the schema that the database still has.
    """
    actual, expected = ({table.name: table for table in schema.tables} for schema in schemas)
    repair_context = RepairContext(
        expected, actual, *decided, lambda question: ask(connection, as_it_is_now(question)), from_chain(history)
    )
    return RepairPlanner(partial(table_work, repair_context), partial(object_work, repair_context), dropped)
