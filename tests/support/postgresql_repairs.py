"""Repairs of a PostgreSQL database that SQL makes, whose chain is SQL too: planned, carried out, looked at again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.reflect import read_schema
from architect_migrate.databases.registry import repairer
from architect_migrate.model.diff import Extra, Reordered, change_key, diff, explain, needs_repair
from architect_migrate.model.environment import Repair
from architect_migrate.model.facts import IndexFact, ObjectFact, TriggerFact, ViewFact
from architect_migrate.model.history import History
from architect_migrate.model.revision_graph import RevisionGraph
from architect_migrate.planning.plan import AlterObject, headline

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.model.diff import Change
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.plan import Step
    from architect_migrate.planning.planner import RepairPlanner

    Connection = psycopg.Connection[Any]
    Rows = dict[str, list[dict[str, str | None]]]


@dataclass(frozen=True)
class Repaired:
    """The steps of a repair and its blockers; what is left to repair after the steps, and rows before and after.

    `generated` are the columns that the chain generates, with their tables.
    """

    steps: tuple[Step, ...]
    blockers: tuple[Finding, ...]
    left: tuple[str, ...]
    before: Rows
    after: Rows
    generated: frozenset[tuple[str, str]] = frozenset()

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(headline(step) for step in self.steps)

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(text for step in self.steps if isinstance(step, AlterObject) for text in step.statements)


def schema_made_by(connection: Connection, script: str) -> Schema:
    """The schema that a script makes, which is undone again."""
    connection.execute("SAVEPOINT made")
    connection.execute(script)
    schema = read_schema(connection)
    connection.execute("ROLLBACK TO made")
    return schema


def repaired(
    connection: Connection,
    chain: str,
    database: str,
    *resolutions: Resolution,
    repair: Repair = Repair.FULL,
    drop: Iterable[str] = (),
) -> Repaired:
    """Plan what makes of a database what the chain makes, and carry it out if nothing is in the way.

    `drop` are the names of what an entry tells to go.
    """
    expected = schema_made_by(connection, chain)
    connection.execute(database)
    return repaired_to(connection, expected, *resolutions, repair=repair, drop=drop)


def repaired_to(
    connection: Connection,
    expected: Schema,
    *resolutions: Resolution,
    repair: Repair = Repair.FULL,
    drop: Iterable[str] = (),
) -> Repaired:
    """The same, from a schema that was read, for the database as it is."""
    before = rows_of(connection)
    planner = planner_for(connection, expected, *resolutions, repair=repair)
    actual = read_schema(connection)
    steps, blockers = planned(planner, diff(expected, actual), {*drop})
    if blockers:
        return Repaired(tuple(steps), tuple(blockers), (), before, rows_of(connection))
    for step in steps:
        repairer.perform(connection, step, lambda *_: None)  # type: ignore[arg-type]  # only repairs are planned here
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    left = tuple(explain(one) for one in diff(expected, read_schema(connection)) if needs_repair(one))
    generated = {(table.name, column.name) for table in expected.tables for column in table.columns if column.generated}
    return Repaired(tuple(steps), (), left, before, rows_of(connection), frozenset(generated))


def planner_for(
    connection: Connection, expected: Schema, *resolutions: Resolution, repair: Repair = Repair.FULL
) -> RepairPlanner:
    """What plans the repair of the database as it is."""
    schemas, decided = (read_schema(connection), expected), (resolutions, repair)
    return repairer.repair_planner(connection, History(RevisionGraph(()), ()), schemas, decided, lambda asked: asked)


def planned(planner: RepairPlanner, changes: Iterable[Change], drop: set[str]) -> tuple[list[Step], list[Finding]]:
    """The steps and blockers for changes, asked for as a walk asks: tables by their names, then what is beside them."""
    gone = [change for change in changes if isinstance(change, Extra) and change_key(change)[-1] in drop]
    wanted = [change for change in changes if needs_repair(change) and change not in gone]
    planner.expect(wanted)
    parts = [planner.gone(change) for change in gone]
    tables = sorted({_table(change) for change in wanted if not _beside(change)})
    parts += [
        planner.table(table, tuple(one for one in wanted if not _beside(one) and _table(one) == table), "r1")
        for table in tables
    ]
    parts += [planner.beside(change, "r1") for change in wanted if _beside(change)]
    return [step for part in parts for step in part.steps], [found for part in parts for found in part.blockers]


def _beside(change: Change) -> bool:
    return not isinstance(change, Reordered) and isinstance(
        change.fact, IndexFact | TriggerFact | ViewFact | ObjectFact
    )


def _table(change: Change) -> str:
    return change.table if isinstance(change, Reordered) else change_key(change)[1]


def rows_of(connection: Connection) -> Rows:
    """Every row of every table, with its values as text by column."""
    found: Rows = {}
    tables = connection.execute(
        "SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace"
        " AND c.relkind IN ('r', 'p')"
    ).fetchall()
    for oid, table in tables:
        columns = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped", [oid]
        ).fetchall()
        listed = ", ".join(f"{quote(name)}::text" for (name,) in columns)
        rows = connection.execute(f"SELECT {listed} FROM {quote(table)}").fetchall()
        found[table] = [dict(zip((name for (name,) in columns), row, strict=True)) for row in rows]
    return found


def unlike(its: Repaired) -> list[str]:
    """The tables whose rows are others than before the repair, by the columns that they had and have.

    What generates itself is left out, a filled column may have a value for NULL, and a converted one another spelling.
    """
    steps = [step for step in its.steps if isinstance(step, AlterObject)]
    filled = {(step.name, column) for step in steps for column, _ in step.fill}
    converted = {place for step in steps for place in step.converted}
    return [
        table
        for table, rows in its.before.items()
        if _multiset(table, rows, rows, its, filled, converted)
        != _multiset(table, its.after.get(table, []), rows, its, filled, converted)
    ]


def _multiset(
    table: str,
    rows: list[dict[str, str | None]],
    before: list[dict[str, str | None]],
    its: Repaired,
    filled: set[tuple[str, str]],
    converted: set[tuple[str, str]],
) -> list[tuple[str, ...]]:
    had = before[0].keys() if before else set[str]()
    has = its.after[table][0].keys() if its.after.get(table) else had
    columns = sorted(column for column in had & has if (table, column) not in its.generated | filled)
    return sorted(tuple(_shown(row[name], (table, name) in converted) for name in columns) for row in rows)


def _shown(value: str | None, is_converted: bool) -> str:
    if value is None or not is_converted:
        return repr(value)
    try:
        return str(Decimal(value).normalize())
    except InvalidOperation:
        return repr(value)
