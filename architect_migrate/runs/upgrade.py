"""Upgrades and downgrades by running the chain's revisions, only on databases whose schema matches their stamp.

Why imports inside functions: most runs find nothing to do, and do not need the modules that plan and act.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.databases.registry import access
from architect_migrate.planning.results import AS_STAMPED, DEPARTED, EMPTY, Result
from architect_migrate.runs.preview import as_policy_says, blank, built, planned, refused
from architect_migrate.runs.survey import survey

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Progress


def preview_upgrade(context: EnvironmentContext, target: str | None = None) -> Result:
    """What `upgrade` would do; BLOCKED for a database whose schema does not match its stamp."""
    return as_policy_says(context, partial(_upgrade_previewed, context, target))


def _upgrade_previewed(context: EnvironmentContext, target: str | None) -> Result:
    result = blank(context, "upgrade")
    seen = survey(context, target)
    if seen.state in AS_STAMPED and not seen.pending and not seen.unsynced:
        return replace(result, survey=seen, detail="at its target")
    if refusal := refused(context, seen):
        return replace(result, survey=seen, outcome=refusal[0], detail=refusal[1])
    if seen.state in EMPTY and seen.schema is None:
        from architect_migrate.runs.prepare import from_nothing

        return built(result, seen, from_nothing(context, target))
    from architect_migrate.runs.contracts import Prepared
    from architect_migrate.runs.native_plan import mismatch_plan, up

    plan = mismatch_plan(seen) if seen.state in DEPARTED else up(context, seen, target)
    return planned(result, Prepared(seen, plan))


def upgrade(context: EnvironmentContext, shown: Plan, progress: Progress, target: str | None = None) -> Result:
    """Run the pending revisions that `preview_upgrade` showed. Raises as `reconcile`."""
    from architect_migrate.runs.execute import execute
    from architect_migrate.runs.native_plan import upgrading

    return execute(context, "upgrade", shown, progress, upgrading(target))


def preview_downgrade(context: EnvironmentContext, target: str | None) -> Result:
    """What `downgrade` would do, with the rows that would be lost; BLOCKED as for an upgrade.

    Without a target it goes to the environment's own heads.
    """
    return as_policy_says(context, partial(_downgrade_previewed, context, target))


def _downgrade_previewed(context: EnvironmentContext, target: str | None) -> Result:
    from architect_migrate.runs.contracts import Prepared
    from architect_migrate.runs.native_plan import down, losses, mismatch_plan

    result = blank(context, "downgrade")
    seen = survey(context, target)
    if seen.state in EMPTY:
        return replace(result, survey=seen, detail="nothing of the chain is in it")
    if seen.state in DEPARTED:
        return planned(result, Prepared(seen, mismatch_plan(seen)))
    plan = down(context, seen, target)
    result = planned(result, Prepared(seen, plan))
    with access.reading(context.environment.url, context.environment.policies.lock_timeout) as connection:
        return replace(result, losses=losses(context, plan, connection))


def downgrade(context: EnvironmentContext, shown: Plan, progress: Progress, target: str | None) -> Result:
    """Take back the revisions that `preview_downgrade` showed. Raises as `reconcile`."""
    from architect_migrate.runs.execute import execute
    from architect_migrate.runs.native_plan import downgrading

    return execute(context, "downgrade", shown, progress, downgrading(target))
