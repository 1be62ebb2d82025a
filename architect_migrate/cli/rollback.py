"""The command `rollback`: try it on a copy, show what came of that, ask, take one revision back, tell."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.change import consent_of, go_on
from architect_migrate.cli.exit import say
from architect_migrate.cli.read import lament
from architect_migrate.cli.rehearse import sign_of_life, tried
from architect_migrate.cli.screen import width
from architect_migrate.cli.selection import to_change
from architect_migrate.core.errors import ArchmigError
from architect_migrate.planning.results import Outcome, Result

if TYPE_CHECKING:
    from architect_migrate.cli.context import Options
    from architect_migrate.cli.options import DryRun, Head, LoseRows, Yes
    from architect_migrate.config.context import Setting
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Progress
    from architect_migrate.runs.rehearsal.rollback import Losing, Rollback


def rollback(
    options: Options, *, head: Head = None, lose_rows: LoseRows = False, dry_run: DryRun = False, yes: Yes = False
) -> int:
    """Take the newest revision back, after a rehearsal of that on a copy.

    Refuses where rows, or values of columns, would be lost, unless --lose-rows says that they may go. archmig undo
    brings back what was there.
    """
    from architect_migrate.runs.rehearsal.rollback import Losing

    losing = Losing.ALLOWED if lose_rows else Losing.REFUSED
    settings, began = to_change(options), time.time()
    found = tried(options, settings, partial(_previewed, head, losing))
    previews = tuple(_shown(options, setting, it) for setting, it in zip(settings, found, strict=True))
    if dry_run:
        from architect_migrate.cli.sql import dry

        return dry(options, settings, previews)
    return go_on(options, settings, previews, partial(_rolled_back, head, losing), consent_of(yes), began=began)


def _previewed(head: str | None, losing: Losing, setting: Setting) -> Rollback:
    """Preview with a sign of life; a function of a module, since other processes are given it."""
    from architect_migrate.runs.rehearsal.rollback import preview_rollback

    with sign_of_life(setting.environment.name) as told:
        return preview_rollback(setting, told, head, losing)


def _rolled_back(head: str | None, losing: Losing, setting: Setting, plan: Plan, told: Progress) -> Result:
    from architect_migrate.runs.rehearsal import rollback as service

    return service.rollback(setting, plan, told, head, losing)


def _shown(options: Options, setting: Setting, found: Rollback | ArchmigError) -> Result:
    """The preview's result; what came of its rehearsal is said on stderr."""
    if isinstance(found, ArchmigError):
        name, database = setting.environment.name, str(setting.environment.url)
        return Result(name, database, options.command, Outcome.FAILED, str(found), error=found)
    if found.rehearsal and not options.as_json:
        from architect_migrate.cli.report.layout import plain
        from architect_migrate.cli.report.rehearsal import SLOWEST, rehearsal_text

        say(rehearsal_text(found.rehearsal, setting.chain(), SLOWEST, plain, width()))
    lament(found.result, options)
    return found.result
