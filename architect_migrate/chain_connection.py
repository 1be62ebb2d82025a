"""SQLAlchemy connections on a SQLite connection that archmig holds, for the chain's code to work on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from architect_migrate.database import still_inside
from architect_migrate.database_errors import TransactionEndedError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator


@contextmanager
def alchemy(connection: sqlite3.Connection) -> Iterator[sa.Connection]:
    """An SQLAlchemy connection on a lent SQLite connection, which it neither commits, rolls back nor closes.

    Once the transaction that it was lent in has ended, it executes nothing more: SQLite would be in autocommit.
    """
    inside = connection.in_transaction
    # The name is only to be shown, and need not be UTF-8.
    file = connection.execute("SELECT CAST(file AS BLOB) FROM pragma_database_list WHERE name = 'main'").fetchone()[0]
    url = sa.URL.create("sqlite", database=(file or b"").decode("utf-8", "replace") or None)
    engine = sa.create_engine(url, creator=lambda: connection, poolclass=sa.pool.StaticPool, pool_reset_on_return=None)
    for verb, deed in (("do_commit", refuse_commit), ("do_rollback", do_nothing), ("do_close", do_nothing)):
        setattr(engine.dialect, verb, deed)
    sa.event.listen(engine, "before_cursor_execute", lambda *_: still_inside(connection) if inside else None)
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
