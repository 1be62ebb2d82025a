"""Overwrites one database with another through SQLite's backup API: in one transaction, in the existing file.

Why never by rename: an application that has the old file open would go on writing to it without an error, and SQLite
would apply the old -wal or -journal to the new file.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ChangedMeanwhileError
from architect_migrate.core.database_errors import CommitFailedError, DatabaseLockedError, RestoreError
from architect_migrate.databases.sqlite.access import file_of
from architect_migrate.databases.sqlite.connection import locked, watching
from architect_migrate.databases.sqlite.run_lock import openers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from architect_migrate.databases.base import Place
    from architect_migrate.databases.values import Content

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@dataclass(frozen=True, slots=True)
class HeldDatabase:
    """A database about to be overwritten: `reader` sees its present state, `target` writes to it.

    `version` is the reader's data_version before anything was read (WAL mode); None where no other process can write.
    """

    path: Path
    reader: sqlite3.Connection
    target: sqlite3.Connection
    version: int | None

    def overwrite(
        self, source: sqlite3.Connection, _then: Content, timeout: float, from_here: Callable[[], None]
    ) -> None:
        """Replace the whole content of the database, as `overwrite`."""
        # Why at once: from the first page on, stopping would leave a half-written database.
        from_here()
        overwrite(source, self, timeout)


@contextmanager
def hold_unchanged(place: Place, timeout: float) -> Iterator[HeldDatabase]:
    """Hold a database so that what is read of it now is what `overwrite` replaces. Raises as `locked`.

    With a rollback journal no other process can write from here on. In WAL mode no lock can be kept from a backup into
    the transaction of the backup API, so `overwrite` checks for writes by others once it has the write lock.
    """
    path = file_of(place)
    with locked(path, timeout) as target:
        if target.execute("PRAGMA main.journal_mode").fetchone() == ("wal",):
            with watching(path, timeout) as reader:
                version = _version(reader)
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
                yield HeldDatabase(path, reader, target, version)
        else:
            target.execute("BEGIN EXCLUSIVE")
            # Why locking_mode = EXCLUSIVE: it keeps the file lock after COMMIT, so that the backup API can begin its
            # own transaction without another process writing in between.
            target.execute("PRAGMA main.locking_mode = EXCLUSIVE").fetchone()
            target.execute("COMMIT")
            yield HeldDatabase(path, target, target, None)


def overwrite(source: sqlite3.Connection, held: HeldDatabase, timeout: float) -> None:
    """Replace the whole content of the database by that of `source`, in one transaction.

    `source` must be in a read transaction. Raises ChangedMeanwhileError if another process wrote since
    `hold_unchanged`, DatabaseLockedError, RestoreError, and CommitFailedError if SQLite failed: the caller then has to
    read what the database holds.
    """
    if held.version is not None:
        held.reader.execute("COMMIT")
        _require_same_pages(source, held)
    until = time.monotonic() + timeout

    def step(status: int, remaining: int, total: int) -> None:
        if status in _BUSY and time.monotonic() >= until:
            raise DatabaseLockedError(str(held.path), timeout, openers(held.path))
        # Why after the first page: the write lock is held then, so no other process can write any more; and nothing is
        # committed before the last page.
        first = status == sqlite3.SQLITE_OK and remaining == total - 1
        if first and held.version is not None and _version(held.reader) != held.version:
            raise ChangedMeanwhileError(str(held.path))

    try:
        # Why one page at a time: `step` is called after each, and has to check for other writers after the first.
        source.backup(held.target, pages=1, progress=step, sleep=0.05)
    except sqlite3.DatabaseError as error:
        # Why CommitFailedError: SQLite's error does not say whether the commit of the last page succeeded. A lock error
        # is certain to come before it.
        if error.sqlite_errorcode & 0xFF in _BUSY:
            raise
        raise CommitFailedError(str(held.path), str(error)) from error


def _version(reader: sqlite3.Connection) -> int:
    return int(reader.execute("PRAGMA main.data_version").fetchone()[0])


def _require_same_pages(source: sqlite3.Connection, held: HeldDatabase) -> None:
    of_source, of_target = (
        connection.execute("PRAGMA main.page_size").fetchone()[0] for connection in (source, held.target)
    )
    if of_source != of_target:
        problem = (
            f"its page size is {of_target} bytes, the backup's {of_source}, and in WAL mode SQLite cannot change it"
        )
        advice = "nothing was changed: take it out of WAL mode (PRAGMA journal_mode = DELETE), then run it again"
        raise RestoreError(str(held.path), problem, advice)
