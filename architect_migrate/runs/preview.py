"""What a run would do, as a result: policies applied, nothing changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.config.policies import builds_uninitialised, skips_uninitialised
from architect_migrate.core.database_errors import DatabaseMissingError
from architect_migrate.core.text import pluralize
from architect_migrate.databases import access
from architect_migrate.planning.results import Outcome, Result, State

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Survey
    from architect_migrate.runs.contracts import Prepared


def as_policy_says(context: EnvironmentContext, result: Result) -> Result:
    """A preview's result, held back where this environment requires a rehearsal and has had none."""
    if result.plan is None or not result.plan.steps:  # before the import, which a run without work does not need
        return result
    from architect_migrate.runs.rehearsal_gate import held_back

    return held_back(context, result)


def planned(result: Result, prepared: Prepared) -> Result:
    """A preview's result from what was prepared."""
    plan, seen = prepared.plan, prepared.survey
    told = (
        f"{finding.subject}: {finding.found} ({finding.advice})"
        for finding in seen.findings
        if finding.code == "rows-untold"
    )
    result = replace(result, survey=seen, plan=plan, warnings=tuple(told))
    if plan.blockers:
        return replace(result, outcome=Outcome.BLOCKED, detail=plan.in_the_way)
    if not plan.steps:
        return replace(result, outcome=Outcome.NOTHING, detail="where it should be")
    return replace(result, outcome=Outcome.PLANNED, detail=pluralize(len(plan.steps), "step"))


def refused(context: EnvironmentContext, seen: Survey) -> tuple[Outcome, str] | None:
    """What the policy for databases with nothing of the chain comes to; None where work can go on."""
    if seen.state not in {State.MISSING, State.UNINITIALISED} or builds_uninitialised(context.environment):
        return None
    found = "no file there" if seen.state is State.MISSING else "nothing of the chain is in it"
    if skips_uninitialised(context.environment):
        return Outcome.SKIPPED, f"{found}; its policy is to skip it"
    if seen.state is State.MISSING:
        raise DatabaseMissingError(access.location(context.environment.url))
    return Outcome.BLOCKED, f'{found}; to build it, set uninitialised = "create" for it, or "skip"'


def built(result: Result, seen: Survey, plan: Plan) -> Result:
    """A preview's result where the chain is to be run from its base."""
    outcome = Outcome.BLOCKED if plan.blockers else Outcome.PLANNED
    detail = plan.in_the_way if plan.blockers else ""
    return replace(result, survey=seen, outcome=outcome, plan=plan, detail=detail)


def blank(context: EnvironmentContext, action: str) -> Result:
    """A result that says nothing yet: there was nothing to do."""
    return Result(context.environment.name, str(context.environment.url), action, Outcome.NOTHING)
