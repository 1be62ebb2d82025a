"""Tables and columns that a revision drops and a later one makes again: which of the two a database has.

Why: both have the same name, so the columns that the newer table lacks could be added to the older one, and the older
column could get the type of the newer one. What the chain deletes would then be rows, or values, of another.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.text import pluralize
from architect_migrate.model.compare import compare
from architect_migrate.model.facts import ColumnFact
from architect_migrate.model.history import dropped_tables, effects, replays, snapshots
from architect_migrate.planning.look import Interruption, Look, columns_of
from architect_migrate.planning.plan import DropObject
from architect_migrate.planning.row_questions import ValuesBesides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Column, Table
    from architect_migrate.model.stops import Place


class _Life(NamedTuple):
    """A table from the revision that makes it to the one that drops it (empty: no revision does)."""

    made: str
    dropped: str
    shapes: frozenset[frozenset[str]]


class _ColumnLife(NamedTuple):
    """A column from the revision that makes it to the one that drops it (empty: no revision does)."""

    made: str
    dropped: str
    shapes: tuple[Column, ...]


def earlier_tables(look: Look) -> Iterator[Interruption]:
    """Tables with the columns that they had before a revision dropped them, where a later one made them again."""
    position = look.as_it_is.position
    for name, lives in _lives(look.history).items():
        table = look.tables.get(name)
        ran = [life for life in lives if life.made in position]
        if table is None or len(ran) < 2:
            continue
        for earlier, later in pairwise(ran):
            # With a stamp that fits, a column of the earlier one may be the application's own in the later one.
            exactly = not look.stamp_fits and columns_of(table) in earlier.shapes - ran[-1].shapes
            if earlier.dropped in position and (exactly or _is_of(table, earlier, ran[-1])):
                yield _earlier(look, table, earlier, later)
                break


def _is_of(table: Table, earlier: _Life, last: _Life) -> bool:
    """Whether a table has what only the earlier one had, and lacks what each shape of the last one has."""
    there = columns_of(table)
    if any(shape <= there for shape in last.shapes):
        return False
    alone = frozenset[str]().union(*earlier.shapes) - frozenset[str]().union(*last.shapes)
    return bool(there & alone) or there in earlier.shapes


def earlier_columns(look: Look) -> Iterator[Interruption]:
    """Columns in a shape that they had before a revision dropped them, where one makes them again in another."""
    position = look.as_it_is.position
    for (name, column), lives in _column_lives(look.history).items():
        ran = [life for life in lives if life.made in position]
        table = look.tables.get(name)
        there = next((each for each in table.columns if each.name == column), None) if table else None
        if table is None or there is None or len(ran) < 2:
            continue
        dropped = [earlier for earlier in ran[:-1] if earlier.dropped in position]
        nearer = [earlier for earlier in dropped if _unlike(there, earlier) < _unlike(there, ran[-1])]
        if _is_alike(there, ran[-1]):
            # A difference that does not matter, as of VARCHAR(40) and TEXT, tells the two apart all the same.
            before = [] if look.stamp_fits else [each for each in nearer if not _unlike(there, each)]
        else:
            # One in a shape of its own is more likely to be the old one where less of it differs from that.
            before = [earlier for earlier in dropped if _is_alike(there, earlier)] or nearer
        if before:
            yield from _earlier_column(look, (table, there), before[-1], ran[-1])


def _earlier_column(
    look: Look, its: tuple[Table, Column], earlier: _ColumnLife, later: _ColumnLife
) -> Iterator[Interruption]:
    table, column = its[0].spelling, its[1].spelling
    if held := look.ask(ValuesBesides(table, column, (later.shapes[0].default or "NULL",))).count:
        told = f"it is the column that {earlier.dropped} takes away, and {later.made} makes another one of this name"
        advice = f"drop {table}.{column} by hand; archmig then makes the other one; or let it be as it is"
        yield Interruption(
            table,
            f"{told}: it has {pluralize(held, 'value')} that a new one does not have",
            (),
            earlier.dropped,
            column,
            advice=f"{advice}: add this to environments.toml",
        )


def _is_alike(column: Column, life: _ColumnLife) -> bool:
    """Whether a column differs in nothing that matters from one of the shapes that it has in a life."""
    return any(
        not any(each.severity.needs_repair for each in compare(ColumnFact("", shape), ColumnFact("", column)))
        for shape in life.shapes
    )


def _unlike(column: Column, life: _ColumnLife) -> int:
    """In how many ways a column differs from the shape that is nearest to it in a life."""
    return min(len(compare(ColumnFact("", shape), ColumnFact("", column))) for shape in life.shapes)


@lru_cache(maxsize=8)
def _column_lives(history: History) -> dict[Place, tuple[_ColumnLife, ...]]:
    """The columns that the chain makes more than once while their table lasts, each with its lives in replay order."""
    lives: dict[Place, list[_ColumnLife]] = {}
    for revision, its in effects(history).items():
        replayed, gone = replays(history)[revision], dropped_tables(its)
        remade = replayed.remade
        # A table goes on under its new name.
        renamed = {rename.old: rename.new for rename in replayed.renames if not rename.table and rename.old in gone}
        lives = {(renamed.get(place[0], place[0]), place[1]): each for place, each in lives.items()}
        lives = {place: each for place, each in lives.items() if place[0] not in gone}
        was = {new: old for old, new in renamed.items()}
        for place in [place for place in lives if ("column", was.get(place[0], place[0]), place[1]) in its.removed]:
            if ("column", *place) not in its.added or place in remade:
                lives[place][-1] = lives[place][-1]._replace(dropped=revision)
        for name, column in replayed.passing_columns:
            lives.setdefault((name, column.name), []).append(_ColumnLife(revision, revision, (column,)))
        for fact in (fact for fact in its.added.values() if isinstance(fact, ColumnFact)):
            mine = lives.setdefault((fact.table, fact.column.name), [])
            if mine and not mine[-1].dropped:
                mine[-1] = mine[-1]._replace(shapes=(*mine[-1].shapes, fact.column))
            else:
                mine.append(_ColumnLife(revision, "", (fact.column,)))
    return {place: tuple(each) for place, each in lives.items() if len(each) > 1}


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
