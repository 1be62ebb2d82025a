"""Plans the way of one database to its target, asking about rows through an open connection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.core.text import pluralize
from architect_migrate.databases.registry import marks, repairer
from architect_migrate.diagnosis.claims import Claims
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.environment import Repair
from architect_migrate.model.history import reference
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.at_stake import AT_STAKE
from architect_migrate.planning.interruptions import as_it_is_now, finding_of, names_taken, steps_of
from architect_migrate.planning.plan import Plan, RunRevision, Stamp, SyncTracker
from architect_migrate.planning.planner import PlanGoal, make_plan
from architect_migrate.planning.results import State, Survey
from architect_migrate.planning.row_findings import ROWS_UNDECIDED
from architect_migrate.runs.contracts import Prepared
from architect_migrate.runs.one_transaction import cut
from architect_migrate.runs.own_functions import with_functions
from architect_migrate.runs.promotion_gate import as_promoted
from architect_migrate.runs.survey import full_survey, nothing, wanted_of

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection


def prepare(context: EnvironmentContext, connection: Connection, target: frozenset[str]) -> Prepared:
    """Survey a database through an open connection, and plan its way to `target` by what the database shows."""
    try:
        return _prepared(context, connection, target)
    except QuestionError:
        if not context.graph.functions:
            raise
    # Why only now: a dry run is to run env.py as seldom as it can.
    return with_functions(context, connection, lambda: _prepared(context, connection, target))


def _prepared(context: EnvironmentContext, connection: Connection, target: frozenset[str]) -> Prepared:
    seen = full_survey(context, connection, target)
    return Prepared(seen, _plan(context, connection, seen, target))


def _plan(context: EnvironmentContext, connection: Connection, seen: Survey, target: frozenset[str]) -> Plan:
    assert seen.diagnosis is not None
    assert seen.schema is not None
    if seen.state is State.UNKNOWN_STAMP:
        blockers = tuple(finding for finding in seen.findings if finding.level is Level.BLOCKING)
        return Plan((), blockers, (), seen.position, seen.position)
    history = context.history
    first = steps_of(seen.interrupted)
    repair_planner = repairer.repair_planner(
        connection,
        history,
        (seen.schema, reference(history, seen.position)),
        (context.resolutions, context.environment.policies.repair),
        lambda question: as_it_is_now(question, first),
    )
    goal = PlanGoal(target, context.resolutions, seen.rows)
    made = make_plan(history, seen.diagnosis, seen.schema, goal, repair_planner)
    undecided = tuple(finding_of(interruption) for interruption in seen.interrupted if not interruption.steps)
    asked = {finding.subject for finding in undecided}
    taken = [found for found in names_taken(history, seen.schema.tables, made.steps) if found.subject not in asked]
    rows = tuple(finding for finding in seen.findings if finding.code in {ROWS_UNDECIDED, *AT_STAKE})
    made = replace(made, steps=(*first, *made.steps), blockers=(*undecided, *rows, *taken, *made.blockers))
    return context.synced(seen.claims, cut(context, as_promoted(context, _within_policy(context, made))))


def _within_policy(context: EnvironmentContext, plan: Plan) -> Plan:
    """Block a plan that repairs anything if the policy is `repair = "none"`; running revisions is not a repair."""
    repairs = [step for step in plan.steps if not isinstance(step, RunRevision | Stamp | SyncTracker)]
    if context.environment.policies.repair is not Repair.NONE or not repairs:
        return plan
    needed = pluralize(len(repairs), "repair step is needed", "repair steps are needed")
    problem = f"{needed}, and this environment's policy allows none"
    blocker = Finding(
        Level.BLOCKING, "blocked-policy", context.environment.name, problem, 'set repair = "full" or "additive" for it'
    )
    return Plan(plan.steps, (*plan.blockers, blocker), plan.kept, plan.before, plan.after)


def empty(context: EnvironmentContext, connection: Connection, target: str | None) -> Prepared | None:
    """Prepare the plan for a database that defines nothing; None for any other database.

    Why apart: nothing needs to be diagnosed there.
    """
    if not marks.defines_nothing(connection):
        return None
    from architect_migrate.runs.contracts import Prepared

    graph = context.graph
    seen = nothing(graph, wanted_of(context, target), exists=True)
    return Prepared(seen, from_nothing(context, target))


def from_nothing(context: EnvironmentContext, target: str | None) -> Plan:
    """The plan that builds a database from no file or a file of zero bytes."""
    from architect_migrate.planning.plan import Plan, RunRevision, Stamp

    graph = context.graph
    wanted = wanted_of(context, target)
    steps = [RunRevision(revision) for revision in graph.order if revision in wanted]
    plan = Plan((*steps, Stamp(heads(graph, wanted))), (), (), frozenset(), wanted)
    if context.required:
        from architect_migrate.runs.promotion_gate import as_promoted

        plan = as_promoted(context, plan)
    return context.synced(Claims(), cut(context, plan))
