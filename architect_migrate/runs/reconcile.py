"""Reconcile: the walk, on one environment. Status is the same, stopped before acting.

Most runs find nothing to do, so what plans and what acts is imported where it is called.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import DatabaseMissingError
from architect_migrate.core.text import count
from architect_migrate.databases.sqlite.connection import file_of, reading
from architect_migrate.diagnosis.claims import Claims
from architect_migrate.model.environment import Uninitialised
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.results import Outcome, Result, State
from architect_migrate.runs.survey import glance, nothing, survey, wanted_of

if TYPE_CHECKING:
    import sqlite3

    from architect_migrate.config.context import Setting
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Survey
    from architect_migrate.runs.execute import Prepare, Progress
    from architect_migrate.runs.prepare import Prepared


def preview(setting: Setting, target: str | None = None) -> Result:
    """What `reconcile` would do: PLANNED with the plan, NOTHING, SKIPPED, or BLOCKED with the blockers in the plan."""
    return as_policy_says(setting, _previewed(setting, target))


def as_policy_says(setting: Setting, result: Result) -> Result:
    """A preview's result, held back where this environment requires a rehearsal and has had none."""
    if not setting.environment.require_rehearsal:
        return result
    from architect_migrate.runs.rehearsal_gate import held_back

    return held_back(setting, result)


def _previewed(setting: Setting, target: str | None) -> Result:
    result = blank(setting, "reconcile")
    path = file_of(setting.environment.url)
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        seen = survey(setting, target)
        return _unless_refused(setting, built(result, seen, from_nothing(setting, target)))
    outline = setting.outline()
    wanted = wanted_of(setting, target)
    with reading(path, setting.environment.lock_timeout) as connection:
        glanced = glance(setting, connection, outline, wanted)
        if glanced and glanced.state is State.AT_TARGET and not glanced.unsynced:
            return replace(
                result, survey=glanced, detail=f"at {_place(setting, glanced.position)}, as the chain makes it"
            )
        from architect_migrate.runs.prepare import prepare

        return _unless_refused(setting, planned(result, prepare(setting, connection, wanted)))


def _unless_refused(setting: Setting, result: Result) -> Result:
    """The same result, unless the policy for databases with nothing of the chain speaks against it."""
    refusal = refused(setting, result.survey) if result.survey else None
    return replace(result, plan=None, outcome=refusal[0], detail=refusal[1]) if refusal else result


def reconcile(setting: Setting, shown: Plan, progress: Progress, target: str | None = None) -> Result:
    """Bring the environment's database home by the plan that `preview` showed.

    Raises ArchmigError, and then the database is as it was; ChangedMeanwhileError if it has changed since the preview.
    """
    from architect_migrate.runs.execute import carry_out

    return carry_out(setting, "reconcile", shown, progress, reconciling(target))


def reconciling(target: str | None) -> Prepare:
    """How a plan for reconcile is made on an open connection."""
    from architect_migrate.runs.prepare import prepare

    def make(setting: Setting, connection: sqlite3.Connection) -> Prepared:
        wanted = wanted_of(setting, target)
        return empty(setting, connection, target) or prepare(setting, connection, wanted)

    return make


def empty(setting: Setting, connection: sqlite3.Connection, target: str | None) -> Prepared | None:
    """What is prepared for a database that defines nothing at all, whose diagnosis nobody needs; None for others."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return None
    from architect_migrate.runs.prepare import Prepared

    outline = setting.outline()
    seen = nothing(State.UNINITIALISED, outline, wanted_of(setting, target))
    return Prepared(seen, from_nothing(setting, target))


def planned(result: Result, prepared: Prepared) -> Result:
    """A preview's result from what was prepared."""
    plan, seen = prepared.plan, prepared.survey
    told = (f"{it.subject}: {it.found} ({it.advice})" for it in seen.findings if it.code == "rows-untold")
    result = replace(result, survey=seen, plan=plan, warnings=tuple(told))
    if plan.blockers:
        return replace(result, outcome=Outcome.BLOCKED, detail=plan.in_the_way)
    if not plan.steps:
        return replace(result, outcome=Outcome.NOTHING, detail="where it should be")
    return replace(result, outcome=Outcome.PLANNED, detail=count(len(plan.steps), "step"))


def refused(setting: Setting, seen: Survey) -> tuple[Outcome, str] | None:
    """What the policy for databases with nothing of the chain comes to; None where work can go on."""
    policy = setting.environment.uninitialised
    if seen.state not in {State.MISSING, State.UNINITIALISED} or policy is Uninitialised.CREATE:
        return None
    if policy is Uninitialised.ERROR and seen.state is State.MISSING:
        raise DatabaseMissingError(str(file_of(setting.environment.url)))
    from architect_migrate.runs.prepare import uninitialised_refusal

    skip = policy is Uninitialised.SKIP
    reason = "no file there; its policy is to skip it" if skip and seen.state is State.MISSING else ""
    return (Outcome.SKIPPED if skip else Outcome.BLOCKED), reason or uninitialised_refusal(setting)


def from_nothing(setting: Setting, target: str | None) -> Plan:
    """The plan that builds a database of which not even a file is there, or a file of zero bytes."""
    from architect_migrate.planning.plan import Plan, RunRevision, Stamp

    outline = setting.outline()
    wanted = wanted_of(setting, target)
    steps = [RunRevision(it) for it in outline.order if it in wanted]
    plan = Plan((*steps, Stamp(heads(outline, wanted))), (), (), frozenset(), wanted)
    if setting.required:
        from architect_migrate.runs.promote import as_promoted

        plan = as_promoted(setting, plan)
    return setting.synced(Claims(), plan)


def built(result: Result, seen: Survey, plan: Plan) -> Result:
    """A preview's result where the chain is to be run from its base."""
    outcome = Outcome.BLOCKED if plan.blockers else Outcome.PLANNED
    detail = plan.in_the_way if plan.blockers else ""
    return replace(result, survey=seen, outcome=outcome, plan=plan, detail=detail)


def _place(setting: Setting, position: frozenset[str]) -> str:
    return ", ".join(heads(setting.outline(), position)) or "base"


def blank(setting: Setting, action: str) -> Result:
    """A result that says nothing yet: there was nothing to do."""
    return Result(setting.environment.name, str(setting.environment.url), action, Outcome.NOTHING)
