"""What came of one action on one environment, as a value: faces print it, the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.errors import ArchmigError
    from architect_migrate.plan import Plan
    from architect_migrate.survey import Survey


class Outcome(Enum):
    """How an action ended on one environment."""

    DONE = "done"
    NOTHING = "nothing to do"
    PLANNED = "planned"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows that a downgrade takes away: of a table as a whole, or the values of a column that are not NULL."""

    subject: str
    rows: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done and proven.

    `tables` and `rows` count what was there before, `compared` the tables whose rows were compared value by value
    (those that anything wrote to); `dangling` is how many rows referred to nothing before, and after.
    """

    came_from: tuple[str, ...]
    arrived_at: tuple[str, ...]
    steps: tuple[str, ...]
    seconds: float
    backup: str
    tables: int
    rows: int
    compared: int
    digests: tuple[tuple[str, str], ...]
    dangling: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Result:
    """One environment's part in an action. `detail` is the line that says why; `error` what failed, if anything."""

    environment: str
    database: str
    action: str
    outcome: Outcome
    detail: str = ""
    survey: Survey | None = None
    plan: Plan | None = None
    losses: tuple[Loss, ...] = ()
    receipt: Receipt | None = None
    error: ArchmigError | None = None
    warnings: tuple[str, ...] = ()


def exit_code(results: tuple[Result, ...]) -> int:
    """0: done or clean; 1: differences remain; 2: something could not be done."""
    outcomes = {it.outcome for it in results}
    if Outcome.FAILED in outcomes:
        return 2
    return 1 if outcomes & {Outcome.BLOCKED, Outcome.PLANNED} else 0
