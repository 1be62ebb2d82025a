"""Which rows forbid a rebuild: asked once SQLite has refused them, so that a rebuild that succeeds pays nothing."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.core.sql_errors import RowsForbidError
from architect_migrate.databases.sqlite.repair.rebuild_rows import Copy, examples, excerpt, short
from architect_migrate.databases.sqlite.sql.parser import (
    Check,
    Collate,
    Constraint,
    Default,
    IndexedColumn,
    NotNull,
    ParsedTable,
    PrimaryKey,
    Unique,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROW = '"_archmig_row"'
_EXAMPLES = 3


def explain_refusal(
    connection: sqlite3.Connection, new: ParsedTable, copy: Copy, error: sqlite3.Error
) -> RowsForbidError:
    """The constraint of the new table that rows of the old one break, the first by its text, with examples."""
    source = _as_new_rows(new, copy)
    for constraint in new.every_constraint:
        for broken in _broken_by(connection, new, constraint, source):
            return broken
    return RowsForbidError(new.name, str(error), None, ())


def _as_new_rows(new: ParsedTable, copy: Copy) -> str:
    """The old rows as they would be copied, named like the table so that its checks can be asked of them."""
    values = dict(copy.targets)
    for column in new.columns:
        if column.name not in values:
            default = new.of(Default, column.name)
            values[column.name] = default[-1].expression if default else "NULL"
    listed = ", ".join(f"{value} AS {quote(name)}" for name, value in values.items())
    name = quote(new.name)
    return f"(SELECT {copy.keys[0][1]} AS {_ROW}, {listed} FROM main.{name} AS {name}) AS {name}"


def _broken_by(
    connection: sqlite3.Connection, new: ParsedTable, constraint: Constraint, source: str
) -> Iterator[RowsForbidError]:
    match constraint:
        case NotNull(columns=columns):
            name = quote(columns[0].name)
            yield from _single_rows(connection, new, f"NOT NULL {name}", f"{name} IS NULL", source)
        case Check(expression=expression):
            yield from _single_rows(connection, new, f"CHECK ({expression})", f"NOT ({expression}\n)", source)
        case PrimaryKey(columns=columns):
            yield from _duplicates(connection, new, "PRIMARY KEY", columns, source)
        case Unique(columns=columns):
            yield from _duplicates(connection, new, "UNIQUE", columns, source)
        case _:
            return


def _single_rows(
    connection: sqlite3.Connection, new: ParsedTable, constraint: str, condition: str, source: str
) -> Iterator[RowsForbidError]:
    rows = _asked(connection, f"SELECT count(*) FROM {source} WHERE {condition}")
    if rows and rows[0][0]:
        found = _asked(connection, f"SELECT {_ROW} FROM {source} WHERE {condition} LIMIT {_EXAMPLES}")
        shown = tuple(f"row {short(row)}" for (row,) in found)
        yield RowsForbidError(new.name, constraint, int(str(rows[0][0])), shown)


def _duplicates(
    connection: sqlite3.Connection,
    new: ParsedTable,
    constraint: str,
    columns: tuple[IndexedColumn, ...],
    source: str,
) -> Iterator[RowsForbidError]:
    names = [quote(column.name) for column in columns]
    present = " AND ".join(f"{name} IS NOT NULL" for name in names)
    grouped = ", ".join(_collated(new, column) for column in columns)
    shown = ", ".join(excerpt(name) for name in names)
    groups = f"FROM {source} WHERE {present} GROUP BY {grouped} HAVING count(*) > 1"
    total = _asked(connection, f"SELECT total(rows) FROM (SELECT count(*) AS rows {groups})")
    if total and total[0][0]:
        found = _asked(connection, f"SELECT count(*), {shown} {groups} LIMIT {_EXAMPLES}")
        yield RowsForbidError(
            new.name,
            f"{constraint} ({', '.join(names)})",
            int(float(str(total[0][0]))),
            tuple(f"{count} rows with {', '.join(map(short, values))}" for count, *values in found),
        )


def _collated(new: ParsedTable, column: IndexedColumn) -> str:
    declared = [constraint.collation for constraint in new.of(Collate, column.name)]
    collation = column.collation or (declared[-1] if declared else "BINARY")
    return f"{quote(column.name)} COLLATE {quote(collation)}"


def _asked(connection: sqlite3.Connection, query: str) -> list[tuple[object, ...]]:
    """The rows of a query; none where it cannot be asked of rows outside the table, as a default in bare words."""
    try:
        return examples(connection, query)
    except sqlite3.OperationalError:
        return []
