"""What would be run, as SQL: of a plan, and as Alembic prints it offline. Nothing is changed here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.gather import surveyed
from architect_migrate.cli.present import present
from architect_migrate.planning.results import Outcome, Result, exit_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import EnvironmentContext


def dry(options: Options, contexts: tuple[EnvironmentContext, ...], previews: tuple[Result, ...]) -> int:
    """Print each plan as steps and as SQL; the exit code says whether anything is left to do."""
    from architect_migrate.cli.report.outcome import dry_report

    graph, code = contexts[0].chain, exit_code(previews)
    sql = {
        result.environment: _sql(context, result)
        for context, result in zip(contexts, previews, strict=True)
        if result.outcome is Outcome.PLANNED
    }
    return present(options, code, dry_report(previews, graph, sql))


def _sql(context: EnvironmentContext, result: Result) -> str:
    from architect_migrate.cli.report.plan import plan_sql
    from architect_migrate.model.history import recorded_sql

    assert result.plan is not None
    history = context.history
    return plan_sql(result.plan, recorded_sql(history), history.graph.version_table)


def offline(
    options: Options,
    contexts: tuple[EnvironmentContext, ...],
    preview: Callable[[EnvironmentContext], Result],
    target: str | None,
) -> int:
    """Print what `alembic upgrade --sql` would for each environment that is where it claims to be."""
    from architect_migrate.cli.report.outcome import offline_report
    from architect_migrate.model.revision_graph import position_at

    graph = contexts[0].chain
    if target is not None:
        position_at(graph, target)
    scripts = surveyed(contexts, options, partial(_scripted, preview))
    sql = {script.environment: script.detail for script in scripts if script.outcome is Outcome.PLANNED}
    previews = tuple(replace(script, detail="") if script.environment in sql else script for script in scripts)
    # Printing is all that was asked for: that something is pending is no difference here.
    code = exit_code(tuple(result for result in previews if result.outcome is not Outcome.PLANNED))
    return present(options, code, offline_report(previews, graph, sql))


def _scripted(preview: Callable[[EnvironmentContext], Result], context: EnvironmentContext) -> Result:
    """A preview whose detail, where anything is planned, is the SQL of the whole way."""
    result = preview(context)
    if result.outcome is not Outcome.PLANNED or result.survey is None or result.plan is None:
        return result
    from architect_migrate.cli.report.plan import sync_sql
    from architect_migrate.model.revision_graph import heads
    from architect_migrate.planning.plan import SyncTracker

    scripts = []
    if result.survey.pending:
        from architect_migrate.revisions.alembic_runtime import offline_sql

        start, end = (heads(context.graph, one) for one in (result.survey.position, result.plan.after))
        scripts.append(offline_sql(context.source.script, start, end).strip())
    scripts += [sync_sql(step) for step in result.plan.steps if isinstance(step, SyncTracker)]
    return replace(result, detail="\n\n".join(scripts))
