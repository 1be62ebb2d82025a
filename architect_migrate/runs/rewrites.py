"""Counts the rows that a plan rewrites, for the prompt before a run. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.databases.registry import access, reader
from architect_migrate.model.history import Replayed, Role, replays, row_statements
from architect_migrate.planning.plan import AlterObject, DropColumn, RebuildTable, RunRevision, RunRows, altered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Rewrites:
    """The existing tables that a plan rebuilds, with their rows now, and others that its revisions write rows to.

    What revisions do is known from the replay of the chain on an empty database; what a `downgrade()` does is not.
    """

    rebuilt: tuple[tuple[str, int], ...] = ()
    written: tuple[str, ...] = ()


def rewrites_of(context: EnvironmentContext, plan: Plan) -> Rewrites:
    """Read which rows of a database a plan rewrites. Raises as `access.reading`."""
    replayed = _replayed(context, plan)
    rebuilt = dict.fromkeys(
        [fold(step.table) for step in plan.steps if isinstance(step, RebuildTable | DropColumn)]
        + [table for step in plan.steps if isinstance(step, AlterObject) for table in sorted(altered(step))]
        + [passing.table for each in replayed.values() for passing in each.passing if passing.role == Role.COPY]
    )
    written = {table for each in replayed.values() for table in each.writes} - set(rebuilt)
    alone = {step.revision for step in plan.steps if isinstance(step, RunRows)}
    statements = (one for revision in alone for one in row_statements(replays(context.history)[revision]))
    written |= {table for statement in statements for table in statement.writes}
    environment = context.environment
    if not (rebuilt or written) or access.is_empty(environment.url):
        return Rewrites()
    counted = reader.rows_of(environment.url, environment.policies.lock_timeout, (*rebuilt, *sorted(written)))
    return Rewrites(
        tuple((table, rows) for table, rows in counted if fold(table) in rebuilt),
        tuple(table for table, rows in counted if fold(table) in written and rows),
    )


def _replayed(context: EnvironmentContext, plan: Plan) -> Mapping[str, Replayed]:
    """The replay of each revision that the plan runs."""
    revisions = {step.revision for step in plan.steps if isinstance(step, RunRevision)}
    if not revisions:
        return {}
    return {revision: each for revision, each in replays(context.history).items() if revision in revisions}
