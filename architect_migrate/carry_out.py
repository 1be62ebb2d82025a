"""Carries out a plan that was shown: lock, look again, back up, execute, prove, commit, read back, record."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate import backups, journal, ledger
from architect_migrate.apply import execute
from architect_migrate.chain_errors import ChangedMeanwhileError
from architect_migrate.database import created, file_of, integrity, reading, transaction
from architect_migrate.database_errors import DamagedError
from architect_migrate.environment import Uninitialised
from architect_migrate.errors import LedgerError
from architect_migrate.interrupt import finishing
from architect_migrate.outline import heads
from architect_migrate.plan import RunDataStep, RunDowngrade, RunRevision, headline
from architect_migrate.rehearsed import as_rehearsed
from architect_migrate.results import Outcome, Receipt, Result
from architect_migrate.traces import traces_of
from architect_migrate.tracker import read_claims
from architect_migrate.verify import verify

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from architect_migrate.backup import Backup
    from architect_migrate.interrupt import Interrupts
    from architect_migrate.plan import Plan
    from architect_migrate.planning import Prepared
    from architect_migrate.setting import Setting
    from architect_migrate.verify import Proof

    Progress = Callable[[int, int, str], None]
    Prepare = Callable[[Setting, sqlite3.Connection], Prepared]


def carry_out(setting: Setting, action: str, shown: Plan, progress: Progress, make: Prepare) -> Result:
    """Execute a plan that was shown: lock, plan again, compare, back up, execute, prove, commit, read back, record.

    A Ctrl-C rolls back and raises KeyboardInterrupt; from the commit on it waits for the record (see `finishing`).
    """
    if shown.before and any(isinstance(it, RunRevision | RunDowngrade | RunDataStep) for it in shown.steps):
        # Alembic takes longer to import than most revisions to run, and nobody is to wait for that behind the lock.
        import architect_migrate.chain  # noqa: F401  (execute will find it there)
    with journal.entered_if_it_fails(setting, action, time.time()):
        return finishing(lambda it: _carried_out(setting, action, shown, progress, make=make, interrupts=it))


def _carried_out(
    setting: Setting, action: str, shown: Plan, progress: Progress, *, make: Prepare, interrupts: Interrupts
) -> Result:
    path = file_of(setting.environment.url)
    started = time.time()
    with _made_if_missing(setting, path), transaction(path, setting.environment.lock_timeout) as connection:
        prepared, rehearsal = as_rehearsed(setting, connection, make(setting, connection))
        if prepared.plan != shown:
            raise ChangedMeanwhileError(setting.environment.name)
        if broken := integrity(connection):
            raise DamagedError(str(path), broken[0])
        progress(0, len(shown.steps), "backing up")
        made = _backed_up(setting, action, connection, partial(progress, 0, len(shown.steps)))
        copy = made.path if made else None
        written = execute(setting, shown, connection, progress)
        progress(len(shown.steps) + 1, len(shown.steps), "proving that every row is there")
        proof = verify(setting, shown, connection, copy, written)
        if made:
            backups.mark(setting, made, action, connection, _unwritten(setting, proof))
        left = traces_of(connection, setting.hidden(setting.outline().version_table))
        interrupts.refuse()
        interrupts.held = True
    receipt = _receipt(setting, prepared, proof, copy, time.time() - started)
    facts = journal.evidence(setting, prepared.survey, shown, receipt, left)
    receipt = replace(receipt, facts=(*facts, *_went_by(made, rehearsal)))
    _read_back(setting, shown)
    result = Result(
        environment=setting.environment.name,
        database=str(setting.environment.url),
        action=action,
        outcome=Outcome.DONE,
        detail=_done(receipt),
        survey=prepared.survey,
        plan=shown,
        receipt=receipt,
        warnings=tuple(written.restored),
        rehearsal=rehearsal,
    )
    return _tidied(setting, record(setting, result, started))


def _went_by(made: Backup | None, rehearsal: int) -> Iterator[tuple[str, str]]:
    if made:
        yield "backup digest", made.content.digest
    if rehearsal:
        yield "rehearsal", str(rehearsal)


def _tidied(setting: Setting, result: Result) -> Result:
    """The same, after backups that are left over have gone; what went wrong there is a warning."""
    if setting.keep is None and setting.max_age is None:
        return result
    from architect_migrate.pruning import tidy

    return replace(result, warnings=(*result.warnings, *tidy(setting)))


def _made_if_missing(setting: Setting, path: Path) -> AbstractContextManager[None]:
    """With the policy `create` a missing file is made, and is gone again if nothing came of it."""
    return created(path) if setting.environment.uninitialised is Uninitialised.CREATE else nullcontext()


def _backed_up(
    setting: Setting, action: str, connection: sqlite3.Connection, told: Callable[[str], None]
) -> Backup | None:
    """A verified copy of the database as it is; none of one that holds nothing at all."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return None
    return backups.take_for(setting, action, told=told)


def _unwritten(setting: Setting, proof: Proof) -> set[str]:
    """Tables that nothing wrote to; the stamp is rewritten without anybody watching."""
    stamp = setting.outline().version_table
    return {it.table for it in proof.rows.tables if not it.compared and it.table.lower() != stamp.lower()}


def _read_back(setting: Setting, plan: Plan) -> None:
    """Read the stamp again from the file: only what is there after the commit counts as done."""
    outline = setting.outline()
    path = file_of(setting.environment.url)
    with reading(path, setting.environment.lock_timeout) as connection:
        stamp = read_claims(connection, None, outline.version_table).stamp
    if set(stamp or ()) != set(heads(outline, plan.after)):
        raise ChangedMeanwhileError(setting.environment.name)


def _receipt(setting: Setting, prepared: Prepared, proof: Proof, copy: Path | None, seconds: float) -> Receipt:
    tables = proof.rows.tables
    return Receipt(
        came_from=prepared.survey.claims.stamp or (),
        arrived_at=heads(setting.outline(), prepared.plan.after),
        steps=tuple(headline(it) for it in prepared.plan.steps),
        seconds=seconds,
        backup=str(copy or ""),
        tables=len(tables),
        rows=sum(it.rows_before for it in tables),
        compared=sum(it.compared for it in tables),
        digests=tuple((it.table, it.digest) for it in tables if it.digest),
        dangling=(proof.dangling_before, proof.dangling_after),
    )


def record(setting: Setting, result: Result, started: float) -> Result:
    """Enter a result in the ledger; a ledger that cannot be written is a warning, never a reason to undo a run."""
    try:
        number = ledger.append(setting.ledger, ledger_entry(result, started))
    except LedgerError as error:
        return replace(result, warnings=(*result.warnings, str(error)))
    return replace(result, receipt=replace(result.receipt, number=number)) if result.receipt else result


def ledger_entry(result: Result, started: float) -> ledger.Entry:
    """A result as the ledger keeps it."""
    receipt, blockers = result.receipt, result.plan.blockers if result.plan else ()
    stamp = (result.survey.claims.stamp if result.survey else None) or ()
    return ledger.entry(
        environment=result.environment,
        database=result.database,
        action=result.action,
        started=started,
        result=result.outcome.value,
        from_heads=receipt.came_from if receipt else stamp,
        to_heads=receipt.arrived_at if receipt else (),
        steps=receipt.steps if receipt else (),
        backup=receipt.backup if receipt else "",
        findings=tuple(f"{it.code}: {it.subject}: {it.found}" for it in blockers),
        detail=result.detail,
        facts=receipt.facts if receipt else tuple(journal.tools()),
    )


def _done(receipt: Receipt) -> str:
    rows = f"{receipt.rows:,} rows in {receipt.tables} tables kept" if receipt.tables else "built from nothing"
    return f"at {', '.join(receipt.arrived_at) or 'base'}, {len(receipt.steps)} steps, {rows}, {receipt.seconds:.1f} s"
