"""What archmig leaves behind in a database and can cheaply find again: digests and counters, no rows."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from architect_migrate.results import Traces
from architect_migrate.sqlite_digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterable


def traces_of(connection: sqlite3.Connection, hidden: Iterable[str]) -> Traces:
    """The traces as the connection's transaction sees them; the tables in `hidden` do not count to the schema."""
    without = tuple(sorted({it.lower() for it in hidden}))
    (counter,) = connection.execute("PRAGMA main.schema_version").fetchone()
    return Traces(digest(connection, without), without, int(counter), _highest(connection))


def _highest(connection: sqlite3.Connection) -> tuple[tuple[str, int], ...]:
    """The highest id that each table with AUTOINCREMENT has given out; SQLite never takes one back by itself."""
    try:
        rows = connection.execute("SELECT name, seq FROM main.sqlite_sequence").fetchall()
    except sqlite3.OperationalError:  # there is no such table until one is made that counts
        return ()
    return tuple(sorted((name, seq) for name, seq in rows if isinstance(name, str) and isinstance(seq, int)))
