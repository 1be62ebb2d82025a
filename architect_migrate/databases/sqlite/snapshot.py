"""The whole content of a database as SQL: its objects as stored, and its rows as literals."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.values import Snapshot, StoredObject, TableRows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_OBJECTS = "SELECT type, name, tbl_name, sql FROM main.sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
# SQLite keeps the tables of a virtual one under names of its own; only a CREATE of the virtual table makes them.
_SHADOWS = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"
_TABLES = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') ORDER BY name"
_COLUMNS = "SELECT name, dflt_value FROM pragma_table_xinfo(?) WHERE hidden = 0"

_SETTINGS = ("user_version", "application_id")


def snapshot_of(path: Path, hidden: Iterable[str]) -> Snapshot:
    """Return the content of a database file, without the tables in `hidden`."""
    without = {fold(name) for name in hidden} | {"sqlite_schema", "sqlite_stat1", "sqlite_stat4"}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        # Why: a text may be none. It is kept as it is, and cannot be written into a file.
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        shadows = {name for (name,) in connection.execute(_SHADOWS)}
        objects = tuple(
            StoredObject(*row)
            for row in connection.execute(_OBJECTS)
            if fold(row[2]) not in without and row[1] not in shadows and not fold(row[1]).startswith("sqlite_")
        )
        names = [name for (name,) in connection.execute(_TABLES) if fold(name) not in without]
        settings = tuple((name, *connection.execute(f"PRAGMA {name}").fetchone()) for name in _SETTINGS)
        return Snapshot(objects, tuple(_rows(connection, name) for name in names), frozenset(shadows), settings)


def _rows(connection: sqlite3.Connection, table: str) -> TableRows:
    columns = connection.execute(_COLUMNS, (table,)).fetchall()
    literals = ", ".join(_literal(quote(name)) for name, _ in columns)
    # Why: a number of 0 is the same as none, and is left by a batch operation on an empty table.
    where = " WHERE seq > 0" if table == "sqlite_sequence" else ""
    rows = connection.execute(f"SELECT {literals} FROM {quote(table)}{where}").fetchall()
    return TableRows(
        table, tuple(name for name, _ in columns), tuple(default or "" for _, default in columns), (*rows,)
    )


def _literal(column: str) -> str:
    """An expression for a value as SQL. Why not quote() alone: it ends a text at a NUL and knows no infinity."""
    has_nul = f"typeof({column}) = 'text' AND instr({column}, char(0))"
    infinite = f"WHEN {column} = 9e999 THEN '9e999' WHEN {column} = -9e999 THEN '-9e999'"
    return f"CASE {infinite} WHEN {has_nul} THEN 'CAST(X''' || hex({column}) || ''' AS TEXT)' ELSE quote({column}) END"
