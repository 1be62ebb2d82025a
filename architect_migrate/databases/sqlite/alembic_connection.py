"""SQLAlchemy connections on a SQLite connection that archmig holds, for the chain's code to work on."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.databases.sqlite.batch_casts import refuse_lossy_casts
from architect_migrate.databases.sqlite.connection import still_inside

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

    from alembic.runtime.migration import MigrationContext

# How many rows had been written when a connection began its transaction.
_CHANGES = "archmig_changes"


@contextmanager
def alchemy(connection: sqlite3.Connection) -> Iterator[sa.Connection]:
    """An SQLAlchemy connection on a lent SQLite connection, which it neither commits, rolls back nor closes.

    Once the transaction that it was lent in has ended, it executes nothing more: SQLite would be in autocommit.
    It moves no rows by casts that they would not survive (see `batch_casts`).
    """
    inside = connection.in_transaction
    # The name is only to be shown, and need not be UTF-8.
    file = connection.execute("SELECT CAST(file AS BLOB) FROM pragma_database_list WHERE name = 'main'").fetchone()[0]
    url = sa.URL.create("sqlite", database=(file or b"").decode("utf-8", "replace") or None)
    engine = sa.create_engine(url, creator=lambda: connection, poolclass=sa.pool.StaticPool, pool_reset_on_return=None)
    for verb, deed in (("do_commit", refuse_commit), ("do_rollback", do_nothing), ("do_close", do_nothing)):
        setattr(engine.dialect, verb, deed)

    def looked_at(_lent: object, _cursor: object, statement: str, *_more: object) -> None:
        if inside:
            still_inside(connection)
            refuse_lossy_casts(connection, statement)

    sa.event.listen(engine, "before_cursor_execute", looked_at)
    lent = engine.connect()
    try:
        lent.begin()
        yield as_connectable(lent)
    except sa.exc.DBAPIError as error:
        # Unwrapped, `database` can tell a lock, a full disk or a damaged page by SQLite's own code.
        raise error.orig or error from None
    finally:
        lent.close()
        engine.dispose()


def as_connectable(connection: sa.Connection) -> sa.Connection:
    """The same, for an env.py that wants `config.attributes["connection"]` to connect, as an engine does."""
    vars(connection)["connect"] = connection.engine.connect
    return connection


@contextmanager
def not_passed_over(context: MigrationContext, driver: sqlite3.Connection) -> Iterator[None]:
    """While code of the chain runs: what SQLAlchemy is asked to take back or close, and what would not be, is refused.

    Where nothing was written there is nothing to take back: an inspector, too, ends what it began with a rollback.
    """
    lent = context.connection
    assert lent is not None
    tried: list[str] = []
    at_first = driver.total_changes

    def begun(connection: sa.Connection) -> None:
        vars(connection)[_CHANGES] = driver.total_changes

    def taken_back(connection: sa.Connection) -> None:
        if driver.total_changes > max(at_first, vars(connection).get(_CHANGES, 0)):
            refuse("roll back")

    def refuse(deed: str) -> None:
        tried.append(deed)
        raise TransactionEndedError(deed)

    with (
        _listening(lent.engine, {"begin": begun, "rollback": taken_back}),
        _instead(lent, "close", partial(refuse, "close the connection")),
        _instead(context, "autocommit_block", partial(refuse, "run an autocommit_block")),
    ):
        yield
    if lent.invalidated:
        tried.append("close the connection")
    if tried:
        raise TransactionEndedError(tried[0])


@contextmanager
def _listening(engine: sa.Engine, effects: Mapping[str, Callable[[sa.Connection], None]]) -> Iterator[None]:
    for name, deed in effects.items():
        sa.event.listen(engine, name, deed)
    try:
        yield
    finally:
        for name, deed in effects.items():
            sa.event.remove(engine, name, deed)


@contextmanager
def _instead(thing: object, method: str, deed: Callable[[], None]) -> Iterator[None]:
    vars(thing)[method] = deed
    try:
        yield
    finally:
        del vars(thing)[method]


@contextmanager
def commits(dialect: sa.Dialect, deed: Callable[[object], None]) -> Iterator[None]:
    """Let `deed` be what a commit comes to, on a dialect that `alchemy` has made."""
    own = vars(dialect)
    usual, own["do_commit"] = own["do_commit"], deed
    try:
        yield
    finally:
        own["do_commit"] = usual


def refuse_commit(_connection: object) -> None:
    """Raise TransactionEndedError: the transaction is archmig's."""
    raise TransactionEndedError("commit")


def do_nothing(_connection: object) -> None:
    """SQLAlchemy rolls back when it first connects and when it closes: on a lent connection neither is its business."""
