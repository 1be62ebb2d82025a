"""Executes a plan that was shown: lock, plan again, back up, execute, prove, commit, read back, record."""

from __future__ import annotations

import random
import time
import traceback
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.backups import service as backups
from architect_migrate.backups.record import copy_at, read_record, remove
from architect_migrate.config.policies import creates_missing
from architect_migrate.core.chain_errors import (
    BlockedError,
    ChangedMeanwhileError,
    InterruptedAtError,
    StoppedAtError,
)
from architect_migrate.core.database_errors import (
    BackupError,
    CommitFailedError,
    DamagedError,
    DatabaseLockedError,
    LockedByRunError,
    RowsNotKeptError,
)
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.interrupts import run_interruptible
from architect_migrate.databases.registry import access, is_served, keeper, marks, watching
from architect_migrate.databases.values import CommitOutcome, settled
from architect_migrate.ledger import recorder
from architect_migrate.model.history import replayed_anew
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.plan import RunDataStep, RunDowngrade, RunOutside, RunRevision, rewritten
from architect_migrate.planning.results import Outcome, Result
from architect_migrate.planning.segments import segments
from architect_migrate.runs.commit_proof import unwritten_tables, verify, verify_rows
from architect_migrate.runs.receipts import done_words, receipt_of
from architect_migrate.runs.rehearsal_gate import as_rehearsed
from architect_migrate.runs.steps import Written, run_steps, with_rows
from architect_migrate.runs.written_tables import written_tables

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.core.interrupts import Interrupts
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import Backup, Committed, Writes
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Fingerprint, Survey
    from architect_migrate.runs.commit_proof import Proof
    from architect_migrate.runs.contracts import Prepare, Progress


# How long to wait before a run that met a lock of the application is tried again, in seconds: at first, and at most.
_PAUSE, _LONGEST_PAUSE = 0.5, 8.0


def execute(context: EnvironmentContext, action: str, shown: Plan, progress: Progress, make: Prepare) -> Result:
    """Execute a plan that was shown, and record it in the ledger.

    The order: lock, plan again and compare, back up, execute, prove, commit, read the stamp back, record. `make` plans
    again on the open connection. Raises BlockedError for a plan with blockers, ChangedMeanwhileError if the new plan
    differs, and what a step, the proof or the commit raises. A Ctrl-C rolls back and raises KeyboardInterrupt; after
    the commit has begun it takes effect when the run is recorded (see `run_interruptible`).

    A plan in segments is a transaction for each. What fails after the first one's commit is returned as a failed result
    with StoppedAtError, and the receipt of what was committed.
    """
    if shown.blockers:
        raise BlockedError(context.environment.name, tuple(blocker.subject for blocker in shown.blockers))
    if shown.before and any(isinstance(step, RunRevision | RunDowngrade | RunDataStep) for step in shown.steps):
        # Why import now: Alembic takes longer to import than most revisions to run, and the application should not wait
        # for that behind the lock.
        import architect_migrate.revisions.alembic_runtime  # noqa: F401  (execute will find it there)
    started = time.time()
    with recorder.entered_on_failure(context, action, started):
        # Why before the lock: it may take another replay. Why another one: tokens, secrets and times in rows are to be
        # this database's own.
        steps = with_rows(shown.steps, lambda: replayed_anew(context.history))
        result = run_interruptible(
            lambda interrupts: _run_in_segments(
                _Run(context, action, replace(shown, steps=steps), started, interrupts), shown, progress, make
            )
        )
    if result.error and not isinstance(result.error, StoppedAtError):
        for warning in result.warnings:
            result.error.add_note(warning)
        raise result.error
    return result


@dataclass(slots=True)
class _Run:
    """The state of a run while it is executed; `made` is its backup, `warnings` go into the result.

    `plan` has the values of rows in its steps, `committed` is what was about to be committed last. `done` has
    each committed segment with its proof. `survey` and `rehearsal` belong to the plan that was made under the lock,
    `left` is the fingerprint at the last commit.
    """

    context: EnvironmentContext
    action: str
    plan: Plan
    started: float
    interrupts: Interrupts
    made: Backup | None = None
    committed: Committed | None = None
    warnings: list[str] = field(default_factory=list)
    done: list[tuple[Plan, Proof]] = field(default_factory=list)
    survey: Survey | None = None
    rehearsal: int = 0
    left: Fingerprint | None = None
    outside: _Outside | None = None

    @property
    def url(self) -> DatabaseUrl:
        return self.context.environment.url

    @property
    def copy(self) -> Path | None:
        return self.made.path if self.made else None


def _run_in_segments(run: _Run, shown: Plan, progress: Progress, make: Prepare) -> Result:
    """Execute the plan, each of its segments in a transaction of its own, and return the recorded result."""
    with access.transactions(run.url, run.context.environment.policies.lock_timeout) as begin:
        first = 0
        for plan in segments(run.plan):
            segment = _Segment(plan, begin, partial(_checked, run, shown, make), first)
            first += len(plan.steps) + 1
            try:
                _run_with_copies(run, segment, progress)
            except (Exception, KeyboardInterrupt) as error:
                inside = _in_part(run)
                if not run.done and not inside:
                    raise
                return _stopped(run, error, inside)
    return _recorded(run, replace(run.plan, steps=shown.steps))


@dataclass(frozen=True, slots=True)
class _Segment:
    """What one transaction does: its plan, what opens it, what it checks first, and how many steps come before it."""

    plan: Plan
    begin: Callable[[], AbstractContextManager[Connection]]
    check: Callable[[Connection], None]
    first: int


@dataclass(slots=True)
class _Outside:
    """A revision that has left the transaction, what the schema was before it, and whether it wrote rows until then."""

    revision: str
    before: Fingerprint
    has_left: bool = False
    wrote: bool = False


def _checked(run: _Run, shown: Plan, make: Prepare, connection: Connection) -> None:
    """Raise ChangedMeanwhileError if the database is no longer as it was planned, or as the last segment left it."""
    context = run.context
    if run.committed is None or not run.done:
        # Why plan again: the database may have changed since the plan was shown, and from here on the lock is held.
        prepared, run.rehearsal = as_rehearsed(context, connection, make(context, connection))
        run.survey, same = prepared.survey, prepared.plan == shown
    else:
        stamp = marks.read_claims(connection, None, context.graph.version_table).stamp or ()
        schema = marks.fingerprint_of(connection, run.committed.without).schema
        same = {*stamp} == {*run.committed.stamp} and schema == run.committed.schema
    if not same:
        raise ChangedMeanwhileError(context.environment.name)


def _run_with_copies(run: _Run, segment: _Segment, progress: Progress) -> None:
    """Execute a segment; again with copies of the tables of which it turned out to change rows, or after a lock.

    A revision that loops over rows shows nothing of what it writes in a replay. Why again after a lock on a server: a
    run that goes on waiting holds up all who come after it.
    """
    tables = written_tables(run.context.history, segment.plan) if segment.plan.before else frozenset[str]()
    pauses = _pauses(run.context.environment.policies.lock_retries if is_served(run.url) else 0)
    while True:
        try:
            return _run_in_transaction(run, segment, tables, progress)
        except RowsNotKeptError as error:
            if tables >= {*error.tables} or _has_left(run):
                raise
            tables |= {*error.tables}
            _forget_backup(run)
        except LockedByRunError:
            raise
        except DatabaseLockedError:
            if (pause := next(pauses, None)) is None or _has_left(run):
                raise
            _forget_backup(run)
            progress(segment.first, len(run.plan.steps), "waiting: the application has a lock")
            time.sleep(pause)


def _pauses(times: int) -> Iterator[float]:
    """Yield how long to wait before each further attempt, each time about twice as long.

    Why at random: two runs that wait for each other must not do so at the same moments.
    """
    for number in range(times):
        pause = min(_PAUSE * 2**number, _LONGEST_PAUSE)
        yield random.uniform(pause, 2 * pause)  # noqa: S311  (no secret)


def _has_left(run: _Run) -> bool:
    """Whether a revision of the segment has left its transaction, which cannot be begun anew then."""
    return run.outside is not None and run.outside.has_left


def _forget_backup(run: _Run) -> None:
    """Remove the backup of an attempt that was rolled back: the next attempt takes another.

    Once a segment is committed the backup is the way back from that.
    """
    if run.done:
        return
    if run.made and (copy := copy_at(run.made.path)):
        with suppress(BackupError):
            remove(copy)
    run.made = None


def _run_in_transaction(run: _Run, segment: _Segment, tables: frozenset[str], progress: Progress) -> None:
    """Execute one segment in one transaction, and note its proof."""
    context, plan, total = run.context, segment.plan, len(run.plan.steps)
    with _settled_commit(run), _in_transaction(run, segment) as connection:
        segment.check(connection)
        # Why before the backup: a damaged database is refused, not copied and changed.
        broken = _integrity_before(run, connection)
        if not run.done:
            progress(0, total, "backing up")
            # Why before the first step: the backup is the way back, and the proof compares the rows with it.
            run.made = backups.take_unless_empty(context, run.action, connection, partial(progress, 0, total))
        limit = context.environment.policies.proof_copy_limit
        keeper.keep(connection, tables, _on_leaving(run, segment, connection, broken), lambda: run.made, limit)
        written = run_steps(
            context, plan, connection, lambda number, _, words: progress(segment.first + number, total, words)
        )
        run.warnings += written.restored
        progress(segment.first + len(plan.steps) + 1, total, "proving that every row is there")
        # Why before the commit: what is not proven is rolled back, the stamp included.
        proof, made = verify(context, plan, connection, run.copy, written, broken=broken), run.made
        if made:
            # Why before the commit: if the commit fails, `_commit_outcome` compares the file with this record.
            made = backups.mark(
                context, made, run.action, connection, unwritten_tables(proof, context.graph.version_table)
            )
        # Why in the transaction: after the commit another process may write before the fingerprint is read.
        left = marks.fingerprint_of(connection, context.hidden(context.graph.version_table))
        run.committed = keeper.committing(connection, heads(context.graph, plan.after), left)
        # Why here: the last moment at which a Ctrl-C can still roll back; from now on it waits for the record.
        run.interrupts.refuse()
        run.interrupts.held = True
    run.left, run.made, run.outside = left, made, None
    run.done.append((plan, proof))
    if plan.after != run.plan.after:
        run.interrupts.held = False
        run.interrupts.refuse()


def _on_leaving(
    run: _Run, segment: _Segment, connection: Connection, broken: Counter[str]
) -> Callable[[Writes], None] | None:
    """What proves the rows when a revision of the segment leaves the transaction; None if none does."""
    leaves = next((step.revision for step in segment.plan.steps if isinstance(step, RunOutside)), None)
    if leaves is None:
        run.outside = None
        return None
    context, table = run.context, run.context.graph.version_table
    run.outside = left = _Outside(leaves, marks.fingerprint_of(connection, context.hidden(table)))

    def prove(seen: Writes) -> None:
        written = Written(rewritten=set(rewritten(segment.plan.steps)))
        written.add(seen)
        written.add(watching.settled(connection))
        # Why not the schema: the chain's is known before the revision and after it, and not between.
        proof = verify_rows(
            context, lambda: segment.plan, connection, run.copy, written, version_table=table, broken=broken
        )
        if run.made:
            run.made = backups.mark(context, run.made, run.action, connection, unwritten_tables(proof, table))
        left.has_left, left.wrote = True, left.wrote or bool(seen.tables())

    return prove


def _in_part(run: _Run) -> str:
    """The revision that left something although the run failed in it; empty if none did, or nothing is left of it."""
    left = run.outside
    if left is None or not left.has_left:
        return ""
    table, timeout = run.context.graph.version_table, run.context.environment.policies.lock_timeout
    try:
        with access.reading(run.url, timeout) as connection:
            run.left = marks.fingerprint_of(connection, run.context.hidden(table))
    except ArchmigError:
        run.left = None
    return left.revision if left.wrote or run.left != left.before else ""


@contextmanager
def _in_transaction(run: _Run, segment: _Segment) -> Iterator[Connection]:
    """Open the transaction of a segment.

    With the policy `create` a missing file is created, and removed again if nothing is committed.
    """
    making = creates_missing(run.context.environment)
    with access.created(run.url) if making else nullcontext(), segment.begin() as connection:
        yield connection


def _integrity_before(run: _Run, connection: Connection) -> Counter[str]:
    """The rows that violate their tables' declarations before the run, which leaves them as they are.

    Raises DamagedError.
    """
    integrity = keeper.integrity_before(connection)
    if integrity.damage:
        raise DamagedError(access.location(run.url), integrity.damage[0])
    run.warnings += integrity.left()
    return integrity.broken


def _recorded(run: _Run, plan: Plan) -> Result:
    """The result with its number in the ledger, after the stamp was read back from the database.

    It has an error if the run was committed but could not be read back.
    """
    unread = _read_back(run)
    entered = _entered(run, plan, unread)
    return entered if unread else _pruned(run.context, entered)


def _stopped(run: _Run, error: Exception | KeyboardInterrupt, inside: str) -> Result:
    """The recorded result of a run that failed after something was committed: the plan is what was done of it.

    `inside` is the revision that is there in part; empty for none.
    """
    after = run.done[-1][0].after if run.done else run.plan.before
    reached = heads(run.context.graph, after)
    match error:
        case KeyboardInterrupt():
            stopped: StoppedAtError = InterruptedAtError(reached, "Ctrl-C", inside)
        case CommitFailedError():
            unknown = "whether that is committed is not known: archmig status shows where the database is"
            stopped = StoppedAtError(reached, f"{error.subject}: {error.problem} at the commit; {unknown}", inside)
        case ArchmigError():
            stopped = StoppedAtError(reached, str(error), inside)
        case _:
            stopped = StoppedAtError(reached, f"{type(error).__name__}: {error}", inside)
    if run.made and not isinstance(error, CommitFailedError):
        backups.mark_as_left(run.made)
    stopped.__cause__ = error
    stopped.trace = "".join(traceback.format_exception(error))
    steps = tuple(step for plan, _ in run.done for step in plan.steps)
    return _entered(run, replace(run.plan, steps=steps, after=after), stopped)


def _entered(run: _Run, plan: Plan, error: ArchmigError | None) -> Result:
    assert run.survey is not None
    receipt = receipt_of(run.context, run.survey, (plan, run.done), str(run.copy or ""), run.started)
    facts = recorder.evidence(run.context, run.survey, plan, receipt, run.left)
    receipt = replace(receipt, facts=(*facts, *_references(run.made, run.rehearsal)))
    result = Result(
        environment=run.context.environment.name,
        database=str(run.context.environment.url),
        action=run.action,
        outcome=Outcome.FAILED if error else Outcome.DONE,
        detail=str(error or done_words(receipt)),
        survey=run.survey,
        plan=plan,
        receipt=receipt,
        error=error,
        warnings=tuple(run.warnings),
        rehearsal=run.rehearsal,
    )
    return recorder.record(run.context, result, run.started)


def _references(made: Backup | None, rehearsal: int) -> Iterator[tuple[str, str]]:
    if made:
        yield "backup digest", made.digest
    if rehearsal:
        yield "rehearsal", str(rehearsal)


def _pruned(context: EnvironmentContext, result: Result) -> Result:
    """The result after old backups were pruned; failures to prune are warnings."""
    if context.keep is None and context.max_age is None:
        return result
    from architect_migrate.backups.prune import prune_after_run

    return replace(result, warnings=(*result.warnings, *prune_after_run(context)))


@contextmanager
def _settled_commit(run: _Run) -> Iterator[None]:
    """Turn a failed commit into a warning if the file shows that it is complete; else raise the error."""
    try:
        yield
    except CommitFailedError as error:
        run.warnings.append(settled(error, _commit_outcome(run)))


def _commit_outcome(run: _Run) -> CommitOutcome:
    """Ask the server, or compare every value with the backup's record.

    A database built from nothing is judged by its stamp.
    """
    timeout = run.context.environment.policies.lock_timeout
    if run.committed:
        table = run.context.graph.version_table
        if told := keeper.transaction_outcome(run.url, timeout, table, run.committed):
            return told
    if run.copy and (kept := read_record(run.copy)):
        try:
            before = backups.complete(run.copy, kept.content)
            after = backups.complete(run.copy, kept.after) if kept.after else None
        except ArchmigError:
            return CommitOutcome.UNKNOWN
        return keeper.commit_outcome(run.url, timeout, before, after)
    outcome = keeper.commit_outcome(run.url, timeout, None, None)
    return CommitOutcome.AFTER if outcome is CommitOutcome.UNKNOWN and not _read_back(run) else outcome


def _read_back(run: _Run) -> ArchmigError | None:
    graph, timeout = run.context.graph, run.context.environment.policies.lock_timeout
    assert run.committed is not None
    return keeper.read_back(run.url, timeout, graph.version_table, run.committed)
