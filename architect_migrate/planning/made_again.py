"""Tables that a revision drops and a later one makes again: which of the two a database has.

Why: both have the same name, so the columns that the newer one lacks could be added to the older one. Its rows, which
the chain deletes with the table, would then be rows of another table.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.text import pluralize
from architect_migrate.model.history import effects, snapshots
from architect_migrate.planning.look import Interruption, Look, columns_of
from architect_migrate.planning.plan import DropObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Table


class _Life(NamedTuple):
    """A table from the revision that makes it to the one that drops it (empty: no revision does)."""

    made: str
    dropped: str
    shapes: frozenset[frozenset[str]]


def earlier_tables(look: Look) -> Iterator[Interruption]:
    """Tables with the columns that they had before a revision dropped them, where a later one made them again."""
    position = look.as_it_is.position
    for name, lives in _lives(look.history).items():
        table = look.tables.get(name)
        ran = [life for life in lives if life.made in position]
        if table is None or len(ran) < 2:
            continue
        for earlier, later in pairwise(ran):
            if earlier.dropped in position and _is_of(table, earlier, ran[-1]):
                yield _earlier(look, table, earlier, later)
                break


def _is_of(table: Table, earlier: _Life, last: _Life) -> bool:
    """Whether a table has what only the earlier one had, and lacks what each shape of the last one has."""
    there = columns_of(table)
    if any(shape <= there for shape in last.shapes):
        return False
    alone = frozenset[str]().union(*earlier.shapes) - frozenset[str]().union(*last.shapes)
    return bool(there & alone) or there in earlier.shapes


def _earlier(look: Look, table: Table, earlier: _Life, later: _Life) -> Interruption:
    rows, name = look.rows(table), table.spelling
    told = f"it is the table that {earlier.dropped} takes away, and {later.made} makes another one of this name"
    if not rows and not look.has_own(table):
        gone = (DropObject("table", name, earlier.dropped),)
        return Interruption(name, f"{told}: it is empty", gone, earlier.dropped)
    advice = f"rename or drop {name} by hand; archmig then makes the other one; or let it be as it is"
    return Interruption(
        name,
        f"{told}: it has {pluralize(rows, 'row')}",
        (),
        earlier.dropped,
        advice=f"{advice}: add this to environments.toml",
    )


@lru_cache(maxsize=8)
def _lives(history: History) -> dict[str, tuple[_Life, ...]]:
    """The tables that the chain makes more than once, each with its lives in replay order."""
    lives: dict[str, list[_Life]] = {}
    for revision, schema in snapshots(history).items():
        effect = effects(history)[revision]
        there = {table.name: frozenset({columns_of(table)}) for table in schema.tables}
        for name in [name for kind, name, *_ in effect.removed if kind == "table" and name not in there]:
            lives[name][-1] = lives[name][-1]._replace(dropped=revision)
        for name, shape in there.items():
            mine = lives.setdefault(name, [])
            if mine and not mine[-1].dropped:
                mine[-1] = mine[-1]._replace(shapes=mine[-1].shapes | shape)
            else:
                mine.append(_Life(revision, "", shape))
    return {name: tuple(each) for name, each in lives.items() if len(each) > 1}
