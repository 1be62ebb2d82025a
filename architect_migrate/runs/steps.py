"""Executes the steps of a plan in the open transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, assert_never

from architect_migrate.core.chain_errors import NotProvenError, RevisionFailedError, StepFailedError
from architect_migrate.core.database_errors import RowsNotKeptError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import first_line_of
from architect_migrate.databases.capabilities import Capability
from architect_migrate.databases.registry import (
    dialect,
    driver_errors,
    kind_of,
    lacking,
    marks,
    repairer,
    watching,
)
from architect_migrate.databases.values import Writes
from architect_migrate.model.history import recorded_sql, replays, row_statements
from architect_migrate.planning.plan import (
    AddColumn,
    AlterObject,
    Checkpoint,
    CreateObject,
    DropColumn,
    DropObject,
    Plan,
    RebuildTable,
    RenameColumn,
    RenameTable,
    RunDataStep,
    RunDowngrade,
    RunRevision,
    RunRows,
    Stamp,
    Step,
    SyncTracker,
    headline,
    rewritten,
)
from architect_migrate.runs.column_order import require_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import TriggerWrite
    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.history import History, Replayed
    from architect_migrate.revisions.alembic_runtime import Runner
    from architect_migrate.runs.column_order import Orders

    RowProgress: TypeAlias = Callable[[str, int, int], None]

_Result = TypeVar("_Result")


@dataclass(slots=True)
class Written:
    """The writes of a plan's execution: tables that repairs rewrote, and what the chain's own code wrote.

    `inserted` are the tables into which it inserted, `renames` those that it renamed (old, new), and `left_out` the
    number of rows that a copy of a table lacks (revision, table, copy).
    `triggered` are the writes of triggers that were in the database already, the chain's and others. `restored` has a
    line for each object that the chain's code dropped and that was restored.
    """

    rewritten: set[str] = field(default_factory=set)
    updated: set[tuple[str, str]] = field(default_factory=set)
    cast: set[tuple[str, str]] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    inserted: set[str] = field(default_factory=set)
    renames: set[tuple[str, str]] = field(default_factory=set)
    left_out: dict[tuple[str, str, str], int] = field(default_factory=dict)
    dropped_columns: set[tuple[str, str]] = field(default_factory=set)
    triggered: set[TriggerWrite] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    remade: set[str] = field(default_factory=set)
    restored: list[str] = field(default_factory=list)

    @property
    def changed(self) -> frozenset[str]:
        """The tables of which the chain's own statements changed rows that were there."""
        return frozenset(self.deleted | {table for table, _ in self.updated})

    def add(self, seen: Writes, revision: str = "") -> None:
        """Add the writes of one call of the chain's code, of a revision or of none."""
        self.updated |= seen.updated
        self.cast |= seen.cast
        self.deleted |= seen.deleted
        self.inserted |= seen.inserted
        self.renames |= {(each.old, each.new) for each in map(dialect.table_rename, seen.copies) if each}
        self.left_out |= {(revision, *tables): number for tables, number in seen.left_out.items()}
        self.dropped_columns |= seen.dropped_columns
        self.triggered |= seen.triggered
        self.written |= seen.tables() | seen.dropped | seen.remade
        self.remade |= seen.remade
        self.restored += seen.restored


def run_steps(
    context: EnvironmentContext, plan: Plan, connection: Connection, progress: Callable[[int, int, str], None]
) -> Written:
    """Execute every step of a plan; `progress` is called with number, total and headline before each.

    Raises StepFailedError or RevisionFailedError at the first failure; the caller rolls back.
    """
    return run_whole(context.config, context.history, plan, connection, progress)


def run_whole(
    chain: ChainConfig, history: History, plan: Plan, connection: Connection, progress: Callable[[int, int, str], None]
) -> Written:
    """Execute every step of a plan, on an empty database from a recording where that is allowed."""
    local = Capability.LOCAL not in lacking(kind_of(connection))
    # Why not on a server: a recording leaves out what only reads, and SELECT setval() is written so.
    if local and marks.defines_nothing(connection) and is_recorded(plan, history):
        return _build(history, plan, connection, progress)
    return in_chain(
        chain, history, plan, connection, lambda runner: run_planned(plan, connection, runner, history, progress)
    )


def in_chain(
    chain: ChainConfig,
    history: History,
    plan: Plan,
    connection: Connection,
    work: Callable[[Runner | None], _Result],
    **options: Any,
) -> _Result:
    """Call `work` and return its result: inside env.py, if the plan runs its chain's code or needs its functions.

    `options` are those of `operate`.
    """
    if not runs_the_chain(plan) and not history.graph.functions:
        return work(None)
    from architect_migrate.revisions.alembic_runtime import operate

    return operate(chain, connection, work, **options)


def runs_the_chain(plan: Plan) -> bool:
    """Whether a plan calls functions of revision files."""
    return any(isinstance(step, RunRevision | RunDowngrade | RunDataStep) for step in plan.steps)


def is_recorded(plan: Plan, history: History) -> bool:
    """Whether a recording can build an empty database: the plan runs the chain from its base.

    Why not where revisions write rows outside of `data_step()`: tokens, secrets and times are each database's own.
    """
    only_chain = all(isinstance(step, RunRevision | Stamp | SyncTracker) for step in plan.steps)
    # Why compare the lengths: where branches are left out, replay's recording may depend on what they create.
    whole = not plan.before and only_chain and len(plan.after) <= len(history.graph.digests)
    begins_with_rows = any(each.baseline and replays(history)[each.id].writes for each in history.graph.revisions)
    inexact = any(statement.inexact for replayed in history.replayed for statement in replayed.statements)
    if begins_with_rows or history.graph.functions or inexact:
        return False
    return whole and not any(_writes_rows(replays(history)[revision]) for revision in plan.after)


def _writes_rows(replayed: Replayed) -> bool:
    """Whether a revision writes rows outside of its `data_step()`."""
    return bool(row_statements(replayed)) or any(
        not each.in_data_step and dialect.creates_with_rows(each.text)
        for each in replayed.statements
        if each.verb == "create"
    )


def _build(history: History, plan: Plan, connection: Connection, progress: Callable[[int, int, str], None]) -> Written:
    """Build an empty database from the statements that replay recorded on another empty database.

    Why not by running the revisions: the outcome is the same, and importing and running Alembic takes longer.
    """
    statements = recorded_sql(history)
    recorded = tuple((each.revision, statements[each.revision]) for each in plan.steps if isinstance(each, RunRevision))
    built = repairer.built(connection, recorded)
    for number, step in enumerate(plan.steps, 1):
        progress(number, len(plan.steps), headline(step))
        match step:
            case RunRevision() if not built:
                repairer.replay_on(connection, step.revision, statements[step.revision])
            case Stamp():
                marks.write_stamp(connection, history.graph.version_table, step.revisions)
            case SyncTracker():
                write_tracker(connection, step)
            case _:
                pass
    watching.still_inside(connection)
    return Written()


def run_planned(
    plan: Plan,
    connection: Connection,
    runner: Runner | None,
    history: History,
    progress: Callable[[int, int, str], None],
) -> Written:
    """Execute every step of a plan; without a runner none that calls the chain's code. Raises as `run_steps`."""
    written = Written(rewritten=set(rewritten(plan.steps)))
    for number, step in enumerate(plan.steps, 1):
        progress(number, len(plan.steps), headline(step))
        try:
            seen = _step(step, connection, runner, history, _through(progress, number, plan))
            written.add(seen, step.revision if isinstance(step, RunRevision) else "")
        except (RevisionFailedError, StepFailedError, RowsNotKeptError, NotProvenError):
            # The last two by a proof on the way, where a revision leaves the transaction.
            raise
        except driver_errors(ArchmigError) as error:
            raise StepFailedError(headline(step), first_line_of(str(error))) from error
        watching.still_inside(connection)
    try:
        written.add(watching.settled(connection))
    except driver_errors(ArchmigError) as error:
        raise StepFailedError("check what is deferred to the end of the run", first_line_of(str(error))) from error
    return written


def _through(progress: Callable[[int, int, str], None], number: int, plan: Plan) -> RowProgress:
    """A callback that passes the progress of a long step on."""

    def row_progress(phase: str, done: int, rows: int) -> None:
        if rows > done > 0:
            step = headline(plan.steps[number - 1])
            progress(number, len(plan.steps), f"{done:,} of {rows:,} rows {phase}: {step}")

    return row_progress


def _step(step: Step, connection: Connection, runner: Runner | None, history: History, progress: RowProgress) -> Writes:
    match step:
        case RunRevision():
            assert runner is not None
            return _native(runner.upgrade, step.revision, connection, history, _by_place(history, step))
        case RunDowngrade():
            assert runner is not None
            return _native(runner.downgrade, step.revision, connection, history, frozenset())
        case RunDataStep():
            assert runner is not None
            return _native(runner.data_step, step.revision, connection, history, _by_place(history, step))
        case RunRows():
            return _run_rows(connection, step, history)
        case Stamp():
            return _watched_stamp(connection, history.graph.version_table, step.revisions)
        case SyncTracker():
            return write_tracker(connection, step)
        case Checkpoint():
            # A trial has one transaction for all segments; a run executes them one by one.
            pass
        case (
            CreateObject()
            | DropObject()
            | RenameTable()
            | RenameColumn()
            | AddColumn()
            | DropColumn()
            | RebuildTable()
            | AlterObject()
        ):
            repairer.perform(connection, step, progress)
        case _:
            assert_never(step)
    return Writes()


def _run_rows(connection: Connection, step: RunRows, history: History) -> Writes:
    """Run the row statements of a revision, watched as its own code would be. Raises StepFailedError."""
    masked = (statement.text for statement in row_statements(replays(history)[step.revision]) if statement.masked)
    if not {*masked}.isdisjoint(step.statements):
        raise StepFailedError(headline(step), "the values of its rows are masked")
    with watching.write_log(connection) as seen:
        for text in step.statements:
            connection.execute(text)
    require_order(seen, step.revision, history, _by_place(history, step))
    return seen


def _by_place(history: History, step: RunRevision | RunDataStep | RunRows) -> Orders:
    return replays(history)[step.revision].by_place


def with_rows(steps: tuple[Step, ...], replayed: Callable[[], Mapping[str, Replayed]]) -> tuple[Step, ...]:
    """The same steps, row statements with the values of rows in them; `replayed` is called only where there are any.

    Raises StepFailedError where the chain's code does not run the same statements as it did.
    """
    if not any(isinstance(step, RunRows) for step in steps):
        return steps
    known = replayed()
    return tuple(_in_full(step, known[step.revision]) if isinstance(step, RunRows) else step for step in steps)


def _in_full(step: RunRows, replayed: Replayed) -> RunRows:
    texts = tuple(each.text for each in row_statements(replayed))
    if len(texts) != len(step.statements):
        raise StepFailedError(headline(step), "the chain's code does not run the same statements again")
    return replace(step, statements=texts)


def _watched_stamp(connection: Connection, version_table: str, revisions: tuple[str, ...]) -> Writes:
    """Write the stamp, watched: the version table may have triggers."""
    with watching.write_log(connection) as seen:
        marks.write_stamp(connection, version_table, revisions)
    return seen


def explained(connection: Connection, statements: Iterable[str]) -> Writes:
    """Return the log of what statements that stamp would write, which are not run. Raises StepFailedError."""
    try:
        with watching.write_log(connection) as seen:
            for statement in statements:
                connection.execute(f"EXPLAIN {statement}")
    except driver_errors() as error:
        raise StepFailedError("stamp the database", first_line_of(str(error))) from error
    return seen


def write_tracker(connection: Connection, step: SyncTracker) -> Writes:
    """Correct the rows of the legacy tracker, watched: its table may have triggers. The caller commits."""
    with watching.write_log(connection) as seen:
        for each in dialect.tracker_statements(step):
            connection.execute(each)
    return seen


def _native(
    run: Callable[[str], Writes], revision: str, connection: Connection, history: History, replayed: Orders
) -> Writes:
    """Run the chain's own code, and restore what it drops beyond its effects in the chain.

    `replayed` are the tables that it named by place in the replay.
    """
    # Why before each revision: Alembic's batch operations drop objects that they do not know, and only their stored
    # texts from before can restore them.
    mend = watching.mending(connection)
    seen = run(revision)
    require_order(seen, revision, history, replayed)
    back = mend(seen, revision, lambda: history)
    seen.restored += (f"{revision} dropped {name}: restored" for name in back)
    return seen
