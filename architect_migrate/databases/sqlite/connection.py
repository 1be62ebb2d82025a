"""SQLite connections: read-only ones, and the one write transaction of a run, which only its owner can end."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias, TypeVar
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
    unreadable_schema_error,
)
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.interrupts import recording_interrupts
from architect_migrate.databases.sqlite.presence import is_empty, odd_journal
from architect_migrate.databases.sqlite.run_lock import held, openers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

Watcher: TypeAlias = "Callable[..., int]"
FileId: TypeAlias = tuple[int, int]

# Instructions of SQLite's virtual machine between two calls of the progress handler: a few milliseconds.
_STEPS = 100_000
# Why no cache: SQLite calls the authorizer when it compiles a statement, and a cached one is not compiled again.
_UNCACHED = 0
# The smallest page size of SQLite, in bytes.
_SMALLEST = 512
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_LEFT = (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY)


class HeldConnection(sqlite3.Connection):
    """A connection whose transaction belongs to the code that opened it.

    A borrower, such as the chain's code, cannot commit, roll back or close it. While it is `unwatched`, archmig itself
    acts on it, and the authorizer accepts everything. `watcher` is its authorizer (see `authorizer`). `file` are device
    and inode of the file that it has open.
    """

    unwatched: bool = False
    watcher: Watcher | None = None
    file: FileId = (0, 0)

    def commit(self) -> None:
        """Refuse: a borrower of the connection does not own its transaction."""
        raise TransactionEndedError("commit")

    def rollback(self) -> None:
        """Refuse: a borrower of the connection does not own its transaction."""
        raise TransactionEndedError("roll back")

    def set_authorizer(self, _callback: object) -> None:
        """Refuse: archmig sets its own past this method, and a borrower must not remove it."""
        raise TransactionEndedError("replace its authorizer")

    def close(self) -> None:
        """Refuse: a borrower of the connection does not close it."""
        raise TransactionEndedError("close the connection")


@contextmanager
def reading(path: Path, timeout: float = 5.0) -> Iterator[sqlite3.Connection]:
    """Open a connection that cannot write, in one read transaction, so that all reads see the same moment.

    `timeout` is in seconds. Raises DatabaseMissingError, NotADatabaseError, DamagedError, DatabaseLockedError.
    """
    _refuse_odd_files(path)
    _recover(path, timeout)
    with (
        _leaving_no_wal(path),
        translated(path, timeout),
        closing(_open(path, _read_mode(path), timeout, sqlite3.Connection)) as connection,
    ):
        connection.execute("BEGIN")
        # Why a query: BEGIN alone takes no snapshot; the first read does.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield connection


@contextmanager
def _leaving_no_wal(path: Path) -> Iterator[None]:
    """Let SQLite remove the empty -wal file that a connection which cannot write leaves, with its -shm file.

    The last connection that may write removes them when it is closed, and so does one that only reads then. Files that
    were there before belong to another process, and stay.
    """
    wal = path.with_name(path.name + "-wal")
    was_there = os.path.lexists(wal)
    try:
        yield
    finally:
        # Why only an empty one: what another process wrote to it meanwhile would be copied to the database.
        if not was_there and wal.exists() and not wal.stat().st_size:
            with suppress(sqlite3.Error, DatabaseError), closing(_open(path, "rw", 0.0, sqlite3.Connection)) as last:
                last.execute("SELECT count(*) FROM sqlite_master").fetchone()


@contextmanager
def transaction(path: Path, lock_timeout: float) -> Iterator[HeldConnection]:
    """Open the one write transaction of a run: commits when the block ends, rolls back when it raises.

    Waits `lock_timeout` seconds for other runs (see `run_lock`), then as long for the application. Foreign keys are not
    enforced, so callers that change rows compare `foreign_keys.violations` before and after.

    Raises as `reading`, LockedByRunError, and NotWritableError before anything is written. A Ctrl-C before COMMIT
    begins rolls everything back and raises KeyboardInterrupt, even if the block caught it. Raises CommitFailedError if
    COMMIT itself failed: the caller then has to read what the database holds.
    """
    with locked(path, lock_timeout) as connection, recording_interrupts() as interrupts:
        # Why a progress handler: SQLite runs a long statement without returning to Python, and loses exceptions in
        # callbacks.
        connection.set_progress_handler(lambda: interrupts.came, _STEPS)
        # Why foreign_keys = OFF: with it ON, dropping a table during a rebuild would delete rows of its ON DELETE
        # CASCADE children. Why before BEGIN: inside a transaction SQLite ignores this PRAGMA.
        connection.execute("PRAGMA foreign_keys = OFF")
        # Why set explicitly: a rename has to update the references to the table (`rename_quietly` is the exception).
        connection.execute("PRAGMA legacy_alter_table = OFF")
        # Why IMMEDIATE: the write lock is taken now, so nothing can change between the survey on this connection and
        # the first write.
        connection.execute("BEGIN IMMEDIATE")
        try:
            _require_same_file(connection, path)
            yield connection
            # Why checked: code in the block may have caught the error with which SQLite rolled back.
            still_inside(connection)
            with interrupts.delayed():
                interrupts.refuse()
                _commit(connection, path)
        except Exception:
            interrupts.refuse()
            raise
        finally:
            if connection.in_transaction:
                sqlite3.Connection.set_authorizer(connection, None)
                # Why both are removed: the authorizer would refuse the ROLLBACK, and the progress handler could
                # interrupt it.
                connection.set_progress_handler(None, 0)
                connection.execute("ROLLBACK")


def _commit(connection: HeldConnection, path: Path) -> None:
    """Commit. An error that leaves the transaction open, such as a timeout waiting for readers, is raised unchanged.

    Why: such a transaction is certain to be rolled back, while after any other error its outcome is unknown.
    """
    _require_same_file(connection, path)
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            raise
        raise CommitFailedError(str(path), str(error)) from error


def identity(path: Path) -> FileId:
    """Return device and inode of the file in a place; zeros if there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _require_same_file(connection: HeldConnection, path: Path) -> None:
    """Raise DatabaseError if another file was moved into the place of the one that is open.

    Why: SQLite would go on with the open one, which no path leads to any more.
    """
    if identity(path) != connection.file:
        problem = "another file was moved into its place during the run"
        raise DatabaseError(str(path), problem, "nothing was changed, in neither file: run it again")


@contextmanager
def locked(path: Path, lock_timeout: float) -> Iterator[HeldConnection]:
    """Open a connection that can write, in no transaction, while holding the run lock. Raises as `transaction`."""
    _refuse_odd_files(path)
    # Why these checks come before the lock: the lock file must not be created beside a file that is no database.
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
    """Hold the run lock and SQLite's write lock, in a transaction that is rolled back. Raises as `transaction`."""
    with locked(path, lock_timeout) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def _held(path: Path, timeout: float) -> Iterator[HeldConnection]:
    file = identity(path)
    connection = _open(path, "rw", timeout, HeldConnection)
    connection.file = file
    try:
        yield connection
    finally:
        sqlite3.Connection.close(connection)


@contextmanager
def watching(path: Path, timeout: float) -> Iterator[sqlite3.Connection]:
    """Open a connection that cannot write, in no transaction, on which `PRAGMA data_version` shows writes by others."""
    with translated(path, timeout), closing(_open(path, "ro", timeout, sqlite3.Connection)) as connection:
        yield connection


def in_memory() -> AbstractContextManager[sqlite3.Connection]:
    """Open an empty database in memory, in no transaction."""
    return closing(sqlite3.connect(":memory:", isolation_level=None, cached_statements=_UNCACHED))


@contextmanager
def created(path: Path) -> Iterator[None]:
    """Create an empty file if there is none, and remove it if the block raises and leaves it empty.

    Raises DatabaseError.
    """
    try:
        with path.open("xb"):
            pass
    except FileExistsError:
        yield
        return
    except FileNotFoundError:
        raise DatabaseError(
            str(path), "its folder does not exist", "nothing was created: create the folder first"
        ) from None
    except OSError as error:
        raise DatabaseError(str(path), str(error.strerror), "nothing was created: check its folder") from error
    try:
        yield
    except BaseException:
        # Why under the lock: a run that waited for this one may be about to use the file.
        with suppress(ArchmigError, OSError), held(path, 0):
            if is_empty(path):
                path.unlink()
        raise


def commit(connection: sqlite3.Connection) -> None:
    """Commit what was written, if anything was. Raises TransactionEndedError on a held connection."""
    connection.commit()


def rows_written(connection: sqlite3.Connection) -> int:
    """Return how many rows were written since the connection was opened: a number that only grows."""
    return connection.total_changes


def still_inside(connection: sqlite3.Connection) -> None:
    """Raise TransactionEndedError if SQLite itself has rolled the transaction back (disk full, OR ROLLBACK)."""
    if not connection.in_transaction:
        raise TransactionEndedError("go on after SQLite had rolled the transaction back by itself")


@contextmanager
def translated(path: Path, timeout: float) -> Iterator[None]:
    """Translate SQLite's errors about the file as a whole to archmig's, which name the file and the next step."""
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
        if code in {0, sqlite3.SQLITE_ERROR} and (error_of_text := unreadable_schema_error(str(path), str(error))):
            raise error_of_text from error
        raise


_Connection = TypeVar("_Connection", bound=sqlite3.Connection)


def _open(path: Path, mode: str, timeout: float, factory: type[_Connection]) -> _Connection:
    uri = f"file:{percent(os.fsencode(path))}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, timeout=timeout, isolation_level=None, factory=factory, cached_statements=_UNCACHED
    )


def _recover(path: Path, timeout: float) -> None:
    """Let SQLite roll back the transaction of a killed writer.

    Why: a connection that cannot write refuses to read while a journal waits to be rolled back.
    """
    if not path.with_name(path.name + "-journal").exists() or not os.access(path, os.W_OK):
        return
    if os.access(path.parent, os.W_OK):
        with translated(path, timeout), closing(_open(path, "rw", timeout, sqlite3.Connection)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _read_mode(path: Path) -> str:
    """The mode of a read-only connection; immutable for a WAL database in a read-only folder without a -wal file.

    Why immutable: SQLite would create a -shm file beside a WAL database, and refuses to read where it cannot.
    """
    if os.access(path.parent, os.W_OK) or path.with_name(path.name + "-wal").exists():
        return "ro"
    return "ro&immutable=1"


def _refuse_odd_files(path: Path) -> None:
    if not path.exists():
        raise DatabaseMissingError(str(path))
    if odd := odd_journal(path):
        problem = f"{odd} beside it is not a file, and SQLite would wait for it"
        raise DatabaseError(str(path), problem, "the database was not opened: move that away")
    if not path.is_file() or _is_too_small(path):
        raise NotADatabaseError(str(path))
    if path.stat().st_nlink > 1:
        problem = "has more than one name (hard links), and a journal would be found through only one of them"
        raise DatabaseError(str(path), problem, "remove the other names, or work on a copy")


def _is_too_small(path: Path) -> bool:
    """Whether a file is smaller than a page: SQLite takes it for an empty database and would overwrite it.

    A file with a journal is accepted, because SQLite restores it from the journal.
    """
    return 0 < path.stat().st_size < _SMALLEST and not path.with_name(path.name + "-journal").exists()


@contextmanager
def _locked(path: Path, timeout: float) -> Iterator[None]:
    """Hold the run lock.

    Why the file is checked again: the run that held the lock may have replaced or removed it.
    """
    with held(path, timeout):
        _refuse_odd_files(path)
        yield


def _refuse_what_is_no_database(path: Path) -> None:
    """Raise NotADatabaseError before a lock file is created beside the file; a locked database is accepted."""
    with translated(path, 0), closing(_open(path, "ro", 0, sqlite3.Connection)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            # Why accept _LEFT: a database with a killed writer's journal is readable after BEGIN IMMEDIATE has rolled
            # that back.
            if error.sqlite_errorcode & 0xFF not in _BUSY and error.sqlite_errorcode not in _LEFT:
                raise


def _refuse_read_only(path: Path) -> None:
    """Raise NotWritableError before anything is planned.

    Why here: BEGIN IMMEDIATE succeeds on a file that cannot be written.
    """
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            raise NotWritableError(str(path), f"no write permission on {place}")
