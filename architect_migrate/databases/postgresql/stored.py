"""Where tables store their rows, and what a run keeps of them, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.databases.postgresql.lent import LentConnection


@dataclass(frozen=True, slots=True)
class Column:
    """A column, by its number in its table; `type` is as PostgreSQL writes it."""

    number: int
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A table: its number, where its rows are stored, and how many of them the transaction has written.

    `key` are the numbers of the columns of its primary key. `kind` is the catalog's letter for it.
    """

    number: int
    name: str
    kind: str
    storage: int
    written: tuple[int, int, int]
    columns: tuple[Column, ...]
    key: tuple[int, ...]

    def column(self, name: str) -> Column | None:
        """Return the column of a name."""
        return next((each for each in self.columns if each.name == name), None)


@dataclass(slots=True)
class Kept:
    """The state before a run: all tables by name, and the `copies` of those of which rows may change, by name.

    `connection` is that of the run. `sequences` are how far they have come.
    """

    connection: LentConnection
    tables: Mapping[str, Stored]
    sequences: Mapping[str, int | None]
    copies: dict[str, str] = field(default_factory=dict)
