"""Groups of tables that are drawn in one diagram, by a deterministic rule.

A group has up to `MOST` tables. Joined are, in this order: a table and its parent, unless the parent is a hub; tables
added by one revision; tables whose names begin with the same word; and a table that is still alone with its parent.
A hub is a table that `HUB` or more others refer to. Why hubs do not join: they would connect all tables to one group.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from architect_migrate.model.schema import Schema

MOST = 12
HUB = 4
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Group:
    """Tables of one diagram, sorted by name; `name` is the table that most others refer to.

    Tables without a group are collected as `others`, with `bound` false.
    """

    name: str
    tables: tuple[str, ...]
    bound: bool = True


def groups(schema: Schema, brought: Mapping[str, int]) -> tuple[Group, ...]:
    """Return the tables of a schema in groups, oldest first; `brought` maps a table to the index of its revision."""
    names = [table.name for table in schema.tables]
    references = _references(schema)
    referred = Counter(parent for _, parent in references)
    partition = _Partition(names)
    for one, other in _ties(names, references, referred, brought):
        partition.join(one, other)
    for child, parent in _by_strength(references, referred):
        if len(partition.of[child]) == 1:
            partition.join(child, parent)

    def rank(name: str) -> tuple[int, str]:
        return brought.get(name, len(brought)), name

    # A dict, because it keeps the order of insertion.
    parts = {partition.of[name]: None for name in sorted(names, key=rank)}
    together = tuple(_named(part, referred, rank) for part in parts if len(part) > 1)
    alone = sorted(name for part in parts if len(part) == 1 for name in part)
    return (*together, *_gathered(alone))


class _Partition:
    """The groups so far; `of` maps each table to its group."""

    def __init__(self, names: Sequence[str]) -> None:
        self.of = {name: frozenset({name}) for name in names}

    def join(self, one: str, other: str) -> None:
        """Join the groups of two tables unless they would be larger than `MOST`."""
        both = self.of[one] | self.of[other]
        if len(both) <= MOST:
            self.of.update(dict.fromkeys(both, both))


def _references(schema: Schema) -> set[tuple[str, str]]:
    """Return child and parent of every foreign key between two different existing tables."""
    tables = {table.name for table in schema.tables}
    references = {(table.name, key.parent) for table in schema.tables for key in table.foreign_keys}
    return {(child, parent) for child, parent in references if parent in tables and parent != child}


def _by_strength(references: set[tuple[str, str]], referred: Counter[str]) -> list[tuple[str, str]]:
    """Sort references by how few tables refer to their parent, since rare references are the strongest ties."""
    return sorted(references, key=lambda reference: (referred[reference[1]], reference))


def _ties(
    names: Sequence[str], references: set[tuple[str, str]], referred: Counter[str], brought: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    yield from ((child, parent) for child, parent in _by_strength(references, referred) if referred[parent] < HUB)
    known = sorted((name for name in names if name in brought), key=lambda name: (brought[name], name))
    yield from (pair for pair in pairwise(known) if brought[pair[0]] == brought[pair[1]])
    alike = sorted(names, key=lambda name: (_word(name), name))
    yield from (pair for pair in pairwise(alike) if _word(pair[0]) == _word(pair[1]))


def _word(name: str) -> str:
    """Return the first word of a name in the singular, so that `task_queue` and `tasks` begin alike."""
    return name.partition("_")[0].removesuffix("s")


def _named(tables: frozenset[str], referred: Counter[str], rank: Callable[[str], tuple[int, str]]) -> Group:
    return Group(min(tables, key=lambda table: (-referred[table], rank(table))), tuple(sorted(tables)))


def _gathered(alone: Sequence[str]) -> Iterator[Group]:
    for number, start in enumerate(range(0, len(alone), MOST), 1):
        yield Group(OTHERS if number == 1 else f"{OTHERS} {number}", tuple(alone[start : start + MOST]), bound=False)
