"""Recorder of the ledger: builds and appends the entries of runs that were done, failed or refused."""

from __future__ import annotations

import json
import socket
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from architect_migrate.core.errors import ArchmigError, LedgerError
from architect_migrate.core.interrupts import FinishedFirst
from architect_migrate.core.user import user_name
from architect_migrate.databases.registry import LOCAL, about, access, marks
from architect_migrate.diagnosis.describe import counts
from architect_migrate.ledger import store
from architect_migrate.ledger.without_values import without_values
from architect_migrate.model.diff import explain
from architect_migrate.planning.plan import RunRevision, SyncTracker, change_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Fingerprint, Receipt, Result, Survey

    Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entered:
    """The number of a new entry; 0 if the ledger cannot be written, in which case `warnings` say why."""

    number: int = 0
    warnings: tuple[str, ...] = ()


def enter(
    context: EnvironmentContext,
    action: str,
    started: float,
    *,
    result: str = "done",
    stamps: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    steps: tuple[str, ...] = (),
    backup: str = "",
    findings: tuple[str, ...] = (),
    detail: str = "",
    facts: Iterable[Fact] | None = None,
) -> Entered:
    """Append an entry for an action of this process on an environment.

    The action began at `started` (time.time()) and ends now. `stamps` are the revisions in Alembic's table before and
    after; without `facts` the entry has the tools' versions. Why an unwritable ledger is a warning: the action is done.
    """
    new = store.Entry(
        environment=context.environment.name,
        database=str(context.environment.url),
        action=action,
        started_at=datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds"),
        seconds=round(time.time() - started, 3),
        result=result,
        from_heads=stamps[0],
        to_heads=stamps[1],
        steps=steps,
        backup=backup,
        findings=findings,
        detail=detail,
        user=user_name(),
        host=socket.gethostname(),
        command=" ".join(sys.argv),
        facts=tuple(tool_versions() if facts is None else facts),
    )
    try:
        return Entered(store.append(context.ledger, new))
    except LedgerError as error:
        return Entered(warnings=(str(error),))


def record(context: EnvironmentContext, result: Result, started: float) -> Result:
    """Append the entry of a run and return its result with the entry's number, or with the warning of `enter`."""
    receipt, blockers = result.receipt, result.plan.blockers if result.plan else ()
    stamp = (result.survey.claims.stamp if result.survey else None) or ()
    entered = enter(
        context,
        result.action,
        started,
        result=result.outcome.value,
        stamps=(receipt.came_from, receipt.arrived_at) if receipt else (stamp, ()),
        steps=receipt.steps if receipt else (),
        backup=receipt.backup if receipt else "",
        # Why not what was found: it shows values of rows.
        findings=tuple(f"{blocker.code}: {blocker.subject}" for blocker in blockers),
        detail=without_values(result.error) if result.error else result.detail,
        facts=receipt.facts if receipt else (*_row_answers(result.survey), *tool_versions()),
    )
    numbered = replace(receipt, number=entered.number) if receipt else None
    return replace(result, receipt=numbered, warnings=(*result.warnings, *entered.warnings))


def note(
    context: EnvironmentContext, action: str, started: float, seen: Survey, external_change: str
) -> tuple[str, ...]:
    """Append an entry for a run that found nothing to do on a database that was changed from outside.

    Why: the entry's fingerprint becomes the new base of comparison, so that the change is reported once.
    """
    stamp = seen.claims.stamp or ()
    facts = [("noticed", external_change), *fingerprint_facts(None, seen.fingerprint), *tool_versions()]
    detail = "nothing to do; the database was changed since the last run"
    return enter(context, action, started, result="noted", stamps=(stamp, stamp), detail=detail, facts=facts).warnings


@contextmanager
def entered_on_failure(context: EnvironmentContext, action: str, started: float) -> Iterator[None]:
    """Append an entry for an exception of the block, then raise it again; a block without one appends its own entry.

    If the ledger cannot be written, the error gets a note that says so.
    """
    try:
        yield
    except FinishedFirst:  # the work was done, so the block has appended its entry
        raise
    except (Exception, KeyboardInterrupt) as error:
        stopped = isinstance(error, KeyboardInterrupt)
        result = "interrupted" if stopped else "failed"
        detail = "Ctrl-C; everything was rolled back" if stopped else without_values(error)
        for warning in enter(context, action, started, result=result, detail=detail).warnings:
            error.add_note(warning)
        raise


def evidence(
    context: EnvironmentContext, seen: Survey, plan: Plan, receipt: Receipt, left: Fingerprint | None
) -> Iterator[Fact]:
    """Yield the facts of a run: inferred and forced changes, fingerprints before and after, and the proof's counts."""
    yield from (("inferred", name) for name in _inferred(seen, plan))
    for change, why in plan.kept:
        yield "forced", f"{explain(change)}: kept by {why.origin}" + (f": {why.reason}" if why.reason else "")
    yield from _row_answers(seen)
    for step in plan.steps:
        if isinstance(step, SyncTracker):
            yield from (("tracker", change_words(each)) for each in step.changes)
    yield from fingerprint_facts(seen.fingerprint, left)
    yield "chain", context.source.fingerprint
    yield "tables", str(receipt.tables)
    yield "rows", str(receipt.rows)
    yield "tables compared", str(receipt.compared)
    yield "rows that refer to nothing before", str(receipt.orphans[0])
    yield "rows that refer to nothing after", str(receipt.orphans[1])
    yield from ((f"rows of {table}", digest) for table, digest in receipt.digests)
    yield from tool_versions()


def _row_answers(seen: Survey | None) -> Iterator[Fact]:
    """What a person said of the rows of revisions; who and when that was stands in the entry itself."""
    for judgement in seen.rows if seen else ():
        if entry := judgement.settled:
            by = entry.origin if entry.origin.entry else entry.origin.words
            because = f": {entry.reason}" if entry.reason else ""
            yield "forced", f"rows of {judgement.revision}: {entry.answer.value} by {by}{because}"


def _inferred(seen: Survey, plan: Plan) -> Iterator[str]:
    """Describe the revisions that count as applied because of the schema, with the counts of their effects."""
    run = {step.revision for step in plan.steps if isinstance(step, RunRevision)}
    for judgement in seen.diagnosis.judgements if seen.diagnosis else ():
        revision = judgement.revision.id
        if seen.diagnosis and revision in seen.diagnosis.position - seen.diagnosis.stamped - run:
            shown = f" ({counts(judgement)})" if counts(judgement) else ""
            yield f"{revision}: {judgement.verdict.value}{shown}, claimed as {judgement.claim.value}"


def fingerprint_facts(before: Fingerprint | None, after: Fingerprint | None) -> Iterator[Fact]:
    """Yield the facts that show later whether a database was changed since a run; none if it was not read (None)."""
    if after is None:
        return
    if before:
        yield "schema before", before.schema
    yield "schema after", after.schema
    yield "schema leaves out", json.dumps(after.without, ensure_ascii=False)
    yield "schema counter after", str(after.counter)
    yield "highest ids after", json.dumps(dict(after.highest), ensure_ascii=False)


def tool_versions() -> Iterator[Fact]:
    """Yield the versions of archmig, Alembic, SQLite and Python."""
    yield from ((name, version(name)) for name in ("archmig", "alembic"))
    yield about(LOCAL).version()
    yield "python", sys.version.partition(" ")[0]


def current_state(context: EnvironmentContext) -> tuple[tuple[str, ...], Fingerprint | None]:
    """Return a database's stamp and fingerprint now; ((), None) if it is empty, or it or the chain is unreadable."""
    url = context.environment.url
    opened = access.reading(url, context.environment.policies.lock_timeout)
    try:
        table = context.graph.version_table
        with opened as connection:
            if access.is_empty(url):
                return (), None
            stamp = marks.read_claims(connection, None, table).stamp or ()
            return stamp, marks.fingerprint_of(connection, context.hidden(table))
    except ArchmigError:
        return (), None
