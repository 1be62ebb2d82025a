"""The values and callables that the steps of a run hand to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Survey

# Called with the number of a step, how many there are, and what it does.
Progress: TypeAlias = Callable[[int, int, str], None]
# Makes the plan again on the connection on which it is then executed.
Prepare: TypeAlias = "Callable[[EnvironmentContext, Connection], Prepared]"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A survey and the plan that follows from it."""

    survey: Survey
    plan: Plan
