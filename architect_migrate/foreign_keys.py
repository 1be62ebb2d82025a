"""Rows that refer to nothing, counted by table and parent, without holding them all in memory."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

_TABLES = """SELECT DISTINCT m.name FROM main.sqlite_master m, pragma_foreign_key_list(m.name) WHERE m.type = 'table'
             ORDER BY m.name"""
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Dangling:
    """How many rows of a table refer to nothing in a parent, and the first rowids (none where rows have no rowid)."""

    table: str
    parent: str
    rows: int
    rowids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """What foreign keys come to: `tables` that have any, rows that dangle, and tables of which SQLite cannot tell."""

    tables: int
    dangling: tuple[Dangling, ...]
    untold: tuple[tuple[str, str], ...]


def check_keys(connection: sqlite3.Connection) -> Keys:
    """Check every foreign key of every table; (table, why) is untold where a parent has no such unique columns."""
    tables = [name for (name,) in connection.execute(_TABLES)]
    dangling: list[Dangling] = []
    untold: list[tuple[str, str]] = []
    for table in tables:
        try:
            dangling += _dangling(connection, table)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            untold.append((table, str(error)))
    return Keys(len(tables), tuple(dangling), tuple(untold))


def _dangling(connection: sqlite3.Connection, table: str) -> list[Dangling]:
    found: dict[str, tuple[int, tuple[int, ...]]] = {}
    for rowid, parent in connection.execute("SELECT rowid, parent FROM pragma_foreign_key_check(?)", (table,)):
        rows, first = found.get(parent, (0, ()))
        more = (rowid,) if rowid is not None and len(first) < _EXAMPLES else ()
        found[parent] = rows + 1, (*first, *more)
    return [Dangling(table, parent, rows, first) for parent, (rows, first) in found.items()]
