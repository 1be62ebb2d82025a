"""What one statement does to a database, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.model.schema import Schema


Object = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Clash:
    """A CREATE IF NOT EXISTS that did nothing: what it wanted to create, and what there was of that name."""

    kind: str
    name: str
    wanted: Schema
    found: Schema


@dataclass(frozen=True, slots=True)
class StatementEffects:
    """What SQLite says that a statement does, by folded names; (kind, name) for objects, (table, name) for columns.

    `made_of` are the columns that an INSERT read: those that a copy takes along. `indexed` are tables of new indexes.
    """

    created: frozenset[Object] = frozenset()
    dropped: frozenset[Object] = frozenset()
    dropped_columns: frozenset[tuple[str, str]] = frozenset()
    altered: frozenset[str] = frozenset()
    inserted: frozenset[str] = frozenset()
    updated: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    made_of: frozenset[tuple[str, str]] = frozenset()
    indexed: frozenset[str] = frozenset()

    @property
    def touched(self) -> frozenset[str]:
        """The tables whose rows matter to it."""
        dropped = {name for kind, name in self.dropped if kind == "table"}
        sources = {table for table, _ in self.made_of}
        return self.altered | self.inserted | self.updated | self.deleted | self.indexed | dropped | sources


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was tried. `functions` are those of the file that led to it, innermost first.

    `error` is SQLite's text, or empty; `refused` what it tried that no revision may do.
    """

    sql: str
    line: int
    functions: tuple[str, ...] = ()
    effects: StatementEffects = StatementEffects()
    error: str = ""
    refused: str = ""
    clash: Clash | None = None
