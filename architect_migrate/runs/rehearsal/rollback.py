"""Rolls back the newest revision after trying that on a copy; rows are lost only with permission."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.core.errors import UsageError
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.results import DEPARTED, EMPTY, Loss, Outcome, Result
from architect_migrate.runs.contracts import Prepared
from architect_migrate.runs.native_plan import downgrading, losses
from architect_migrate.runs.preview import blank, planned
from architect_migrate.runs.rehearsal.rehearse import try_out
from architect_migrate.runs.rehearsal.results import Command
from architect_migrate.runs.survey import survey
from architect_migrate.runs.upgrade import preview_downgrade

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import TableDelta
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Prepare, Progress
    from architect_migrate.runs.rehearsal.results import Rehearsal

ACTION = "rollback"


class Losing(Enum):
    """Whether a rollback may lose rows and values of columns."""

    REFUSED = "refused"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class Rollback:
    """The preview of a rollback, and its trial on a copy (None: nothing to try)."""

    result: Result
    rehearsal: Rehearsal | None = None


def preview_rollback(context: EnvironmentContext, progress: Progress, head: str | None, losing: Losing) -> Rollback:
    """What `rollback` would do: PLANNED, NOTHING, BLOCKED (drift, rows that would be lost), or FAILED on the copy.

    Raises UsageError where there are several heads and `head` names none of them, and as `try_out`.
    """
    seen = survey(context)
    if seen.state in EMPTY or not seen.position:
        result = blank(context, ACTION)
        return Rollback(replace(result, survey=seen, detail="nothing of the chain is in it"))
    there = _one_step_back(context, head)
    if seen.state in DEPARTED:
        return Rollback(replace(preview_downgrade(there, None), action=ACTION))
    tried = try_out(there, progress, Command.DOWNGRADE, None)
    if tried.result.outcome is not Outcome.DONE:
        return Rollback(replace(tried.result, action=ACTION, plan=None, rehearsal=tried.number), tried)
    shown = replace(preview_downgrade(there, None), action=ACTION, rehearsal=tried.number)
    gone = _gone(tried.changes) or _sure(shown.losses)
    result = replace(shown, losses=gone)
    return Rollback(_unless_allowed(result, gone, losing) if shown.outcome is Outcome.PLANNED else result, tried)


def rollback(context: EnvironmentContext, shown: Plan, progress: Progress, head: str | None, losing: Losing) -> Result:
    """Execute what `preview_rollback` showed. Raises as `downgrade`, also for rows that were added since."""
    from architect_migrate.runs.execute import execute

    return execute(_one_step_back(context, head), ACTION, shown, progress, _rolling_back(losing))


def _rolling_back(losing: Losing) -> Prepare:
    """A function that plans the rollback on an open connection, blocked if it would lose rows without permission."""

    def make(context: EnvironmentContext, connection: Connection) -> Prepared:
        prepared = downgrading(None)(context, connection)
        # Why not those that a downgrade() may bring back: the trial on a copy has shown whether it does.
        gone = _sure(losses(context, prepared.plan, connection))
        if losing is Losing.ALLOWED or not gone:
            return prepared
        return replace(prepared, plan=_blocked(prepared.plan, context.environment.name, gone))

    return make


def _one_step_back(context: EnvironmentContext, head: str | None) -> EnvironmentContext:
    """The context whose heads are those that remain without the newest revision."""
    graph, position = context.graph, survey(context).position
    tops = heads(graph, position)
    chosen = [revision for revision in tops if head is None or revision.startswith(head)]
    if len(chosen) != 1:
        name, listed = context.environment.name, ", ".join(tops)
        problem = (
            f"{name} has {len(tops)} heads, {listed}" if head is None else f"{name} has no single head {head}: {listed}"
        )
        raise UsageError(f"{problem}; a rollback goes back from one of them", f"name it: --head {tops[-1]}")
    left = heads(graph, position - {chosen[0]}) or ("base",)
    return context.with_policies(replace(context.environment.policies, heads=left))


def _sure(losses: tuple[Loss, ...]) -> tuple[Loss, ...]:
    return tuple(loss for loss in losses if not loss.unless)


def _gone(changes: tuple[TableDelta, ...]) -> tuple[Loss, ...]:
    """The rows and values that the trial removed."""
    losses = []
    for change in changes:
        if change.lacking:
            losses.append(Loss(change.table, change.lacking))
        losses += [
            Loss(change.table, values, column) for column, values in change.columns if values and not change.gone
        ]
    return tuple(losses)


def _unless_allowed(result: Result, gone: tuple[Loss, ...], losing: Losing) -> Result:
    assert result.plan is not None
    if losing is Losing.ALLOWED or not gone:
        return result
    assert result.survey is not None
    return planned(result, Prepared(result.survey, _blocked(result.plan, result.environment, gone)))


def _blocked(plan: Plan, name: str, gone: tuple[Loss, ...]) -> Plan:
    """The same plan, blocked by what would be lost."""
    advice = f"save them first, or allow their loss: archmig rollback -e {name} --lose-rows"
    blockers = [
        Finding(Level.BLOCKING, "rows-would-go", name, f"{loss.amount} of {loss.subject} would be lost", advice)
        for loss in gone
    ]
    return replace(plan, blockers=(*plan.blockers, *blockers))
