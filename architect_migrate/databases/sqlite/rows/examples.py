"""Reads and formats example rows for messages, without loading huge values whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.errors import shortened
from architect_migrate.core.secrets import mask_cut
from architect_migrate.databases.sqlite.rows.exact import exact

if TYPE_CHECKING:
    import sqlite3

# Examples in one message.
MOST = 3
# Characters of a value that are shown.
_SHORT = 40


def read(connection: sqlite3.Connection, query: str) -> list[tuple[object, ...]]:
    """The first rows of a query as examples; text that is not UTF-8 raises no error."""
    with exact(connection):
        return connection.execute(f"{query} LIMIT {MOST}").fetchall()


def excerpt(value: str) -> str:
    """SQL for a value, or for the beginning of a long one, so that SQLite never hands a huge value over whole."""
    # In bytes, because length() and substr() of a text end at a NUL.
    long = f"typeof({value}) IN ('text', 'blob') AND length(CAST({value} AS BLOB)) > {4 * _SHORT}"
    return f"CASE WHEN {long} THEN substr({value}, 1, {_SHORT + 1}) ELSE {value} END"


def shown(value: object) -> str:
    """Format a value for a message as SQL would write it, in about 40 characters."""
    match value:
        case None:
            return "NULL"
        case bytes():
            return f"x'{value[: _SHORT // 2].hex()}{'…' if len(value) > _SHORT // 2 else ''}'"
        case str():
            # Why: `excerpt` reads no more of a long value.
            return shortened(mask_cut(value) if len(value) > _SHORT else value)
        case _:
            return repr(value)


def labelled(key: tuple[object, ...], values: tuple[object, ...] = ()) -> str:
    """`row 7: 'value'`; `a row: 'value'` without a key."""
    row = f"row {', '.join(map(shown, key))}" if key else "a row"
    return f"{row}: {', '.join(map(shown, values))}" if values else row
