"""Checks an application's database at its start, where no earlier result is remembered.

Why a chain that was never replayed is not replayed with the policy "warn": the application would wait for it. Only the
stamp is compared with the chain's files then, and the message says so. With "refuse" the chain is replayed, because the
answer has to be certain; with "upgrade", where the stamp does not decide.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote as shell
from typing import TYPE_CHECKING

from architect_migrate.config.loader import as_written, read_project
from architect_migrate.config.policies import skips_uninitialised
from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.absence import Absence
from architect_migrate.databases.registry import LOCAL, access, kind_of, marks
from architect_migrate.diagnosis.claims import stamp_problem
from architect_migrate.integrations.startup.memo import Sources, as_values, evidence, memo_file, remember
from architect_migrate.integrations.startup.status import Start, StartState
from architect_migrate.model.revision_graph import ancestry, heads, position_at
from architect_migrate.planning.results import EMPTY, State
from architect_migrate.revisions.reads import identity_of
from architect_migrate.revisions.replay import is_remembered
from architect_migrate.runs.observe import unclean
from architect_migrate.runs.survey import survey, wanted_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.integrations.startup.status import Call
    from architect_migrate.model.environment import ProjectConfig
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Survey

# Seconds that a check waits for a lock of the application; an upgrade waits for lock_timeout.
_MOMENT = 0.25


def at_once(call: Call, project: ProjectConfig, context: EnvironmentContext) -> Start:
    """Check the database without running the chain."""
    if is_remembered(context.source):
        return compared(call, project, context)
    return _as_claimed(project, _with_short_timeout(context))


def compared(call: Call, project: ProjectConfig, context: EnvironmentContext) -> Start:
    """Compare the database with the chain, replaying it if needed, and remember the result for the next start.

    The result of a database on a server is not remembered.
    """
    impatient = _with_short_timeout(context)
    if kind_of(context.environment.url) != LOCAL:
        # What is remembered is evidence about a file; a server is asked each time.
        return _start_of(project, impatient, survey(impatient))
    sources = _sources(project, context)
    before = _evidence(call, sources)
    start = _start_of(project, impatient, survey(impatient))
    if (
        # Why compare the evidence: a result must not be remembered for inputs that changed while it was found.
        call.cache
        and start.compared
        and before == _evidence(call, sources)
        and _is_of_now(call, project, context, sources, before)
    ):
        memo = {"start": as_values(start), "on_pending": context.environment.policies.on_pending.value}
        remember(memo_file(call.cache, project.file, call.word), sources, before, memo)
    return start


def _is_of_now(
    call: Call, project: ProjectConfig, context: EnvironmentContext, sources: Sources, proof: Mapping[str, str]
) -> bool:
    """Whether the evidence belongs to the chain and the environments.toml that were read before."""
    if proof.get("chain") != context.source.fingerprint:
        return False
    now = read_project(project.file, call.environ)
    return now == project and _sources(now, context) == sources


def _with_short_timeout(context: EnvironmentContext) -> EnvironmentContext:
    policies = context.environment.policies
    return context.with_policies(replace(policies, lock_timeout=min(policies.lock_timeout, _MOMENT)))


def _sources(project: ProjectConfig, context: EnvironmentContext) -> Sources:
    graph = context.graph
    chain, database = as_written(project, context.environment.name)
    tracker = context.tracker.table if context.tracker else ""
    identity = identity_of(context.source.chain)
    return Sources(project.file, chain, database, identity, graph.version_table, tracker)


def _evidence(call: Call, sources: Sources) -> dict[str, str]:
    """The evidence of the result; empty if some of it cannot be read, such as a missing file."""
    try:
        return evidence(call.cache, sources, call.environ) if call.cache else {}
    except (ArchmigError, OSError, ValueError):
        return {}


def _start_of(project: ProjectConfig, context: EnvironmentContext, seen: Survey) -> Start:
    """The result for the application, from a survey."""
    graph = context.graph
    state = StartState(seen.state.value)
    at = heads(graph, seen.position)
    empty = seen.state in EMPTY
    start = Start(
        state,
        _sentence(context, seen, at),
        environment=context.environment.name,
        database=str(context.environment.url),
        current=at,
        target=heads(graph, wanted_of(context, None)),
        pending=seen.pending,
        compared=not empty,
        breaking=seen.drift.get("breaking", 0),
        behavioural=seen.drift.get("behavioural", 0),
        may_be_empty=empty and skips_uninitialised(context.environment),
    )
    return replace(start, advice=advice(project, start))


def _sentence(context: EnvironmentContext, seen: Survey, at: tuple[str, ...]) -> str:
    match seen.state:
        case State.UP_TO_DATE:
            return f"at {_names(at)}, {seen.likeness}"
        case State.BEHIND:
            return f"{_pending(seen.pending)} after {_names(at)}"
        case State.UNINITIALISED:
            return "nothing of the chain is in the database"
        case State.MISSING:
            return "there is no database file"
        case State.UNSTAMPED:
            return f"at {_names(at)}, {seen.likeness}, but {unclean(context, seen)}"
        case State.UNKNOWN_STAMP | State.UNDECIDED | State.DRIFTED:
            return f"{seen.state.value}: {unclean(context, seen)}"
        case State.COULD_NOT_TELL:
            raise AssertionError(seen)


def _as_claimed(project: ProjectConfig, context: EnvironmentContext) -> Start:
    """The result from the stamp and the chain's files alone."""
    from architect_migrate.revisions.static_graph import graph_as_written

    environment, source = context.environment, context.source
    graph = graph_as_written(source.chain)
    if source.excluded:
        from architect_migrate.model.branches import foreign, graph_without

        graph = graph_without(graph, foreign(graph, source.reserved, source.excluded))
    wanted = frozenset[str]().union(*(position_at(graph, target) for target in environment.policies.targets))
    state, stamp = _stamp(context, graph.version_table)
    left = wanted - ancestry(graph, stamp)
    pending = (
        tuple(revision for revision in graph.order if revision in left)
        if stamp or state is not StartState.COULD_NOT_TELL
        else ()
    )
    if stamp:
        refused = stamp_problem(graph, stamp)
        state = StartState.UNKNOWN_STAMP if refused else StartState.BEHIND if pending else StartState.STAMPED
    start = Start(
        state,
        _claim(graph, stamp, state, pending),
        environment=environment.name,
        database=str(environment.url),
        current=stamp,
        target=heads(graph, wanted),
        pending=() if state is StartState.UNKNOWN_STAMP else pending,
        may_be_empty=state in {StartState.UNINITIALISED, StartState.MISSING} and skips_uninitialised(environment),
    )
    return replace(start, advice=advice(project, start))


def _stamp(context: EnvironmentContext, version_table: str) -> tuple[StartState, tuple[str, ...]]:
    """The stamp, with the state that says why there is none."""
    with access.looked_at(context.environment.url, context.environment.policies.lock_timeout) as found:
        match found:
            case Absence.MISSING:
                return StartState.MISSING, ()
            case Absence.EMPTY:
                return StartState.UNINITIALISED, ()
            case _:
                return StartState.COULD_NOT_TELL, marks.read_claims(found, None, version_table).stamp or ()


def _claim(graph: RevisionGraph, stamp: tuple[str, ...], state: StartState, pending: tuple[str, ...]) -> str:
    unseen = "the schema was not compared, since the chain was never replayed here"
    match state:
        case StartState.MISSING:
            return "there is no database file"
        case StartState.UNINITIALISED:
            return "nothing is in the database"
        case StartState.STAMPED:
            return f"stamped {_names(stamp)}, its target; {unseen}"
        case StartState.BEHIND:
            return f"{_pending(pending)} after {_names(stamp)}, by its stamp; {unseen}"
        case StartState.UNKNOWN_STAMP:
            return f"unknown stamp: {stamp_problem(graph, stamp)}"
        case _:
            return f"it has no stamp, and {unseen}"


def _pending(pending: tuple[str, ...]) -> str:
    if len(pending) == 1:
        return f"revision {pending[0]} is pending"
    return f"{len(pending)} revisions are pending, {pending[0]} to {pending[-1]},"


def _names(revisions: tuple[str, ...]) -> str:
    return ", ".join(revisions) or "base"


def advice(project: ProjectConfig, start: Start) -> str:
    """The command to run next; empty if none is needed."""
    verbs = {
        StartState.STAMPED: "check",
        StartState.COULD_NOT_TELL: "status",
        StartState.BEHIND: "upgrade",
        StartState.DRIFTED: "reconcile",
        StartState.UNSTAMPED: "reconcile",
        StartState.UNDECIDED: "diagnose",
        StartState.UNKNOWN_STAMP: "diagnose",
        StartState.UNINITIALISED: "upgrade",
        StartState.MISSING: "upgrade",
    }
    verb = verbs.get(start.state)
    if verb is None or start.may_be_empty:
        return ""
    return f"archmig {verb} -e {shell(start.environment)} -c {shell(str(Path(project.file).absolute()))}"
