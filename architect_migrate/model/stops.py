"""What a revision that renames or moves things leaves after each of its statements: shapes, and whose values are where.

A shape does not say which values are in it: two columns that exchanged their names look as before. A stop also says
which column of the schema before the revision each value comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.model.schema import Schema

Place = tuple[str, str]
Shape = dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Origin:
    """A column whose values come from a column of the schema before the revision, by folded names.

    `source` is empty where a statement made other values of it; `source_column` then numbers these.
    """

    table: str
    column: str
    source: str
    source_column: str

    @property
    def place(self) -> Place:
        """The table and column where the values are."""
        return self.table, self.column

    @property
    def start(self) -> Place:
        """The table and column where the values were before the revision."""
        return self.source, self.source_column


@dataclass(frozen=True, slots=True)
class Stop:
    """The tables that a revision changes as one of its statements leaves them.

    `tables` are those that are there, with their columns in order; `origins` the columns whose values are known;
    `whole` pairs tables with the table before the revision that they are, under another name or the same.
    """

    tables: tuple[tuple[str, tuple[str, ...]], ...]
    origins: tuple[Origin, ...]
    whole: tuple[tuple[str, str], ...]

    @property
    def shape(self) -> Shape:
        """The columns of each table that is there."""
        return {table: frozenset(columns) for table, columns in self.tables}

    @property
    def values(self) -> dict[Place, Place]:
        """Where the values of each column were before the revision; columns of which that is not known are left out."""
        return {origin.place: origin.start for origin in self.origins}

    @property
    def places(self) -> dict[Place, Place]:
        """Where the values of each column from before the revision are; left out what is nowhere, or in two places.

        Only columns of tables that the revision changes have such places.
        """
        found: dict[Place, list[Place]] = {}
        for origin in self.origins:
            if origin.source:
                found.setdefault(origin.start, []).append(origin.place)
        return {start: places[0] for start, places in found.items() if len(places) == 1}

    def sources(self, tables: frozenset[str]) -> frozenset[str]:
        """The tables from which some others have their values, by their names here."""
        names = {was: name for name, was in self.whole}
        starts = {origin.source for origin in self.origins if origin.table in tables}
        return frozenset(names[start] for start in starts if start in names)


@dataclass(frozen=True, slots=True)
class Interim:
    """A table, with its indexes and triggers, in a shape that it has only between two statements of a revision.

    `until` is the number of statements after which it has this shape for the last time.
    """

    schema: Schema
    until: int


def remade_columns(interims: tuple[Interim, ...], before: Schema, after: Schema, end: Stop | None) -> frozenset[Place]:
    """Return the columns that are there before and after a revision, and not between two of its statements.

    `end` is its last stop, where it has any: what has the values of another column was renamed.
    """
    lasting = _places_of(before) & _places_of(after) - frozenset(end.values if end else ())
    return frozenset(
        (table.name, column)
        for interim in interims
        for table in interim.schema.tables
        for column in {name for of, name in lasting if of == table.name} - {each.name for each in table.columns}
    )


def _places_of(schema: Schema) -> set[Place]:
    return {(table.name, column.name) for table in schema.tables for column in table.columns}


def tables_of(stops: tuple[Stop, ...]) -> frozenset[str]:
    """Return the tables that the stops of a revision are about."""
    return frozenset(table for stop in stops for table, _ in stop.tables)


def is_disguised(stops: tuple[Stop, ...]) -> bool:
    """Return whether a revision, before its end, already looks as at its end, with other values in the columns."""
    end = stops[-1]
    return any(
        stop.shape == end.shape and any(end.values.get(place, start) != start for place, start in stop.values.items())
        for stop in stops[:-1]
    )


def displaces(stops: tuple[Stop, ...]) -> bool:
    """Return whether values are at some stop in another place than before the revision."""
    return any(place != start for stop in stops for place, start in stop.values.items())
