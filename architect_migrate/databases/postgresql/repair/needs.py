"""Plans what a step needs before it, wherever that comes in the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.repair.world import is_of_table, its_table
from architect_migrate.model.diff import change_key
from architect_migrate.planning.plan import Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.postgresql.repair.world import World


def joined(parts: Iterable[Work]) -> Work:
    """Several works as one, in their order."""
    every = tuple(parts)
    steps = tuple(step for part in every for step in part.steps)
    return Work(steps, tuple(dict.fromkeys(blocker for part in every for blocker in part.blockers)))


def require(world: World, texts: Iterable[str], revision: str) -> Iterator[Work]:
    """Yield the works for everything that texts name and that is still to be repaired."""
    for text in texts:
        for change in world.needed(text):
            is_begun = is_of_table(change) and its_table(change) in world.working
            if change_key(change) not in world.done and not is_begun:
                yield world.settle(change, revision)
