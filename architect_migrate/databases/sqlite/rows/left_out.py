"""Counts the rows that a revision's own INSERT ... SELECT leaves out of the copy of a table."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from architect_migrate.core.names import BATCH_COPY, fold, quote
from architect_migrate.databases.sqlite.sql.events import select_of
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLES = "SELECT name FROM main.sqlite_master WHERE type = 'table'"
# Words without one of which a SELECT from a single table gives all of its rows.
_LEAVING = frozenset({"distinct", "except", "group", "having", "intersect", "join", "limit", "where"})


def note_left_out(cursor: sqlite3.Cursor, left: dict[tuple[str, str], int], sql: str) -> None:
    """Note how many rows of a table an INSERT ... SELECT leaves out, which is about to run, of the table that it fills.

    `left` has the numbers by the folded names of both tables; several such statements together leave out what none of
    them takes. Where that cannot be known, it is 0 or less.
    """
    target, select = select_of(sql)
    if not select or target.startswith(BATCH_COPY):
        return
    words = _words(select)
    tables = {fold(name) for (name,) in cursor.execute(_TABLES)} & words - {target}
    for source in sorted(tables):
        all_rows = f"main.{quote(source)}"
        try:
            before = left[source, target] if (source, target) in left else _number(cursor, all_rows)
            left[source, target] = before - _number(cursor, f"({select}\n)" if words & _LEAVING else all_rows)
        except sqlite3.Error:
            left[source, target] = 0


def _number(cursor: sqlite3.Cursor, rows: str) -> int:
    return int(cursor.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])


def left_out_by(connection: sqlite3.Connection, source: str, selects: Sequence[str]) -> int:
    """How many more rows a table has than these SELECTs give; 0 where that is not known."""
    if not selects:
        return 0
    counted = " + ".join(f"(SELECT count(*) FROM ({select}\n))" for select in selects)
    try:
        left = connection.execute(f"SELECT (SELECT count(*) FROM main.{quote(source)}) - ({counted})").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
    return max(int(left), 0)


def copied_by(sql: str, source: str, target: str) -> str:
    """The SELECT of an INSERT that fills `target` from `source` alone; empty for any other statement."""
    filled, select = select_of(sql)
    words = _words(select)
    return select if filled == target and source in words and "join" not in words else ""


def _words(sql: str) -> set[str]:
    return {fold(unquote(token.text)) for token in significant(sql)}
