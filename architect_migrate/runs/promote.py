"""Promotes: upgrades an environment only to revisions that its required environments have, by their schemas."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.errors import UsageError
from architect_migrate.model.revision_graph import ancestry, heads
from architect_migrate.runs.promotion_gate import Lacking, lacking, reached
from architect_migrate.runs.survey import wanted_of

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Result
    from architect_migrate.runs.contracts import Progress


def within_requirements(context: EnvironmentContext) -> tuple[EnvironmentContext, tuple[Lacking, ...]]:
    """The environment with the newest heads that its requirements allow, and what they hold back.

    Raises UsageError for an environment that requires none.
    """
    name = context.environment.name
    if not context.required:
        advice = f'give it requires = ["qa"] in environments.toml, or say archmig upgrade -e {name}'
        raise UsageError(f"{name} requires no environment, so there is nothing to be promoted from", advice)
    graph, wanted = context.graph, wanted_of(context, None)
    kept_back = lacking(context, wanted - reached(context)[0])
    refused = {revision for one in kept_back for revision in one.revisions}
    allowed = frozenset(revision for revision in wanted if not ancestry(graph, [revision]) & refused)
    target = heads(graph, allowed) or ("base",)
    return context.with_policies(replace(context.environment.policies, heads=target)), kept_back


def preview_promotion(context: EnvironmentContext) -> Result:
    """What `promote` would do: reconcile as far as allowed. The revisions held back are among the warnings."""
    from architect_migrate.runs.reconcile import preview

    limited, kept_back = within_requirements(context)
    result = preview(limited)
    waiting = tuple(f"{', '.join(lacks.revisions)}: kept back, since {_missing_in(lacks)}" for lacks in kept_back)
    plan = result.plan and _rehearsed_as_such(result.plan, context.environment.name)
    return replace(result, action="promote", plan=plan, warnings=(*result.warnings, *waiting))


def _rehearsed_as_such(plan: Plan, name: str) -> Plan:
    """The same plan; a missing rehearsal is advised for the command `promote`, which has the same target."""
    advice = f"archmig rehearse --env {name} --command promote"
    blockers = tuple(
        replace(blocker, advice=advice) if blocker.code == "not-rehearsed" else blocker for blocker in plan.blockers
    )
    return replace(plan, blockers=blockers)


def _missing_in(missing: Lacking) -> str:
    return f"{missing.environment} has not had it" + (f" ({missing.why})" if missing.why else "")


def promote(context: EnvironmentContext, shown: Plan, progress: Progress) -> Result:
    """Execute what `preview_promotion` showed. Raises as `reconcile`."""
    from architect_migrate.runs.execute import execute
    from architect_migrate.runs.reconcile import reconciling

    limited, _ = within_requirements(context)
    return execute(limited, "promote", shown, progress, reconciling(None))
