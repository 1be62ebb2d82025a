"""What running revisions cost, as values: time, statements and rows, and what each was spent on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.lexer import BATCH_COPY, significant, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

# What Alembic's batch operations call the table that takes the place of another.
# Enough of a statement to tell what it is; the rest may be megabytes of values.
_BEGINNING = 2_000
_WRITING = frozenset({"insert", "update", "delete", "replace"})


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
        return sum(it.times for it in self.statements)

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return sum(it.rows for it in self.statements)

    @property
    def spent(self) -> tuple[Spent, ...]:
        """By kind of statement, what took longest first."""
        found = (_spent(kind, [it for it in self.statements if it.kind is kind]) for kind in Kind)
        return tuple(sorted((it for it in found if it.statements), key=lambda it: -it.seconds))

    @property
    def outside(self) -> float:
        """Seconds that no statement took: Python's, Alembic's and SQLAlchemy's own."""
        return max(self.seconds - sum(it.seconds for it in self.statements), 0.0)


def _spent(kind: Kind, statements: list[StatementCost]) -> Spent:
    seconds, times = sum(it.seconds for it in statements), sum(it.times for it in statements)
    return Spent(kind, seconds, times, sum(it.rows for it in statements))


def kind_of(sql: str, remade: Iterable[str] = ()) -> tuple[Kind, str]:
    """What a statement is for, and the table that a batch operation remakes by it (empty: none).

    `remade` are the folded names of tables that the same step is remaking: to drop one of them is part of that.
    """
    words = [fold(unquote(it.text)) for it in significant(sql[:_BEGINNING])]
    for word in words[:6]:
        if word.startswith(BATCH_COPY):
            return Kind.REBUILD, word.removeprefix(BATCH_COPY)
    verb, *rest = words or [""]
    if verb == "with":
        verb = next((it for it in rest if it in _WRITING), "select")
    match verb:
        case "create" | "drop" if "index" in rest[:2]:
            return Kind.INDEX, ""
        case "reindex":
            return Kind.INDEX, ""
        case "drop" if set(rest) & set(remade):
            return Kind.REBUILD, ""
        case "create" | "alter" | "drop":
            return Kind.SCHEMA, ""
        case "insert" | "update" | "delete" | "replace":
            return Kind.ROWS, ""
        case "select" | "pragma" | "explain" | "values":
            return Kind.READING, ""
        case _:
            return Kind.OTHER, ""
