"""Revisions that give values another column, or table, and leave a schema that looks as an earlier one."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.model.history import replays, snapshots
from architect_migrate.model.stops import is_disguised, tables_of

if TYPE_CHECKING:
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Schema
    from architect_migrate.model.stops import Place, Shape, Stop

    # Which values a column holds: the revision after which, and the column in which, they first were.
    Values = dict[Place, tuple[str, Place]]


@lru_cache(maxsize=8)
def disguised(history: History) -> frozenset[str]:
    """Return the revisions after which a schema looks as once before, with other values in its columns.

    Whether such a revision ran cannot be seen in a schema: it is judged as one that changes rows.
    """
    tables = frozenset[str]().union(*(tables_of(replayed.stops) for replayed in history.replayed))
    found: set[str] = set()
    seen: list[tuple[Shape, Values]] = []
    values: Values = {}
    for revision, replayed in replays(history).items() if tables else ():
        shape = shape_of(snapshots(history)[revision], tables)
        values = _after(values, replayed.stops, shape, revision)
        if replayed.stops and (is_disguised(replayed.stops) or _looks_as_before(replayed.stops, shape, values, seen)):
            found.add(revision)
        if not seen or seen[-1] != (shape, values):
            seen.append((shape, values))
    return frozenset(found)


def shape_of(schema: Schema, tables: frozenset[str]) -> Shape:
    """Return the columns of those of some tables that a schema has."""
    return {
        table.name: frozenset(column.name for column in table.columns)
        for table in schema.tables
        if table.name in tables
    }


def _after(values: Values, stops: tuple[Stop, ...], shape: Shape, revision: str) -> Values:
    """Which values each column holds after a revision. Where that is not known, a column goes on under its name."""
    moved = stops[-1].values if stops else {}
    places = [(table, column) for table, columns in shape.items() for column in columns]
    starts = {place: moved.get(place, place) for place in places}
    return {place: values.get(start, (revision, start)) for place, start in starts.items()}


def _looks_as_before(stops: tuple[Stop, ...], shape: Shape, values: Values, seen: list[tuple[Shape, Values]]) -> bool:
    tables = tables_of(stops)
    return any(
        {table: before.get(table) for table in tables} == {table: shape.get(table) for table in tables}
        and any(values[place] != was[place] for place in values.keys() & was.keys() if place[0] in tables)
        for before, was in seen
    )
