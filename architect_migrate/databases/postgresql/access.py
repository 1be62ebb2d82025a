"""Opens PostgreSQL databases, and finds out what is there: `databases.base.Access`."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from architect_migrate.core.server_errors import NoSuchDatabaseError, UnsupportedError
from architect_migrate.core.urls import DatabaseUrl
from architect_migrate.databases.absence import Absence
from architect_migrate.databases.postgresql import archive, connection, held, presence
from architect_migrate.databases.postgresql.pinned import current_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import psycopg

    from architect_migrate.databases.base import Place
    from architect_migrate.databases.postgresql.held import HeldConnection

    Connection = psycopg.Connection[Any]


def location(place: Place) -> str:
    """Return the URL of a database, without what may be secret."""
    return str(place)


def file_of(place: Place) -> Path:
    """Refuse: no file is a database here. Raises UnsupportedError."""
    raise unsupported(place, "create or remove databases")


def is_database(_file: Path) -> bool:
    """Return whether a file is a database: never."""
    return False


def odd_journal(_file: Path) -> str:
    """Return the name of an odd file beside a database: none."""
    return ""


def exists(place: Place) -> bool:
    """Return whether the server has the database. Raises as `presence.exists`."""
    return presence.exists(_url(place))


def is_empty(place: Place) -> bool:
    """Return whether the schema that would be read has no object. Raises as `presence.is_empty`."""
    return presence.is_empty(_url(place))


def size(place: Place) -> int:
    """Return the size of the database in bytes, 0 if it does not exist. Raises as `reading`."""
    with suppress(NoSuchDatabaseError), reading(place) as its:
        return int((its.execute("SELECT pg_database_size(current_database())").fetchone() or (0,))[0])
    return 0


def openers(_place: Place) -> tuple[str, ...]:
    """Return other processes that have the database open: the server knows them, and archmig does not ask."""
    return ()


def stray_journal(_place: Place) -> str:
    """Return the path of a journal beside a missing database: none."""
    return ""


@lru_cache(maxsize=64)
def server_of(url: DatabaseUrl) -> tuple[str, str]:
    """Return the major version of a database's server, and the schema that is read. Raises as `reading`.

    Why cached: it is asked before anything else, and once for each command on each database.
    """
    with reading(url) as its:
        return str(its.info.server_version // 10_000), current_schema(its)


def reading(place: Place, timeout: float = 5.0) -> AbstractContextManager[Any]:
    """Open a connection that cannot write, as `connection.reading`, or an archive, as `archive.opened`."""
    if isinstance(place, DatabaseUrl):
        return connection.reading(place, timeout)
    return nullcontext(archive.opened(place))


@contextmanager
def looked_at(place: Place, timeout: float) -> Iterator[Connection | Absence]:
    """Open a connection as `reading`, or return that there is nothing to look at.

    Why one connection for all of it: to open one takes as long as a query of the catalogs.
    """
    with ExitStack() as stack:
        try:
            its = stack.enter_context(reading(place, timeout))
        except NoSuchDatabaseError:
            yield Absence.MISSING
        else:
            yield Absence.EMPTY if presence.defines_nothing(its) else its


def transaction(place: Place, lock_timeout: float) -> AbstractContextManager[HeldConnection]:
    """Open the one transaction of a run, as `held.transaction`."""
    return held.transaction(_url(place), lock_timeout)


def transactions(
    place: Place, lock_timeout: float
) -> AbstractContextManager[Callable[[], AbstractContextManager[HeldConnection]]]:
    """Hold the lock of runs, as `held.transactions`."""
    return held.transactions(_url(place), lock_timeout)


def exclusive(place: Place, lock_timeout: float) -> AbstractContextManager[HeldConnection]:
    """Hold the lock of runs, as `held.exclusive`."""
    return held.exclusive(_url(place), lock_timeout)


def turn(file: Path, _timeout: float) -> NoReturn:
    """Refuse a run. Raises UnsupportedError."""
    raise unsupported(file, "lock files as databases")


@contextmanager
def created(place: Place, _like: Path | None = None) -> Iterator[None]:
    """Go on if there is a database. Raises NoSuchDatabaseError: who owns a new one is not for archmig to decide."""
    with reading(place):
        pass
    yield


def remove(place: Place) -> NoReturn:
    """Refuse to remove a database. Raises UnsupportedError."""
    raise unsupported(place, "create or remove databases")


def unsupported(thing: Place | Connection, action: str) -> UnsupportedError:
    """Return the error for something that archmig does not do on PostgreSQL."""
    subject = str(thing) if isinstance(thing, DatabaseUrl | Path) else thing.info.dbname
    return UnsupportedError(subject, action)


def _url(place: Place) -> DatabaseUrl:
    assert isinstance(place, DatabaseUrl)
    return place
