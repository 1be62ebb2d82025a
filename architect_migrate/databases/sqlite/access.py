"""Opens the SQLite database in a place, and finds out what is there: `databases.base.Access`."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.databases.absence import Absence
from architect_migrate.databases.sqlite import connection, presence, run_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from sqlite3 import Connection

    from architect_migrate.databases.base import Place

is_database = presence.is_database
odd_journal = presence.odd_journal
turn = run_lock.held


def file_of(place: Place) -> Path:
    """Return the file of a database."""
    file = place if isinstance(place, Path) else place.path
    assert file is not None
    return file


def location(place: Place) -> str:
    """The file of a database, as text."""
    return str(file_of(place))


def exists(place: Place) -> bool:
    """Whether anything is at the database's path, a folder included."""
    return file_of(place).exists()


def is_empty(place: Place) -> bool:
    """Whether nothing was ever written to the database: no file, or a file of zero bytes."""
    return presence.is_empty(file_of(place))


def size(place: Place) -> int:
    """The size of the file in bytes, without its journal; 0 if it does not exist."""
    path = file_of(place)
    return path.stat().st_size if path.exists() else 0


def openers(place: Place) -> tuple[str, ...]:
    """The other processes that have the file open; none where /proc does not list them."""
    return run_lock.openers(file_of(place))


def stray_journal(place: Place) -> str:
    """The path of a journal beside a missing database; empty if there is none."""
    return presence.stray_journal(file_of(place))


def reading(place: Place, timeout: float = 5.0) -> AbstractContextManager[Connection]:
    """Open a connection that cannot write, as `connection.reading`."""
    return connection.reading(file_of(place), timeout)


@contextmanager
def looked_at(place: Place, timeout: float) -> Iterator[Connection | Absence]:
    """Open a connection as `reading`, or return that there is nothing to look at."""
    if not exists(place):
        yield Absence.MISSING
    elif is_empty(place):
        yield Absence.EMPTY
    else:
        with reading(place, timeout) as opened:
            yield opened


def transaction(place: Place, lock_timeout: float) -> AbstractContextManager[Connection]:
    """Open the one write transaction of a run, as `connection.transaction`."""
    return connection.transaction(file_of(place), lock_timeout)


@contextmanager
def transactions(place: Place, lock_timeout: float) -> Iterator[Callable[[], AbstractContextManager[Connection]]]:
    """Return in the block what opens the write transaction of a run, again after an attempt that was rolled back.

    Why without a lock between two attempts: here a run is one transaction.
    """
    yield partial(transaction, place, lock_timeout)


def exclusive(place: Place, lock_timeout: float) -> AbstractContextManager[Connection]:
    """Open a write transaction that is rolled back, as `connection.exclusive`."""
    return connection.exclusive(file_of(place), lock_timeout)


@contextmanager
def created(place: Place, like: Path | None = None) -> Iterator[None]:
    """Create an empty file if there is none, as `connection.created`."""
    path = file_of(place)
    with connection.created(path):
        if like:
            path.chmod(like.stat().st_mode & 0o777)
        yield


def remove(place: Place) -> None:
    """Delete the file and those beside it, as `presence.remove`."""
    presence.remove(file_of(place))
