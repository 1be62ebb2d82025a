"""Rows that refer to nothing: each of them, or counted by table and parent without holding them all in memory."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES = """SELECT DISTINCT m.name FROM main.sqlite_master m, pragma_foreign_key_list(m.name) WHERE m.type = 'table'
             ORDER BY m.name"""
_CHECK = "SELECT rowid, parent FROM pragma_foreign_key_check(?)"
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


def violations(connection: sqlite3.Connection) -> frozenset[tuple[str, int | None, str]]:
    """Rows that refer to nothing, as (table, rowid, parent).

    Of a key whose parent is missing or has no such unique columns nothing can be said, and nothing is.
    """
    found: set[tuple[str, int | None, str]] = set()
    for table in _tables(connection):
        with _unless_untold([]):
            found.update((table, rowid, parent) for rowid, parent in connection.execute(_CHECK, (table,)))
    return frozenset(found)


def check_keys(connection: sqlite3.Connection) -> Keys:
    """Check every foreign key of every table; (table, why) is untold where a parent has no such unique columns."""
    tables = _tables(connection)
    dangling: list[Dangling] = []
    untold: list[tuple[str, str]] = []
    for table in tables:
        why: list[str] = []
        with _unless_untold(why):
            dangling += _dangling(connection, table)
        untold += ((table, it) for it in why)
    return Keys(len(tables), tuple(dangling), tuple(untold))


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute(_TABLES)]


@contextmanager
def _unless_untold(why: list[str]) -> Iterator[None]:
    """A key that SQLite cannot check is told; a disk that fails, or a Ctrl-C, is another matter."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        why.append(str(error))


def _dangling(connection: sqlite3.Connection, table: str) -> list[Dangling]:
    found: dict[str, tuple[int, tuple[int, ...]]] = {}
    for rowid, parent in connection.execute(_CHECK, (table,)):
        rows, first = found.get(parent, (0, ()))
        more = (rowid,) if rowid is not None and len(first) < _EXAMPLES else ()
        found[parent] = rows + 1, (*first, *more)
    return [Dangling(table, parent, rows, first) for parent, (rows, first) in found.items()]
