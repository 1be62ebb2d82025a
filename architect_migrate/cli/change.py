"""The commands that change databases: reconcile, upgrade and downgrade. Plan, show, ask, run, tell."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.context import Options
from architect_migrate.cli.gather import lament, surveyed
from architect_migrate.cli.log import known
from architect_migrate.cli.options import DownTarget, DryRun, PromoteTo, Sql, Target, Yes
from architect_migrate.cli.present import narrate, present
from architect_migrate.cli.prompt import Consent, agreed, consent_of
from architect_migrate.cli.selection import to_change, to_read
from architect_migrate.cli.terminal import say
from architect_migrate.planning.results import Outcome, Result, exit_code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.ledger.external_changes import ExternalChange
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.plan import Plan

    Progress = Callable[[int, int, str], None]
    Execute = Callable[[EnvironmentContext, Plan, Progress], Result]


@dataclass(frozen=True, slots=True)
class _Change:
    """What a command does to one environment: how it is foreseen, how it is done, and which revision was named."""

    preview: Callable[[EnvironmentContext], Result]
    execute: Execute
    target: str | None = None


def reconcile(options: Options, revision: Target = None, *, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Bring drifted databases home without losing a row.

    Each database is repaired, brought to its target and stamped: backed up first, changed in one transaction, and
    rolled back whole unless the result passes its proof, which is the chain's schema and every row that was there.
    What the chain does not know stays.
    """
    from architect_migrate.runs import reconcile as service

    preview = partial(service.preview, target=revision)
    if dry_run:
        return _foresee(options, preview, revision)
    return _perform(options, _Change(preview, _to(service.reconcile, revision), revision), consent_of(yes))


def upgrade(
    options: Options, revision: Target = None, *, dry_run: DryRun = False, sql: Sql = False, yes: Yes = False
) -> int:
    """Run pending revisions on databases without drift.

    On one that is not where it claims to be nothing is run: archmig reconcile is for those.
    """
    from architect_migrate.runs import upgrade as service

    preview = partial(service.preview_upgrade, target=revision)
    if sql:
        from architect_migrate.cli.sql import offline

        return offline(options, to_read(options), preview, revision)
    if dry_run:
        return _foresee(options, preview, revision)
    return _perform(options, _Change(preview, _to(service.upgrade, revision), revision), consent_of(yes))


def downgrade(options: Options, revision: DownTarget, *, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Take revisions back, newest first, down to REV.

    Says beforehand which rows would be lost, and asks.
    """
    from architect_migrate.runs import upgrade as service

    preview = partial(service.preview_downgrade, target=revision)
    if dry_run:
        return _foresee(options, preview, revision)
    return _perform(options, _Change(preview, _to(service.downgrade, revision), revision), consent_of(yes))


def promote(options: Options, *, to: PromoteTo, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Give an environment what those that it requires have had.

    As far as its target and no further; says what is kept back, and by whom. One that is not where it claims to be is
    repaired on the way, as archmig reconcile does it.
    """
    from architect_migrate.runs import promote as service

    chosen = replace(options, names=tuple(to))
    if dry_run:
        return _foresee(chosen, service.preview_promotion, None)
    return _perform(chosen, _Change(service.preview_promotion, service.promote), consent_of(yes))


def _to(execute: Callable[..., Result], target: str | None) -> Execute:
    return partial(_towards, execute, target)


def _towards(
    execute: Callable[..., Result], target: str | None, context: EnvironmentContext, plan: Plan, progress: Progress
) -> Result:
    return execute(context, plan, progress, target)


def _foresee(options: Options, preview: Callable[[EnvironmentContext], Result], target: str | None) -> int:
    """Show what would be done to every environment; that only reads, so nobody need be named."""
    from architect_migrate.cli.sql import dry

    contexts = to_read(options)
    _refuse_unknown(contexts[0].chain, target)
    began = time.time()
    found = surveyed(contexts, options, preview)
    _, external_changes = known(contexts, found, began)
    return dry(options, contexts, tuple(_warned(result, external_changes) for result in found))


def _perform(options: Options, change: _Change, consent: Consent) -> int:
    """Preview every environment, ask once for all, run those that were planned, tell what came of each."""
    contexts = to_change(options)
    _refuse_unknown(contexts[0].chain, change.target)
    began = time.time()
    return go_on(options, contexts, surveyed(contexts, options, change.preview), change.execute, consent, began=began)


def go_on(
    options: Options,
    contexts: tuple[EnvironmentContext, ...],
    found: tuple[Result, ...],
    execute: Execute,
    consent: Consent,
    *,
    began: float,
) -> int:
    """Ask once for all that were planned, run them, tell what came of each; `began` is when it was looked at them."""
    graph = contexts[0].chain
    _, external_changes = known(contexts, found, began)
    previews = tuple(
        _entered(context, result, began, external_changes) for context, result in zip(contexts, found, strict=True)
    )
    planned = {preview.environment: preview for preview in previews if preview.outcome is Outcome.PLANNED}
    if not planned:
        return _tell(options, graph, previews)
    from architect_migrate.cli.report.plan import plan_text

    narrate(options, *(partial(plan_text, preview, graph) for preview in planned.values()))
    allowed = agreed(options, tuple(context for context in contexts if context.environment.name in planned), consent)
    if not allowed:
        say("nothing was changed")
        return exit_code(previews)
    from architect_migrate.cli.progress import running

    done: dict[str, Result] = {}
    # After a Ctrl-C the results say what was done, what was stopped and what was not begun.
    with suppress(KeyboardInterrupt):
        for each in running(options, list(allowed), planned, execute):
            shown = planned[each.environment]
            done[each.environment] = replace(each, losses=shown.losses, warnings=(*each.warnings, *shown.warnings))
    lament(done.values(), options)
    return _tell(options, graph, tuple(done.get(preview.environment, preview) for preview in previews))


def _warned(preview: Result, external_changes: Mapping[str, ExternalChange]) -> Result:
    """The same, with a warning where a database is no longer as archmig left it."""
    external_change = external_changes.get(preview.environment)
    return replace(preview, warnings=(*preview.warnings, str(external_change))) if external_change else preview


def _entered(
    context: EnvironmentContext, preview: Result, started: float, external_changes: Mapping[str, ExternalChange]
) -> Result:
    """The same, warned of; what ends a change before it begins is entered in the ledger, as what ends it later is.

    A reconcile that finds nothing to do is entered only where the database is no longer as the last run left it.
    """
    result = _warned(preview, external_changes)
    if preview.outcome in {Outcome.BLOCKED, Outcome.FAILED}:
        from architect_migrate.ledger.recorder import record

        return record(context, result, started)
    seen, external_changes_since = (
        preview.survey,
        preview.environment in external_changes and preview.action == "reconcile",
    )
    if preview.outcome is Outcome.NOTHING and seen and seen.fingerprint and external_changes_since:
        from architect_migrate.ledger.recorder import note

        said = note(context, preview.action, started, seen, str(external_changes[preview.environment]))
        return replace(result, warnings=(*result.warnings, *said))
    return result


def _refuse_unknown(graph: RevisionGraph, target: str | None) -> None:
    """Raise UnknownRevisionError once, not for each environment."""
    from architect_migrate.model.revision_graph import position_at

    if target is not None:
        position_at(graph, target)


def _tell(options: Options, graph: RevisionGraph, results: tuple[Result, ...]) -> int:
    from architect_migrate.cli.report.outcome import change_report

    return present(options, exit_code(results), change_report(results, graph))
