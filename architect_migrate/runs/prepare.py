"""Makes the plan for one database, with the rows of an open connection to ask."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.text import count
from architect_migrate.databases.sqlite.presence import defines_nothing
from architect_migrate.databases.sqlite.repair.objects import Ground, dropped, object_work
from architect_migrate.databases.sqlite.repair.table import table_work
from architect_migrate.databases.sqlite.rows.questions import ask
from architect_migrate.diagnosis.claims import Claims
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.environment import Repair
from architect_migrate.model.history import reference
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.interruptions import as_it_is_now, finding_of, steps_of
from architect_migrate.planning.plan import Plan, RunRevision, Stamp, SyncTracker
from architect_migrate.planning.planner import Course, Smith, make_plan
from architect_migrate.planning.results import State, Survey
from architect_migrate.runs.contracts import Prepared
from architect_migrate.runs.promotion_gate import as_promoted
from architect_migrate.runs.survey import look, nothing, wanted_of

if TYPE_CHECKING:
    from architect_migrate.config.context import Setting
    from architect_migrate.databases.base import Connection
    from architect_migrate.planning.results import Survey


def prepare(setting: Setting, connection: Connection, target: frozenset[str]) -> Prepared:
    """Survey a database through an open connection and plan its way to `target`, following evidence."""
    seen = look(setting, connection, target)
    return Prepared(seen, _plan(setting, connection, seen, target))


def _plan(setting: Setting, connection: Connection, seen: Survey, target: frozenset[str]) -> Plan:
    assert seen.diagnosis is not None
    assert seen.schema is not None
    if seen.state is State.REFUSED:
        blockers = tuple(it for it in seen.findings if it.level is Level.BLOCKING)
        return Plan((), blockers, (), seen.position, seen.position)
    history = setting.history
    expected = {it.name: it for it in reference(history, seen.position).tables}
    first = steps_of(seen.interrupted)
    ground = Ground(
        expected,
        {it.name: it for it in seen.schema.tables},
        setting.resolutions,
        setting.environment.policies.repair,
        lambda question: ask(connection, as_it_is_now(question, first)),
    )
    smith = Smith(
        lambda table, changes, revision: table_work(ground, table, changes, revision),
        lambda change, revision: object_work(ground, change, revision),
        dropped,
    )
    made = make_plan(history, seen.diagnosis, seen.schema, Course(target, setting.resolutions), smith)
    undecided = tuple(finding_of(it) for it in seen.interrupted if not it.steps)
    made = replace(made, steps=(*first, *made.steps), blockers=(*undecided, *made.blockers))
    return setting.synced(seen.claims, as_promoted(setting, _within_policy(setting, made)))


def _within_policy(setting: Setting, plan: Plan) -> Plan:
    """With `repair = "none"` a plan that repairs anything is blocked; running the chain itself is no repair."""
    repairs = [it for it in plan.steps if not isinstance(it, RunRevision | Stamp | SyncTracker)]
    if setting.environment.policies.repair is not Repair.NONE or not repairs:
        return plan
    needed = count(len(repairs), "step of repair is needed", "steps of repair are needed")
    found = f"{needed}, and this environment's policy allows none"
    blocker = Finding(
        Level.BLOCKING, "blocked-policy", setting.environment.name, found, 'set repair = "full" or "additive" for it'
    )
    return Plan(plan.steps, (*plan.blockers, blocker), plan.kept, plan.before, plan.after)


def empty(setting: Setting, connection: Connection, target: str | None) -> Prepared | None:
    """What is prepared for a database that defines nothing at all, whose diagnosis nobody needs; None for others."""
    if not defines_nothing(connection):
        return None
    from architect_migrate.runs.contracts import Prepared

    outline = setting.outline
    seen = nothing(State.UNINITIALISED, outline, wanted_of(setting, target))
    return Prepared(seen, from_nothing(setting, target))


def from_nothing(setting: Setting, target: str | None) -> Plan:
    """The plan that builds a database of which not even a file is there, or a file of zero bytes."""
    from architect_migrate.planning.plan import Plan, RunRevision, Stamp

    outline = setting.outline
    wanted = wanted_of(setting, target)
    steps = [RunRevision(it) for it in outline.order if it in wanted]
    plan = Plan((*steps, Stamp(heads(outline, wanted))), (), (), frozenset(), wanted)
    if setting.required:
        from architect_migrate.runs.promotion_gate import as_promoted

        plan = as_promoted(setting, plan)
    return setting.synced(Claims(), plan)
