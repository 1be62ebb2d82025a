"""Counts the rows that a revision's own INSERT ... SELECT leaves out of the copy of a table."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from architect_migrate.databases.values import CopiedTable


def rows_left_out(connection: sqlite3.Connection, copied: CopiedTable, statements: Iterable[str]) -> int:
    """How many rows of a table those of some statements leave out that copy it to another; 0 where that is not known.

    They are evaluated on the rows that the table has on this connection.
    """
    selects = [text for sql in statements if (text := copied_by(sql, copied.source, copied.target))]
    if fold(copied.table) == fold(copied.source) and not copied.renamed:
        return left_out_by(connection, copied.table, selects)
    names = "".join(f", {quote(old)} AS {quote(new)}" for old, new in copied.renamed)
    called = f"WITH {quote(copied.source)} AS (SELECT *{names} FROM main.{quote(copied.table)}) "
    return left_out_by(connection, copied.table, [f"{called}{select}" for select in selects])


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
    tokens = significant(sql)
    words = [fold(unquote(token.text)) for token in tokens]
    if not words or words[0] not in {"insert", "replace"} or "into" not in words or "select" not in words:
        return ""
    start = words.index("select")
    into = words.index("into")
    names = words[into + 1 : into + 4]
    is_to_target = target in (names[:1], names[2:3])[names[1:2] == ["."]]
    if not is_to_target or source not in words[start:] or "join" in words[start:]:
        return ""
    return sql[tokens[start].start :].rstrip().rstrip(";")
