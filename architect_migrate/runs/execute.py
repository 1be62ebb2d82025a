"""Executes a plan that was shown: lock, plan again, back up, execute, prove, commit, read back, record."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.backups import service as backups
from architect_migrate.backups.record import copy_at, read_record, remove
from architect_migrate.config.policies import creates_missing
from architect_migrate.core.chain_errors import BlockedError, ChangedMeanwhileError
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
from architect_migrate.core.text import pluralize
from architect_migrate.databases.registry import access, is_served, keeper, marks
from architect_migrate.databases.values import CommitOutcome, settled
from architect_migrate.ledger import recorder
from architect_migrate.model.history import replayed_anew
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.plan import RunDataStep, RunDowngrade, RunRevision, headline
from architect_migrate.planning.results import Outcome, Receipt, Result
from architect_migrate.runs.commit_proof import rows_kept, unwritten_tables, verify
from architect_migrate.runs.rehearsal_gate import as_rehearsed
from architect_migrate.runs.steps import run_steps, with_rows
from architect_migrate.runs.written_tables import written_tables

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.core.interrupts import Interrupts
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import Backup, Committed
    from architect_migrate.planning.plan import Plan, Step
    from architect_migrate.planning.results import Survey
    from architect_migrate.runs.commit_proof import Proof
    from architect_migrate.runs.contracts import Prepare, Prepared, Progress


# How long to wait before a run that met a lock of the application is tried again, in seconds.
_PAUSES = (0.5, 1.0)


def execute(context: EnvironmentContext, action: str, shown: Plan, progress: Progress, make: Prepare) -> Result:
    """Execute a plan that was shown, and record it in the ledger.

    The order: lock, plan again and compare, back up, execute, prove, commit, read the stamp back, record. `make` plans
    again on the open connection. Raises BlockedError for a plan with blockers, ChangedMeanwhileError if the new plan
    differs, and what a step, the proof or the commit raises. A Ctrl-C rolls back and raises KeyboardInterrupt; after
    the commit has begun it takes effect when the run is recorded (see `run_interruptible`).
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
            lambda interrupts: _run_with_copies(
                _Run(context, action, shown, steps, started, interrupts), progress, make
            )
        )
    if result.error:
        for warning in result.warnings:
            result.error.add_note(warning)
        raise result.error
    return result


@dataclass(slots=True)
class _Run:
    """The state of a run while it is executed; `made` is its backup, `warnings` go into the result.

    `committed` is what was about to be committed, `steps` are those of the plan, with the values of rows.
    """

    context: EnvironmentContext
    action: str
    plan: Plan
    steps: tuple[Step, ...]
    started: float
    interrupts: Interrupts
    made: Backup | None = None
    committed: Committed | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def url(self) -> DatabaseUrl:
        return self.context.environment.url

    @property
    def copy(self) -> Path | None:
        return self.made.path if self.made else None


def _run_with_copies(run: _Run, progress: Progress, make: Prepare) -> Result:
    """Execute the plan; again with copies of the tables of which it turned out to change rows, or after a lock.

    A revision that loops over rows shows nothing of what it writes in a replay. Why again after a lock on a server: a
    run that goes on waiting holds up all who come after it.
    """
    tables = written_tables(run.context.history, run.plan) if run.plan.before else frozenset[str]()
    pauses = iter(_PAUSES if is_served(run.url) else ())
    while True:
        try:
            return _run_in_transaction(run, tables, progress, make)
        except RowsNotKeptError as error:
            if tables >= {*error.tables}:
                raise
            tables |= {*error.tables}
            _forget_backup(run)
        except LockedByRunError:
            raise
        except DatabaseLockedError:
            if (pause := next(pauses, None)) is None:
                raise
            _forget_backup(run)
            progress(0, len(run.plan.steps), "waiting: the application has a lock")
            # Why at random: two runs that wait for each other must not do so at the same moments.
            time.sleep(random.uniform(pause, 2 * pause))  # noqa: S311  (no secret)


def _forget_backup(run: _Run) -> None:
    """Remove the backup of an attempt that was rolled back: the next attempt takes another."""
    if run.made and (copy := copy_at(run.made.path)):
        with suppress(BackupError):
            remove(copy)
    run.made = None


def _run_in_transaction(run: _Run, tables: frozenset[str], progress: Progress, make: Prepare) -> Result:
    """Execute the plan in one transaction and return the recorded result.

    The result has an error if the run was committed but could not be read back.
    """
    context, plan, total = run.context, run.plan, len(run.plan.steps)
    with _settled_commit(run), _in_transaction(run) as connection:
        # Why plan again: the database may have changed since the plan was shown, and from here on the lock is held.
        prepared, rehearsal = as_rehearsed(context, connection, make(context, connection))
        if prepared.plan != plan:
            raise ChangedMeanwhileError(context.environment.name)
        # Why before the backup: a damaged database is refused, not copied and changed.
        broken = _integrity_before(run, connection)
        progress(0, total, "backing up")
        # Why before the first step: the backup is the way back, and the proof compares the rows with it.
        run.made = backups.take_unless_empty(context, run.action, connection, partial(progress, 0, total))
        keeper.keep(connection, tables)
        written = run_steps(context, replace(plan, steps=run.steps), connection, progress)
        run.warnings += written.restored
        progress(total + 1, total, "proving that every row is there")
        # Why before the commit: what is not proven is rolled back, the stamp included.
        proof = verify(context, plan, connection, run.copy, written, broken=broken)
        if run.made:
            # Why before the commit: if the commit fails, `_commit_outcome` compares the file with this record.
            backups.mark(
                context, run.made, run.action, connection, unwritten_tables(proof, context.graph.version_table)
            )
        # Why in the transaction: after the commit another process may write before the fingerprint is read.
        left = marks.fingerprint_of(connection, context.hidden(context.graph.version_table))
        run.committed = keeper.committing(connection, heads(context.graph, plan.after), left)
        # Why here: the last moment at which a Ctrl-C can still roll back; from now on it waits for the record.
        run.interrupts.refuse()
        run.interrupts.held = True
    receipt = _receipt(run, prepared, proof)
    facts = recorder.evidence(context, prepared.survey, plan, receipt, left)
    receipt = replace(receipt, facts=(*facts, *_references(run.made, rehearsal)))
    return _recorded(run, prepared.survey, receipt, rehearsal)


@contextmanager
def _in_transaction(run: _Run) -> Iterator[Connection]:
    """Open the run's transaction.

    With the policy `create` a missing file is created, and removed again if nothing is committed.
    """
    environment = run.context.environment
    making = creates_missing(environment)
    with (
        access.created(run.url) if making else nullcontext(),
        access.transaction(run.url, environment.policies.lock_timeout) as connection,
    ):
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


def _recorded(run: _Run, survey: Survey, receipt: Receipt, rehearsal: int) -> Result:
    """The result with its number in the ledger, after the stamp was read back from the file."""
    unread = _read_back(run)
    result = Result(
        environment=run.context.environment.name,
        database=str(run.context.environment.url),
        action=run.action,
        outcome=Outcome.FAILED if unread else Outcome.DONE,
        detail=str(unread or _done(receipt)),
        survey=survey,
        plan=run.plan,
        receipt=receipt,
        error=unread,
        warnings=tuple(run.warnings),
        rehearsal=rehearsal,
    )
    entered = recorder.record(run.context, result, run.started)
    return entered if unread else _pruned(run.context, entered)


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


def _receipt(run: _Run, prepared: Prepared, proof: Proof) -> Receipt:
    tables = proof.rows.tables
    return Receipt(
        came_from=prepared.survey.claims.stamp or (),
        arrived_at=heads(run.context.graph, run.plan.after),
        steps=tuple(headline(step) for step in run.plan.steps),
        seconds=time.time() - run.started,
        backup=str(run.copy or ""),
        tables=sum(not table.dropped for table in tables),
        rows=sum(table.rows_before - table.gone for table in tables),
        compared=sum(table.compared for table in tables),
        digests=tuple((table.table, table.digest) for table in tables if table.digest),
        orphans=(proof.orphans_before, proof.orphans_after),
        gone=sum(table.gone for table in tables),
        kept=rows_kept(proof.rows) if tables else "built from nothing",
    )


def _done(receipt: Receipt) -> str:
    where, steps = ", ".join(receipt.arrived_at) or "base", pluralize(len(receipt.steps), "step")
    return f"at {where}, {steps}, {receipt.kept}, {receipt.seconds:.1f} s"
