"""Carries out a plan that was shown: lock, look again, back up, execute, prove, commit, read back, record."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.backups import service as backups
from architect_migrate.backups.record import read_record
from architect_migrate.config.policies import builds_uninitialised
from architect_migrate.core.chain_errors import BlockedError, ChangedMeanwhileError
from architect_migrate.core.database_errors import CommitFailedError, DamagedError
from architect_migrate.core.interrupts import finishing
from architect_migrate.core.text import pluralize
from architect_migrate.databases import access
from architect_migrate.databases.sqlite.files.commit_check import commit_outcome, read_back, settled
from architect_migrate.databases.sqlite.fingerprint import fingerprint_of
from architect_migrate.databases.sqlite.rows.integrity import integrity_of
from architect_migrate.databases.values import CommitOutcome
from architect_migrate.ledger import recorder
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.plan import RunDataStep, RunDowngrade, RunRevision, headline
from architect_migrate.planning.results import Outcome, Receipt, Result
from architect_migrate.runs.commit_proof import verify
from architect_migrate.runs.rehearsal_gate import as_rehearsed
from architect_migrate.runs.steps import run_steps

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.core.errors import ArchmigError
    from architect_migrate.core.interrupts import Interrupts
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import Backup
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Survey
    from architect_migrate.runs.commit_proof import Proof
    from architect_migrate.runs.contracts import Prepare, Prepared, Progress


def execute(context: EnvironmentContext, action: str, shown: Plan, progress: Progress, make: Prepare) -> Result:
    """Execute a plan that was shown: lock, plan again, compare, back up, execute, prove, commit, read back, record.

    A Ctrl-C rolls back and raises KeyboardInterrupt; from the commit on it waits for the record (see `finishing`).
    """
    if shown.blockers:
        raise BlockedError(context.environment.name, tuple(blocker.subject for blocker in shown.blockers))
    if shown.before and any(isinstance(step, RunRevision | RunDowngrade | RunDataStep) for step in shown.steps):
        # Alembic takes longer to import than most revisions to run, and nobody is to wait for that behind the lock.
        import architect_migrate.revisions.alembic_runtime  # noqa: F401  (execute will find it there)
    started = time.time()
    with recorder.entered_if_it_fails(context, action, started):
        result = finishing(
            lambda interrupts: _carried_out(_Run(context, action, shown, started, interrupts), progress, make)
        )
    if result.error:
        for warning in result.warnings:
            result.error.add_note(warning)
        raise result.error
    return result


@dataclass(slots=True)
class _Run:
    """What is known of a run while it goes on: `made` is its backup, `warnings` are what it has to say besides."""

    context: EnvironmentContext
    action: str
    plan: Plan
    started: float
    interrupts: Interrupts
    made: Backup | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def url(self) -> DatabaseUrl:
        return self.context.environment.url

    @property
    def copy(self) -> Path | None:
        return self.made.path if self.made else None


def _carried_out(run: _Run, progress: Progress, make: Prepare) -> Result:
    """What was done, entered in the ledger; with an error where it is committed and could not be read back."""
    context, plan, total = run.context, run.plan, len(run.plan.steps)
    with _looked_into(run), _in_transaction(run) as connection:
        prepared, rehearsal = as_rehearsed(context, connection, make(context, connection))
        if prepared.plan != plan:
            raise ChangedMeanwhileError(context.environment.name)
        broken = _sound(run, connection)
        progress(0, total, "backing up")
        run.made = backups.take_unless_empty(context, run.action, connection, partial(progress, 0, total))
        written = run_steps(context, plan, connection, progress)
        run.warnings += written.restored
        progress(total + 1, total, "proving that every row is there")
        proof = verify(context, plan, connection, run.copy, written, broken=broken)
        if run.made:
            backups.mark(context, run.made, run.action, connection, _unwritten(context, proof))
        left = fingerprint_of(connection, context.hidden(context.graph.version_table))
        run.interrupts.refuse()
        run.interrupts.held = True
    receipt = _receipt(run, prepared, proof)
    facts = recorder.evidence(context, prepared.survey, plan, receipt, left)
    receipt = replace(receipt, facts=(*facts, *_went_by(run.made, rehearsal)))
    return _entered(run, prepared.survey, receipt, rehearsal)


@contextmanager
def _in_transaction(run: _Run) -> Iterator[Connection]:
    """With the policy `create` a missing file is made, and is gone again if nothing came of it."""
    environment = run.context.environment
    making = builds_uninitialised(environment)
    with (
        access.created(run.url) if making else nullcontext(),
        access.transaction(run.url, environment.policies.lock_timeout) as connection,
    ):
        yield connection


def _sound(run: _Run, connection: Connection) -> Counter[str]:
    """Rows that break what their tables declare, which are nobody's to mend. Raises DamagedError."""
    found = integrity_of(connection)
    if found.damage:
        raise DamagedError(access.location(run.url), found.damage[0])
    run.warnings += found.left()
    return found.broken


def _entered(run: _Run, survey: Survey, receipt: Receipt, rehearsal: int) -> Result:
    """The result, once the stamp was read back, with its number in the ledger."""
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
    return entered if unread else _tidied(run.context, entered)


def _went_by(made: Backup | None, rehearsal: int) -> Iterator[tuple[str, str]]:
    if made:
        yield "backup digest", made.content.digest
    if rehearsal:
        yield "rehearsal", str(rehearsal)


def _tidied(context: EnvironmentContext, result: Result) -> Result:
    """The same, after backups that are left over have gone; what went wrong there is a warning."""
    if context.keep is None and context.max_age is None:
        return result
    from architect_migrate.backups.prune import tidy

    return replace(result, warnings=(*result.warnings, *tidy(context)))


def _unwritten(context: EnvironmentContext, proof: Proof) -> set[str]:
    """Tables that nothing wrote to; the stamp is rewritten without anybody watching."""
    stamp = context.graph.version_table
    return {table.table for table in proof.rows.tables if not table.compared and table.table.lower() != stamp.lower()}


@contextmanager
def _looked_into(run: _Run) -> Iterator[None]:
    """A commit that SQLite calls failed: what the file holds says what came of it, else nobody knows."""
    try:
        yield
    except CommitFailedError as error:
        run.warnings.append(settled(error, _commit_outcome(run)))


def _commit_outcome(run: _Run) -> CommitOutcome:
    """By every value where there is a backup; what was built from nothing is known by its stamp."""
    timeout = run.context.environment.policies.lock_timeout
    if run.copy and (kept := read_record(run.copy)):
        return commit_outcome(run.url, timeout, kept.content, kept.after)
    found = commit_outcome(run.url, timeout, None, None)
    return CommitOutcome.AFTER if found is CommitOutcome.UNKNOWN and not _read_back(run) else found


def _read_back(run: _Run) -> ArchmigError | None:
    graph, timeout = run.context.graph, run.context.environment.policies.lock_timeout
    return read_back(run.url, timeout, graph.version_table, heads(graph, run.plan.after))


def _receipt(run: _Run, prepared: Prepared, proof: Proof) -> Receipt:
    tables = proof.rows.tables
    return Receipt(
        came_from=prepared.survey.claims.stamp or (),
        arrived_at=heads(run.context.graph, run.plan.after),
        steps=tuple(headline(step) for step in run.plan.steps),
        seconds=time.time() - run.started,
        backup=str(run.copy or ""),
        tables=len(tables),
        rows=sum(table.rows_before for table in tables),
        compared=sum(table.compared for table in tables),
        digests=tuple((table.table, table.digest) for table in tables if table.digest),
        orphans=(proof.orphans_before, proof.orphans_after),
    )


def _done(receipt: Receipt) -> str:
    where, steps = ", ".join(receipt.arrived_at) or "base", pluralize(len(receipt.steps), "step")
    kept = f"{pluralize(receipt.rows, 'row')} in {pluralize(receipt.tables, 'table')} kept"
    return f"at {where}, {steps}, {kept if receipt.tables else 'built from nothing'}, {receipt.seconds:.1f} s"
