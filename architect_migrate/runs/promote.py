"""Promotion: an environment gets no revision that the environments which it requires have not had, by their schema."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.core.errors import ArchmigError, UsageError
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.revision_graph import ancestry, heads
from architect_migrate.planning.plan import RunRevision
from architect_migrate.planning.results import Result, State
from architect_migrate.runs.survey import survey, wanted_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.config.context import Setting
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.execute import Progress


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a required environment has not had of what is to be run elsewhere; `why` says what is there instead."""

    environment: str
    revisions: tuple[str, ...]
    why: str = ""

    def __str__(self) -> str:
        first, more = self.revisions[0], len(self.revisions) - 1
        said = f"{self.environment} has not had {first}" + (f" and {more} more" if more else "")
        return said + (f" ({self.why})" if self.why else "")


def lacking(setting: Setting, revisions: Iterable[str]) -> tuple[Lacking, ...]:
    """Which of the revisions the environments that this one requires have not had, by what is in their databases.

    A revision on a branch that is not theirs is not asked of them; a database that cannot be read has had nothing.
    """
    wanted = set(revisions)
    found = []
    for its in setting.required if wanted else ():
        position, why = _reached(its)
        if left := tuple(it for it in its.outline().order if it in wanted - position):
            found.append(Lacking(its.environment.name, left, why))
    return tuple(found)


def _reached(setting: Setting) -> tuple[frozenset[str], str]:
    """The position of an environment, and what keeps it from having one."""
    try:
        seen = survey(setting)
    except ArchmigError as error:
        return frozenset(), str(error)
    match seen.state:
        case State.MISSING:
            return frozenset(), "there is no file"
        case State.UNINITIALISED:
            return frozenset(), "nothing of the chain is in it"
        case _:
            return seen.position, ""


def as_promoted(setting: Setting, plan: Plan) -> Plan:
    """The same plan, blocked where it runs what a required environment has not had."""
    run = [it.revision for it in plan.steps if isinstance(it, RunRevision)]
    blockers = tuple(_blocker(setting, it) for it in lacking(setting, run))
    return replace(plan, blockers=(*plan.blockers, *blockers)) if blockers else plan


def _blocker(setting: Setting, its: Lacking) -> Finding:
    name = setting.environment.name
    advice = f"archmig upgrade -e {its.environment} first, or archmig promote --to {name}, which goes as far as it may"
    return Finding(Level.BLOCKING, "not-promoted", name, str(its), advice, its.revisions[0])


def as_far_as_it_may(setting: Setting) -> tuple[Setting, tuple[Lacking, ...]]:
    """The same environment with the newest heads for its target that its requirements allow, and what they keep back.

    Raises UsageError for an environment that requires none.
    """
    name = setting.environment.name
    if not setting.required:
        advice = f'give it requires = ["qa"] in environments.toml, or say archmig upgrade -e {name}'
        raise UsageError(f"{name} requires no environment, so there is nothing to be promoted from", advice)
    outline, wanted = setting.outline(), wanted_of(setting, None)
    kept_back = lacking(setting, wanted - _reached(setting)[0])
    refused = {it for one in kept_back for it in one.revisions}
    allowed = frozenset(it for it in wanted if not ancestry(outline, [it]) & refused)
    target = heads(outline, allowed) or ("base",)
    return replace(setting, environment=replace(setting.environment, heads=target)), kept_back


def preview_promotion(setting: Setting) -> Result:
    """What `promote` would do: reconcile as far as it may; what is kept back is among the warnings."""
    from architect_migrate.runs.reconcile import preview

    its, kept_back = as_far_as_it_may(setting)
    found = preview(its)
    waiting = tuple(f"{', '.join(it.revisions)}: kept back, since {_had_not(it)}" for it in kept_back)
    plan = found.plan and _rehearsed_as_such(found.plan, setting.environment.name)
    return replace(found, action="promote", plan=plan, warnings=(*found.warnings, *waiting))


def _rehearsed_as_such(plan: Plan, name: str) -> Plan:
    """The same plan; where it is to be rehearsed first, by the command that goes as far as this does."""
    advice = f"archmig rehearse --env {name} --command promote"
    blockers = tuple(replace(it, advice=advice) if it.code == "not-rehearsed" else it for it in plan.blockers)
    return replace(plan, blockers=blockers)


def _had_not(its: Lacking) -> str:
    return f"{its.environment} has not had it" + (f" ({its.why})" if its.why else "")


def promote(setting: Setting, shown: Plan, progress: Progress) -> Result:
    """Carry out what `preview_promotion` showed. Raises as `reconcile` does."""
    from architect_migrate.runs.execute import carry_out
    from architect_migrate.runs.reconcile import reconciling

    its, _ = as_far_as_it_may(setting)
    return carry_out(its, "promote", shown, progress, reconciling(None))
