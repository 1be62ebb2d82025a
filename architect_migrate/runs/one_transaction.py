"""Cuts plans into segments, where one transaction cannot hold a run and the environment does not insist on one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.capabilities import Capability
from architect_migrate.databases.registry import kind_of, lacking
from architect_migrate.model.choices import Transaction

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan


def cut(context: EnvironmentContext, plan: Plan) -> Plan:
    """Return the plan in segments, unless the environment or its kind of database has one transaction for a run."""
    whole = Capability.WHOLE not in lacking(kind_of(context.environment.url))
    if whole or context.environment.policies.transaction is Transaction.ONE or not plan.steps:
        return plan
    # Why here: most plans are for SQLite.
    from architect_migrate.planning.segments import in_segments

    return in_segments(context.history, plan)
