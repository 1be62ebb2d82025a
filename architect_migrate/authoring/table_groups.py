"""Which tables are drawn together: few enough to be looked at, the same ones every time, by a rule that can be told.

Tables come together, up to `MOST` of them: first those of which one refers to the other, where few tables refer to it;
then those that one revision brought; then those whose names begin with the same word; and who is still alone goes to
what it refers to. A table that `HUB` or more others refer to is a hub: if it bound them all, they would be one group.
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
    """Tables that are drawn together, sorted by name. `name` is the one that most tables refer to, or `others`.

    Those without company are gathered as `others`: there `bound` is false.
    """

    name: str
    tables: tuple[str, ...]
    bound: bool = True


def groups(schema: Schema, brought: Mapping[str, int]) -> tuple[Group, ...]:
    """The tables of a schema in groups, oldest first; `brought` is the place in the chain of what brought a table."""
    names = [table.name for table in schema.tables]
    references = _references(schema)
    referred = Counter(parent for _, parent in references)
    company = _Company(names)
    for one, other in _ties(names, references, referred, brought):
        company.join(one, other)
    for child, parent in _by_strength(references, referred):
        if len(company.of[child]) == 1:
            company.join(child, parent)

    def rank(name: str) -> tuple[int, str]:
        return brought.get(name, len(brought)), name

    found = {company.of[name]: None for name in sorted(names, key=rank)}
    together = tuple(_named(item, referred, rank) for item in found if len(item) > 1)
    alone = sorted(name for item in found if len(item) == 1 for name in item)
    return (*together, *_gathered(alone))


class _Company:
    """Which tables have come together so far."""

    def __init__(self, names: Sequence[str]) -> None:
        self.of = {name: frozenset({name}) for name in names}

    def join(self, one: str, other: str) -> None:
        """Bring two tables and their company together, unless they would be too many."""
        both = self.of[one] | self.of[other]
        if len(both) <= MOST:
            self.of.update(dict.fromkeys(both, both))


def _references(schema: Schema) -> set[tuple[str, str]]:
    """Child and parent of every foreign key between two different tables that are there."""
    there = {table.name for table in schema.tables}
    found = {(table.name, key.parent) for table in schema.tables for key in table.foreign_keys}
    return {(child, parent) for child, parent in found if parent in there and parent != child}


def _by_strength(references: set[tuple[str, str]], referred: Counter[str]) -> list[tuple[str, str]]:
    """The fewer tables refer to a parent, the more a reference to it says."""
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
    """The first word of a name, as one of many: `task_queue` and `tasks` begin alike."""
    return name.partition("_")[0].removesuffix("s")


def _named(tables: frozenset[str], referred: Counter[str], rank: Callable[[str], tuple[int, str]]) -> Group:
    return Group(min(tables, key=lambda table: (-referred[table], rank(table))), tuple(sorted(tables)))


def _gathered(alone: Sequence[str]) -> Iterator[Group]:
    for number, start in enumerate(range(0, len(alone), MOST), 1):
        yield Group(OTHERS if number == 1 else f"{OTHERS} {number}", tuple(alone[start : start + MOST]), bound=False)
