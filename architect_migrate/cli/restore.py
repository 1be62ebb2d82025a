"""The commands that go back: `backup restore` and `undo`. Show, ask, write, tell."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.backups.restore_plan import Undoing
from architect_migrate.cli.backup import OneBackup, tried
from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import Consent, agreed, complain, paint, say, write
from architect_migrate.cli.options import DryRun, Yes
from architect_migrate.cli.selection import to_change
from architect_migrate.core.errors import ArchmigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from architect_migrate.backups.restore_plan import Restored
    from architect_migrate.config.context import Setting


def restore(options: Options, backup: OneBackup = None, *, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Make a database what a backup holds; without BACKUP, its newest.

    Says beforehand which rows are there now that the backup lacks, and asks. What is replaced is backed up first.
    """
    settings = to_change(options)
    if backup is not None and len(settings) > 1:
        raise UsageError("one backup cannot be restored into several databases", "name one of them with --env NAME")
    return _run(options, settings, partial(_restoring, backup), _consent(dry_run, yes))


def undo(options: Options, *, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Go back to before the last run of archmig on a database.

    Only if nothing else has written to it since; else it says what has. An undo can be undone.
    """
    from architect_migrate.backups.undo import preview_undo

    return _run(options, to_change(options), preview_undo, _consent(dry_run, yes))


def _consent(dry_run: bool, yes: bool) -> Consent | None:
    """How leave is had; None where nothing is to be changed."""
    return None if dry_run else Consent.GIVEN if yes else Consent.ASKED_FOR


def _restoring(named: Path | None, setting: Setting) -> Undoing:
    from architect_migrate.backups.restore import choose, preview

    copy = choose(setting, named)
    return Undoing(copy, preview(setting, copy))


def _run(
    options: Options, settings: tuple[Setting, ...], preview: Callable[[Setting], Undoing], consent: Consent | None
) -> int:
    started = time.time()
    previews = dict(zip(settings, tried(settings, preview), strict=True))
    for it, found in previews.items() if consent else ():
        _enter_refusal(options, it, found, started)
    going = {it: found for it, found in previews.items() if isinstance(found, Undoing) and found.planned}
    if consent is None or not going:
        return _tell(options, previews, {})
    if not options.as_json:
        from architect_migrate.cli.report.backup import going_back_text

        for it, found in going.items():
            assert found.restoration is not None
            say(going_back_text(it.environment.name, found.restoration))
    consented = agreed(options, tuple(going), consent)
    if not consented:
        say("nothing was changed")
        return _tell(options, previews, {}) if options.as_json else 1
    done = dict(zip(consented, tried(consented, partial(_execute, options.command, going)), strict=True))
    return _tell(options, previews, done)


def _enter_refusal(options: Options, setting: Setting, found: Undoing | ArchmigError, started: float) -> None:
    """What stops a way back before it begins is entered in the ledger, as what stops it later is."""
    if isinstance(found, ArchmigError):
        result, detail = "failed", str(found)
    elif found.since:
        result, detail = "blocked", f"written since: {'; '.join(found.since)}"
    else:
        return
    from architect_migrate.ledger.recorder import enter

    for warning in enter(setting, options.command, started, result=result, detail=detail).warnings:
        complain(warning)


def _execute(command: str, going: Mapping[Setting, Undoing], setting: Setting) -> Restored:
    from architect_migrate.backups import restore as service

    shown = going[setting].restoration
    assert shown is not None
    return service.restore(setting, shown, command)


def _tell(
    options: Options,
    previews: Mapping[Setting, Undoing | ArchmigError],
    done: Mapping[Setting, Restored | ArchmigError],
) -> int:
    ends = [done.get(it, found) for it, found in previews.items()]
    waiting = any(isinstance(it, Undoing) and (it.planned or it.since) for it in ends)
    code = 2 if any(isinstance(it, ArchmigError) for it in ends) else int(waiting)
    if options.as_json:
        _document(options, previews, done, code)
        return code
    for setting, end in zip(previews, ends, strict=True):
        if not isinstance(end, ArchmigError):
            write(_line(setting, end))
    for it in done.values():
        for warning in () if isinstance(it, ArchmigError) else it.warnings:
            say(f"archmig: {warning}")
    return code


def _line(setting: Setting, end: Undoing | Restored) -> str:
    from architect_migrate.cli.report.backup import going_back_text, restored_text, written_since_text

    name = setting.environment.name
    if not isinstance(end, Undoing):
        return restored_text(name, end, paint())
    if end.since:
        return written_since_text(name, end, paint())
    if end.planned and end.restoration:
        return going_back_text(name, end.restoration, paint())
    why = f"it is what {end.copy.path.name} holds" if end.copy else "no run of archmig on it is on record"
    return f"{name}: nothing to do: {why}"


def _document(
    options: Options,
    previews: Mapping[Setting, Undoing | ArchmigError],
    done: Mapping[Setting, Restored | ArchmigError],
    code: int,
) -> None:
    from architect_migrate.cli.report.backup import going_back_json, named_json
    from architect_migrate.cli.report.documents import document

    told = []
    for setting, found in previews.items():
        end = done.get(setting, found)
        error = end if isinstance(end, ArchmigError) else None
        plan = going_back_json(found) if isinstance(found, Undoing) else {}
        kept = None if isinstance(end, Undoing | ArchmigError) or end.kept is None else str(end.kept)
        told.append({**named_json(setting, error), "outcome": _outcome(end), **plan, "replaced": kept})
    write(document(options.command, code, told))


def _outcome(end: Undoing | Restored | ArchmigError) -> str:
    if isinstance(end, ArchmigError):
        return "failed"
    if not isinstance(end, Undoing):
        return "done"
    return "blocked" if end.since else "planned" if end.planned else "nothing"
