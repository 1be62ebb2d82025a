"""The results of rehearsals as values."""

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
    """How far a rehearsal goes: to the end of the plan, or also back to its start and to the end again."""

    THERE = "there"
    THERE_AND_BACK = "there and back"


@dataclass(frozen=True, slots=True)
class Timing:
    """A part of a run: a step of the plan (`step` is its number, from 1), or the work before or after the steps.

    `backs_up` says that it is the backup.
    """

    what: str
    seconds: float
    step: int = 0
    backs_up: bool = False


@dataclass(frozen=True, slots=True)
class Roundtrip:
    """The way back to the start and to the end again: seconds each way, and differences of the schema.

    `nothing` means that the plan runs no revision. `losses` are what the way back removes. `failed` is why one of the
    ways failed, empty if both succeeded.
    """

    back: float = 0.0
    again: float = 0.0
    differences: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    failed: str = ""
    nothing: bool = False

    @property
    def same(self) -> bool:
        """Whether both ways led to the same schemas."""
        return not self.failed and not self.differences


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The rehearsal of one environment: `result` is the command's on the copy, `number` the one in the ledger.

    Sizes are in bytes. `lock` is for how many seconds the write lock was held, `openers` the other processes that have
    the original open (on Linux). `changes` are the command's changes to rows that existed before: rows removed
    (`lacking`), rows with other values, and values of removed columns.
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
        """0: it would succeed; 1: blocked, or the roundtrip differs; 2: it failed."""
        from architect_migrate.planning.results import Outcome

        if self.result.outcome is Outcome.FAILED:
            return 2
        return int(self.result.outcome is Outcome.BLOCKED or bool(self.roundtrip and not self.roundtrip.same))

    @property
    def lost(self) -> int:
        """The number of rows and of column values that the command removes."""
        return sum(change.lacking + sum(values for _, values in change.columns) for change in self.changes)
