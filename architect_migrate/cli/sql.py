"""Prints what would be run: plans as steps and SQL, and the script that Alembic prints offline. Changes nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.gather import surveyed
from architect_migrate.cli.present import present
from architect_migrate.databases.registry import kind_of
from architect_migrate.planning.results import Outcome, Result, exit_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.history import History
    from architect_migrate.planning.plan import Plan


def dry(options: Options, contexts: tuple[EnvironmentContext, ...], previews: tuple[Result, ...], *, sql: bool) -> int:
    """Print each plan as steps, and as SQL where that was asked for; the exit code says whether anything is left to do.

    The JSON document always has the SQL.
    """
    from architect_migrate.cli.report.outcome import dry_report

    graph, code = contexts[0].chain, exit_code(previews)
    scripts = {
        result.environment: _sql(context, result)
        for context, result in zip(contexts, previews, strict=True)
        if result.outcome is Outcome.PLANNED and (sql or options.as_json)
    }
    return present(options, code, dry_report(previews, graph, scripts))


def _sql(context: EnvironmentContext, result: Result) -> str:
    from architect_migrate.cli.report.plan import Recorded, plan_sql
    from architect_migrate.model.history import recorded_sql

    assert result.plan is not None
    history = context.history
    recorded = Recorded(
        recorded_sql(history),
        frozenset(revision.id for revision in history.graph.revisions if revision.data_step),
        _downgrades(context, result.plan),
        _rows(context, result.plan),
        kind_of(context.environment.url),
    )
    return plan_sql(result.plan, recorded, history.graph.version_table)


def _rows(context: EnvironmentContext, plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """The row statements of revisions that a plan runs by themselves, as another replay runs them."""
    from architect_migrate.model.history import row_statements, unmasked
    from architect_migrate.planning.plan import RunRows

    revisions = tuple(step.revision for step in plan.steps if isinstance(step, RunRows))
    known = unmasked(context.history) if revisions else {}
    return {revision: tuple(one.text for one in row_statements(known[revision])) for revision in revisions}


def _downgrades(context: EnvironmentContext, plan: Plan) -> Mapping[str, str]:
    """The SQL of the downgrades of a plan, as Alembic prints them offline; none of those that it cannot."""
    from architect_migrate.planning.plan import RunDowngrade

    revisions = tuple(step.revision for step in plan.steps if isinstance(step, RunDowngrade))
    if not revisions:
        return {}
    from architect_migrate.revisions.offline import offline_downgrades

    return offline_downgrades(context.config, revisions)


def offline(
    options: Options,
    contexts: tuple[EnvironmentContext, ...],
    preview: Callable[[EnvironmentContext], Result],
    target: str | None,
) -> int:
    """Print the script of `alembic upgrade --sql` for each environment without drift."""
    from architect_migrate.cli.report.outcome import offline_report
    from architect_migrate.runs.target import chain_to_run

    graph = chain_to_run(contexts, target)
    scripts = surveyed(contexts, options, partial(_scripted, preview))
    sql = {script.environment: script.detail for script in scripts if script.outcome is Outcome.PLANNED}
    previews = tuple(replace(script, detail="") if script.environment in sql else script for script in scripts)
    # The script was asked for, so pending revisions are no reason for exit code 1.
    code = exit_code(tuple(result for result in previews if result.outcome is not Outcome.PLANNED))
    return present(options, code, offline_report(previews, graph, sql))


def baseline_sql(history: History) -> Iterator[str]:
    """The script of what a chain begins with, and of the stamp where that is a revision's."""
    from architect_migrate.core.names import literal, quote
    from architect_migrate.model.history import recorded_sql, replays
    from architect_migrate.model.revision_graph import heads

    graph = history.graph
    begins = [revision.id for revision in graph.revisions if revision.baseline]
    rows = sorted(frozenset[str]().union(*(replays(history)[revision].writes for revision in begins)))
    yield "\n\n".join(f"{text};" for revision in begins for text in recorded_sql(history)[revision])
    if rows:
        yield f"-- Left out: the rows of {', '.join(rows)} that the baseline brings."
    if stamp := heads(graph, frozenset(begins)):
        table = quote(graph.version_table)
        key = f"CONSTRAINT {quote(f'{graph.version_table}_pkc')} PRIMARY KEY (version_num)"
        yield f"CREATE TABLE {table} (version_num VARCHAR(32) NOT NULL, {key});"
        yield "\n".join(f"INSERT INTO {table} (version_num) VALUES ({literal(one)});" for one in stamp)


def _scripted(preview: Callable[[EnvironmentContext], Result], context: EnvironmentContext) -> Result:
    """A preview; where anything is planned, its detail is the whole script."""
    result = preview(context)
    if result.outcome is not Outcome.PLANNED or result.survey is None or result.plan is None:
        return result
    from architect_migrate.cli.report.plan import sync_sql
    from architect_migrate.model.revision_graph import heads
    from architect_migrate.planning.plan import SyncTracker

    scripts: list[str] = []
    if result.survey.pending:
        from architect_migrate.revisions.offline import offline_sql

        graph, before = context.graph, result.survey.position
        begins = frozenset(revision.id for revision in graph.revisions if revision.baseline)
        if begins - before:
            scripts += baseline_sql(context.history)
        start, end = (heads(graph, one) for one in (before | begins, result.plan.after))
        scripts.append(offline_sql(context.config, start, end).strip())
    scripts += [sync_sql(step) for step in result.plan.steps if isinstance(step, SyncTracker)]
    return replace(result, detail="\n\n".join(scripts))
