"""SQLite connections: one to read that cannot write, one transaction that nothing can end but its owner."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote as percent

from architect_migrate.core.database_errors import (
    CommitFailedError,
    DamagedError,
    DatabaseError,
    DatabaseLockedError,
    DatabaseMissingError,
    NotADatabaseError,
    NotWritableError,
    TransactionEndedError,
    unreadable,
)
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.interrupts import noted
from architect_migrate.databases.sqlite.presence import is_empty
from architect_migrate.databases.sqlite.run_lock import held, openers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

# Steps of SQLite's machine, a few milliseconds.
_STEPS = 100_000
# A statement from the cache is not shown to the authorizer again (see `guard`), so nothing is cached.
_UNCACHED = 0
# The smallest page that SQLite knows, in bytes.
_SMALLEST = 512
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_LEFT = (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY)


class HeldConnection(sqlite3.Connection):
    """A connection whose transaction belongs to whoever opened it: commit() and rollback() of others are refused."""

    def commit(self) -> None:
        """Refuse: whoever was lent this connection does not own its transaction."""
        raise TransactionEndedError("commit")

    def rollback(self) -> None:
        """Refuse: whoever was lent this connection does not own its transaction."""
        raise TransactionEndedError("roll back")

    def set_authorizer(self, _callback: object) -> None:
        """Refuse: the guard (see `authorizer`) sets its own past this method, and nobody else takes it away."""
        raise TransactionEndedError("take away what watches it")

    def close(self) -> None:
        """Refuse: whoever was lent this connection does not close it."""
        raise TransactionEndedError("close the connection")


@contextmanager
def reading(path: Path, timeout: float = 5.0) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, in one read transaction: everything read through it is of one moment.

    Raises DatabaseMissingError, NotADatabaseError, DamagedError, DatabaseLockedError.
    """
    _refuse_odd_files(path)
    _recover(path, timeout)
    with translated(path, timeout), closing(_open(path, _read_mode(path), timeout, sqlite3.Connection)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield connection


@contextmanager
def transaction(path: Path, lock_timeout: float) -> Iterator[HeldConnection]:
    """The one write transaction of a run: commits when the block ends well, rolls everything back when it raises.

    Foreign keys are off (a rebuild would delete the children of ON DELETE CASCADE keys), so whoever changes rows
    compares `foreign_keys.violations` before and after. Waits `lock_timeout` seconds for other runs (see `run_lock`),
    then as long for the application. Raises as `reading` does, LockedByRunError, and NotWritableError before anything
    is written. A Ctrl-C raises KeyboardInterrupt and nothing is left of the run, whatever code made of it, until COMMIT
    begins. CommitFailedError where COMMIT itself went wrong: what is there then has to be read.
    """
    with locked(path, lock_timeout) as connection, noted() as interrupts:
        # SQLite asks between two steps of a long statement, and in its callbacks an exception is lost.
        connection.set_progress_handler(lambda: interrupts.came, _STEPS)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA legacy_alter_table = OFF")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            still_inside(connection)
            with interrupts.put_off():
                interrupts.refuse()
                _commit(connection, path)
        except Exception:
            interrupts.refuse()
            raise
        finally:
            if connection.in_transaction:
                sqlite3.Connection.set_authorizer(connection, None)
                connection.set_progress_handler(None, 0)
                connection.execute("ROLLBACK")


def _commit(connection: HeldConnection, path: Path) -> None:
    """An error that leaves the transaction open, as waiting for readers does, is certain: it will be rolled back."""
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            raise
        raise CommitFailedError(str(path), str(error)) from error


@contextmanager
def locked(path: Path, lock_timeout: float) -> Iterator[HeldConnection]:
    """A connection that can write, in no transaction yet, while the lock of runs is held. Raises as `transaction`."""
    _refuse_odd_files(path)
    _refuse_read_only(path)
    _refuse_what_is_no_database(path)
    with (
        _locked(path, lock_timeout),
        translated(path, lock_timeout),
        _held(path, lock_timeout) as connection,
    ):
        yield connection


@contextmanager
def exclusive(path: Path, lock_timeout: float) -> Iterator[HeldConnection]:
    """The lock of runs and SQLite's write lock, in a transaction that is rolled back. Raises as `transaction`."""
    with locked(path, lock_timeout) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def _held(path: Path, timeout: float) -> Iterator[HeldConnection]:
    connection = _open(path, "rw", timeout, HeldConnection)
    try:
        yield connection
    finally:
        sqlite3.Connection.close(connection)


@contextmanager
def looking(path: Path, timeout: float) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, in no transaction: what `PRAGMA data_version` counts on it others wrote."""
    with translated(path, timeout), closing(_open(path, "ro", timeout, sqlite3.Connection)) as connection:
        yield connection


def in_memory() -> AbstractContextManager[sqlite3.Connection]:
    """An empty database in memory, in no transaction."""
    return closing(sqlite3.connect(":memory:", isolation_level=None, cached_statements=_UNCACHED))


@contextmanager
def created(path: Path) -> Iterator[None]:
    """A new empty file where there is none, gone again if nothing came of it; raises DatabaseError."""
    try:
        with path.open("xb"):
            pass
    except FileExistsError:
        yield
        return
    except FileNotFoundError:
        raise DatabaseError(str(path), "its folder does not exist", "nothing was created: make the folder") from None
    except OSError as error:
        raise DatabaseError(str(path), str(error.strerror), "nothing was created: see to its folder") from error
    try:
        yield
    except BaseException:
        # Under the lock, so that it is not taken from under a run that waited for this one.
        with suppress(ArchmigError, OSError), held(path, 0):
            if is_empty(path):
                path.unlink()
        raise


def still_inside(connection: sqlite3.Connection) -> None:
    """Raise TransactionEndedError if SQLite has rolled the transaction back by itself (disk full, OR ROLLBACK)."""
    if not connection.in_transaction:
        raise TransactionEndedError("go on after SQLite had rolled the transaction back by itself")


@contextmanager
def translated(path: Path, timeout: float) -> Iterator[None]:
    """SQLite's errors about the file as a whole as errors of archmig, naming the file and the next step."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _BUSY:
            raise DatabaseLockedError(str(path), timeout, openers(path)) from error
        if code == sqlite3.SQLITE_NOTADB:
            raise NotADatabaseError(str(path)) from error
        if code == sqlite3.SQLITE_CORRUPT:
            raise DamagedError(str(path), str(error)) from error
        if code == sqlite3.SQLITE_CANTOPEN and not os.access(path, os.R_OK):
            problem = f"cannot be read (no read permission on {path})"
            raise DatabaseError(str(path), problem, "give this user access to it and its folder") from error
        if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
            raise NotWritableError(str(path), str(error)) from error
        if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            advice = "nothing was changed: free some space or look at the disk, then run it again"
            raise DatabaseError(str(path), str(error), advice) from error
        if code in {0, sqlite3.SQLITE_ERROR} and (told := unreadable(str(path), str(error))):
            raise told from error
        raise


_Connection = TypeVar("_Connection", bound=sqlite3.Connection)


def _open(path: Path, mode: str, timeout: float, factory: type[_Connection]) -> _Connection:
    uri = f"file:{percent(os.fsencode(path))}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, timeout=timeout, isolation_level=None, factory=factory, cached_statements=_UNCACHED
    )


def _recover(path: Path, timeout: float) -> None:
    """Let SQLite roll back what a killed writer left: on a connection that cannot write it would refuse to read."""
    if not path.with_name(path.name + "-journal").exists() or not os.access(path, os.W_OK):
        return
    if os.access(path.parent, os.W_OK):
        with translated(path, timeout), closing(_open(path, "rw", timeout, sqlite3.Connection)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _read_mode(path: Path) -> str:
    """A WAL database in a folder that cannot be written is read as it stands, if nothing waits in a -wal file."""
    if os.access(path.parent, os.W_OK) or path.with_name(path.name + "-wal").exists():
        return "ro"
    return "ro&immutable=1"


def _refuse_odd_files(path: Path) -> None:
    if not path.exists():
        raise DatabaseMissingError(str(path))
    if not path.is_file() or _is_too_small(path):
        raise NotADatabaseError(str(path))
    if path.stat().st_nlink > 1:
        problem = "has more than one name (hard links), and a journal would be found through only one of them"
        raise DatabaseError(str(path), problem, "remove the other names, or work on a copy")


def _is_too_small(path: Path) -> bool:
    """Whether a file is less than a page: SQLite takes it for an empty database, and would write over it.

    With a journal beside it SQLite makes of it what it was.
    """
    return 0 < path.stat().st_size < _SMALLEST and not path.with_name(path.name + "-journal").exists()


@contextmanager
def _locked(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock of runs; whoever had it before may have left another file, or none."""
    with held(path, timeout):
        _refuse_odd_files(path)
        yield


def _refuse_what_is_no_database(path: Path) -> None:
    """Before a lock file is made beside it; a database that somebody else has locked is one."""
    with translated(path, 0), closing(_open(path, "ro", 0, sqlite3.Connection)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            # Nor is one read-only for what a killed writer left in its journal: BEGIN IMMEDIATE will roll that back.
            if error.sqlite_errorcode & 0xFF not in _BUSY and error.sqlite_errorcode not in _LEFT:
                raise


def _refuse_read_only(path: Path) -> None:
    """BEGIN IMMEDIATE succeeds on a file that cannot be written: better to say so before anything is planned."""
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            raise NotWritableError(str(path), f"no write permission on {place}")
