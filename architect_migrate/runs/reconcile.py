"""Reconcile: the walk, on one environment. Status is the same, stopped before acting.

Most runs find nothing to do, so what plans and what acts is imported where it is called.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.databases import access
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.results import Result, State
from architect_migrate.runs.preview import as_policy_says, blank, built, planned, refused
from architect_migrate.runs.survey import glance, survey, wanted_of

if TYPE_CHECKING:
    from architect_migrate.config.context import Setting
    from architect_migrate.databases.base import Connection
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Prepare, Prepared, Progress


def preview(setting: Setting, target: str | None = None) -> Result:
    """What `reconcile` would do: PLANNED with the plan, NOTHING, SKIPPED, or BLOCKED with the blockers in the plan."""
    return as_policy_says(setting, _previewed(setting, target))


def _previewed(setting: Setting, target: str | None) -> Result:
    result = blank(setting, "reconcile")
    url = setting.environment.url
    if access.is_empty(url):
        from architect_migrate.runs.prepare import from_nothing

        seen = survey(setting, target)
        return _unless_refused(setting, built(result, seen, from_nothing(setting, target)))
    outline = setting.outline
    wanted = wanted_of(setting, target)
    with access.reading(url, setting.environment.policies.lock_timeout) as connection:
        glanced = glance(setting, connection, outline, wanted)
        if glanced and glanced.state is State.AT_TARGET and not glanced.unsynced:
            return replace(
                result, survey=glanced, detail=f"at {_place(setting, glanced.position)}, as the chain makes it"
            )
        from architect_migrate.runs.prepare import prepare

        return _unless_refused(setting, planned(result, prepare(setting, connection, wanted)))


def _unless_refused(setting: Setting, result: Result) -> Result:
    """The same result, unless the policy for databases with nothing of the chain speaks against it."""
    refusal = refused(setting, result.survey) if result.survey else None
    return replace(result, plan=None, outcome=refusal[0], detail=refusal[1]) if refusal else result


def reconcile(setting: Setting, shown: Plan, progress: Progress, target: str | None = None) -> Result:
    """Bring the environment's database home by the plan that `preview` showed.

    Raises ArchmigError, and then the database is as it was; ChangedMeanwhileError if it has changed since the preview.
    """
    from architect_migrate.runs.execute import carry_out

    return carry_out(setting, "reconcile", shown, progress, reconciling(target))


def reconciling(target: str | None) -> Prepare:
    """How a plan for reconcile is made on an open connection."""
    from architect_migrate.runs.prepare import empty, prepare

    def make(setting: Setting, connection: Connection) -> Prepared:
        wanted = wanted_of(setting, target)
        return empty(setting, connection, target) or prepare(setting, connection, wanted)

    return make


def _place(setting: Setting, position: frozenset[str]) -> str:
    return ", ".join(heads(setting.outline, position)) or "base"
