"""What a rehearsal came to, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.databases.values import TableDelta
    from architect_migrate.planning.results import Loss, Result


class Command(Enum):
    """The commands that can be rehearsed."""

    UPGRADE = "upgrade"
    RECONCILE = "reconcile"
    DOWNGRADE = "downgrade"
    PROMOTE = "promote"


class Way(Enum):
    """How far a rehearsal goes: to the end of the plan, or from there back to where it was and to the end again."""

    THERE = "there"
    THERE_AND_BACK = "there and back"


@dataclass(frozen=True, slots=True)
class Timing:
    """A part of a run: one of the plan's steps (`step` is its number, from 1), or what comes before and after them."""

    what: str
    seconds: float
    step: int = 0


@dataclass(frozen=True, slots=True)
class Roundtrip:
    """Back to where it was and to the end again: how long each way took, and what was not as the first time.

    `nothing` says that the plan runs no revision, so that there is nothing to take back. `losses` are what the way
    back takes away. `failed` is why a way could not be gone, empty where both could.
    """

    back: float = 0.0
    again: float = 0.0
    differences: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    failed: str = ""
    nothing: bool = False

    @property
    def same(self) -> bool:
        """Whether the schema was the same both times."""
        return not self.failed and not self.differences


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One environment's rehearsal: `result` is the command's, on a copy; sizes in bytes, `number` the ledger's.

    `lock` is how many seconds the write lock was held, `openers` the other processes that have the original open (Linux
    tells). `changes` are what the command did to rows that were there: those that went (`lacking`) or have other
    values, and values of columns that went.
    """

    command: Command
    result: Result
    timings: tuple[Timing, ...] = ()
    lock: float = 0.0
    size_before: int = 0
    size_after: int = 0
    backup_size: int = 0
    changes: tuple[TableDelta, ...] = ()
    roundtrip: Roundtrip | None = None
    number: int = 0
    seconds: float = 0.0
    openers: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: it would go through; 1: blocked, or the roundtrip differs; 2: it failed."""
        from architect_migrate.planning.results import Outcome

        if self.result.outcome is Outcome.FAILED:
            return 2
        return int(self.result.outcome is Outcome.BLOCKED or bool(self.roundtrip and not self.roundtrip.same))

    @property
    def lost(self) -> int:
        """The rows, and values of columns, that are not there afterwards."""
        return sum(change.lacking + sum(values for _, values in change.columns) for change in self.changes)
