"""Opens the database that a URL names, and tells whether it is there: the URL says which kind of database it is.

A caller needs neither the database's file nor the package of its kind. SQLite is the only kind that can be opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.urls import file_of
from architect_migrate.databases.sqlite import connection as sqlite
from architect_migrate.databases.sqlite import presence
from architect_migrate.databases.sqlite.run_lock import openers as openers_of_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import Backup


def location(url: DatabaseUrl) -> str:
    """Where a database is, as messages name it. Raises UnsupportedDatabaseError, as every function here does."""
    return str(file_of(url))


def exists(url: DatabaseUrl) -> bool:
    """Whether there is a database, or anything else in its place."""
    return presence.exists(file_of(url))


def is_empty(url: DatabaseUrl) -> bool:
    """Whether nothing was ever written to a database, or there is none."""
    return presence.is_empty(file_of(url))


def size(url: DatabaseUrl) -> int:
    """How many bytes a database takes; 0 where there is none."""
    path = file_of(url)
    return path.stat().st_size if path.exists() else 0


def openers(url: DatabaseUrl) -> tuple[str, ...]:
    """The other processes that have a database open, as far as the system tells."""
    return openers_of_file(file_of(url))


def reading(url: DatabaseUrl, timeout: float = 5.0) -> AbstractContextManager[Connection]:
    """A connection that cannot write, in one read transaction. Raises as `sqlite.connection.reading`."""
    return sqlite.reading(file_of(url), timeout)


def transaction(url: DatabaseUrl, lock_timeout: float) -> AbstractContextManager[Connection]:
    """The one write transaction of a run. Raises as `sqlite.connection.transaction`."""
    return sqlite.transaction(file_of(url), lock_timeout)


def exclusive(url: DatabaseUrl, lock_timeout: float) -> AbstractContextManager[Connection]:
    """A write transaction that is rolled back: meanwhile nothing else can write. Raises as `transaction`."""
    return sqlite.exclusive(file_of(url), lock_timeout)


def created(url: DatabaseUrl) -> AbstractContextManager[None]:
    """A new empty database where there is none, removed if the block leaves it empty. Raises DatabaseError."""
    return sqlite.created(file_of(url))


def clone(source: DatabaseUrl, target: DatabaseUrl, progress: Callable[[str], None]) -> Backup:
    """Copy what is committed in a database to a new one, and compare the two; `progress` hears how far the copy is.

    Raises BackupError, also where there is something at `target`.
    """
    from architect_migrate.databases.sqlite.files import backup

    return backup.clone(file_of(source), file_of(target), progress=progress)


def stray_journal(url: DatabaseUrl) -> str:
    """A journal in the place of a database that is gone: it would be mixed into a new one. Empty: there is none."""
    return presence.stray_journal(file_of(url))


def remove(url: DatabaseUrl) -> None:
    """Delete a database with all that belongs to it. Raises OSError."""
    presence.remove(file_of(url))


def read_stamp(url: DatabaseUrl, timeout: float, version_table: str) -> tuple[str, ...]:
    """The revisions that a database's version table holds; none where it has no such table.

    Raises as `reading`, and StampError.
    """
    from architect_migrate.databases.sqlite.bookkeeping import read_claims

    with reading(url, timeout) as connection:
        return read_claims(connection, None, version_table).stamp or ()


def nothing() -> AbstractContextManager[Connection]:
    """A database in memory that holds nothing, to compare another one with."""
    return sqlite.in_memory()
