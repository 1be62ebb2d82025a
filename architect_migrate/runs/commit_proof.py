"""The proof before the commit: the schema is the chain's, every row is there, no key is broken that was not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import NotProvenError
from architect_migrate.core.names import fold
from architect_migrate.databases import access
from architect_migrate.databases.sqlite.bookkeeping import read_claims
from architect_migrate.databases.sqlite.connection import reading
from architect_migrate.databases.sqlite.presence import table_names
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.rows.foreign_keys import new_orphans, violations
from architect_migrate.databases.sqlite.rows.integrity import integrity_of
from architect_migrate.databases.sqlite.rows.proof import prove_rows
from architect_migrate.databases.values import Permitted, RowProof
from architect_migrate.diagnosis.drift import to_repair
from architect_migrate.model.diff import diff, explain
from architect_migrate.model.facts import ColumnFact, TableFact, ViewFact, describe, facts
from architect_migrate.model.history import effects, reference, snapshots
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.plan import (
    DropColumn,
    DropObject,
    ForgetRow,
    Plan,
    RebuildTable,
    RenameColumn,
    RenameTable,
    RunDowngrade,
    RunRevision,
    SyncTracker,
)
from architect_migrate.runs.survey import as_the_chain_makes_it

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.model.schema import Key, Schema
    from architect_migrate.runs.steps import Written

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven: the rows table by table, and how many rows referred to nothing before and after."""

    rows: RowProof
    orphans_before: int
    orphans_after: int


def verify(
    context: EnvironmentContext,
    plan: Plan,
    connection: Connection,
    backup: Path | None,
    written: Written,
    *,
    broken: Counter[str],
) -> Proof:
    """Prove what a plan's execution left in the open transaction; raises NotProvenError with what is wrong."""
    problems = [*_schema_problems(context, plan, connection), *_stamp_problems(context, plan, connection)]
    permitted = _permitted(context, plan, written)
    problems += _tracker_problems(context, plan, connection)
    if backup is None:
        with access.nothing() as nothing:
            return _judged(problems, _compared(nothing, connection, permitted, broken))
    with reading(backup) as before:
        problems += _tracker_losses(context, plan, before, connection)
        return _judged(problems, _compared(before, connection, permitted, broken))


def _judged(problems: list[str], found: tuple[Proof, list[str]]) -> Proof:
    proof, more = found
    problems += more
    if problems:
        raise NotProvenError(tuple(problems[:_SHOWN]), max(0, len(problems) - _SHOWN))
    return proof


def _schema_problems(context: EnvironmentContext, plan: Plan, connection: Connection) -> list[str]:
    graph = context.graph
    if as_the_chain_makes_it(context, connection, graph, plan.after):
        return []
    schema = read_schema(connection, context.hidden(graph.version_table))
    changes = diff(reference(context.history, plan.after), schema)
    wrong = [explain(change) for change in to_repair(changes, context.resolutions)]
    return wrong + _left_over(context, plan, schema)


def _left_over(context: EnvironmentContext, plan: Plan, schema: Schema) -> list[str]:
    """What a `downgrade()` was to take back and did not: nothing breaks by it, but the stamp would be a lie."""
    found, expected = facts(schema), facts(reference(context.history, plan.after))
    does = effects(context.history)
    undone = [step.revision for step in plan.steps if isinstance(step, RunDowngrade)]
    return [
        f"the downgrade() of {revision} leaves {describe(fact)}"
        for revision in undone
        for its_key, fact in does[revision].added.items()
        if its_key in found and its_key not in expected and isinstance(fact, TableFact | ColumnFact | ViewFact)
    ]


def _stamp_problems(context: EnvironmentContext, plan: Plan, connection: Connection) -> list[str]:
    graph = context.graph
    stamp = read_claims(connection, None, graph.version_table).stamp
    wanted = heads(graph, plan.after)
    return [] if set(stamp or ()) == set(wanted) else [f"the stamp is {stamp}, not {wanted}"]


def _tracker_problems(context: EnvironmentContext, plan: Plan, connection: Connection) -> list[str]:
    """Where the tracker was to be made true and is not: the very changes that would be planned again."""
    graph = context.graph
    if context.tracker is None or not any(isinstance(step, SyncTracker) for step in plan.steps):
        return []
    left = context.corrections(read_claims(connection, context.tracker, graph.version_table), plan.after)
    return [f"the tracker's row {name.version} is not true after all" for name in left]


def _tracker_losses(context: EnvironmentContext, plan: Plan, before: Connection, after: Connection) -> Iterator[str]:
    """Rows of the tracker that no step was to touch, and that are not as they were."""
    graph = context.graph
    touched = {change.version for step in plan.steps if isinstance(step, SyncTracker) for change in step.changes}
    if context.tracker is None or not touched:
        return
    old, new = (
        Counter(read_claims(connection, context.tracker, graph.version_table).rows) for connection in (before, after)
    )
    yield from (
        f"the tracker's row {name.version} is not as it was" for name in old - new if name.version not in touched
    )


def _compared(
    before: Connection, after: Connection, permitted: Permitted, broken: Counter[str]
) -> tuple[Proof, list[str]]:
    rows = prove_rows(before, after, permitted)
    problems = [f"{loss.table} {loss.key}: {loss.problem}".replace(" :", ":") for loss in rows.losses]
    if rows.lost > len(rows.losses):
        problems.append(f"{rows.lost - len(rows.losses)} more rows")
    old, new = violations(before), violations(after)
    problems += new_orphans((before, old), (after, new), permitted.touched)
    problems += _unsound(after, permitted.touched, broken)
    return Proof(rows, len(old), len(new)), problems


def _unsound(after: Connection, touched: frozenset[str], broken: Counter[str]) -> Iterator[str]:
    """What integrity_check says of the tables that were written and are still there, and did not say before."""
    there = set(map(fold, table_names(after)))
    for table in sorted(touched & there):
        yield from integrity_of(after, table).worse_than(broken)


def _permitted(context: EnvironmentContext, plan: Plan, written: Written) -> Permitted:
    """What the run may have done to rows: what the chain's code wrote itself, and what it or an entry removes."""
    removed = _removed(context, plan)
    columns = {(k[1], k[2]) for k in removed if k[0] == "column"}
    columns |= {(fold(each.table), fold(each.column)) for each in plan.steps if isinstance(each, DropColumn)}
    tables = {k[1] for k in removed if k[0] == "table"}
    renamed = {(fold(each.table), fold(each.new)) for each in plan.steps if isinstance(each, RenameTable)}
    dropped = {fold(each.name) for each in plan.steps if isinstance(each, DropObject) and each.kind == "table"}
    tables |= dropped - {new for _, new in renamed}
    # An entry fills NULLs of a column that is there; its expression keeps every other value.
    filled = {
        (fold(each.table), fold(to)) for each in plan.steps if isinstance(each, RebuildTable) for to, _ in each.fill
    }
    updated, deleted = _by_own_triggers(context, written)
    # Which rows of the tracker may change is proven by itself.
    for step in (each for each in plan.steps if isinstance(each, SyncTracker)):
        filled |= {(fold(step.table), fold(name)) for name in (step.tracker.description, step.tracker.checksum)}
        deleted |= {fold(step.table)} if any(isinstance(change, ForgetRow) for change in step.changes) else set()
    # The stamp is proven by itself; back to base, or where branches meet, it has fewer rows than before.
    deleted.add(fold(context.graph.version_table))
    return Permitted(
        frozenset(written.rewritten | written.written),
        frozenset(written.updated | updated | filled),
        frozenset(columns),
        frozenset(tables),
        frozenset(written.deleted | deleted),
        frozenset(written.remade),
        frozenset(renamed),
        frozenset(
            (fold(each.table), fold(each.column), fold(each.new))
            for each in plan.steps
            if isinstance(each, RenameColumn)
        ),
    )


def _removed(context: EnvironmentContext, plan: Plan) -> set[Key]:
    """The tables and columns that the chain's code takes away.

    A later revision may make another table of the same name: the rows of the first are gone with it all the same.
    """
    does = effects(context.history)
    found: set[Key] = set()
    for step in plan.steps:
        match step:
            case RunRevision():
                gone, stays = does[step.revision].removed.keys(), does[step.revision].added.keys()
            case RunDowngrade():
                gone, stays = does[step.revision].added.keys(), does[step.revision].removed.keys()
            case _:
                continue
        found |= {k for k in gone if k[0] == "column" or (k[0] == "table" and k not in stays)}
    return found


def _by_own_triggers(context: EnvironmentContext, written: Written) -> tuple[set[tuple[str, str]], set[str]]:
    """The columns updated and the tables deleted from by triggers of the chain; nobody asked for what others do."""
    own = {trigger.name for schema in snapshots(context.history).values() for trigger in schema.triggers}
    mine = [(table, column) for trigger, table, column in written.triggered if trigger in own]
    return {(table, column) for table, column in mine if column}, {table for table, column in mine if not column}
