"""The effects of one statement on a database, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.model.schema import Schema


Object = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Clash:
    """A CREATE IF NOT EXISTS that did nothing: the object to create, and the existing one of that name."""

    kind: str
    name: str
    wanted: Schema
    found: Schema


@dataclass(frozen=True, slots=True)
class StatementEffects:
    """The effects of a statement as SQLite reports them, by folded names.

    Objects are (kind, name), columns (table, name). `made_of` are the columns that an INSERT read, the ones that a copy
    keeps. `indexed` are tables of new indexes.
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
        """The tables whose rows the statement reads or changes."""
        dropped = {name for kind, name in self.dropped if kind == "table"}
        sources = {table for table, _ in self.made_of}
        return self.altered | self.inserted | self.updated | self.deleted | self.indexed | dropped | sources


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was tried. `functions` are the functions of the file that led to it, innermost first.

    `error` is SQLite's message, or empty; `refused` is the action that no revision may take, or empty.
    """

    sql: str
    line: int
    functions: tuple[str, ...] = ()
    effects: StatementEffects = StatementEffects()
    error: str = ""
    refused: str = ""
    clash: Clash | None = None
