"""Proves a run before its commit: the schema matches the chain, no row is lost, and no new orphan appeared."""

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
from architect_migrate.model.diff import explain
from architect_migrate.model.facts import ColumnFact, TableFact, ViewFact, describe, facts
from architect_migrate.model.history import effects, reference, replays, snapshots
from architect_migrate.model.leftovers import differences
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.plan import (
    DropColumn,
    DropObject,
    ForgetRow,
    Plan,
    RebuildTable,
    RenameTable,
    RunDataStep,
    RunDowngrade,
    RunRevision,
    RunRows,
    SyncTracker,
)
from architect_migrate.runs.carried_columns import carried_columns
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
    """The outcome of a proof: the rows table by table, and the number of orphans before and after."""

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
    """Prove the state that a plan's execution left in the open transaction.

    `backup` is the copy of the rows before the run (None: the database was empty), `broken` the rows that violated
    their table's declarations before. Raises NotProvenError with what is wrong.
    """
    problems = [*_schema_problems(context, plan, connection), *_stamp_problems(context, plan, connection)]
    permitted = _permitted(context, plan, written)
    problems += _tracker_problems(context, plan, connection)
    if backup is None:
        with access.nothing() as nothing:
            return _judged(problems, _compared(nothing, connection, permitted, broken))
    with reading(backup) as before:
        problems += _tracker_losses(context, plan, before, connection)
        return _judged(problems, _compared(before, connection, permitted, broken))


def _judged(problems: list[str], compared: tuple[Proof, list[str]]) -> Proof:
    proof, more = compared
    problems += more
    if problems:
        raise NotProvenError(tuple(problems[:_SHOWN]), max(0, len(problems) - _SHOWN))
    return proof


def _schema_problems(context: EnvironmentContext, plan: Plan, connection: Connection) -> list[str]:
    graph = context.graph
    if as_the_chain_makes_it(context, connection, graph, plan.after):
        return []
    schema = read_schema(connection, context.hidden(graph.version_table))
    return unlike_the_chain(context, plan, schema) + _left_over(context, plan, schema)


def unlike_the_chain(context: EnvironmentContext, plan: Plan, schema: Schema) -> list[str]:
    """Return a line for each difference between a schema and the chain at the end of a plan, without allowed ones."""
    changes = differences(context.history, plan.after, schema)
    return [explain(change) for change in to_repair(changes, context.resolutions)]


def _left_over(context: EnvironmentContext, plan: Plan, schema: Schema) -> list[str]:
    """Objects that a `downgrade()` should have removed and did not.

    Why a failure, although nothing breaks by them: the stamp would claim a schema that the database does not have.
    """
    actual, expected = facts(schema), facts(reference(context.history, plan.after))
    does = effects(context.history)
    undone = [step.revision for step in plan.steps if isinstance(step, RunDowngrade)]
    return [
        f"the downgrade() of {revision} leaves {describe(fact)}"
        for revision in undone
        for fact_key, fact in does[revision].added.items()
        if fact_key in actual and fact_key not in expected and isinstance(fact, TableFact | ColumnFact | ViewFact)
    ]


def _stamp_problems(context: EnvironmentContext, plan: Plan, connection: Connection) -> list[str]:
    graph = context.graph
    stamp = read_claims(connection, None, graph.version_table).stamp
    wanted = heads(graph, plan.after)
    return [] if set(stamp or ()) == set(wanted) else [f"the stamp is {stamp}, not {wanted}"]


def _tracker_problems(context: EnvironmentContext, plan: Plan, connection: Connection) -> list[str]:
    """Rows of the tracker that still need a correction, after the plan has corrected them."""
    graph = context.graph
    if context.tracker is None or not any(isinstance(step, SyncTracker) for step in plan.steps):
        return []
    left = context.corrections(read_claims(connection, context.tracker, graph.version_table), plan.after)
    return [f"the tracker's row {name.version} still does not match the applied revisions" for name in left]


def _tracker_losses(context: EnvironmentContext, plan: Plan, before: Connection, after: Connection) -> Iterator[str]:
    """Rows of the tracker that changed although no step changes them."""
    graph = context.graph
    touched = {change.version for step in plan.steps if isinstance(step, SyncTracker) for change in step.changes}
    if context.tracker is None or not touched:
        return
    old, new = (
        Counter(read_claims(connection, context.tracker, graph.version_table).rows) for connection in (before, after)
    )
    yield from (
        f"the tracker's row {name.version} was changed although no step changes it"
        for name in old - new
        if name.version not in touched
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
    """Lines of integrity_check about the tables that were written, beyond those that were there before."""
    there = set(map(fold, table_names(after)))
    for table in sorted(touched & there):
        yield from integrity_of(after, table).worse_than(broken)


def _permitted(context: EnvironmentContext, plan: Plan, written: Written) -> Permitted:
    """The changes that the run may have made to rows.

    They are the writes of the chain's own code, and what the chain or a [[resolve]] entry removes or fills.
    """
    removed = _removed(context, plan)
    columns = {(key[1], key[2]) for key in removed if key[0] == "column"}
    columns |= {(fold(step.table), fold(step.column)) for step in plan.steps if isinstance(step, DropColumn)}
    renamed = {(fold(step.table), fold(step.new)) for step in plan.steps if isinstance(step, RenameTable)}
    dropped = {fold(step.name) for step in plan.steps if isinstance(step, DropObject) and step.kind == "table"}
    tables = {key[1] for key in removed if key[0] == "table"} | dropped - {new for _, new in renamed}
    # An entry fills NULLs of a column that is there; its expression keeps every other value.
    filled = {
        (fold(step.table), fold(to)) for step in plan.steps if isinstance(step, RebuildTable) for to, _ in step.fill
    }
    updated, deleted = _by_own_triggers(context, written)
    replaced = _replaced(context, plan) & written.written
    # `_tracker_losses` proves which rows of the tracker may change.
    for step in (step for step in plan.steps if isinstance(step, SyncTracker)):
        filled |= {(fold(step.table), fold(name)) for name in (step.tracker.description, step.tracker.checksum)}
        deleted |= {fold(step.table)} if any(isinstance(change, ForgetRow) for change in step.changes) else set()
    # `_stamp_problems` proves the stamp; back to base, or where branches meet, it has fewer rows than before.
    deleted.add(fold(context.graph.version_table))
    carried = carried_columns(context.history, plan)
    new_names = {(place[0], place[1], to[1]) for place, to in carried.items() if to and to[0] == place[0]}
    columns = (columns | carried.keys()) - {(table, column) for table, column, _ in new_names}
    return Permitted(
        touched=frozenset(written.rewritten | written.written),
        updated=frozenset(written.updated | updated | filled),
        removed_columns=frozenset(columns),
        removed_tables=frozenset(tables),
        deleted_from=frozenset(written.deleted | deleted | replaced),
        replaced=frozenset(replaced),
        remade=frozenset(written.remade),
        renamed=frozenset(renamed),
        renamed_columns=frozenset(new_names),
    )


def _removed(context: EnvironmentContext, plan: Plan) -> set[Key]:
    """The keys of tables and columns that the chain's code removes.

    Why step by step: the same or a later revision may create another table of the same name, but the rows of the first
    are gone.
    """
    does = effects(context.history)
    replayed = replays(context.history)
    removed: set[Key] = set()
    for step in plan.steps:
        match step:
            case RunRevision():
                gone, stays = does[step.revision].removed.keys(), does[step.revision].added.keys()
                removed |= {("table", table) for table in replayed[step.revision].replaced}
            case RunDowngrade():
                gone, stays = does[step.revision].added.keys(), does[step.revision].removed.keys()
            case _:
                continue
        removed |= {key for key in gone if key[0] == "column" or (key[0] == "table" and key not in stays)}
    return removed


def _replaced(context: EnvironmentContext, plan: Plan) -> set[str]:
    """The tables in which statements of the chain take the place of rows with the same key."""
    run = {step.revision for step in plan.steps if isinstance(step, RunRevision | RunDataStep | RunRows)}
    return {
        table
        for revision, replayed in replays(context.history).items()
        if revision in run
        for statement in replayed.statements
        if statement.writes and access.replaces_rows(statement.text)
        for table in statement.writes
    }


def _by_own_triggers(context: EnvironmentContext, written: Written) -> tuple[set[tuple[str, str]], set[str]]:
    """The columns that triggers of the chain updated, and the tables that they deleted from.

    Writes by other triggers are not permitted.
    """
    own = {trigger.name for schema in snapshots(context.history).values() for trigger in schema.triggers}
    writes = [(table, column) for trigger, table, column in written.triggered if trigger in own]
    return {(table, column) for table, column in writes if column}, {table for table, column in writes if not column}
