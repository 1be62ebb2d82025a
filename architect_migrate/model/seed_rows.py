"""Rows of constants that revisions insert, as they can be looked for in a database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.model.schema import Key


class Clash(StrEnum):
    """What an INSERT does with a row that is there already under a key of its own: it fails, leaves or replaces it."""

    FAILS = "fails"
    LEAVES = "leaves"
    REPLACES = "replaces"


@dataclass(frozen=True, slots=True)
class SeedRow:
    """A row of constants that a revision inserts into `table`.

    `columns` name the row: a key that the statement gives, else all the columns that it gives; `digests` are those of
    the stored values, keyed with `key`. `until` is the later revision that took the row away or gave it another key;
    empty where it lasts. `statement` is the number of its statement, and `clash` what that does with a row that has its
    key. `values` are all the columns that it gives, with their digests, after its own revision and after each later one
    that changed them. `keys` are all keys that it gives. `numbered` says that `columns` is a number that SQLite gives
    rows which name none: the row may have another one elsewhere.
    Why no values: they may be secrets, and replays are kept in a file.
    """

    table: str
    columns: Key
    digests: tuple[str, ...]
    key: str
    until: str = ""
    statement: int = 0
    clash: str = Clash.FAILS
    values: tuple[tuple[str, Key, tuple[str, ...]], ...] = ()
    keys: tuple[tuple[Key, tuple[str, ...]], ...] = ()
    numbered: bool = False

    def at(self, position: frozenset[str]) -> tuple[tuple[Key, tuple[str, ...]], ...]:
        """What the row can hold at a position: what it was given, and what the last revision made of that."""
        found = [(columns, digests) for revision, columns, digests in self.values if revision in position]
        same = [each for each in found if each[0] == found[-1][0]]
        return tuple(dict.fromkeys((same[0], same[-1]))) if same else ((self.columns, self.digests),)
