"""Plans the repairs of one PostgreSQL database, each after what it needs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.pinned import query, taken_back
from architect_migrate.databases.postgresql.questions import ask
from architect_migrate.databases.postgresql.repair.context import RepairContext
from architect_migrate.databases.postgresql.repair.from_chain import from_chain
from architect_migrate.databases.postgresql.repair.gone import dropped
from architect_migrate.databases.postgresql.repair.objects import object_work
from architect_migrate.databases.postgresql.repair.table import table_work
from architect_migrate.databases.postgresql.repair.world import World, is_of_table, its_table
from architect_migrate.planning.planner import RepairPlanner

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.databases.postgresql.pinned import Connection
    from architect_migrate.model.diff import Change
    from architect_migrate.model.environment import Repair, Resolution
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.plan import Work
    from architect_migrate.planning.row_questions import Answer, Question


def repair_planner(
    connection: Connection,
    history: History,
    schemas: tuple[Schema, Schema],
    decided: tuple[tuple[Resolution, ...], Repair],
    as_it_is_now: Callable[[Question], Question],
) -> RepairPlanner:
    """Return what plans the repair from one schema to another: as the database has it, and as the chain makes it.

    `decided` are the resolutions and the policy. What is asked is asked of the database as it is now.
    """
    actual, expected = ({table.name: table for table in schema.tables} for schema in schemas)
    context = RepairContext(
        connection,
        actual,
        expected,
        schemas,
        *decided,
        lambda question: _asked(connection, as_it_is_now(question)),
        from_chain(history),
    )
    world = World(context, history)
    world.settle = partial(_settled, world)
    return RepairPlanner(partial(table_work, world), partial(object_work, world), partial(dropped, world), world.expect)


def _asked(connection: Connection, question: Question) -> Answer:
    """The answer to a question about all rows. Raises as `ask`, also where policies hide some from the role."""
    with taken_back(connection):
        query(connection, "SET LOCAL row_security = off")
        return ask(connection, question)


def _settled(world: World, change: Change, revision: str) -> Work:
    """The work for a change that another one needs: for a table all of its changes."""
    if is_of_table(change):
        return table_work(world, its_table(change), world.of_table(its_table(change)), revision)
    return object_work(world, change, revision)
