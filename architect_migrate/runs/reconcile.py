"""Reconciles one environment: plans the repairs and revisions up to its target, and executes the plan.

Why imports inside functions: most runs find nothing to do, and do not need the modules that plan and act.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.databases.registry import access
from architect_migrate.model.environment import Drop, Kind, Origin, RowAnswer, Rows, Subject
from architect_migrate.model.revision_graph import heads, revision_named
from architect_migrate.planning.results import AS_STAMPED, Result
from architect_migrate.runs.preview import as_policy_says, blank, built, planned, refused
from architect_migrate.runs.survey import quick_survey, survey, wanted_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Survey
    from architect_migrate.planning.row_findings import RowQuestion
    from architect_migrate.runs.contracts import Prepare, Prepared, Progress


def preview(
    context: EnvironmentContext,
    target: str | None = None,
    rows: Iterable[tuple[str, RowAnswer]] = (),
    *,
    stamps: Iterable[str] = (),
) -> Result:
    """What `reconcile` would do: PLANNED with the plan, NOTHING, SKIPPED, or BLOCKED with the blockers in the plan.

    `rows` are revisions with what a person says of their rows, for this run, `stamps` rows of the version table that do
    not count in it. Raises UnknownRevisionError.
    """
    settled = _settled(context, rows, stamps)
    return _with_words(as_policy_says(settled, partial(_previewed, settled, target)), settled)


def _with_words(result: Result, context: EnvironmentContext) -> Result:
    """The same result, with a warning for each answer: what it settles, or that nothing had asked for it."""
    if result.survey is None:
        return result
    words = (*_stamp_words(result.survey, context), *_row_words(result.survey, context))
    return replace(result, warnings=(*result.warnings, *words)) if words else result


def _stamp_words(seen: Survey, context: EnvironmentContext) -> Iterator[str]:
    released = (entry for entry in context.resolutions if entry.subject.kind is Kind.STAMP and not entry.origin.entry)
    for entry in released:
        if entry.subject.name not in (seen.claims.stamp or ()):
            yield f"{entry.origin.words}: {context.graph.version_table} has no such row in this database"


def _row_words(seen: Survey, context: EnvironmentContext) -> Iterator[str]:
    entries = [entry for entry in context.resolutions if isinstance(entry, Rows)]
    if not entries:
        return
    # Why here: few runs have such an entry, and a run without work needs no judge.
    from architect_migrate.planning.row_judgement import asks_for_data_step

    settled = {judgement.revision for judgement in seen.rows if judgement.settled}
    brought = {revision.id for revision in context.graph.revisions if asks_for_data_step(revision, context.resolutions)}
    for entry in entries:
        if entry.revision in settled:
            because = f": {entry.reason}" if entry.reason else ""
            yield f"rows of {entry.revision}: {entry.answer.value}, by {entry.origin.words}{because}"
        elif not entry.origin.entry and entry.revision not in brought & seen.position:
            asked = f"--rows {entry.revision}={entry.answer.value}"
            yield f"{asked}: nothing is to be settled about the rows of {entry.revision} on this database"


def row_questions(context: EnvironmentContext, result: Result) -> tuple[RowQuestion, ...]:
    """The questions about rows that block a preview; none where something else blocks it too."""
    from architect_migrate.planning.planner import run_as_a_whole
    from architect_migrate.planning.row_findings import ROWS_UNDECIDED, unsettled

    seen, blockers = result.survey, result.plan.blockers if result.plan else ()
    if not blockers or any(blocker.code != ROWS_UNDECIDED for blocker in blockers):
        return ()
    assert seen is not None
    assert seen.diagnosis is not None
    assert seen.schema is not None
    native = run_as_a_whole(context.history, seen.diagnosis, seen.schema, seen.rows)
    return tuple(unsettled(context.history, seen.position, native, seen.rows))


def _settled(
    context: EnvironmentContext, rows: Iterable[tuple[str, RowAnswer]], stamps: Iterable[str]
) -> EnvironmentContext:
    """The context with answers of the command line, which come before those of environments.toml."""
    answers = {revision_named(context.graph, word): answer for word, answer in rows}
    entries = tuple(
        Rows(revision, answer, Origin(context.ledger, 0, "an answer for this run"))
        for revision, answer in answers.items()
    )
    others = tuple(
        entry for entry in context.resolutions if not (isinstance(entry, Rows) and entry.revision in answers)
    )
    released = tuple(
        Drop(Subject(Kind.STAMP, row), Origin(context.ledger, 0, f"--replace-stamp {row}")) for row in stamps
    )
    return replace(context, resolutions=(*released, *others, *entries)) if entries or released else context


def _previewed(context: EnvironmentContext, target: str | None) -> Result:
    result = blank(context, "reconcile")
    url = context.environment.url
    if access.is_empty(url):
        from architect_migrate.runs.prepare import from_nothing

        seen = survey(context, target)
        return _unless_refused(context, built(result, seen, from_nothing(context, target)))
    graph = context.graph
    wanted = wanted_of(context, target)
    with access.reading(url, context.environment.policies.lock_timeout) as connection:
        # Why the quick survey first: for most databases it is enough, and spares reading the schema and the imports
        # below.
        asked = any(isinstance(entry, Rows) and entry.answer is RowAnswer.RUN for entry in context.resolutions)
        quick = None if asked else quick_survey(context, connection, graph, wanted)
        if quick and quick.state in AS_STAMPED and not quick.pending and not quick.unsynced:
            return replace(result, survey=quick, detail=f"at {_place(context, quick.position)}, as the chain makes it")
        from architect_migrate.runs.prepare import prepare

        return _unless_refused(context, planned(result, prepare(context, connection, wanted)))


def _unless_refused(context: EnvironmentContext, result: Result) -> Result:
    """The same result, unless the policy refuses a database without the chain, or one that may not be its own."""
    refusal = refused(context, result.survey) if result.survey else None
    return replace(result, plan=None, outcome=refusal[0], detail=refusal[1]) if refusal else result


def reconcile(
    context: EnvironmentContext,
    shown: Plan,
    progress: Progress,
    target: str | None = None,
    rows: Iterable[tuple[str, RowAnswer]] = (),
    *,
    stamps: Iterable[str] = (),
) -> Result:
    """Bring the environment's database to its target by the plan that `preview` showed.

    Raises ArchmigError, and then nothing was changed, except for CommitFailedError and NotReadBackError;
    ChangedMeanwhileError if the database changed since the preview.
    """
    from architect_migrate.runs.execute import execute

    return execute(_settled(context, rows, stamps), "reconcile", shown, progress, reconciling(target))


def reconciling(target: str | None) -> Prepare:
    """A function that plans a reconcile on an open connection."""
    from architect_migrate.runs.prepare import empty, prepare

    def make(context: EnvironmentContext, connection: Connection) -> Prepared:
        wanted = wanted_of(context, target)
        return empty(context, connection, target) or prepare(context, connection, wanted)

    return make


def _place(context: EnvironmentContext, position: frozenset[str]) -> str:
    return ", ".join(heads(context.graph, position)) or "base"
