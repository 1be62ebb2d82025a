"""The commands that change databases: reconcile, upgrade, downgrade and promote. Plan, show, ask, run, report."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.context import Options
from architect_migrate.cli.gather import print_failures, surveyed
from architect_migrate.cli.log import known
from architect_migrate.cli.options import (
    DownTarget,
    DryRun,
    DrySql,
    Environments,
    PromoteTo,
    ReplacedStamps,
    RowAnswers,
    UpgradeSql,
    Words,
    Yes,
)
from architect_migrate.cli.present import narrate, present
from architect_migrate.cli.prompt import Consent, agreed, consent_of
from architect_migrate.cli.row_answers import Answers, asked, parsed, with_more
from architect_migrate.cli.selection import split_words, to_change, to_read
from architect_migrate.cli.terminal import on_terminal, say
from architect_migrate.core.errors import UsageError
from architect_migrate.model.relative import moves
from architect_migrate.planning.results import Outcome, Result, exit_code
from architect_migrate.runs.target import absolute, chain_to_run

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
    """A change to one environment: its preview, its execution, and the revision that was named."""

    preview: Callable[[EnvironmentContext], Result]
    execute: Execute
    target: str | None = None


def reconcile(
    options: Options,
    words: Words = None,
    *,
    rows: RowAnswers = None,
    replace_stamp: ReplacedStamps = None,
    dry_run: DryRun = False,
    sql: DrySql = False,
    yes: Yes = False,
) -> int:
    """Repair, upgrade and stamp databases that have drifted.

    Each database is backed up, repaired, brought to its target and stamped, in one transaction, or in several where
    the plan has a checkpoint. Each is committed only after a proof: the schema is the chain's, and every row that was
    there is still there. Objects that the chain does not know are kept.
    """
    options, target = split_words(options, words)
    refuse_backward(options, target)
    answers = Answers(parsed(rows or ()), stamps=tuple(replace_stamp or ()))
    if dry_run or sql:
        return _foresee(options, _reconciling(target, answers).preview, target, sql=sql)
    return _reconcile(options, target, answers, consent_of(yes))


def _reconcile(options: Options, target: str | None, answers: Answers, consent: Consent) -> int:
    """Preview, ask at a terminal about rows of which archmig cannot tell, and go on with the answers."""
    contexts = to_change(options)
    chain_to_run(contexts, target)
    began = time.time()
    found = surveyed(contexts, options, _reconciling(target, answers).preview)
    open_questions = {context.environment.name for context in contexts}
    while consent is Consent.ASKED_FOR and on_terminal(sys.stdin):
        answers, open_questions = _answered(contexts, found, answers, open_questions)
        if not open_questions:
            break
        found = surveyed(contexts, options, _reconciling(target, answers).preview)
    return go_on(options, contexts, found, _reconciling(target, answers).execute, consent, began=began)


def _answered(
    contexts: tuple[EnvironmentContext, ...], found: tuple[Result, ...], answers: Answers, open_questions: set[str]
) -> tuple[Answers, set[str]]:
    """The answers with those that a person now gives, and the environments for which there are new ones."""
    from architect_migrate.runs.reconcile import row_questions

    answered: set[str] = set()
    for context, result in zip(contexts, found, strict=True):
        name = context.environment.name
        questions = row_questions(context, result) if name in open_questions else ()
        if questions and (more := asked(context, questions, contexts[0].chain)):
            answers = with_more(answers, name, more)
            answered.add(name)
    return answers, answered


def _reconciling(target: str | None, answers: Answers) -> _Change:
    return _Change(partial(_preview_with, target, answers), partial(_reconcile_with, target, answers), target)


def _preview_with(target: str | None, answers: Answers, context: EnvironmentContext) -> Result:
    from architect_migrate.runs.reconcile import preview

    return preview(context, absolute(context, target), answers.of(context.environment.name), stamps=answers.stamps)


def _reconcile_with(
    target: str | None, answers: Answers, context: EnvironmentContext, plan: Plan, progress: Progress
) -> Result:
    # A relative target is worked out again: see `_towards`.
    from architect_migrate.runs.reconcile import reconcile as execute

    name = context.environment.name
    return execute(context, plan, progress, absolute(context, target), answers.of(name), stamps=answers.stamps)


def upgrade(
    options: Options, words: Words = None, *, dry_run: DryRun = False, sql: UpgradeSql = False, yes: Yes = False
) -> int:
    """Run pending revisions on databases without drift.

    A database whose schema is not what its stamp claims is refused: run archmig reconcile on it.
    """
    from architect_migrate.runs import upgrade as service

    options, target = split_words(options, words)
    refuse_backward(options, target)
    preview = partial(_previewed, service.preview_upgrade, target)
    if sql and not dry_run:
        from architect_migrate.cli.sql import offline

        return offline(options, to_read(options), preview, target)
    if dry_run:
        return _foresee(options, preview, target, sql=sql)
    return _perform(options, _Change(preview, _to(service.upgrade, target), target), consent_of(yes))


def downgrade(
    options: Options, revision: DownTarget, *, dry_run: DryRun = False, sql: DrySql = False, yes: Yes = False
) -> int:
    """Take revisions back, newest first, down to REV.

    The rows that would be lost are listed before anything is changed.
    """
    from architect_migrate.runs import upgrade as service

    if moves(revision) > 0:
        raise UsageError(f"archmig downgrade goes back, and {revision} lies ahead", f"archmig upgrade {revision}")
    preview = partial(_previewed, service.preview_downgrade, revision)
    if dry_run or sql:
        return _foresee(options, preview, revision, sql=sql)
    return _perform(options, _Change(preview, _to(service.downgrade, revision), revision), consent_of(yes))


def promote(
    options: Options,
    *,
    to: PromoteTo = None,
    environments: Environments = None,
    dry_run: DryRun = False,
    sql: DrySql = False,
    yes: Yes = False,
) -> int:
    """Give an environment the revisions that others have had.

    It gets the revisions that all environments in its `requires` have had, up to its own target. The others are
    listed with the environments that still lack them. A database that has drifted is repaired on the way, as by
    archmig reconcile.
    """
    from architect_migrate.runs import promote as service

    names = (*(to or ()), *(environments or ()))
    if not names:
        raise UsageError("archmig promote changes a database, and none was named", "name it: archmig promote ENV")
    chosen = replace(options, names=names)
    if dry_run or sql:
        return _foresee(chosen, service.preview_promotion, None, sql=sql)
    return _perform(chosen, _Change(service.preview_promotion, service.promote), consent_of(yes))


def refuse_backward(options: Options, target: str | None) -> None:
    """Raise UsageError for a relative revision that lies behind, like `-1`."""
    if target and moves(target) < 0:
        problem = f"archmig {options.command} goes forward, and {target} lies behind"
        raise UsageError(problem, f"archmig downgrade {target}")


def _previewed(service: Callable[..., Result], target: str | None, context: EnvironmentContext) -> Result:
    return service(context, absolute(context, target))


def _to(execute: Callable[..., Result], target: str | None) -> Execute:
    return partial(_towards, execute, target)


def _towards(
    execute: Callable[..., Result], target: str | None, context: EnvironmentContext, plan: Plan, progress: Progress
) -> Result:
    # A relative target is worked out again. Where the database moved since the preview, the plan made under the lock
    # differs from the one that was shown, and the run is refused.
    return execute(context, plan, progress, absolute(context, target))


def _foresee(
    options: Options, preview: Callable[[EnvironmentContext], Result], target: str | None, *, sql: bool
) -> int:
    """Show what would be done to each environment, to all where none was named, since this only reads."""
    from architect_migrate.cli.sql import dry

    contexts = to_read(options)
    chain_to_run(contexts, target)
    began = time.time()
    found = surveyed(contexts, options, preview)
    _, external_changes = known(contexts, found, began)
    return dry(options, contexts, tuple(_warned(result, external_changes) for result in found), sql=sql)


def _perform(options: Options, change: _Change, consent: Consent) -> int:
    """Preview each environment, ask once for all, run what was planned, and report each result."""
    contexts = to_change(options)
    chain_to_run(contexts, change.target)
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
    """Ask once for all plans, run them, and report each result; `began` is the time of the previews."""
    graph = contexts[0].chain
    _, external_changes = known(contexts, found, began)
    previews = tuple(
        _entered(context, result, began, external_changes) for context, result in zip(contexts, found, strict=True)
    )
    planned = {preview.environment: preview for preview in previews if preview.outcome is Outcome.PLANNED}
    if not planned:
        return _tell(options, graph, previews, {})
    from architect_migrate.cli.report.plan import joined, plan_text, together

    narrate(options, *(partial(plan_text, joined(group), graph) for group in together(planned.values())))
    to_ask = tuple(context for context in contexts if context.environment.name in planned)
    allowed = agreed(options, to_ask, consent, partial(_stakes, to_ask, previews))
    if not allowed:
        say("nothing was changed")
        return exit_code(previews)
    from architect_migrate.cli.progress import running

    done: dict[str, Result] = {}
    # After a Ctrl-C the results still say what was done, what was stopped and what was not begun.
    with suppress(KeyboardInterrupt):
        for each in running(options, list(allowed), planned, execute):
            shown = planned[each.environment]
            # Why the preview's survey: a run that failed has none, and the state is that before the run.
            warnings, survey = (*each.warnings, *shown.warnings), shown.survey or each.survey
            done[each.environment] = replace(each, survey=survey, losses=shown.losses, warnings=warnings)
    print_failures(done.values(), options)
    return _tell(options, graph, tuple(done.get(preview.environment, preview) for preview in previews), planned)


def _warned(preview: Result, external_changes: Mapping[str, ExternalChange]) -> Result:
    """Add a warning where a database has changed since archmig's last run."""
    external_change = external_changes.get(preview.environment)
    return replace(preview, warnings=(*preview.warnings, str(external_change))) if external_change else preview


def _entered(
    context: EnvironmentContext, preview: Result, started: float, external_changes: Mapping[str, ExternalChange]
) -> Result:
    """Add warnings, and enter in the ledger what ends a change before it begins: blocked and failed previews.

    A reconcile with nothing to do is entered only where a person settled something, or the database has changed since
    the last run.
    """
    result = _warned(preview, external_changes)
    answered = preview.survey is not None and any(judgement.settled for judgement in preview.survey.rows)
    if preview.outcome in {Outcome.BLOCKED, Outcome.FAILED} or (preview.outcome is Outcome.NOTHING and answered):
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


def _stakes(contexts: tuple[EnvironmentContext, ...], previews: tuple[Result, ...]) -> str:
    """Describe what a yes would do, for the prompt."""
    from architect_migrate.cli.report.prompt import stakes_text
    from architect_migrate.runs.rewrites import rewrites_of

    plans = {preview.environment: preview.plan for preview in previews if preview.plan}
    names = {context.environment.name: context for context in contexts}
    return stakes_text(
        previews, {name: rewrites_of(context, plans[name]) for name, context in names.items()}, contexts[0].backups
    )


def _tell(options: Options, graph: RevisionGraph, results: tuple[Result, ...], shown: Mapping[str, Result]) -> int:
    from architect_migrate.cli.report.outcome import change_report

    return present(options, exit_code(results), change_report(results, graph, shown))
