"""Finds the tables' shapes and the triggers that only exist between two statements of a revision, in memory."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.sql.lexer import verb, words_of
from architect_migrate.model.facts import facts
from architect_migrate.model.schema import Schema
from architect_migrate.model.stops import Interim

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from architect_migrate.model.schema import Trigger

_DEFINING = frozenset({"alter", "create", "drop"})


def interims_of(before: Schema, after: Schema, statements: Sequence[str]) -> tuple[Interim, ...]:
    """Return how tables of the schema before a revision look between its statements, and at no end of it.

    Empty where SQLite refuses a statement there, for example because a function is not loaded.
    """
    last: dict[Schema, int] = {}
    try:
        for number, schema in enumerate(_after_each(before, statements), 1):
            last |= dict.fromkeys(_tables(schema, before), number)
    except sqlite3.Error:
        return ()
    ends = [facts(end) for schema in (before, after) for end in _tables(schema, before)]
    return tuple(Interim(schema, until) for schema, until in last.items() if facts(schema) not in ends)


def came_with(before: Schema, after: Schema, statements: Sequence[str]) -> frozenset[tuple[str, str, str | None]]:
    """Return the columns that statements add to tables of a schema, with the defaults that their rows get.

    The last time counts where one is added again. Only of tables that more than one statement defines: of the others
    the end says the same. Empty where SQLite refuses a statement there.
    """
    defining = [words_of(sql) for sql in statements if verb(sql) in _DEFINING]
    several = {table.name for table in before.tables if sum(table.name in words for words in defining) > 1}
    if not several or not {table.name for table in after.tables} & several:
        return frozenset()
    known = {table.name: {column.name for column in table.columns} for table in before.tables if table.name in several}
    found: dict[tuple[str, str], str | None] = {}
    try:
        for schema in _after_each(before, statements):
            for table in (each for each in schema.tables if each.name in several):
                new = [column for column in table.columns if column.name not in known[table.name]]
                found |= {(table.name, column.name): column.default for column in new}
                known[table.name] = {column.name for column in table.columns}
    except sqlite3.Error:
        return frozenset()
    return frozenset((*place, default) for place, default in found.items() if place[1] in known[place[0]])


def passing_triggers(before: Schema, after: Schema, statements: Sequence[str]) -> tuple[Trigger, ...]:
    """Return the triggers that a revision makes and takes away again, as a batch operation does with its table.

    Empty where SQLite refuses a statement there.
    """
    if not any(verb(sql) == "create" and "trigger" in words_of(sql) for sql in statements):
        return ()
    lasting = {trigger.name for schema in (before, after) for trigger in schema.triggers}
    try:
        found = dict.fromkeys(trigger for schema in _after_each(before, statements) for trigger in schema.triggers)
    except sqlite3.Error:
        return ()
    return tuple(trigger for trigger in found if trigger.name not in lasting)


def _after_each(before: Schema, statements: Sequence[str]) -> Iterator[Schema]:
    """Yield the schema after each statement; an empty one before the first that defines anything."""
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
