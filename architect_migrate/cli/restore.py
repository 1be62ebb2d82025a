"""The commands that restore a backup: `backup restore` and `undo`. Show, ask, write, report."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.backups.restore_plan import Undoing
from architect_migrate.cli.backup import OneBackup
from architect_migrate.cli.context import Options
from architect_migrate.cli.gather import tried
from architect_migrate.cli.options import DryRun, Yes
from architect_migrate.cli.present import narrate, present
from architect_migrate.cli.prompt import Consent, agreed, consent_of
from architect_migrate.cli.selection import to_change
from architect_migrate.cli.terminal import complain, say
from architect_migrate.core.errors import ArchmigError, UsageError
from architect_migrate.databases.capabilities import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from architect_migrate.backups.restore_plan import Restoration, Restored
    from architect_migrate.cli.report.shared import Report
    from architect_migrate.config.context import EnvironmentContext


def restore(options: Options, backup: OneBackup = None, *, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Restore a database from a backup, by default its newest.

    Lists the rows that the backup lacks before anything is changed. What is replaced is backed up first. Name the
    environment with -e, since a word is a BACKUP here.
    """
    contexts = to_change(options, Capability.UNDO)
    if backup is not None and len(contexts) > 1:
        raise UsageError("one backup cannot be restored into several databases", "name one of them with -e ENV")
    return _run(options, contexts, partial(_restoring, backup), _consent(dry_run, yes))


def undo(options: Options, *, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Restore databases to before the last run of archmig.

    Refuses where something else has written to the database since, and lists it. An undo can be undone.
    """
    from architect_migrate.backups.undo import preview_undo

    return _run(options, to_change(options, Capability.UNDO), preview_undo, _consent(dry_run, yes))


def _consent(dry_run: bool, yes: bool) -> Consent | None:
    """The consent to ask for; None in a dry run."""
    return None if dry_run else consent_of(yes)


def _restoring(named: Path | None, context: EnvironmentContext) -> Undoing:
    from architect_migrate.backups.restore import choose, preview

    copy = choose(context, named)
    return Undoing(copy, preview(context, copy))


def _run(
    options: Options,
    contexts: tuple[EnvironmentContext, ...],
    preview: Callable[[EnvironmentContext], Undoing],
    consent: Consent | None,
) -> int:
    started = time.time()
    previews = dict(zip(contexts, tried(contexts, preview), strict=True))
    for each, other in previews.items() if consent else ():
        _enter_refusal(options, each, other, started)
    going = {
        context: undoing.restoration
        for context, undoing in previews.items()
        if isinstance(undoing, Undoing) and undoing.planned and undoing.restoration
    }
    if consent is None or not going:
        return present(options, *_ended(previews, {}))
    from architect_migrate.cli.report.restore import going_back_text

    narrate(
        options,
        *(partial(going_back_text, context.environment.name, restoration) for context, restoration in going.items()),
    )
    consented = agreed(options, tuple(going), consent)
    if not consented:
        say("nothing was changed")
        code, report = _ended(previews, {})
        # As text, the previews above the prompt have said it.
        return present(options, code, replace(report, text=lambda *_: ""))
    done = dict(zip(consented, tried(consented, partial(_execute, options.command, going)), strict=True))
    return present(options, *_ended(previews, done))


def _enter_refusal(
    options: Options, context: EnvironmentContext, found: Undoing | ArchmigError, started: float
) -> None:
    """Enter in the ledger what stops a restore before it begins."""
    from architect_migrate.ledger.without_values import without_values

    if isinstance(found, ArchmigError):
        result, detail = "failed", without_values(found)
    elif found.since:
        result, detail = "blocked", f"written since: {'; '.join(found.since)}"
    else:
        return
    from architect_migrate.ledger.recorder import enter

    for warning in enter(context, options.command, started, result=result, detail=detail).warnings:
        complain(warning)


def _execute(command: str, going: Mapping[EnvironmentContext, Restoration], context: EnvironmentContext) -> Restored:
    from architect_migrate.backups import restore as service

    return service.restore(context, going[context], command)


def _ended(
    previews: Mapping[EnvironmentContext, Undoing | ArchmigError],
    done: Mapping[EnvironmentContext, Restored | ArchmigError],
) -> tuple[int, Report]:
    from architect_migrate.cli.report.restore import restore_report

    ends = [done.get(context, preview) for context, preview in previews.items()]
    waiting = any(isinstance(end, Undoing) and (end.planned or end.since) for end in ends)
    code = 2 if any(isinstance(end, ArchmigError) for end in ends) else int(waiting)
    return code, restore_report(previews, done)
