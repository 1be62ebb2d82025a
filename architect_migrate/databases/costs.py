"""What running revisions cost, as values: time, statements and rows, and what each was spent on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a statement is for."""

    SCHEMA = "schema"
    INDEX = "index"
    REBUILD = "rebuild"
    ROWS = "rows"
    READING = "reading"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class StatementCost:
    """A statement that was run so many `times`, in seconds together; `rows` are those written, by triggers too."""

    text: str
    kind: Kind
    times: int
    seconds: float
    rows: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What statements of one kind took."""

    kind: Kind
    seconds: float
    statements: int
    rows: int


@dataclass(frozen=True, slots=True)
class StepCost:
    """What one step took as a whole, in seconds, and its statements; `revision` is empty for a step of repair."""

    what: str
    revision: str
    seconds: float
    statements: tuple[StatementCost, ...]

    @property
    def times(self) -> int:
        """How many statements were run."""
        return sum(statement.times for statement in self.statements)

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return sum(statement.rows for statement in self.statements)

    @property
    def spent(self) -> tuple[Spent, ...]:
        """By kind of statement, what took longest first."""
        found = (_spent(kind, [statement for statement in self.statements if statement.kind is kind]) for kind in Kind)
        return tuple(sorted((spent for spent in found if spent.statements), key=lambda spent: -spent.seconds))

    @property
    def outside(self) -> float:
        """Seconds that no statement took: Python's, Alembic's and SQLAlchemy's own."""
        return max(self.seconds - sum(statement.seconds for statement in self.statements), 0.0)


def _spent(kind: Kind, statements: list[StatementCost]) -> Spent:
    seconds, times = (
        sum(statement.seconds for statement in statements),
        sum(statement.times for statement in statements),
    )
    return Spent(kind, seconds, times, sum(statement.rows for statement in statements))
