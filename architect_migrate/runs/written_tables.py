"""The tables of which a plan may change rows that are there, so that a copy of them has to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from architect_migrate.model.facts import ColumnFact, TableFact, table_of
from architect_migrate.model.history import effects, replays, row_statements
from architect_migrate.planning.plan import (
    AddColumn,
    AlterObject,
    Checkpoint,
    CreateObject,
    DropColumn,
    DropObject,
    RebuildTable,
    RenameColumn,
    RenameTable,
    RunDataStep,
    RunDowngrade,
    RunOutside,
    RunRevision,
    RunRows,
    Stamp,
    SyncTracker,
    altered,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.model.history import History
    from architect_migrate.planning.plan import Plan, Step


def written_tables(history: History, plan: Plan) -> frozenset[str]:
    """Return the tables, by their names before or during the run, whose rows steps write, store anew or drop."""
    return frozenset(
        {history.graph.version_table, *(table for step in plan.steps for table in _written(history, step))}
    )


def _written(history: History, step: Step) -> Iterable[str]:
    match step:
        case RunOutside():
            # Why those that it reads: what a loop over rows writes is found out when it is too late to begin anew.
            return {*_by_revision(history, step.revision), *replays(history)[step.revision].reads}
        case RunRevision() | RunDataStep():
            return _by_revision(history, step.revision)
        case RunDowngrade():
            return {*_stored_anew(history, step.revision)}
        case RunRows():
            return {each for its in row_statements(replays(history)[step.revision]) for each in its.writes}
        case DropObject():
            return [step.name] if step.kind == "table" else []
        case AlterObject():
            return altered(step)
        case RebuildTable() | SyncTracker() | DropColumn() | RenameColumn():
            return [step.table]
        case CreateObject() | RenameTable() | AddColumn() | Stamp() | Checkpoint():
            return []
        case _:
            assert_never(step)


def _by_revision(history: History, revision: str) -> set[str]:
    replayed = replays(history)[revision]
    stated = {each for its in replayed.statements for each in its.writes}
    return {*replayed.writes, *stated, *_stored_anew(history, revision)}


def _stored_anew(history: History, revision: str) -> Iterator[str]:
    """Yield the tables that a revision makes or drops, and those of which it changes the declaration of a column."""
    its = effects(history)[revision]
    for key, fact in (*its.added.items(), *its.removed.items()):
        if isinstance(fact, TableFact) or (isinstance(fact, ColumnFact) and key in its.added and key in its.removed):
            yield table_of(fact)
