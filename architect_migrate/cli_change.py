"""The commands that change databases: reconcile, upgrade and downgrade. Plan, show, ask, run, tell."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli_consent import agreed
from architect_migrate.cli_end import say, write
from architect_migrate.cli_options import (  # noqa: TC001  (Typer reads annotations when it runs)
    DownTarget,
    DryRun,
    Options,
    Sql,
    Target,
    Yes,
)
from architect_migrate.cli_read import lament, look
from architect_migrate.cli_screen import paint, width
from architect_migrate.cli_select import to_change, to_read
from architect_migrate.results import Outcome, Result, exit_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.outline import Outline
    from architect_migrate.plan import Plan
    from architect_migrate.setting import Setting

    Progress = Callable[[int, int, str], None]
    Execute = Callable[[Setting, Plan, Progress], Result]


def reconcile(options: Options, *, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Bring drifted databases home without losing a row.

    Each database is repaired, brought to its target and stamped: backed up first, changed in one transaction, and
    rolled back whole unless the result passes its proof, which is the chain's schema and every row that was there.
    What the chain does not know stays.
    """
    from architect_migrate import reconcile as service

    return _run(options, service.preview, service.reconcile, dry_run, yes)


def upgrade(
    options: Options, revision: Target = None, *, dry_run: DryRun = False, sql: Sql = False, yes: Yes = False
) -> int:
    """Run pending revisions on databases without drift.

    On one that is not where it claims to be nothing is run: archmig reconcile is for those.
    """
    from architect_migrate import upgrade as service

    preview = partial(service.preview_upgrade, target=revision)
    if sql:
        from architect_migrate.cli_sql import offline

        return offline(options, to_read(options), preview, revision)
    return _run(options, preview, _to(service.upgrade, revision), dry_run, yes, revision)


def downgrade(options: Options, revision: DownTarget, *, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Take revisions back, newest first, down to REV.

    Says beforehand which rows would be lost, and asks.
    """
    from architect_migrate import upgrade as service

    preview = partial(service.preview_downgrade, target=revision)
    return _run(options, preview, _to(service.downgrade, revision), dry_run, yes, revision)


def _to(execute: Callable[..., Result], target: str | None) -> Execute:
    return partial(_towards, execute, target)


def _towards(
    execute: Callable[..., Result], target: str | None, setting: Setting, plan: Plan, told: Progress
) -> Result:
    return execute(setting, plan, told, target)


def _run(
    options: Options,
    preview: Callable[[Setting], Result],
    execute: Execute,
    dry_run: bool,
    yes: bool,
    target: str | None = None,
) -> int:
    """Preview every environment, ask once for all, run those that were planned, tell what came of each."""
    settings = to_read(options) if dry_run else to_change(options)
    outline = settings[0].outline()
    _refuse_unknown(outline, target)
    previews = look(settings, options, preview)
    if dry_run:
        from architect_migrate.cli_sql import dry

        return dry(options, settings, previews)
    planned = {it.environment: it for it in previews if it.outcome is Outcome.PLANNED}
    if not planned:
        return _tell(options, outline, previews)
    _show(options, outline, previews)
    chosen = tuple(it for it in settings if it.environment.name in planned)
    consented = {it.environment.name for it in agreed(options, chosen, yes)}
    if not consented:
        say("nothing was changed")
        return 1
    from architect_migrate.cli_progress import running

    going = [it for it in chosen if it.environment.name in consented]
    done = {
        it.environment: replace(it, losses=planned[it.environment].losses)
        for it in running(options, going, planned, execute)
    }
    results = tuple(done.get(it.environment, it) for it in previews)
    for it in done.values():
        lament(it, options)
    return _tell(options, outline, results)


def _refuse_unknown(outline: Outline, target: str | None) -> None:
    """Raise UnknownRevisionError once, not for each environment."""
    from architect_migrate.outline import position_at

    if target is not None:
        position_at(outline, target)


def _show(options: Options, outline: Outline, previews: tuple[Result, ...]) -> None:
    """What would be done and what stands in the way, on stderr: it is the question's other half."""
    if options.as_json:
        return
    from architect_migrate.report_plan import plan_text
    from architect_migrate.report_text import plain

    for it in previews:
        if it.outcome is Outcome.PLANNED:
            say(plan_text(it, outline, plain, width()))


def _tell(options: Options, outline: Outline, results: tuple[Result, ...]) -> int:
    code = exit_code(results)
    if options.as_json:
        from architect_migrate.report_json import action_json, document

        write(document(options.command, code, (action_json(it, outline, {}) for it in results)))
        return code
    from architect_migrate.report_outcome import summary_text

    write(summary_text(results, outline, paint(), width()))
    blocked = [it for it in results if it.outcome is Outcome.BLOCKED]
    if blocked:
        from architect_migrate.report_diagnosis import blockers_text

        write("\n" + "\n\n".join(blockers_text(it, paint(), width()) for it in blocked))
    for it in results:
        for warning in it.warnings:
            say(f"archmig: {it.environment}: {warning}")
    return code
