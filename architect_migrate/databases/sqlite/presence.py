"""Checks whether a database exists and is empty, and handles the files that SQLite keeps beside it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from architect_migrate.core.atomic_files import sync
from architect_migrate.core.names import fold

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

_MAGIC = b"SQLite format 3\0"
_JOURNALS = ("-wal", "-journal")
_BESIDE = ("-wal", "-shm", "-journal")


def is_empty(path: Path) -> bool:
    """Whether nothing was ever written to the database: no file, or a file of zero bytes."""
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def is_database(path: Path) -> bool:
    """Whether a file begins as a SQLite database does. Anything but a regular file is none."""
    try:
        # Why asked first: opening a named pipe waits for a writer.
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def defines_nothing(connection: sqlite3.Connection) -> bool:
    """Whether the database has no table, index, view or trigger; `sqlite_sequence` counts as a table."""
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def table_names(connection: sqlite3.Connection) -> frozenset[str]:
    """The names of all tables as spelt."""
    return frozenset(row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))


def is_own(table: str) -> bool:
    """Whether a table is one of SQLite's own."""
    return table.lower().startswith("sqlite_")


def has_triggers(connection: sqlite3.Connection, tables: Iterable[str]) -> bool:
    """Whether any of these tables has a trigger."""
    on = connection.execute("SELECT tbl_name FROM main.sqlite_master WHERE type = 'trigger'")
    return not {fold(table) for table in tables}.isdisjoint(fold(name) for (name,) in on)


def stray_journal(path: Path) -> str:
    """The path of a journal beside a database that does not exist; empty if there is none.

    Why it matters: SQLite would apply the journal to a new database of that name.
    """
    return next((name for name in (f"{path}{ending}" for ending in _JOURNALS) if os.path.lexists(name)), "")


def odd_journal(path: Path) -> str:
    """The name of a file that SQLite keeps beside a database and that is no regular file; empty if there is none.

    Why it matters: SQLite opens it without asking, and opening a named pipe waits until a writer comes.
    """
    for name in (f"{path}{ending}" for ending in _BESIDE):
        with suppress(FileNotFoundError, NotADirectoryError):
            # Why os.lstat: this runs for each of many databases, and making a Path takes longer.
            if not stat.S_ISREG(os.lstat(name).st_mode):
                return os.path.basename(name)  # noqa: PTH119  (for the same reason)
    return ""


def remove(path: Path) -> None:
    """Delete a database and the files beside it. Raises OSError.

    The lock file stays, because another run may be waiting for it.
    """
    # Why the database first: a database without its journal could lose commits, while a journal without its database is
    # found by `stray_journal`.
    path.unlink()
    for ending in _BESIDE:
        path.with_name(path.name + ending).unlink(missing_ok=True)
    sync(path.parent)
