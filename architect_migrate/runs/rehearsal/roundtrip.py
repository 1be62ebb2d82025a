"""Back and up again: whether a plan that was carried out on a copy can be taken back, and leads to the same again."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import RehearsalFailedError
from architect_migrate.core.errors import UsageError
from architect_migrate.databases.sqlite.connection import file_of, reading
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.model.diff import diff, explain
from architect_migrate.model.environment import Uninitialised
from architect_migrate.model.revision_graph import heads
from architect_migrate.model.schema import Schema
from architect_migrate.planning.plan import RunDowngrade, RunRevision, Stamp
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.rehearsal.commands import carried_out, named, previewed
from architect_migrate.runs.rehearsal.results import Command, Roundtrip

if TYPE_CHECKING:
    from architect_migrate.config.context import Setting
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Loss


def there_and_back(setting: Setting, its: Setting, command: Command, plan: Plan, before: Schema | None) -> Roundtrip:
    """Back to where the plan began and to its end again, the schema compared each time."""
    if not any(isinstance(it, RunRevision | RunDowngrade) for it in plan.steps) or plan.before == plan.after:
        return Roundtrip(nothing=True)
    back, again = Command.DOWNGRADE, Command.UPGRADE
    if command is Command.DOWNGRADE:
        back, again = again, back
    reached = schema_of(its)
    told: list[str] = []
    try:
        with named(setting, its, back):
            seconds, losses = _gone(its, back, plan.before)
        # A drifted database was repaired on its way: what is there now is proven to be the chain's instead.
        told += [] if _repairs(plan) else _differences("back", before, schema_of(its))
        with named(setting, its, again):
            more, _ = _gone(its, again, plan.after)
    except RehearsalFailedError as error:
        return Roundtrip(differences=tuple(told), failed=f"{error.command}: {error.cause}")
    told += _differences("again", reached, schema_of(its))
    return Roundtrip(seconds, more, tuple(told), losses)


def _repairs(plan: Plan) -> bool:
    """Whether a plan does anything to what should be there already."""
    steps = (it for it in plan.steps if not isinstance(it, RunDowngrade | Stamp))
    return any(not isinstance(it, RunRevision) or it.revision in plan.before for it in steps)


def _gone(its: Setting, command: Command, position: frozenset[str]) -> tuple[float, tuple[Loss, ...]]:
    """Go to a position; how long it took, and what it took away. Raises UsageError where it is blocked."""
    tops = heads(its.outline(), position) or ("base",)
    anywhere = replace(its.environment, heads=tops, uninitialised=Uninitialised.CREATE)
    there = replace(its, environment=anywhere, required=())
    shown = previewed(there, command, None)
    if shown.outcome is not Outcome.PLANNED or shown.plan is None:
        blockers = shown.plan.blockers if shown.plan else ()
        raise UsageError("; ".join(it.found for it in blockers) or shown.detail, "on the copy")
    began = time.perf_counter()
    carried_out(there, command, shown.plan, lambda *_: None, None)
    return time.perf_counter() - began, shown.losses


def _differences(when: str, expected: Schema | None, found: Schema | None) -> list[str]:
    return [f"{when}: {explain(it)}" for it in diff(expected or Schema(), found or Schema())]


def schema_of(setting: Setting) -> Schema | None:
    """The schema as it is; None where there is no database."""
    path = file_of(setting.environment.url)
    if not path.exists():
        return None
    with reading(path) as connection:
        return read_schema(connection, setting.hidden(setting.outline().version_table))
