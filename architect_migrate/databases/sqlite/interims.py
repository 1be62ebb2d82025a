"""Finds the shapes that tables have only between two statements of a revision, by running its statements in memory."""

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

_DEFINING = frozenset({"alter", "create", "drop"})


def interims_of(before: Schema, after: Schema, statements: Sequence[str]) -> tuple[Interim, ...]:
    """Return how tables of the schema before a revision look between its statements, and at no end of it.

    Empty where SQLite refuses a statement there, for example because a function is not loaded.
    """
    last: dict[Schema, int] = {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for text in [made.sql for kind in (before.tables, before.indexes, before.triggers) for made in kind]:
            with suppress(sqlite3.Error):
                connection.execute(text)
        there: tuple[Schema, ...] = ()
        for number, sql in enumerate(statements, 1):
            if verb(sql) in _DEFINING:
                try:
                    connection.execute(sql)
                    there = tuple(_tables(read_schema(connection), before))
                except sqlite3.Error:
                    return ()
            last |= dict.fromkeys(there, number)
    ends = [facts(end) for schema in (before, after) for end in _tables(schema, before)]
    return tuple(Interim(schema, until) for schema, until in last.items() if facts(schema) not in ends)


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
