"""Reconcile: the walk, on one environment. Status is the same, stopped before acting."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate import backup, ledger
from architect_migrate.apply import execute
from architect_migrate.database import file_of, integrity, reading, transaction
from architect_migrate.environment import Uninitialised
from architect_migrate.errors import ChangedMeanwhileError, DamagedError, DatabaseMissingError, LedgerError
from architect_migrate.outline import heads, position_at
from architect_migrate.plan import Plan, RunRevision, Stamp, headline
from architect_migrate.planning import Prepared, prepare, uninitialised_refusal
from architect_migrate.results import Outcome, Receipt, Result, State, Survey
from architect_migrate.survey import glance, survey
from architect_migrate.tracker import read_claims
from architect_migrate.verify import Proof, verify

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from architect_migrate.setting import Setting

    Progress = Callable[[int, int, str], None]
    Prepare = Callable[[Setting, sqlite3.Connection], Prepared]


def preview(setting: Setting, target: str | None = None) -> Result:
    """What `reconcile` would do: PLANNED with the plan, NOTHING, SKIPPED, or BLOCKED with the blockers in the plan."""
    result = blank(setting, "reconcile")
    path = file_of(setting.environment.url)
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        seen = survey(setting, target)
        done = replace(result, survey=seen, outcome=Outcome.PLANNED, plan=from_nothing(setting, target))
        return _unless_refused(setting, done)
    outline = setting.outline()
    wanted = position_at(outline, target or setting.environment.target)
    with reading(path, setting.environment.lock_timeout) as connection:
        glanced = glance(setting, connection, outline, wanted)
        if glanced and glanced.state is State.AT_TARGET:
            return replace(
                result, survey=glanced, detail=f"at {_place(setting, glanced.position)}, as the chain makes it"
            )
        return _unless_refused(setting, planned(result, prepare(setting, connection, wanted)))


def _unless_refused(setting: Setting, result: Result) -> Result:
    """The same result, unless the policy for databases with nothing of the chain speaks against it."""
    refusal = refused(setting, result.survey) if result.survey else None
    return replace(result, plan=None, outcome=refusal[0], detail=refusal[1]) if refusal else result


def reconcile(setting: Setting, shown: Plan, progress: Progress, target: str | None = None) -> Result:
    """Bring the environment's database home by the plan that `preview` showed.

    Raises ArchmigError, and then the database is as it was; ChangedMeanwhileError if it has changed since the preview.
    """
    return carry_out(setting, "reconcile", shown, progress, reconciling(target))


def reconciling(target: str | None) -> Prepare:
    """How a plan for reconcile is made on an open connection."""

    def make(setting: Setting, connection: sqlite3.Connection) -> Prepared:
        return prepare(setting, connection, position_at(setting.outline(), target or setting.environment.target))

    return make


def planned(result: Result, prepared: Prepared) -> Result:
    """A preview's result from what was prepared."""
    plan = prepared.plan
    result = replace(result, survey=prepared.survey, plan=plan)
    if plan.blockers:
        return replace(result, outcome=Outcome.BLOCKED, detail=f"{len(plan.blockers)} things stand in the way")
    if not plan.steps:
        return replace(result, outcome=Outcome.NOTHING, detail="where it should be")
    return replace(result, outcome=Outcome.PLANNED, detail=f"{len(plan.steps)} steps")


def refused(setting: Setting, seen: Survey) -> tuple[Outcome, str] | None:
    """What the policy for databases with nothing of the chain comes to; None where work can go on."""
    policy = setting.environment.uninitialised
    if seen.state not in {State.MISSING, State.UNINITIALISED} or policy is Uninitialised.CREATE:
        return None
    if policy is Uninitialised.ERROR and seen.state is State.MISSING:
        raise DatabaseMissingError(str(file_of(setting.environment.url)))
    skip = policy is Uninitialised.SKIP
    reason = "no file there; its policy is to skip it" if skip and seen.state is State.MISSING else ""
    return (Outcome.SKIPPED if skip else Outcome.BLOCKED), reason or uninitialised_refusal(setting)


def from_nothing(setting: Setting, target: str | None) -> Plan:
    """The plan that builds a database of which not even a file is there, or a file of zero bytes."""
    outline = setting.outline()
    wanted = position_at(outline, target or setting.environment.target)
    steps = [RunRevision(it) for it in outline.order if it in wanted]
    return Plan((*steps, Stamp(heads(outline, wanted))), (), (), frozenset(), wanted)


def carry_out(setting: Setting, action: str, shown: Plan, progress: Progress, make: Prepare) -> Result:
    """Execute a plan that was shown: lock, plan again, compare, back up, execute, prove, commit, read back, record."""
    path = file_of(setting.environment.url)
    started = time.time()
    with _made_if_missing(setting, path), transaction(path, setting.environment.lock_timeout) as connection:
        prepared = make(setting, connection)
        if prepared.plan != shown:
            raise ChangedMeanwhileError(setting.environment.name)
        if broken := integrity(connection):
            raise DamagedError(str(path), broken[0])
        copy = _backed_up(setting, path, connection)
        written = execute(setting, shown, connection, progress)
        proof = verify(setting, shown, connection, copy, written)
    receipt = _receipt(setting, prepared, proof, copy, time.time() - started)
    _read_back(setting, shown)
    done = replace(blank(setting, action), outcome=Outcome.DONE)
    result = replace(done, survey=prepared.survey, plan=shown, receipt=receipt, detail=_done(receipt))
    return record(setting, result, started)


@contextmanager
def _made_if_missing(setting: Setting, path: Path) -> Iterator[None]:
    """With the policy `create` a missing file is made, and is gone again if nothing came of it."""
    if path.exists() or setting.environment.uninitialised is not Uninitialised.CREATE:
        yield
        return
    path.touch(exist_ok=False)
    try:
        yield
    except BaseException:
        if path.stat().st_size == 0:
            path.unlink()
        raise


def _backed_up(setting: Setting, path: Path, connection: sqlite3.Connection) -> Path | None:
    """A verified copy of the database as it is; none of one that holds nothing at all."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return None
    return backup.take(path, setting.backups, setting.environment.name).path


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
        ledger.append(setting.ledger, ledger_entry(result, started))
    except LedgerError as error:
        return replace(result, warnings=(*result.warnings, str(error)))
    return result


def ledger_entry(result: Result, started: float) -> ledger.Entry:
    """A result as the ledger keeps it."""
    receipt = result.receipt
    return ledger.entry(
        environment=result.environment,
        database=result.database,
        action=result.action,
        started=started,
        result=result.outcome.value,
        from_heads=receipt.came_from if receipt else (),
        to_heads=receipt.arrived_at if receipt else (),
        steps=receipt.steps if receipt else (),
        backup=receipt.backup if receipt else "",
        detail=result.detail,
    )


def _done(receipt: Receipt) -> str:
    rows = f"{receipt.rows} rows in {receipt.tables} tables kept" if receipt.tables else "built from nothing"
    return f"at {', '.join(receipt.arrived_at) or 'base'}, {len(receipt.steps)} steps, {rows}, {receipt.seconds:.1f} s"


def _place(setting: Setting, position: frozenset[str]) -> str:
    return ", ".join(heads(setting.outline(), position)) or "base"


def blank(setting: Setting, action: str) -> Result:
    """A result that says nothing yet: there was nothing to do."""
    return Result(setting.environment.name, str(setting.environment.url), action, Outcome.NOTHING)
