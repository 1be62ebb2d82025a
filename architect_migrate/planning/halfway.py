"""Revisions that rename, interrupted between two statements: what is there is as one of their statements leaves it.

The names alone do not tell where the values belong, the stops of a revision do (see `model.stops`). Where the rest of
it only renames, the renames are finished. Where all that it renamed can be named back, and what it made beside that
holds nothing, it is undone, so that the revision runs as a whole. Otherwise a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from architect_migrate.core.text import pluralize
from architect_migrate.model.history import INSERTING, WRITING, replays, snapshots
from architect_migrate.model.shuffles import disguised, shape_of
from architect_migrate.model.stops import tables_of
from architect_migrate.planning.both_sides import own_values
from architect_migrate.planning.look import Interruption, columns_of, spelt
from architect_migrate.planning.plan import DropColumn, DropObject, References, RenameColumn, RenameTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from architect_migrate.model.history import History, Replayed, ReplayedStatement
    from architect_migrate.model.stops import Place, Shape, Stop
    from architect_migrate.planning.look import Look
    from architect_migrate.planning.plan import Step


@dataclass(frozen=True, slots=True)
class Halfway:
    """A revision of which `at` are the numbers of the statements that leave what is there; `others` leave it too."""

    revision: str
    replayed: Replayed
    at: tuple[int, ...]
    others: tuple[str, ...] = ()

    @property
    def stop(self) -> Stop:
        """What the first of these statements leaves."""
        return self.replayed.stops[self.at[0]]

    @property
    def is_known(self) -> bool:
        """Whether it is the same after each of them where the values of before are, copies in new tables apart."""
        same = len({_kept(self.replayed.stops[number]) for number in self.at}) == 1
        return same and not self.replayed.reads and not self.others

    @property
    def tables(self) -> frozenset[str]:
        """The tables that the revision changes."""
        return tables_of(self.replayed.stops)

    def row_work(self, start: int, end: int) -> list[ReplayedStatement]:
        """The statements of these numbers that write rows, apart from a data step's."""
        return [each for each in self.replayed.statements[start:end] if each.verb in WRITING and not each.in_data_step]


def _kept(stop: Stop) -> tuple[object, ...]:
    """Where the values of the tables from before the revision are."""
    there = dict(stop.whole)
    return stop.whole, tuple(origin for origin in stop.origins if origin.table in there)


def halfway(look: Look) -> tuple[Halfway, ...]:
    """Find the revisions between two of whose statements a database is; none where the chain stops there itself.

    Where several look alike, it is the next one after the stamp; without one it is not known which.
    """
    found = [half for revision, each in replays(look.history).items() if (half := _stopped(look, revision, each))]
    stamped = look.as_it_is.stamped
    following = {each.id for each in look.history.graph.revisions if stamped and stamped.issuperset(each.parents)}
    alone = []
    for half in found:
        alike = [other for other in found if not other.tables.isdisjoint(half.tables)]
        due = [other for other in alike if other.revision in following - stamped]
        if half is (due[0] if len(due) == 1 else alike[0]):
            others = () if len(due) == 1 else tuple(other.revision for other in alike if other is not half)
            alone.append(replace(half, others=others))
    return tuple(alone)


def _stopped(look: Look, revision: str, replayed: Replayed) -> Halfway | None:
    stops = replayed.stops
    if not stops:
        return None
    tables = tables_of(stops)
    whole = _whole_shapes(look.history, revision)
    known: dict[str, frozenset[str]] = dict.fromkeys(tables, frozenset())
    for table, columns in (item for shape in (*whole, *(stop.shape for stop in stops)) for item in shape.items()):
        known[table] |= columns
    there = {name: columns_of(look.tables[name]) & known[name] for name in tables & look.tables.keys()}
    at = tuple(number for number, stop in enumerate(stops) if stop.shape == there)
    # Tables that are all missing may be so for any reason, and there is nothing to complete.
    return Halfway(revision, replayed, at) if there and at and there not in whole else None


@lru_cache(maxsize=256)
def _whole_shapes(history: History, revision: str) -> tuple[Shape, ...]:
    """The shapes that whole revisions give the tables of one that renames."""
    stops = replays(history)[revision].stops
    found = [stops[0].shape, stops[-1].shape]
    for schema in snapshots(history).values():
        shape = shape_of(schema, tables_of(stops))
        found += [] if shape in found else [shape]
    return tuple(found)


def interrupted(look: Look, half: Halfway) -> Interruption | None:
    """Return how a revision that stopped halfway is finished or undone, or what a person has to decide.

    Where its stamp fits, a database is only asked about if it covers the revision, and rows are elsewhere.
    """
    covered = half.revision in look.as_it_is.stamped
    subject = _subject(look, half)
    if look.stamp_fits:
        left = covered and (_is_beside_empty(look, half) or _holds_values(look, half))
        told = f"{_told(look, half)}, though the stamp says that it ran"
        return Interruption(subject, told, (), half.revision) if left else None
    if (steps := _finishing(look, half, covered=covered)) is not None:
        # Where no name is left to be changed, what is missing is made as anywhere else.
        return Interruption(subject, _told(look, half), steps, half.revision, ends=half.revision) if steps else None
    if not covered and (steps := _undoing(look, half)) is not None:
        return Interruption(subject, _told(look, half), steps, half.revision, undoes=half.revision)
    told = f"{_told(look, half)}, and it cannot be known what became of rows since"
    return Interruption(subject, told, (), half.revision)


def ended_before_the_stamp(look: Look) -> Iterator[Interruption]:
    """Revisions that exchange columns, pending by a stamp that fits, whose order the columns are in already.

    The order is all that such a revision changes in a schema, and to run it twice brings the values to where they were.
    """
    for revision in sorted(disguised(look.history) - look.as_it_is.position if look.stamp_fits else ()):
        begin, end = (replays(look.history)[revision].stops[at] for at in (0, -1))
        if look.is_near(revision) and _found_in_order(look, end) and not _found_in_order(look, begin):
            its = look.tables[min(table for table, columns in end.tables if (table, columns) not in begin.tables)]
            said = f"{revision} exchanges columns of it, and they are in the order in which it leaves them"
            found = (
                f"{said}, though the stamp stops before it ({pluralize(look.rows(its), 'row')}); if it ran, stamp it"
            )
            yield Interruption(its.spelling, found, (), revision)


def _found_in_order(look: Look, stop: Stop) -> bool:
    """Whether the tables of a stop are there with its columns in its order, and perhaps others among them."""
    return all(
        table in look.tables
        and [column.name for column in look.tables[table].columns if column.name in columns] == list(columns)
        for table, columns in stop.tables
    )


def _finishing(look: Look, half: Halfway, *, covered: bool) -> tuple[Step, ...] | None:
    """The renames that are left to be done; None where more is left than what repair can make.

    Where a stamp covers the revision, its row statements may have run since: then there must not be any.
    """
    if not half.is_known or half.row_work(0 if covered else half.at[0], len(half.replayed.statements)):
        return None
    end = half.replayed.stops[-1]
    names = {was: name for name, was in end.whole}
    tables = {name: names.get(was, "") for name, was in half.stop.whole}
    tables |= {name: name if name in end.shape else "" for name in half.stop.shape.keys() - tables.keys()}
    columns: dict[Place, Place | None] = {}
    for place in _places(half.stop):
        start = half.stop.values.get(place)
        same = (tables[place[0]], place[1])
        there = same if same[1] in end.shape.get(same[0], ()) and same not in end.values else None
        columns[place] = end.places.get(start) if start else there
    return _renames(look, half, tables, columns)


def _undoing(look: Look, half: Halfway) -> tuple[Step, ...] | None:
    """The steps after which nothing of a revision is there; None where it may have written rows that stay."""
    fresh = half.stop.shape.keys() - dict(half.stop.whole).keys()
    if not half.is_known or not all(_is_of_new_tables(half, number, fresh) for number in range(half.at[-1])):
        return None
    begin = half.replayed.stops[0]
    gone = [place for place in _places(half.stop) if place[0] not in fresh and place not in half.stop.values]
    kept = {
        place: half.stop.values.get(place)
        for place in _places(half.stop)
        if place[0] not in fresh and place not in gone
    }
    if set(kept.values()) != set(_places(begin)) or not all(_holds_nothing(look, *place) for place in gone):
        return None
    if any(look.rows(look.tables[table]) or look.has_own(look.tables[table]) for table in fresh):
        return None
    drops: list[Step] = [DropColumn(*_spelt(look, *place), half.revision) for place in gone]
    drops += [DropObject("table", look.tables[table].spelling, half.revision) for table in sorted(fresh)]
    renames = _renames(look, half, dict(half.stop.whole), kept)
    return None if renames is None else (*drops, *renames)


def _is_of_new_tables(half: Halfway, number: int, fresh: AbstractSet[str]) -> bool:
    """Whether a statement writes no rows, or inserts only into tables that are new when it runs, and are so here."""
    before = half.replayed.stops[number]
    new = fresh & (before.shape.keys() - dict(before.whole).keys())
    return all(each.verb in INSERTING and each.writes <= new for each in half.row_work(number, number + 1))


def _places(stop: Stop) -> list[Place]:
    return [(table, column) for table, columns in stop.tables for column in columns]


def _holds_nothing(look: Look, table: str, column: str) -> bool:
    """Whether a column holds what a new column holds by itself, and nothing else."""
    its = look.tables[table]
    return not own_values(look, its, next(each for each in its.columns if each.name == column))


def _renames(
    look: Look, half: Halfway, tables: Mapping[str, str], columns: Mapping[Place, Place | None]
) -> tuple[Step, ...] | None:
    """The renames of tables and columns to what they are to be called, each when the new name is free.

    None where something has no place any more, goes to another table, or names are exchanged.
    """
    if not all(tables.values()) or any(not to or to[0] != tables[place[0]] for place, to in columns.items()):
        return None
    ordered = _ordered({old: new for old, new in tables.items() if old != new}, look.tables.keys())
    if ordered is None:
        return None
    named = partial(spelt, look.history, half.revision)
    steps: list[Step] = [
        RenameTable(look.tables[old].spelling, named(new), half.revision, References.FOLLOW) for old, new in ordered
    ]
    for table, new_table in tables.items():
        there = {column.name for column in look.tables[table].columns}
        pairs = {place[1]: to[1] for place, to in columns.items() if place[0] == table and to and to[1] != place[1]}
        if (in_turn := _ordered(pairs, there)) is None:
            return None
        name = named(new_table) if new_table != table else look.tables[table].spelling
        steps += [
            RenameColumn(name, _spelt(look, table, old)[1], named(new_table, new), half.revision)
            for old, new in in_turn
        ]
    return tuple(steps)


def _ordered(renames: Mapping[str, str], there: Iterable[str]) -> list[tuple[str, str]] | None:
    """Renames in an order in which each new name is free; None where there is none."""
    left, names, found = dict(renames), set(there), list[tuple[str, str]]()
    while left:
        free = next((old for old, new in left.items() if new not in names), None)
        if free is None:
            return None
        found.append((free, left[free]))
        names = (names - {free}) | {left.pop(free)}
    return found


def _spelt(look: Look, table: str, column: str) -> Place:
    """A table and a column of it as the database spells them."""
    its = look.tables[table]
    return its.spelling, next(each.spelling for each in its.columns if each.name == column)


def _is_beside_empty(look: Look, half: Halfway) -> bool:
    """Whether a table that the revision makes is empty, and one that it takes away has rows."""
    end = half.replayed.stops[-1].shape
    made = [table for table in half.stop.shape.keys() & end.keys() if table not in dict(half.stop.whole)]
    gone = half.stop.shape.keys() - end.keys()
    return any(not look.rows(look.tables[table]) for table in made) and any(
        look.rows(look.tables[each]) for each in gone
    )


def _holds_values(look: Look, half: Halfway) -> bool:
    """Whether the last revision left a column that it takes away again, with values of its own."""
    end = half.replayed.stops[-1].shape
    left = [place for place in _places(half.stop) if place[0] in end and place[1] not in end[place[0]]]
    return look.is_near(half.revision) and not all(_holds_nothing(look, *place) for place in left)


def _subject(look: Look, half: Halfway) -> str:
    """The table that a finding names: one that has another name, or a column that has."""
    moved = [place[0] for place, start in half.stop.values.items() if start != place and start[0]]
    return look.tables[min(moved or half.stop.shape)].spelling


def _told(look: Look, half: Halfway) -> str:
    """What an interrupted run left, with the rows that are there, in words."""
    number, count = half.at[0], len(half.replayed.statements)
    renamed = [f"{name} is {was}" for name, was in half.stop.whole if name != was]
    was = dict(half.stop.whole)
    renamed += [
        f"{place[0]}.{place[1]} is {start[1]}"
        for place, start in half.stop.values.items()
        if start[1] != place[1] and was.get(place[0]) == start[0]
    ]
    held = ", ".join(f"{pluralize(look.rows(look.tables[name]), 'row')} in {name}" for name in sorted(half.stop.shape))
    so = f" ({', '.join(renamed)})" if renamed else ""
    who = " or ".join((half.revision, *half.others))
    return f"{who} was interrupted after {number} of its {count} statements{so}: {held}"
