"""Promotion: an environment gets no revision that the environments which it requires have not had, by their schema."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.errors import UsageError
from architect_migrate.model.revision_graph import ancestry, heads
from architect_migrate.runs.promotion_gate import Lacking, lacking, reached
from architect_migrate.runs.survey import wanted_of

if TYPE_CHECKING:
    from architect_migrate.config.context import Setting
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Result
    from architect_migrate.runs.contracts import Progress


def as_far_as_it_may(setting: Setting) -> tuple[Setting, tuple[Lacking, ...]]:
    """The same environment with the newest heads for its target that its requirements allow, and what they keep back.

    Raises UsageError for an environment that requires none.
    """
    name = setting.environment.name
    if not setting.required:
        advice = f'give it requires = ["qa"] in environments.toml, or say archmig upgrade -e {name}'
        raise UsageError(f"{name} requires no environment, so there is nothing to be promoted from", advice)
    outline, wanted = setting.outline, wanted_of(setting, None)
    kept_back = lacking(setting, wanted - reached(setting)[0])
    refused = {it for one in kept_back for it in one.revisions}
    allowed = frozenset(it for it in wanted if not ancestry(outline, [it]) & refused)
    target = heads(outline, allowed) or ("base",)
    return setting.with_policies(replace(setting.environment.policies, heads=target)), kept_back


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
