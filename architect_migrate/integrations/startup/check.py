"""Looks at an application's database when it starts, where nothing is remembered of it, and acts by its policy.

A chain that was never replayed here is not replayed while an application waits, unless it insists on the answer
("refuse"): then what the stamp says is held against the chain's files, and said to be no more than that.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote as shell
from typing import TYPE_CHECKING

from architect_migrate.config.loader import as_written, read_matrix
from architect_migrate.config.policies import skips_uninitialised
from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases import access
from architect_migrate.diagnosis.claims import stamp_problem
from architect_migrate.integrations.startup.memo import Sources, evidence, kept, memo_file, remember
from architect_migrate.integrations.startup.status import Start, StartState
from architect_migrate.model.revision_graph import ancestry, heads, position_at
from architect_migrate.planning.results import State
from architect_migrate.revisions.replay import is_remembered
from architect_migrate.runs.observe import unclean
from architect_migrate.runs.survey import survey, wanted_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.config.context import Setting
    from architect_migrate.integrations.startup.status import Call
    from architect_migrate.model.environment import Matrix
    from architect_migrate.model.revision_graph import Outline
    from architect_migrate.planning.results import Survey

# Seconds that a start waits for a writer of the application to finish; an upgrade waits for lock_timeout.
_MOMENT = 0.25
_STATES = {
    State.AT_TARGET: StartState.AT_TARGET,
    State.PENDING: StartState.PENDING,
    State.DRIFTED: StartState.DRIFTED,
    State.REFUSED: StartState.REFUSED,
    State.UNINITIALISED: StartState.UNINITIALISED,
    State.MISSING: StartState.MISSING,
}


def at_once(call: Call, matrix: Matrix, setting: Setting) -> Start:
    """What can be told without running the chain."""
    if is_remembered(setting.source):
        return compared(call, matrix, setting)
    return _as_claimed(matrix, _briefly(setting))


def compared(call: Call, matrix: Matrix, setting: Setting) -> Start:
    """What a comparison with the chain tells, which is replayed if it never was; remembered for the next start."""
    brief = _briefly(setting)
    sources = _sources(matrix, setting)
    before = _evidence(call, sources)
    found = _told(matrix, brief, survey(brief))
    if (
        call.cache
        and found.compared
        and before == _evidence(call, sources)
        and _is_of_now(call, matrix, setting, sources, before)
    ):
        told = {"start": kept(found), "on_pending": setting.environment.policies.on_pending.value}
        remember(memo_file(call.cache, matrix.file, call.word), sources, before, told)
    return found


def _is_of_now(call: Call, matrix: Matrix, setting: Setting, sources: Sources, proof: Mapping[str, str]) -> bool:
    """Whether evidence is of the chain and the environments.toml that were read before it was taken."""
    if proof.get("chain") != setting.source.fingerprint:
        return False
    now = read_matrix(matrix.file, call.environ)
    return now == matrix and _sources(now, setting) == sources


def _briefly(setting: Setting) -> Setting:
    policies = setting.environment.policies
    return setting.with_policies(replace(policies, lock_timeout=min(policies.lock_timeout, _MOMENT)))


def _sources(matrix: Matrix, setting: Setting) -> Sources:
    outline = setting.outline
    chain, database = as_written(matrix, setting.environment.name)
    tracker = setting.tracker.table if setting.tracker else ""
    return Sources(matrix.file, chain, database, outline.version_table, tracker)


def _evidence(call: Call, sources: Sources) -> dict[str, str]:
    """The evidence; none where there is nothing to be compared, a missing file for example."""
    try:
        return evidence(sources, call.environ)
    except (ArchmigError, OSError, ValueError):
        return {}


def _told(matrix: Matrix, setting: Setting, seen: Survey) -> Start:
    """A survey as an application is told of it."""
    outline = setting.outline
    state = _STATES[seen.state]
    at = heads(outline, seen.position)
    empty = seen.state in {State.UNINITIALISED, State.MISSING}
    found = Start(
        state,
        _sentence(setting, seen, at),
        environment=setting.environment.name,
        database=str(setting.environment.url),
        current=at,
        target=heads(outline, wanted_of(setting, None)),
        pending=seen.pending,
        compared=not empty,
        breaking=seen.drift.get("breaking", 0),
        behavioural=seen.drift.get("behavioural", 0),
        may_be_empty=empty and skips_uninitialised(setting.environment),
    )
    return replace(found, advice=advice(matrix, found))


def _sentence(setting: Setting, seen: Survey, at: tuple[str, ...]) -> str:
    match seen.state:
        case State.AT_TARGET:
            return f"at {_names(at)}, as the chain makes it"
        case State.PENDING:
            return f"{_pending(seen.pending)} after {_names(at)}"
        case State.UNINITIALISED:
            return "nothing of the chain is in the database"
        case State.MISSING:
            return "there is no database file"
        case State.DRIFTED | State.REFUSED:
            return f"{seen.state.value}: {unclean(setting, seen)}"


def _as_claimed(matrix: Matrix, setting: Setting) -> Start:
    """What the stamp says, held against the chain as its files are written."""
    from architect_migrate.revisions.static_graph import outline_as_written

    environment, source = setting.environment, setting.source
    outline = outline_as_written(source.script)
    if source.excluded:
        from architect_migrate.model.branches import foreign, outline_without

        outline = outline_without(outline, foreign(outline, source.reserved, source.excluded))
    wanted = frozenset[str]().union(*(position_at(outline, it) for it in environment.policies.targets))
    state, stamp = _stamp(setting, outline.version_table)
    left = wanted - ancestry(outline, stamp)
    pending = tuple(it for it in outline.order if it in left) if stamp or state is not StartState.UNKNOWN else ()
    if stamp:
        refused = stamp_problem(outline, stamp)
        state = StartState.REFUSED if refused else StartState.PENDING if pending else StartState.STAMPED
    found = Start(
        state,
        _claim(outline, stamp, state, pending),
        environment=environment.name,
        database=str(environment.url),
        current=stamp,
        target=heads(outline, wanted),
        pending=() if state is StartState.REFUSED else pending,
        may_be_empty=state in {StartState.UNINITIALISED, StartState.MISSING} and skips_uninitialised(environment),
    )
    return replace(found, advice=advice(matrix, found))


def _stamp(setting: Setting, version_table: str) -> tuple[StartState, tuple[str, ...]]:
    """The stamp; where there is none, why."""
    url = setting.environment.url
    if not access.exists(url):
        return StartState.MISSING, ()
    if access.is_empty(url):
        return StartState.UNINITIALISED, ()
    return StartState.UNKNOWN, access.read_stamp(url, setting.environment.policies.lock_timeout, version_table)


def _claim(outline: Outline, stamp: tuple[str, ...], state: StartState, pending: tuple[str, ...]) -> str:
    unseen = "the schema was not compared, since the chain was never replayed here"
    match state:
        case StartState.MISSING:
            return "there is no database file"
        case StartState.UNINITIALISED:
            return "nothing is in the database"
        case StartState.STAMPED:
            return f"stamped {_names(stamp)}, its target; {unseen}"
        case StartState.PENDING:
            return f"{_pending(pending)} after {_names(stamp)}, by its stamp; {unseen}"
        case StartState.REFUSED:
            return f"refused: {stamp_problem(outline, stamp)}"
        case _:
            return f"it has no stamp, and {unseen}"


def _pending(pending: tuple[str, ...]) -> str:
    if len(pending) == 1:
        return f"revision {pending[0]} is pending"
    return f"{len(pending)} revisions are pending, {pending[0]} to {pending[-1]},"


def _names(revisions: tuple[str, ...]) -> str:
    return ", ".join(revisions) or "base"


def advice(matrix: Matrix, found: Start) -> str:
    """The command that comes next; empty where none has to."""
    verbs = {
        StartState.STAMPED: "check",
        StartState.UNKNOWN: "status",
        StartState.PENDING: "upgrade",
        StartState.DRIFTED: "reconcile",
        StartState.REFUSED: "diagnose",
        StartState.UNINITIALISED: "upgrade",
        StartState.MISSING: "upgrade",
    }
    verb = verbs.get(found.state)
    if verb is None or found.may_be_empty:
        return ""
    return f"archmig {verb} -e {shell(found.environment)} -c {shell(str(Path(matrix.file).absolute()))}"
