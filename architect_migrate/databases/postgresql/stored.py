"""Where tables store their rows, and what a run keeps of them, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.core.names import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.databases.postgresql.lent import LentConnection
    from architect_migrate.databases.values import Backup


@dataclass(frozen=True, slots=True)
class Column:
    """A column, by its number in its table; `type` is as PostgreSQL writes it.

    A copy keeps its values as `kept_as`, and sorts them by `collation` where that is not the column's: a copy with a
    type or collation of the schema would be in the way of a revision that drops these.
    """

    number: int
    name: str
    type: str
    kept_as: str
    collation: str = ""
    is_generated: bool = False

    def kept(self, prefix: str = "") -> str:
        """Return SQL for the column's values as a copy has them; `prefix` is a table's alias with a dot."""
        text = f"{prefix}{quote(self.name)}"
        cast = text if self.kept_as == self.type else f"{text}::{self.kept_as}"
        return f"({cast}) COLLATE {self.collation}" if self.collation else cast


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


@dataclass(frozen=True, slots=True)
class Image:
    """Digests of a table's rows: its `size` in bytes, its number of rows, and two digests by column.

    Without a primary key there is one pair for all columns, by the empty name.
    """

    size: int
    rows: int
    sums: Mapping[str, tuple[str, str]]


@dataclass(slots=True)
class Kept:
    """The state before a run: all tables by name, and the `copies` of those of which rows may change, by name.

    Of those that are too large to be copied there are `images`.

    `connection` is that of the run. `sequences` are how far they have come, `labels` those of enums by their numbers,
    each with its type. `backup` is that of the run, and `missed` is what others may have written after it, before the
    run had copied it.
    """

    connection: LentConnection
    tables: Mapping[str, Stored]
    sequences: Mapping[str, int | None]
    labels: Mapping[int, tuple[str, str]]
    copies: dict[str, str] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    backup: Backup | None = None
    missed: list[str] = field(default_factory=list)
