"""Lends archmig's connection to whatever opens the database while the chain's code runs.

Why at SQLAlchemy's moment of connecting: env.py comes by its engine in any way (its configuration, a URL, an
application, an asynchronous driver) and with any pool, but each of them connects there. An engine with a `creator`
does not, and neither does code without an engine: these call the driver's own `connect`.
"""

from __future__ import annotations

import os
import sqlite3
import sqlite3.dbapi2
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from traceback import walk_stack
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.pool import Pool

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.databases.sqlite.async_engines import replaced, without_async_drivers
from architect_migrate.databases.sqlite.lent import LentConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from alembic.runtime.migration import MigrationContext


_CONNECT = sqlite3.connect
_POOL = str(sa.pool.base.__file__)


@dataclass(slots=True)
class _Lending:
    """A connection that is lent, the files that stand for its database, and what was lent of it.

    `refused` returns the error for another database, whose name it gets, and `threaded` the one for a connection in
    another thread, of which only the chain's code is to hear; None elsewhere. With `several`, other databases are
    replaced by empty ones in memory instead.
    """

    connection: sqlite3.Connection
    places: frozenset[str]
    refused: Callable[[str], Exception]
    threaded: Callable[[], Exception | None]
    several: bool
    thread: int = field(default_factory=threading.get_ident)
    lent: list[LentConnection] = field(default_factory=list)
    records: list[Any] = field(default_factory=list)
    apart: list[sqlite3.Connection] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def connect(self, dialect: sa.Dialect, record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        """Return the connection of an engine that connects; None lets it open a database in memory."""
        path = path_of(str(arguments[0] if arguments else options.get("database", "")))
        if self.is_elsewhere(path):
            return None
        if dialect.name != "sqlite":
            raise self.refused(_name_of(dialect, options))
        if not path:
            return None
        if path not in self.places:
            return self.another(path)
        self.records.append(record)
        return self.lend()

    def another(self, path: str) -> sqlite3.Connection:
        """Return the connection of an engine of another database: an empty one. Raises what `refused` returns."""
        if not self.several:
            raise self.refused(path)
        self.apart.append(_CONNECT(":memory:"))
        return self.apart[-1]

    def lend(self) -> LentConnection:
        """Return a new view of the connection."""
        self.lent.append(LentConnection(self.connection))
        return self.lent[-1]

    def opened(self, database: Any, *arguments: Any, **options: Any) -> Any:
        """Return the connection of code that calls the driver's `connect` itself; archmig's own gets a real one."""
        caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001  (there is no other way)
        if caller.startswith("architect_migrate.") or caller == __name__:
            return _CONNECT(database, *arguments, **options)
        path = path_of(os.fsdecode(database))
        if self.is_elsewhere(path):
            return _CONNECT(database, *arguments, **options)
        if path not in self.places:
            return self.another(path) if path and _is_a_pools() else _CONNECT(database, *arguments, **options)
        lent = self.lend()
        lent.isolation_level = options.get("isolation_level", "")
        return lent

    def is_elsewhere(self, path: str) -> bool:
        """Whether this is another thread; raises what `threaded` returns if that opens the database."""
        if threading.get_ident() == self.thread:
            return False
        if path in self.places and (error := self.threaded()):
            # Why kept: code that starts a thread need not ask for its exception.
            self.errors.append(error)
            raise error
        return True

    def checked_out(self, driver: object, record: object, _fairy: object) -> None:
        """Refuse a connection that was opened before, so that the pool connects anew. Raises DisconnectionError."""
        if isinstance(driver, LentConnection) and record not in self.records:
            self.records.append(record)
        if (
            isinstance(driver, sqlite3.Connection)
            and not isinstance(driver, LentConnection)
            and driver is not self.connection
            and threading.get_ident() == self.thread
            and opened_file(driver) in self.places
        ):
            raise sa.exc.DisconnectionError

    def take_back(self) -> None:
        """End the lending: pools that keep a lent connection connect anew afterwards."""
        for record in self.records:
            with suppress(Exception):  # a record that its pool has closed already
                record.invalidate()
        for lent in reversed(self.lent):
            lent.taken_back()
        for connection in self.apart:
            connection.close()


@contextmanager
def lending(
    connection: sqlite3.Connection,
    places: tuple[Path, ...],
    refused: Callable[[str], Exception],
    threaded: Callable[[], Exception | None],
    *,
    several: bool,
) -> Iterator[None]:
    """Lend a connection to every engine that opens one of `places` in the block, in this thread.

    Places are real paths. Why not made real here: a replay notes which files it looked at.

    An engine of another database raises what `refused` returns for its name; with `several`, it gets an empty
    database in memory. One that opens a place in another thread raises what `threaded` returns, if that is an error.
    """
    its = frozenset(map(str, places)) | {opened_file(connection)}
    this = _Lending(connection, its - {""}, refused, threaded, several)
    heard = ((sa.Engine, "do_connect", this.connect), (Pool, "checkout", this.checked_out))
    for target, name, hearing in heard:
        sa.event.listen(target, name, hearing)
    try:
        with (
            without_async_drivers(),
            replaced(sqlite3, "connect", this.opened),
            replaced(sqlite3.dbapi2, "connect", this.opened),
        ):
            yield
        if this.errors:
            raise this.errors[0]
        if any(lent.refused for lent in this.lent):
            # Why again: the chain's code may have caught the first.
            raise TransactionEndedError("roll back")
    finally:
        for target, name, hearing in heard:
            sa.event.remove(target, name, hearing)
        this.take_back()


def _is_a_pools() -> bool:
    """Whether the pool of an engine opens a connection now, by its `creator`."""
    return any(frame.f_code.co_filename == _POOL for frame, _ in walk_stack(None))


def path_of(name: str) -> str:
    """Return the real path of the file that a SQLite database's name means; empty for one in memory."""
    if name.startswith("file:"):
        name = unquote(name.removeprefix("file:").partition("?")[0])
        name = f"/{name.lstrip('/')}" if name.startswith("//") else name
    return "" if name in {"", ":memory:"} else os.path.realpath(name)


def opened_file(connection: sqlite3.Connection) -> str:
    """Return the real path of the file that a connection has open; empty for a database in memory."""
    # Why PRAGMA database_list: only SQLite knows which file the connection really has open.
    rows = sqlite3.Cursor(connection).execute("PRAGMA database_list").fetchall()
    name = next((row[2] for row in rows if row[1] == "main"), "")
    return os.path.realpath(name) if name else ""


def is_lent_to(connection: sqlite3.Connection, context: MigrationContext) -> bool:
    """Return whether Alembic's context works on this connection."""
    return driver_of(context) is connection


def is_in_memory(_connection: sqlite3.Connection, context: MigrationContext) -> bool:
    """Return whether Alembic's context works on a database in memory."""
    driver = driver_of(context)
    return driver is not None and not opened_file(driver)


def driver_of(context: MigrationContext) -> sqlite3.Connection | None:
    """Return the SQLite connection on which Alembic's context works; None if it is on another kind of database."""
    connection = context.connection
    driver: object = connection.connection.dbapi_connection if connection is not None else None
    if isinstance(driver, LentConnection):
        return driver.driver_connection
    return driver if isinstance(driver, sqlite3.Connection) else None


def let_alembic_act(
    _connection: sqlite3.Connection,
    context: MigrationContext,
    hear: Callable[[str, str], object],
    again: Callable[[Any], object],
) -> LentConnection:
    """Let Alembic roll back on the lent connection of its context, as it does after a revision that failed.

    `hear` gets the name and the value of each PRAGMA that is set on it, `again` gets each set of values before a
    statement runs with it. Return the connection.
    """
    driver: object = context.connection.connection.dbapi_connection if context.connection is not None else None
    assert isinstance(driver, LentConnection)
    driver.is_alembics, driver.hear, driver.again = True, hear, again
    return driver


def _name_of(dialect: sa.Dialect, options: dict[str, Any]) -> str:
    """Return the name of a database of another kind, without what may be secret."""
    database, host = options.get("dbname") or options.get("database") or options.get("db"), options.get("host")
    return " ".join(str(part) for part in ("a", dialect.name, "database", database, host and f"on {host}") if part)
