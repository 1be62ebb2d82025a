"""Surveys one database without changing it: its position, its claims, its drift, and what is pending."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ForeignBranchError, UnknownRevisionError
from architect_migrate.core.names import fold
from architect_migrate.databases.absence import Absence
from architect_migrate.databases.registry import (
    LOCAL,
    access,
    dialect,
    in_texts_of,
    is_served,
    kind_of,
    lacking,
    marks,
    reader,
)
from architect_migrate.diagnosis.claims import Claims
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.revision_graph import ancestry, heads, in_order, lineage, position_at
from architect_migrate.planning.results import AS_STAMPED, Survey

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.diagnosis.diagnose import Diagnosis
    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.history import History
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.look import Interruption
    from architect_migrate.planning.plan import Step
    from architect_migrate.planning.row_judgement import RowJudgement
    from architect_migrate.planning.row_questions import Answer, Question
    from architect_migrate.revisions.replay import Source


_RECONCILE = "archmig reconcile repairs it"


def survey(context: EnvironmentContext, target: str | None = None) -> Survey:
    """Survey the environment's database; `target` defaults to the environment's own.

    Raises as `reading` and `wanted_of`.
    """
    url = context.environment.url
    # Why first: an unsupported kind of database is refused before the chain is read.
    lacking(kind_of(url))
    graph = context.graph
    wanted = wanted_of(context, target)
    with access.looked_at(url, context.environment.policies.lock_timeout) as found:
        if isinstance(found, Absence):
            seen = nothing(graph, wanted, exists=found is not Absence.MISSING)
        else:
            seen = quick_survey(context, found, graph, wanted) or full_survey(context, found, wanted)
    return replace(seen, served=is_served(url))


def quick_survey(
    context: EnvironmentContext, connection: Connection, graph: RevisionGraph, wanted: frozenset[str]
) -> Survey | None:
    """Survey by digest alone; None unless the schema has exactly the text that replay saw at the stamped revision."""
    stamped = marks.plain_stamp(connection, graph.version_table)
    position = _position_by(context.source, stamped)
    if sorted(heads(graph, position)) != sorted(stamped):
        return None
    if not as_the_chain_makes_it(context, connection, graph, position):
        return None
    left = wanted - position
    pending = tuple(revision for revision in graph.order if revision in left) if left else ()
    claims, fingerprint = Claims(stamp=in_order(graph, stamped)), None
    if os.access(context.ledger, os.F_OK):  # a ledger that may not be looked for is nothing to compare with
        fingerprint = marks.fingerprint_of(
            connection, context.hidden(graph.version_table), _digest_at(context.source, position)
        )
    if context.tracker and context.tracker.sync:
        claims = _claims(context, connection, graph)
    due = _due(context, graph, position)
    seen = Survey(True, claims, position, pending, Counter(), fingerprint=fingerprint, due=due)
    return _with_tracker(context, seen)


def _claims(context: EnvironmentContext, connection: Connection, graph: RevisionGraph) -> Claims:
    """The claims, with the stamp in the order of the chain, as positions are shown."""
    claims = marks.read_claims(connection, context.tracker, graph.version_table)
    return replace(claims, stamp=in_order(graph, claims.stamp)) if claims.stamp else claims


def _due(context: EnvironmentContext, graph: RevisionGraph, position: frozenset[str]) -> tuple[str, ...]:
    """The revisions between a position and the environment's own target, by which its state is named."""
    left = wanted_of(context, None) - position
    return tuple(revision for revision in graph.order if revision in left) if left else ()


def _with_tracker(context: EnvironmentContext, seen: Survey) -> Survey:
    """Add the tracker's rows that do not match the applied revisions, where the tracker is to be kept in step."""
    corrections = context.corrections(seen.claims, seen.position) if seen.state in AS_STAMPED else ()
    if not corrections or context.tracker is None:
        return seen
    numbers = tuple(one.version for one in corrections)
    problem = f"rows that do not match the applied revisions: {', '.join(numbers)}"
    untrue = Finding(Level.REPAIR, "tracker-untrue", f"tracker {context.tracker.table}", problem, _RECONCILE)
    return replace(seen, unsynced=numbers, findings=(*seen.findings, untrue))


def as_the_chain_makes_it(
    context: EnvironmentContext, connection: Connection, graph: RevisionGraph, position: frozenset[str]
) -> bool:
    """Whether a schema has exactly the text that replay saw at a position; False where replay saw none."""
    replayed = _digest_at(context.source, position)
    return bool(replayed) and replayed == _digest(context, connection, graph)


def schema_digest(context: EnvironmentContext, connection: Connection) -> str:
    """The digest of a database's schema: the text of every object except the tables of archmig and Alembic."""
    return _digest(context, connection, context.graph)


def _digest(context: EnvironmentContext, connection: Connection, graph: RevisionGraph) -> str:
    return marks.digest(connection, context.hidden(graph.version_table))


def wanted_of(context: EnvironmentContext, target: str | None) -> frozenset[str]:
    """The position that a target names for an environment (None: the environment's own targets).

    Raises as `Source.graph` and `position_at`, and ForeignBranchError for a revision of other environments.
    """
    environment = context.environment
    words = (target,) if target else environment.policies.targets
    try:
        return _position_of(context.source, words)
    except UnknownRevisionError:
        beyond = position_at(context.chain, words[0]) & context.source.foreign if len(words) == 1 else ()
        if not beyond:
            raise
        raise foreign_error(environment.name, context.source, min(beyond)) from None


def foreign_error(environment: str, source: Source, revision: str) -> ForeignBranchError:
    """The error for a revision that only other environments have."""
    on = tuple(label for label in source.excluded if revision in lineage(source.whole.graph, label))
    return ForeignBranchError(environment, revision, on)


# Why cached: a chain may have thousands of revisions and a run hundreds of databases, most at the same position.
@lru_cache(maxsize=64)
def _position_of(source: Source, words: tuple[str, ...]) -> frozenset[str]:
    return frozenset[str]().union(*(position_at(source.graph, word) for word in words))


@lru_cache(maxsize=64)
def _position_by(source: Source, stamped: tuple[str, ...]) -> frozenset[str]:
    """The position that a stamp claims; empty if the chain does not know its revisions."""
    return ancestry(source.graph, stamped)


@lru_cache(maxsize=64)
def _digest_at(source: Source, position: frozenset[str]) -> str:
    """The digest of the schema at a position; empty if replay did not pass through it."""
    graph = source.graph
    if not position or not graph.digests or position != frozenset(graph.order[: len(position)]):
        return ""
    return graph.digests[len(position) - 1] if len(position) <= len(graph.digests) else ""


def full_survey(context: EnvironmentContext, connection: Connection, wanted: frozenset[str]) -> Survey:
    """Survey by reading the whole schema and judging every revision."""
    from architect_migrate.diagnosis.describe import findings_of
    from architect_migrate.diagnosis.drift import by_severity, let_stand
    from architect_migrate.planning.interruptions import finding_of, in_the_way

    history = context.history
    graph = history.graph
    claims = _claims(context, connection, graph)
    schema, diagnosis, left = without_interruptions(context, connection, history, claims)
    pending = tuple(revision for revision in graph.order if revision in wanted - diagnosis.position)
    left = in_the_way(history, left, pending)
    rows, undecided = _rows(context, connection, (schema, diagnosis), (left, pending))
    if again := _as_told(context, connection, claims, (schema, diagnosis, left), rows):
        schema, diagnosis, left = again
        pending = tuple(each for each in pending if each not in diagnosis.position)
        rows, undecided = _rows(context, connection, (schema, diagnosis), (left, pending))
    interrupted = tuple(finding_of(interruption) for interruption in left)
    kept = let_stand(diagnosis.changes, context.resolutions)
    drift = by_severity(diagnosis.changes, kept)
    subjects = {finding.subject for finding in (*interrupted, *undecided)}
    judged = (one for one in findings_of(graph, diagnosis, claims, kept) if one.subject not in subjects)
    findings = (*interrupted, *undecided, *judged)
    fingerprint = marks.fingerprint_of(connection, context.hidden(graph.version_table))
    seen = Survey(
        True,
        claims,
        diagnosis.position,
        pending,
        drift,
        findings,
        schema,
        diagnosis,
        kept,
        fingerprint,
        interrupted=left,
        due=_due(context, graph, diagnosis.position),
        rows=rows,
    )
    return _with_tracker(context, seen)


def _as_told(
    context: EnvironmentContext,
    connection: Connection,
    claims: Claims,
    seen: tuple[Schema, Diagnosis, tuple[Interruption, ...]],
    rows: tuple[RowJudgement, ...],
) -> tuple[Schema, Diagnosis, tuple[Interruption, ...]] | None:
    """The same by what a person says of rows: with the pending revisions among them, and with the renames of each.

    A revision whose rows are settled is not run as a whole, so that nothing else would do its renames. None where
    neither makes a difference.
    """
    from architect_migrate.diagnosis.diagnose import diagnose
    from architect_migrate.planning.interruptions import known_from, steps_of, unmoved
    from architect_migrate.planning.planner import native_revisions
    from architect_migrate.planning.row_judgement import not_to_run, told_of_pending

    history, (schema, diagnosis, left) = context.history, seen
    told = told_of_pending(history, rows, diagnosis.position)
    if told:
        known = replace(known_from(left), told=told)
        diagnosis = diagnose(history, schema, claims, context.resolutions, known)
    settled = (judgement for judgement in rows if judgement.settled)
    apart = not_to_run(settled) & native_revisions(history, diagnosis, schema)
    if not (told or apart):
        return None
    schema, diagnosis, left = _with_renames(context, connection, claims, (schema, diagnosis, left), (told, apart))
    asked = partial(_ask_as_it_is, connection, steps_of(left))
    more = unmoved(history, (schema, diagnosis), context.resolutions, asked, apart)
    return schema, diagnosis, (*left, *(each for each in more if each not in left))


def _rows(
    context: EnvironmentContext,
    connection: Connection,
    seen: tuple[Schema, Diagnosis],
    ahead: tuple[tuple[Interruption, ...], tuple[str, ...]],
) -> tuple[tuple[RowJudgement, ...], tuple[Finding, ...]]:
    """What is known of the rows that revisions change, with findings on them and on rows that pending ones would lose.

    `ahead` are what interrupted runs left behind, and the pending revisions.
    """
    from architect_migrate.planning.at_stake import at_stake
    from architect_migrate.planning.cut import cuts
    from architect_migrate.planning.interruptions import kept_outside, known_from, steps_of
    from architect_migrate.planning.look import Look
    from architect_migrate.planning.planner import native_revisions, run_as_a_whole
    from architect_migrate.planning.row_findings import findings_of
    from architect_migrate.planning.row_judgement import not_to_run, to_run
    from architect_migrate.planning.rows import row_judgements

    schema, diagnosis = seen
    history = context.history
    judged = diagnosis, (known_from(ahead[0]).ran, cuts(history, ahead[0], dialect.words_of))
    rows = row_judgements(history, schema, judged, context.resolutions, partial(reader.ask, connection))
    native = native_revisions(history, diagnosis, schema, to_run(rows)) - not_to_run(rows)
    whole = run_as_a_whole(history, diagnosis, schema, rows)
    # A stamp that cannot be followed comes first: what is known of rows goes by it.
    asks = not diagnosis.followed.problem
    found = findings_of(history, diagnosis.position, whole, rows, dialect.without_literals) if asks else ()
    run = native | frozenset(ahead[1])
    asked = partial(_ask_as_it_is, connection, steps_of(ahead[0]))
    look = Look(history, schema, {table.name: table for table in schema.tables}, diagnosis, asked)
    stakes = (*at_stake(look, context.resolutions, run), *kept_outside(look, context.resolutions))
    return rows, (*found, *stakes)


def with_row_judgements(context: EnvironmentContext, seen: Survey) -> Survey:
    """The survey with all that is known of rows, also where a digest told the rest, and which constants are lacking.

    Raises as `reading`.
    """
    if not seen.position:
        return seen
    from architect_migrate.planning.row_findings import lacking_of
    from architect_migrate.planning.rows import stamped_rows, with_lacking

    url, history = context.environment.url, context.history
    rows = seen.rows if seen.diagnosis else stamped_rows(history, seen.position)
    with access.reading(url, context.environment.policies.lock_timeout) as connection:
        rows = with_lacking(history, seen.position, rows, partial(reader.ask, connection))
    return replace(seen, rows=rows, findings=(*seen.findings, *lacking_of(rows)))


def without_interruptions(
    context: EnvironmentContext, connection: Connection, history: History, claims: Claims
) -> tuple[Schema, Diagnosis, tuple[Interruption, ...]]:
    """The schema with interrupted work finished or undone in memory, its diagnosis, and the interruptions."""
    from architect_migrate.diagnosis.diagnose import diagnose
    from architect_migrate.planning.cut import repeating
    from architect_migrate.planning.interruptions import (
        interruptions,
        known_from,
        not_to_run,
        steps_of,
        unmoved,
        wrongly_guessed,
    )

    schema, diagnosis = _diagnosed(context, _read(context, connection, history), history, claims)
    as_read, before = schema, diagnosis
    left = interruptions(history, schema, diagnosis, context.resolutions, partial(reader.ask, connection))
    while left:
        schema, left = _simulated(context, connection, history, (as_read, left))
        diagnosis = diagnose(history, schema, claims, context.resolutions, known_from(left))
        undecided = (*not_to_run(history, schema, diagnosis, left), *wrongly_guessed(before, diagnosis, left))
        others = {each: replace(each, steps=()) for each in undecided}
        others |= repeating(history, diagnosis, left, (partial(reader.ask, connection), dialect.words_of))
        if others:
            left = tuple(others.get(each, each) for each in left)
        elif more := _found_behind(context, connection, (schema, diagnosis, left)):
            left = (*left, *more)
        else:
            break
    first = left
    schema, diagnosis, left = _renamed_in_part(context, connection, claims, (schema, diagnosis, left))
    if left != first:
        behind = _found_behind(context, connection, (schema, diagnosis, left))
        left = (*left, *(each for each in behind if not each.steps))
    asked = partial(_ask_as_it_is, connection, steps_of(left))
    missing = unmoved(history, (schema, diagnosis), context.resolutions, asked)
    said = {(fold(each.table), fold(each.column)) for each in missing}
    left = tuple(each for each in left if each.steps or (fold(each.table), fold(each.column)) not in said)
    return schema, diagnosis, (*left, *missing)


def _found_behind(
    context: EnvironmentContext, connection: Connection, seen: tuple[Schema, Diagnosis, tuple[Interruption, ...]]
) -> tuple[Interruption, ...]:
    """What interrupted work is still there after the steps of what was found, as a second run would find it.

    A table that is left from a batch operation can hide that its revision stopped between two renames.
    """
    from architect_migrate.planning.interruptions import as_called_now, interruptions, steps_of

    schema, diagnosis, left = seen
    if not (steps := steps_of(left)):
        return ()
    asked = partial(_ask_as_it_is, connection, steps)
    told = {(fold(each.table), fold(each.column)) for each in left}
    found = interruptions(context.history, schema, diagnosis, context.resolutions, asked)
    return tuple(as_called_now(each, steps) for each in found if (fold(each.table), fold(each.column)) not in told)


def _ask_as_it_is(connection: Connection, steps: tuple[Step, ...], question: Question) -> Answer:
    """The answer to a question about the schema after some steps, from the database before them."""
    from architect_migrate.planning.interruptions import as_it_is_now

    return reader.ask(connection, as_it_is_now(question, steps))


def _renamed_in_part(
    context: EnvironmentContext,
    connection: Connection,
    claims: Claims,
    seen: tuple[Schema, Diagnosis, tuple[Interruption, ...]],
) -> tuple[Schema, Diagnosis, tuple[Interruption, ...]]:
    """The same, with the renames of revisions that ran in part, where the evidence is all that is left."""
    from architect_migrate.diagnosis.diagnose import Basis, diagnose
    from architect_migrate.planning.interruptions import half_made, known_from, steps_of

    history = context.history
    schema, diagnosis, left = seen
    asked = partial(_ask_as_it_is, connection, steps_of(left))
    if diagnosis.basis is Basis.EVIDENCE and (made := half_made(history, schema, diagnosis, asked)):
        undone = _simulated(context, connection, history, (schema, (*left, *made)))
        judged = diagnose(history, undone[0], claims, context.resolutions, known_from(left))
        if judged.basis is not Basis.EVIDENCE:
            return undone[0], judged, undone[1]
    return _with_renames(context, connection, claims, seen)


def _with_renames(
    context: EnvironmentContext,
    connection: Connection,
    claims: Claims,
    seen: tuple[Schema, Diagnosis, tuple[Interruption, ...]],
    answered: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset()),
) -> tuple[Schema, Diagnosis, tuple[Interruption, ...]]:
    """The same, with the renames of revisions that are not to be run as a whole.

    `answered` are pending revisions whose rows a person has settled, and all whose rows are settled so that they are
    not to be run.
    """
    from architect_migrate.diagnosis.diagnose import diagnose
    from architect_migrate.planning.interruptions import known_from, steps_of, unfinished_renames

    history = context.history
    schema, diagnosis, left = seen
    told, apart = answered
    # One after another: the columns of a table are known by its new name once it has that.
    while more := [each for each in unfinished_renames(history, schema, diagnosis, apart) if each not in left]:
        schema, left = _simulated(context, connection, history, (schema, (*left, *more)))
        known = replace(known_from(left), told=told)
        diagnosis = diagnose(history, schema, claims, context.resolutions, known)
        if not steps_of(left):
            break
    return schema, diagnosis, left


def _read(context: EnvironmentContext, connection: Connection, history: History) -> Schema:
    return reader.read_schema(connection, context.hidden(history.graph.version_table))


def _diagnosed(
    context: EnvironmentContext, as_read: Schema, history: History, claims: Claims
) -> tuple[Schema, Diagnosis]:
    """The schema with the texts of the position that it turns out to be at, and its diagnosis.

    Why the stamp's position first: a revision can leave a check in exactly the text that a dump and a restore give to
    what an earlier one made, and would be taken for applied.
    """
    from architect_migrate.diagnosis.diagnose import diagnose

    schema, diagnosis = as_read, diagnose(history, as_read, claims, context.resolutions)
    position = _position_by(context.source, claims.stamp or ()) or diagnosis.position
    tried: set[frozenset[str]] = set()
    while position not in tried:
        tried.add(position)
        same = in_texts_of_chain(context, as_read, position)
        if same != schema:
            schema, diagnosis = same, diagnose(history, same, claims, context.resolutions)
        position = diagnosis.position
    return schema, diagnosis


def in_texts_of_chain(context: EnvironmentContext, schema: Schema, position: frozenset[str]) -> Schema:
    """Return the schema with the chain's texts at a position wherever a server writes both in the same way."""
    chain = context.source.chain
    if chain.kind == LOCAL:
        return schema
    from architect_migrate.model.history import reference
    from architect_migrate.revisions.replay import cache_folder

    return _same_texts(context.source.chain, reference(context.history, position), schema, cache_folder(os.environ))


# Why cached: a server writes the texts, and many databases that were restored from a dump are alike.
@lru_cache(maxsize=32)
def _same_texts(chain: ChainConfig, expected: Schema, found: Schema, cache: Path | None) -> Schema:
    return in_texts_of(chain, expected, found, cache)


def _simulated(
    context: EnvironmentContext,
    connection: Connection,
    history: History,
    seen: tuple[Schema, tuple[Interruption, ...]],
) -> tuple[Schema, tuple[Interruption, ...]]:
    """The schema after the steps of interruptions, tried in memory.

    If SQLite refuses the steps, the schema is unchanged and the interruptions have no steps, for a person to decide.
    """
    from architect_migrate.planning.interruptions import steps_of

    schema, left = seen
    if not (steps := steps_of(left)):
        return seen
    hidden = context.hidden(history.graph.version_table)
    after = reader.schema_after(connection, steps, hidden)
    return (schema, tuple(replace(interruption, steps=()) for interruption in left)) if after is None else (after, left)


def nothing(graph: RevisionGraph, wanted: frozenset[str], *, exists: bool) -> Survey:
    """The survey of an empty or missing database."""
    pending = tuple(revision for revision in graph.order if revision in wanted)
    return Survey(exists, Claims(), frozenset(), pending, Counter())
