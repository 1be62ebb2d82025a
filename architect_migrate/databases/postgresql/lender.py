"""PostgreSQL connections for the chain's code and for Alembic: `databases.base.Lender`, as a replay needs it."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeGuard

import psycopg
import sqlalchemy as sa

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.databases.alchemy import as_connectable, commits, do_nothing, instead, refuse_commit
from architect_migrate.databases.postgresql import access, lent_dialect, recorder
from architect_migrate.databases.postgresql.held import HeldConnection
from architect_migrate.databases.postgresql.leaving import outside
from architect_migrate.databases.postgresql.pinned import schemas_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import ModuleType
    from typing import NoReturn

    from alembic.runtime.migration import MigrationContext

    from architect_migrate.databases.postgresql.lent import LentConnection

# A search_path among the options of a connection, in which a space of its own is written after a backslash.
_OF_OPTIONS = re.compile(r"(?:-c\s*|--)search_path\s*=\s*((?:\\.|\S)+)")
# The drivers that connect without Python's sockets, so that the sandbox of a replay would not notice.
_DRIVERS = ("psycopg", "psycopg2")

prepare = lent_dialect.register
prepared = lent_dialect.registered
recording = recorder.recording


def _url(connection: LentConnection) -> sa.URL:
    return sa.URL.create("postgresql+psycopg", database=connection.info.dbname)


def _engine(connection: LentConnection) -> sa.Engine:
    return sa.create_engine(
        _url(connection),
        module=psycopg,
        creator=lambda: connection,
        poolclass=sa.pool.StaticPool,
        pool_reset_on_return=None,
    )


@contextmanager
def alchemy(connection: LentConnection) -> Iterator[sa.Connection]:
    """Wrap a lent connection in an SQLAlchemy connection, which never commits, rolls back or closes it."""
    engine = _engine(connection)
    lent = engine.connect()
    try:
        lent.begin()
        with commits(engine.dialect, refuse_commit):
            yield as_connectable(lent)
    finally:
        lent.close()
        engine.dispose()


def engine_on(connection: LentConnection) -> sa.Engine:
    """Return an engine that opens this connection as a lent one."""
    return _engine(connection)


lent_engine_on = engine_on


@contextmanager
def lending(
    connection: LentConnection,
    _places: tuple[Path, ...],
    refused: Callable[[str], Exception],
    _threaded: Callable[[], Exception | None],
    *,
    several: bool,
) -> Iterator[None]:
    """Lend a connection to every engine on PostgreSQL in the block.

    Why whichever database it names: its URL is that of a database of an environment, and no run of archmig's opens one.
    An engine on another kind of database, and a driver that is called without an engine, raise what `refused` returns.
    """

    def connect(
        dialect: sa.Dialect, _record: object, _arguments: object, options: Mapping[str, Any]
    ) -> LentConnection | None:
        if dialect.name == "sqlite":
            return None
        if dialect.name != "postgresql":
            raise refused(f"a {dialect.name} database")
        if not isinstance(dialect, lent_dialect.LentDialect):
            raise refused("a PostgreSQL database, by an engine that was made before the chain was loaded")
        if path := search_path_of(options):
            recorder.refuse_other_schema(connection, next(schemas_of(path, connection.info.user), ""))
        return connection

    def opened(*_: object, **__: object) -> NoReturn:
        raise refused("a PostgreSQL database" + " of several" * several)

    sa.event.listen(sa.Engine, "do_connect", connect)
    try:
        with ExitStack() as stack:
            for driver in filter(None, map(_imported, _DRIVERS)):
                stack.enter_context(instead(driver, "connect", opened))
            yield
    finally:
        sa.event.remove(sa.Engine, "do_connect", connect)


def search_path_of(options: Mapping[str, Any]) -> str:
    """Return the search_path that an engine sets when it connects; empty if it sets none."""
    given = _OF_OPTIONS.findall(str(options.get("options") or ""))
    settings = options.get("server_settings") or {}
    return str(settings.get("search_path") or (given[-1].replace("\\", "") if given else ""))


def _imported(driver: str) -> ModuleType | None:
    """Return a driver's module, if it is installed. Why imported: code of the chain would import it after this."""
    with suppress(ImportError):
        return import_module(driver)
    return None


def opened_file(_connection: LentConnection) -> str:
    """Return the file of the database: none, since it is on a server."""
    return ""


def is_lent_to(connection: LentConnection, context: MigrationContext) -> bool:
    """Return whether Alembic's context works on this connection."""
    its = context.connection
    driver: object = its.connection.dbapi_connection if its is not None else None
    return driver is connection


def is_in_memory(_connection: LentConnection, _context: MigrationContext) -> bool:
    """Return whether Alembic's context works on a database in memory: never."""
    return False


def let_alembic_act(
    connection: LentConnection,
    _context: MigrationContext,
    _hear: Callable[[str, str], object],
    _again: Callable[[Any], object],
) -> object:
    """Return the connection on which Alembic acts."""
    return connection


def commit(connection: LentConnection) -> None:
    """Commit what was done so far."""
    connection.really().commit()


@contextmanager
def taken_over(
    driver: LentConnection, _engine: sa.Engine, committed: Callable[[], object], given_up: Callable[[], object]
) -> Iterator[None]:
    """Let what the chain's code does to its transaction do nothing in the block; a commit calls `committed`.

    A rollback calls `given_up`: PostgreSQL does not say whether it would take back something.
    """
    before = driver.committed, driver.given_up
    driver.committed, driver.given_up = committed, given_up
    try:
        yield
    finally:
        driver.committed, driver.given_up = before


def write_as(_connection: LentConnection, dialect: sa.Dialect, other: sa.Dialect) -> None:
    """Let a dialect hand statements over as another one does, which the chain's code was written for."""
    dialect.do_execute = other.do_execute  # type: ignore[method-assign]  # no engine but the lent one has this dialect


@contextmanager
def refuse_ignored_calls(
    driver: LentConnection, context: MigrationContext, committed: Callable[[], object]
) -> Iterator[None]:
    """Refuse a rollback or close of the chain's code, which a lent connection would silently ignore.

    A commit does nothing, and calls `committed`: archmig commits after its proof. Raises TransactionEndedError, also
    where the chain's code has caught it.
    """
    lent = context.connection
    assert lent is not None
    tried: list[str] = []

    def refuse(action: str) -> None:
        tried.append(action)
        raise TransactionEndedError(action)

    with (
        taken_over(driver, lent.engine, committed, partial(refuse, "roll back")),
        commits(lent.engine.dialect, do_nothing),
        instead(lent, "close", partial(refuse, "close the connection")),
        # What CONCURRENTLY makes, PostgreSQL makes inside of a transaction without that word.
        instead(context, "autocommit_block", partial(outside, driver) if _may_leave(driver) else driver.each_alone),
    ):
        yield
    if lent.invalidated:
        tried.append("close the connection")
    if tried:
        raise TransactionEndedError(tried[0])


def _may_leave(driver: LentConnection) -> TypeGuard[HeldConnection]:
    return isinstance(driver, HeldConnection) and driver.leaving is not None


def lay_file(connection: LentConnection, _path: Path, _hidden: Iterable[str]) -> None:
    """Refuse a baseline. Raises UnsupportedError."""
    raise access.unsupported(connection, "make a baseline from databases")
