"""Enters in the ledger what was done, what failed and what was refused, with what it went by; never in a run's way."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from architect_migrate.core.errors import ArchmigError, LedgerError
from architect_migrate.core.interrupts import FinishedFirst
from architect_migrate.databases.sqlite.bookkeeping import read_claims
from architect_migrate.databases.sqlite.connection import file_of, reading
from architect_migrate.databases.sqlite.fingerprint import traces_of
from architect_migrate.diagnosis.describe import counts
from architect_migrate.ledger import store
from architect_migrate.model.diff import explain
from architect_migrate.planning.plan import RunRevision, SyncTracker, change_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.config.context import Setting
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Receipt, Survey, Traces

    Fact = tuple[str, str]


def enter(
    setting: Setting,
    action: str,
    started: float,
    *,
    result: str = "done",
    stamps: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    steps: tuple[str, ...] = (),
    backup: str = "",
    detail: str = "",
    facts: Iterable[Fact] = (),
) -> tuple[str, ...]:
    """Enter an action of this process that ends now; a ledger that cannot be written is a warning.

    `started` is of time.time(), `stamps` what Alembic's table held before and after.
    """
    new = store.entry(
        environment=setting.environment.name,
        database=str(setting.environment.url),
        action=action,
        started=started,
        result=result,
        from_heads=stamps[0],
        to_heads=stamps[1],
        steps=steps,
        backup=backup,
        detail=detail,
        facts=tuple(facts),
    )
    try:
        store.append(setting.ledger, new)
    except LedgerError as error:
        return (str(error),)
    return ()


def note(setting: Setting, action: str, started: float, seen: Survey, notice: str) -> tuple[str, ...]:
    """Enter that a run found nothing to do on a database that is no longer as the last run left it.

    From then on it is what it is now that is compared with.
    """
    stamp = seen.claims.stamp or ()
    facts = [("noticed", notice), *(left_behind(None, seen.traces) if seen.traces else ()), *tools()]
    detail = "nothing to do on what it has become since"
    return enter(setting, action, started, result="noted", stamps=(stamp, stamp), detail=detail, facts=facts)


@contextmanager
def entered_if_it_fails(setting: Setting, action: str, started: float) -> Iterator[None]:
    """Enter what keeps the block from ending well, and let it go on; one that ends well enters itself.

    Where the ledger cannot be written, the error gets a note that says so.
    """
    try:
        yield
    except FinishedFirst:
        raise
    except (Exception, KeyboardInterrupt) as error:
        stopped = isinstance(error, KeyboardInterrupt)
        result = "interrupted" if stopped else "failed"
        kind = "" if isinstance(error, ArchmigError) else f"{type(error).__name__}: "
        detail = "Ctrl-C; all that was done is rolled back" if stopped else f"{kind}{error}"
        for it in enter(setting, action, started, result=result, detail=detail, facts=tools()):
            error.add_note(it)
        raise


def evidence(setting: Setting, seen: Survey, plan: Plan, receipt: Receipt, left: Traces) -> Iterator[Fact]:
    """The facts of a run: what was inferred and forced, what was there before and after, and what was proven."""
    yield from (("inferred", it) for it in _inferred(seen, plan))
    for change, why in plan.kept:
        yield "forced", f"{explain(change)}: stands by {why.origin}" + (f": {why.reason}" if why.reason else "")
    for step in plan.steps:
        if isinstance(step, SyncTracker):
            yield from (("tracker", change_words(it)) for it in step.changes)
    yield from left_behind(seen.traces, left)
    yield "chain", setting.source.fingerprint
    yield "tables", str(receipt.tables)
    yield "rows", str(receipt.rows)
    yield "tables compared", str(receipt.compared)
    yield "rows that refer to nothing before", str(receipt.dangling[0])
    yield "rows that refer to nothing after", str(receipt.dangling[1])
    yield from ((f"rows of {table}", digest) for table, digest in receipt.digests)
    yield from tools()


def _inferred(seen: Survey, plan: Plan) -> Iterator[str]:
    """The revisions that are taken as applied by what the schema shows, and what of each it shows."""
    run = {it.revision for it in plan.steps if isinstance(it, RunRevision)}
    for it in seen.diagnosis.judgements if seen.diagnosis else ():
        revision = it.revision.id
        if seen.diagnosis and revision in seen.diagnosis.position - seen.diagnosis.stamped - run:
            shown = f" ({counts(it)})" if counts(it) else ""
            yield f"{revision}: {it.verdict.value}{shown}, claimed as {it.claim.value}"


def left_behind(before: Traces | None, after: Traces) -> Iterator[Fact]:
    """The facts by which it is noticed later that a database is no longer as a run left it (see `external_changes`)."""
    if before:
        yield "schema before", before.schema
    yield "schema after", after.schema
    yield "schema leaves out", json.dumps(after.without, ensure_ascii=False)
    yield "schema counter after", str(after.counter)
    yield "highest ids after", json.dumps(dict(after.highest), ensure_ascii=False)


def tools() -> Iterator[Fact]:
    """What did the work, by version."""
    yield from ((it, version(it)) for it in ("architect_migrate", "alembic"))
    yield "sqlite", sqlite3.sqlite_version
    yield "python", sys.version.partition(" ")[0]


def standing(setting: Setting) -> tuple[tuple[str, ...], Traces | None]:
    """Stamp and traces of a database as it is now; nothing where it is empty, or it or the chain cannot be read."""
    path = file_of(setting.environment.url)
    try:
        table = setting.outline().version_table
        with reading(path, setting.environment.lock_timeout) as connection:
            if path.stat().st_size == 0:
                return (), None
            stamp = read_claims(connection, None, table).stamp or ()
            return stamp, traces_of(connection, setting.hidden(table))
    except ArchmigError:
        return (), None
