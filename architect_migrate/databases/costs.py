"""The cost of running revisions, as values: time, statements and rows by purpose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """The purpose of a statement."""

    SCHEMA = "schema"
    INDEX = "index"
    REBUILD = "rebuild"
    ROWS = "rows"
    READING = "reading"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class StatementCost:
    """The cost of a statement that ran `times` times: seconds in all, and rows written, by triggers too."""

    text: str
    kind: Kind
    times: int
    seconds: float
    rows: int


@dataclass(frozen=True, slots=True)
class Spent:
    """The cost of all statements of one kind."""

    kind: Kind
    seconds: float
    statements: int
    rows: int


@dataclass(frozen=True, slots=True)
class StepCost:
    """The cost of one step in seconds, and of its statements; `revision` is empty for a repair step."""

    what: str
    revision: str
    seconds: float
    statements: tuple[StatementCost, ...]

    @property
    def times(self) -> int:
        """The number of statements run."""
        return sum(statement.times for statement in self.statements)

    @property
    def rows(self) -> int:
        """The number of rows written."""
        return sum(statement.rows for statement in self.statements)

    @property
    def spent(self) -> tuple[Spent, ...]:
        """The cost by kind of statement, the slowest kind first."""
        by_kind = (
            _spent(kind, [statement for statement in self.statements if statement.kind is kind]) for kind in Kind
        )
        return tuple(sorted((spent for spent in by_kind if spent.statements), key=lambda spent: -spent.seconds))

    @property
    def outside(self) -> float:
        """Seconds spent outside statements, in Python, Alembic and SQLAlchemy."""
        return max(self.seconds - sum(statement.seconds for statement in self.statements), 0.0)


def _spent(kind: Kind, statements: list[StatementCost]) -> Spent:
    seconds, times = (
        sum(statement.seconds for statement in statements),
        sum(statement.times for statement in statements),
    )
    return Spent(kind, seconds, times, sum(statement.rows for statement in statements))
