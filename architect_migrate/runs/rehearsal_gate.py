"""Checks whether a plan was rehearsed: the same steps, position and schema, recently, with success.

Environments with `require_rehearsal = true` need that; for others it is only recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from architect_migrate.core.errors import LedgerError
from architect_migrate.databases.registry import access, temporary
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.ledger import store
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.plan import RunDowngrade, plan_digest
from architect_migrate.runs.survey import schema_digest, wanted_of

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.ledger.store import Entry
    from architect_migrate.model.environment import Environment
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Result
    from architect_migrate.runs.contracts import Prepared

ACTION = "rehearse"
NOT_REHEARSED = "not-rehearsed"


@dataclass(frozen=True, slots=True)
class RehearsalStatus:
    """The `number` of the rehearsal that covers a plan (0: none), and `why` there is none."""

    number: int = 0
    why: str = ""


def rehearsal_status(context: EnvironmentContext, plan: Plan, schema: str) -> RehearsalStatus:
    """Find the rehearsal of a plan on a schema in the ledger; an unreadable ledger has none."""
    try:
        rehearsals = store.entries_of(context.ledger, context.environment.name, ACTION)
    except LedgerError as error:
        return RehearsalStatus(0, f"cannot tell whether this plan was rehearsed: {error}")
    succeeded = [entry for entry in rehearsals if entry.result == "done"]
    same = [entry for entry in succeeded if entry.fact("plan") == plan_digest(plan, context.source.fingerprint)]
    fitting = [entry for entry in same if entry.fact("schema") == schema]
    most = context.environment.policies.rehearsal_max_age
    if fitting and 0 <= _age(fitting[-1]) <= most:
        return RehearsalStatus(fitting[-1].number)
    return RehearsalStatus(0, _why(context, succeeded, same, fitting))


def _age(entry: Entry) -> float:
    """Seconds since a rehearsal began; negative if the clock was set back, and the rehearsal then does not count."""
    return (datetime.now(UTC) - datetime.fromisoformat(entry.started_at)).total_seconds()


def _why(context: EnvironmentContext, succeeded: list[Entry], same: list[Entry], fitting: list[Entry]) -> str:
    if fitting:
        most = _hours(context.environment.policies.rehearsal_max_age)
        return f"rehearsal {fitting[-1].number} of this plan is {_hours(_age(fitting[-1]))} old, and {most} is the most"
    if same:
        return f"the schema has changed since rehearsal {same[-1].number}"
    if succeeded:
        return f"this plan has not been rehearsed: rehearsal {succeeded[-1].number} had another plan"
    return "this plan has not been rehearsed"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if abs(seconds) >= 7200 else f"{seconds / 60:.0f} min"


def is_required(environment: Environment) -> bool:
    """Whether plans must be rehearsed before they run on an environment."""
    return environment.policies.require_rehearsal


def without_gate(context: EnvironmentContext) -> EnvironmentContext:
    """The context without the requirement of a rehearsal, for the rehearsal itself."""
    return context.with_policies(replace(context.environment.policies, require_rehearsal=False))


def as_rehearsed(context: EnvironmentContext, connection: Connection, prepared: Prepared) -> tuple[Prepared, int]:
    """The prepared plan, blocked if a required rehearsal is missing; and the number of the rehearsal (0: none)."""
    plan = prepared.plan
    status = rehearsal_status(context, plan, schema_digest(context, connection)) if plan.steps else RehearsalStatus()
    if not status.why or not is_required(context.environment):
        return prepared, status.number
    return replace(prepared, plan=_blocked(context, plan, status)), 0


def held_back(context: EnvironmentContext, result: Result) -> Result:
    """A preview's result, blocked if a required rehearsal is missing."""
    if result.plan is None or not result.plan.steps or not is_required(context.environment):
        return result
    status = rehearsal_status(context, result.plan, schema_now(context))
    if not status.why:
        return result
    from architect_migrate.planning.results import Outcome

    plan = _blocked(context, result.plan, status)
    return replace(result, plan=plan, outcome=Outcome.BLOCKED, detail=plan.in_the_way)


def schema_now(context: EnvironmentContext) -> str:
    """The digest of an environment's schema; of an empty schema if there is no database."""
    url = context.environment.url
    here = (
        access.reading(url, context.environment.policies.lock_timeout) if access.exists(url) else temporary.in_memory()
    )
    with here as connection:
        return schema_digest(context, connection)


def _blocked(context: EnvironmentContext, plan: Plan, status: RehearsalStatus) -> Plan:
    name, advice = context.environment.name, advice_for(context, plan)
    return replace(plan, blockers=(*plan.blockers, Finding(Level.BLOCKING, NOT_REHEARSED, name, status.why, advice)))


def advice_for(context: EnvironmentContext, plan: Plan) -> str:
    """The command that rehearses a plan."""
    name, tops = context.environment.name, heads(context.graph, plan.after)
    words = f"archmig rehearse --env {name}"
    if any(isinstance(step, RunDowngrade) for step in plan.steps):
        return f"{words} --command downgrade {' '.join(tops) or 'base'}"
    if plan.after == plan.before | wanted_of(context, None) or len(tops) != 1:
        return words
    return f"{words} {tops[0]}"
