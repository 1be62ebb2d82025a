"""Finds what only exists between two statements of a revision, by running them in memory on empty tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.sql.lexer import verb
from architect_migrate.model.facts import facts
from architect_migrate.model.schema import Schema
from architect_migrate.model.stops import Interim

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from architect_migrate.model.schema import Column, Trigger

_DEFINING = frozenset({"alter", "create", "drop"})
_CHANGING = frozenset({"alter", "drop"})


def is_changing(statements: Sequence[str]) -> bool:
    """Return whether statements may make something that their end does not have, or has otherwise."""
    defining = [does for does in map(verb, statements) if does in _DEFINING]
    return len(defining) > 1 and not _CHANGING.isdisjoint(defining)


def schemas_between(before: Schema, statements: Sequence[str]) -> tuple[Schema, ...]:
    """Return the schema after each statement; an empty one before the first that defines anything.

    None at all where SQLite refuses a statement there, for example because a function is not loaded.
    """
    try:
        return tuple(_after_each(before, statements))
    except sqlite3.Error:
        return ()


def interims_of(before: Schema, after: Schema, between: Sequence[Schema]) -> tuple[Interim, ...]:
    """Return how tables of the schema before a revision look between its statements, and at no end of it."""
    last: dict[Schema, int] = {}
    for number, schema in enumerate(between, 1):
        last |= dict.fromkeys(_tables(schema, before), number)
    ends = [facts(end) for schema in (before, after) for end in _tables(schema, before)]
    return tuple(Interim(schema, until) for schema, until in last.items() if facts(schema) not in ends)


def came_with(before: Schema, after: Schema, between: Sequence[Schema]) -> frozenset[tuple[str, str, str | None]]:
    """Return the columns that statements add to tables that are there, with the defaults that their rows get.

    The last time counts where one is added again.
    """
    known = {table.name: {column.name for column in table.columns} for table in before.tables}
    found: dict[tuple[str, str], str | None] = {}
    for schema in between:
        for table in (each for each in schema.tables if each.name in known):
            new = [column for column in table.columns if column.name not in known[table.name]]
            found |= {(table.name, column.name): column.default for column in new}
            known[table.name] = {column.name for column in table.columns}
    last = {(table.name, column.name) for table in after.tables for column in table.columns}
    return frozenset((*place, default) for place, default in found.items() if place in last)


def passing_columns(before: Schema, after: Schema, between: Sequence[Schema]) -> tuple[tuple[str, Column], ...]:
    """Return the columns that a revision makes and takes away again, in tables that it leaves; each with its table."""
    tables = {table.name for table in after.tables}
    lasting = {(table.name, column.name) for end in (before, after) for table in end.tables for column in table.columns}
    columns = ((table.name, column) for schema in between for table in schema.tables for column in table.columns)
    found = ((name, column) for name, column in columns if name in tables and (name, column.name) not in lasting)
    return tuple(dict.fromkeys(found))


def passing_triggers(before: Schema, after: Schema, between: Sequence[Schema]) -> tuple[Trigger, ...]:
    """Return the triggers that a revision makes and takes away again, as a batch operation does with its table.

    One that it takes away has other words before where it renames a column.
    """
    lasting, there = {trigger.name for trigger in after.triggers}, {*before.triggers}
    found = dict.fromkeys(trigger for schema in between for trigger in schema.triggers)
    return tuple(trigger for trigger in found if trigger.name not in lasting and trigger not in there)


def _after_each(before: Schema, statements: Sequence[str]) -> Iterator[Schema]:
    schema = Schema()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for text in [made.sql for kind in (before.tables, before.indexes, before.triggers) for made in kind]:
            with suppress(sqlite3.Error):
                connection.execute(text)
        for sql in statements:
            if verb(sql) in _DEFINING:
                connection.execute(sql)
                schema = read_schema(connection)
            yield schema


def _tables(schema: Schema, before: Schema) -> Iterator[Schema]:
    """Each table that was there before, with its indexes and triggers."""
    names = {table.name for table in before.tables}
    for table in schema.tables:
        if table.name in names:
            yield Schema(
                (table,),
                tuple(index for index in schema.indexes if index.table == table.name),
                tuple(trigger for trigger in schema.triggers if trigger.table == table.name),
            )
