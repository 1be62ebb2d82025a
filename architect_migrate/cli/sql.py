"""What would be run, as SQL: of a plan, and as Alembic prints it offline. Nothing is changed here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.gather import look
from architect_migrate.cli.present import present
from architect_migrate.planning.results import Outcome, Result, exit_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import Setting


def dry(options: Options, settings: tuple[Setting, ...], previews: tuple[Result, ...]) -> int:
    """Print each plan as steps and as SQL; the exit code says whether anything is left to do."""
    from architect_migrate.cli.report.outcome import dry_report

    outline, code = settings[0].chain, exit_code(previews)
    sql = {
        it.environment: _sql(setting, it)
        for setting, it in zip(settings, previews, strict=True)
        if it.outcome is Outcome.PLANNED
    }
    return present(options, code, dry_report(previews, outline, sql))


def _sql(setting: Setting, result: Result) -> str:
    from architect_migrate.cli.report.plan import plan_sql
    from architect_migrate.model.history import recorded_sql

    assert result.plan is not None
    history = setting.history
    return plan_sql(result.plan, recorded_sql(history), history.outline.version_table)


def offline(
    options: Options, settings: tuple[Setting, ...], preview: Callable[[Setting], Result], target: str | None
) -> int:
    """Print what `alembic upgrade --sql` would for each environment that is where it claims to be."""
    from architect_migrate.cli.report.outcome import offline_report
    from architect_migrate.model.revision_graph import position_at

    outline = settings[0].chain
    if target is not None:
        position_at(outline, target)
    scripts = look(settings, options, partial(_scripted, preview))
    sql = {it.environment: it.detail for it in scripts if it.outcome is Outcome.PLANNED}
    previews = tuple(replace(it, detail="") if it.environment in sql else it for it in scripts)
    # Printing is all that was asked for: that something is pending is no difference here.
    code = exit_code(tuple(it for it in previews if it.outcome is not Outcome.PLANNED))
    return present(options, code, offline_report(previews, outline, sql))


def _scripted(preview: Callable[[Setting], Result], setting: Setting) -> Result:
    """A preview whose detail, where anything is planned, is the SQL of the whole way."""
    result = preview(setting)
    if result.outcome is not Outcome.PLANNED or result.survey is None or result.plan is None:
        return result
    from architect_migrate.cli.report.plan import sync_sql
    from architect_migrate.model.revision_graph import heads
    from architect_migrate.planning.plan import SyncTracker

    scripts = []
    if result.survey.pending:
        from architect_migrate.revisions.alembic_runtime import offline_sql

        start, end = (heads(setting.outline, it) for it in (result.survey.position, result.plan.after))
        scripts.append(offline_sql(setting.source.script, start, end).strip())
    scripts += [sync_sql(step) for step in result.plan.steps if isinstance(step, SyncTracker)]
    return replace(result, detail="\n\n".join(scripts))
