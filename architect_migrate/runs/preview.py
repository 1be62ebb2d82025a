"""The results of dry runs: plans after policies, with nothing changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.config.policies import builds_uninitialised, creates_missing, has_own_entry, skips_uninitialised
from architect_migrate.core.database_errors import DatabaseMissingError
from architect_migrate.core.text import pluralize, shortlist
from architect_migrate.databases.registry import access
from architect_migrate.planning.results import EMPTY, Outcome, Result, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Survey
    from architect_migrate.runs.contracts import Prepared

# How often a plan is made while other processes go on changing the database.
_TRIES = 3


def as_policy_says(context: EnvironmentContext, make: Callable[[], Result]) -> Result:
    """A preview's result, blocked if its plan cannot succeed, or lacks a rehearsal that the environment requires.

    `make` surveys the database and plans. Where that plan cannot succeed it is made again: another process may have
    committed between the survey and the reading of what stands in the way.
    """
    seen = result = make()
    for _ in range(_TRIES):
        if result.plan is None or not result.plan.steps:  # before the import, which a run without work does not need
            return result
        from architect_migrate.runs.foreseen import as_foreseen

        seen = as_foreseen(context, result)
        if seen.plan is result.plan or (again := make()).plan == result.plan:
            break
        result = again
    from architect_migrate.runs.rehearsal_gate import held_back

    return held_back(context, seen)


def planned(result: Result, prepared: Prepared) -> Result:
    """A preview's result from a survey and a plan."""
    plan, seen = prepared.plan, prepared.survey
    result = replace(result, survey=seen, plan=plan)
    if plan.blockers:
        return replace(result, outcome=Outcome.BLOCKED, detail=plan.in_the_way)
    if not plan.steps:
        return replace(result, outcome=Outcome.NOTHING, detail="up to date")
    return replace(result, outcome=Outcome.PLANNED, detail=pluralize(len(plan.steps), "step"))


def refused(context: EnvironmentContext, seen: Survey) -> tuple[Outcome, str] | None:
    """The outcome and reason by the policy for databases without the chain; None where the run may continue.

    Raises DatabaseMissingError for a missing file, unless the policy is to skip or to create it.
    """
    if refusal := _another_programs(context, seen):
        return refusal
    builds = creates_missing if seen.state is State.MISSING else builds_uninitialised
    if seen.state not in EMPTY or builds(context.environment):
        return None
    reason = "no file there" if seen.state is State.MISSING else "nothing of the chain is in it"
    if skips_uninitialised(context.environment):
        return Outcome.SKIPPED, f"{reason}; its policy is to skip it"
    if seen.state is State.MISSING:
        raise DatabaseMissingError(access.location(context.environment.url))
    return Outcome.BLOCKED, f'{reason}; to build it, set uninitialised = "create" for it, or "skip"'


def _another_programs(context: EnvironmentContext, seen: Survey) -> tuple[Outcome, str] | None:
    """The refusal to make tables of the chain beside those of another program, which a pattern may match by accident.

    A version table or a tracker says that the database is the chain's, and so does an entry of its own. Without them
    most of its tables have to be of the chain, as in `authoring.adopt.databases`.
    """
    claims, tables = seen.claims, seen.schema.tables if seen.schema else ()
    if not tables or claims.stamp is not None or claims.tracker or has_own_entry(context.environment):
        return None
    known = context.source.names.tables
    others = sorted(table.name for table in tables if table.name not in known)
    if 2 * (len(tables) - len(others)) >= max(min(len(tables), len(known)), 1):
        return None
    if skips_uninitialised(context.environment):
        return Outcome.SKIPPED, "most of its tables are not of the chain; its policy is to skip it"
    found = f"it may be another program's: no stamp, and tables that the chain does not make: {shortlist(others, 3)}"
    own = 'give the file an entry of its own with uninitialised = "create", and name that'
    return Outcome.BLOCKED, f"{found}; if it is, move it to another folder; to build the chain beside them, {own}"


def built(result: Result, seen: Survey, plan: Plan) -> Result:
    """A preview's result for running the chain from its base."""
    outcome = Outcome.BLOCKED if plan.blockers else Outcome.PLANNED
    detail = plan.in_the_way if plan.blockers else ""
    return replace(result, survey=seen, outcome=outcome, plan=plan, detail=detail)


def blank(context: EnvironmentContext, action: str) -> Result:
    """A result with the outcome NOTHING, to be filled in."""
    return Result(context.environment.name, str(context.environment.url), action, Outcome.NOTHING)
