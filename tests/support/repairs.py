"""What repair plans for a database made of SQL, whose chain is SQL too; and the plan carried out on it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.repair.objects import RepairContext, object_work
from architect_migrate.databases.sqlite.repair.rebuild import rebuild_table
from architect_migrate.databases.sqlite.repair.table import table_work
from architect_migrate.databases.sqlite.rows.questions import ask
from architect_migrate.databases.sqlite.sql.render import statement
from architect_migrate.model.diff import Change, Reordered, diff, explain, needs_repair
from architect_migrate.model.environment import Fill, Origin, Repair
from architect_migrate.model.facts import IndexFact, TriggerFact, ViewFact
from architect_migrate.planning.plan import RebuildTable, headline
from support.schemas import schema_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from architect_migrate.model.environment import Resolution
    from architect_migrate.planning.plan import Step, Work

ORIGIN = Origin(Path("environments.toml"), 1)


def fill(
    table: str, column: str, copy_from: str | None = None, default: str | None = None, *, null: bool = False
) -> Fill:
    return Fill(table, column, copy_from, default, null, ORIGIN).folded(fold)


@dataclass(frozen=True)
class Planned:
    """Steps and blockers in words; what is left to repair after the steps; the rows of table t after them."""

    steps: tuple[str, ...]
    blockers: tuple[tuple[str, str, str], ...]
    left: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def table_repair(
    chain: str,
    database: str,
    *resolutions: Resolution,
    repair: Repair = Repair.FULL,
    changes: tuple[Change, ...] = (),
) -> Planned:
    """The work on table t for these changes, else for every change of it that needs repair, carried out."""
    return _planned(chain, database, resolutions, repair, lambda ground, found: _of_table(ground, changes or found))


def object_repair(chain: str, database: str, *resolutions: Resolution) -> Planned:
    """The work on indexes, triggers and views, carried out."""
    return _planned(chain, database, resolutions, Repair.FULL, _of_objects)


def ground_of(
    chain: str, connection: sqlite3.Connection, resolutions: tuple[Resolution, ...] = (), repair: Repair = Repair.FULL
) -> RepairContext:
    return RepairContext(
        {table.name: table for table in schema_of(chain).tables},
        {table.name: table for table in read_schema(connection).tables},
        resolutions,
        repair,
        lambda question: ask(connection, question),
    )


def _planned(
    chain: str,
    database: str,
    resolutions: tuple[Resolution, ...],
    repair: Repair,
    work: Callable[[RepairContext, tuple[Change, ...]], Iterable[Work]],
) -> Planned:
    expected = schema_of(chain)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(database)
        ground = ground_of(chain, connection, resolutions, repair)
        parts = tuple(work(ground, diff(expected, read_schema(connection))))
        steps = tuple(step for part in parts for step in part.steps)
        connection.execute("BEGIN")
        for step in steps:
            _execute(connection, step)
        left = tuple(explain(one) for one in diff(expected, read_schema(connection)) if needs_repair(one))
        there = any(table.name == "t" for table in read_schema(connection).tables)
        rows = tuple(connection.execute("SELECT * FROM t")) if there else ()
    blockers = tuple(
        (blocker.code, blocker.subject, f"{blocker.found} [{blocker.entry or blocker.advice}]")
        for part in parts
        for blocker in part.blockers
    )
    return Planned(tuple(_words(each) for each in steps), blockers, left, rows)


def _execute(connection: sqlite3.Connection, step: Step) -> None:
    if isinstance(step, RebuildTable):
        rebuild_table(connection, step.table, step.edits, dict(step.fill))
    else:
        connection.execute(statement(step))


def _words(step: Step) -> str:
    """A step's headline, with what it writes into columns and the revision that it is for."""
    written = "".join(f", {column} = {value}" for column, value in step.fill) if isinstance(step, RebuildTable) else ""
    owner = getattr(step, "revision", "")
    return headline(step) + written + (f" for {owner}" if owner else "")


def _beside(change: Change) -> bool:
    return not isinstance(change, Reordered) and isinstance(change.fact, IndexFact | TriggerFact | ViewFact)


def _of_table(ground: RepairContext, changes: tuple[Change, ...]) -> Iterator[Work]:
    yield table_work(
        ground, "t", tuple(change for change in changes if needs_repair(change) and not _beside(change)), "r1"
    )


def _of_objects(ground: RepairContext, changes: tuple[Change, ...]) -> Iterator[Work]:
    yield from (object_work(ground, change, "r1") for change in changes if _beside(change) and needs_repair(change))
