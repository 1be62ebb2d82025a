"""Finds where the values of tables and columns are after each statement of a revision, by running it on marked rows.

An interrupted run leaves what one of its statements left. Names alone do not say which values are where: two columns
that exchanged their names look as before. So every column of the tables as they were gets a value of its own, and the
recorded statements are run on these, in memory.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.sql.lexer import significant
from architect_migrate.databases.sqlite.sql.passing import table_rename
from architect_migrate.model.stops import Origin, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from architect_migrate.model.schema import Schema
    from architect_migrate.model.stops import Place

_ON_ROWS = frozenset({"delete", "insert", "replace", "update", "with"})
_NOTHING = ("", "")
# Keys that stand for integers have to be integers; this is far from any that a revision inserts.
_FIRST = 7_312_840_000_001


def stops_of(before: Schema, statements: Iterable[str]) -> tuple[Stop, ...]:
    """Return what is there before the first statement and after each one, for the tables that they change.

    Empty where SQLite refuses a statement on a table there, for example because a module is not loaded.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        marks = _marked(connection, before)
        whole = {table.name: table.name for table in before.tables}
        seen = [(_read(connection, marks), whole)]
        for sql in statements:
            try:
                _run(connection, sql)
                there = _read(connection, marks)
            except sqlite3.Error:
                return ()
            whole = _renamed(whole, sql, there)
            seen.append((there, whole))
    return tuple(_only_changed(seen))


def _marked(connection: sqlite3.Connection, before: Schema) -> dict[object, Place]:
    """Create the tables, each with a row of marks, and return the column that each mark stands for."""
    marks: dict[object, Place] = {}
    for table in before.tables:
        names = [column.name for column in table.columns if column.generated is None]
        key = table.primary_key[0] if table.rowid_key else ""
        own = {
            _FIRST + len(marks) + at if name == key else _mark(table.name, name): name for at, name in enumerate(names)
        }
        columns, values = ", ".join(map(quote, names)), ", ".join("?" * len(names))
        with suppress(sqlite3.Error):
            connection.execute(table.sql)
            connection.execute(f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({values})", tuple(own))
            marks |= {mark: (table.name, name) for mark, name in own.items()}
    return marks


def _mark(table: str, column: str) -> str:
    return f"<{table}.{column}>"


def _run(connection: sqlite3.Connection, sql: str) -> None:
    """Run a statement. Rows that a marked row is in the way of, and what is no table, do not matter here.

    Raises sqlite3.Error if a statement on a table fails.
    """
    words = [fold(token.text) for token in significant(sql)[:2]]
    if words[0] in _ON_ROWS:
        with suppress(sqlite3.Error):
            connection.execute(sql)
    elif "table" in words:
        connection.execute(sql)


def _renamed(whole: dict[str, str], sql: str, there: Collection[str]) -> dict[str, str]:
    """Return which table each one is, after a statement."""
    rename = table_rename(sql)
    if rename is not None and rename.old in whole:
        whole = {rename.new if name == rename.old else name: was for name, was in whole.items()}
    return {name: was for name, was in whole.items() if name in there}


def _read(connection: sqlite3.Connection, marks: dict[object, Place]) -> dict[str, list[tuple[str, Place]]]:
    """Return the columns of each table, each with the place that its values come from: ("", "") where not known."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    found: dict[str, list[tuple[str, Place]]] = {}
    for (name,) in names.fetchall():
        cursor = connection.execute(f"SELECT * FROM {quote(name)}")
        columns = [fold(column[0]) for column in cursor.description]
        held = [set(map(_place_of(marks), values)) - {_NOTHING} for values in zip(*cursor.fetchall(), strict=True)]
        held = held or [set() for _ in columns]
        sources = [next(iter(places)) if len(places) == 1 else _NOTHING for places in held]
        found[fold(name)] = list(zip(columns, sources, strict=True))
    return found


def _place_of(marks: dict[object, Place]) -> Callable[[object], Place]:
    """Return what tells the place that a value comes from. Values made of marks are numbered: literals stay unknown."""

    def place(value: object) -> Place:
        if (
            value not in marks
            and isinstance(value, str)
            and any(isinstance(mark, str) and mark in value for mark in marks)
        ):
            marks[value] = ("", str(len(marks)))
        return marks.get(value, _NOTHING)

    return place


def _only_changed(seen: list[tuple[dict[str, list[tuple[str, Place]]], dict[str, str]]]) -> Iterator[Stop]:
    """Yield the stops, without the tables that are the same at all of them."""
    tables = {table for there, _ in seen for table in there}
    changed = {table for table in tables if any(there.get(table) != seen[0][0].get(table) for there, _ in seen)}
    for there, whole in seen:
        kept = {table: there[table] for table in sorted(changed & there.keys())}
        yield Stop(
            tuple((table, tuple(column for column, _ in columns)) for table, columns in kept.items()),
            tuple(
                Origin(table, column, *source)
                for table, columns in kept.items()
                for column, source in columns
                if source != _NOTHING
            ),
            tuple((table, whole[table]) for table in kept if table in whole),
        )
