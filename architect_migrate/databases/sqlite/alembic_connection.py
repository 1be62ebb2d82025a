"""SQLAlchemy connections on a SQLite connection that archmig holds, for the chain's code to work on."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import _SQLite_pysqliteTimeStamp

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.names import BATCH_COPY
from architect_migrate.databases.alchemy import as_connectable, do_nothing, instead, refuse_commit
from architect_migrate.databases.sqlite.batch_casts import refuse_lossy_casts
from architect_migrate.databases.sqlite.connection import HeldConnection, still_inside
from architect_migrate.databases.sqlite.lent import LentConnection
from architect_migrate.databases.sqlite.sql.lexer import ends_transaction
from architect_migrate.databases.sqlite.sql.passing import table_rename

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from alembic.runtime.migration import MigrationContext

# What had been written when a connection began its transaction.
_BEGAN = "archmig_began"
# How the dialect of env.py's engine writes values.
_OF_VALUES = frozenset({"_json_serializer", "_json_deserializer"})


@contextmanager
def alchemy(connection: sqlite3.Connection) -> Iterator[sa.Connection]:
    """Wrap a lent SQLite connection in an SQLAlchemy connection, which never commits, rolls back or closes it.

    Once the transaction that it was lent in has ended, it executes nothing more: SQLite would be in autocommit.
    It refuses casts that would change values (see `batch_casts`). Views and triggers that refer to a table do not stop
    the rename that ends a batch operation on it.
    """
    # The name is only to be shown, and need not be UTF-8.
    file = connection.execute("SELECT CAST(file AS BLOB) FROM pragma_database_list WHERE name = 'main'").fetchone()[0]
    url = sa.URL.create("sqlite", database=(file or b"").decode("utf-8", "replace") or None)
    # Why StaticPool without a reset: there is only this one connection, and the pool must not roll it back.
    engine = sa.create_engine(url, creator=lambda: connection, poolclass=sa.pool.StaticPool, pool_reset_on_return=None)
    for verb, action in (("do_commit", refuse_commit), ("do_rollback", do_nothing), ("do_close", do_nothing)):
        # Why on the dialect: SQLAlchemy and Alembic commit and roll back at points of their own, and archmig's
        # transaction has to end only after the proof.
        setattr(engine.dialect, verb, action)

    _watch(engine, connection)
    lent = engine.connect()
    try:
        # Why begun here: Alembic neither commits nor rolls back a transaction that it finds open.
        lent.begin()
        yield as_connectable(lent)
    except sa.exc.DBAPIError as error:
        # Why unwrap: `connection.translated` recognises a lock, a full disk or a damaged page by SQLite's own error
        # code.
        raise error.orig or error from None
    finally:
        lent.close()
        engine.dispose()


def engine_on(connection: sqlite3.Connection) -> sa.Engine:
    """Return an engine that opens this connection, on which the chain's code begins and commits by itself."""
    return sa.create_engine("sqlite://", creator=lambda: connection, poolclass=sa.pool.StaticPool)


def lent_engine_on(connection: sqlite3.Connection) -> sa.Engine:
    """Return an engine that opens this connection as a lent one: what is done to its transaction is only heard."""
    return sa.create_engine("sqlite://", creator=lambda: LentConnection(connection), poolclass=sa.pool.StaticPool)


def _watch(engine: sa.Engine, connection: sqlite3.Connection) -> None:
    """Check each statement before it is executed, and prepare SQLite for the rename of a batch copy."""
    inside = connection.in_transaction

    def looked_at(_lent: object, _cursor: object, statement: str, *_more: object) -> None:
        if inside:
            still_inside(connection)
            refuse_lossy_casts(connection, statement)
        _follow_references(connection, statement, "OFF")

    def carried_out(_lent: object, _cursor: object, statement: str, *_more: object) -> None:
        _follow_references(connection, statement, "ON")

    def failed(context: sa.engine.ExceptionContext) -> None:
        _follow_references(connection, context.statement or "", "ON")

    for event, heard in (
        ("before_cursor_execute", looked_at),
        ("after_cursor_execute", carried_out),
        ("handle_error", failed),
    ):
        sa.event.listen(engine, event, heard)


def _follow_references(connection: sqlite3.Connection, statement: str, state: str) -> None:
    """Switch between the two ways of ALTER TABLE RENAME around the statement that renames a batch copy to its table.

    With `state` OFF references do not follow the rename and are not checked. They are correct already, because they
    name the table. SQLite would otherwise read every view and trigger, and refuse, because the table does not exist at
    that moment.
    """
    if not isinstance(connection, HeldConnection) or BATCH_COPY not in statement:
        return
    rename = table_rename(statement)
    if rename is None or rename.old != f"{BATCH_COPY}{rename.new}":
        return
    connection.unwatched = True
    try:
        # Not by the connection's own methods: a meter of the chain's statements must not count this one.
        sqlite3.Cursor(connection).execute(f"PRAGMA legacy_alter_table = {'OFF' if state == 'ON' else 'ON'}")
    finally:
        connection.unwatched = False


def write_as(_connection: sqlite3.Connection, dialect: sa.Dialect, other: sa.Dialect) -> None:
    """Let a dialect that `alchemy` created write values as that of env.py's engine does."""
    for name in _OF_VALUES.intersection(vars(other)):
        setattr(dialect, name, getattr(other, name))
    if getattr(other, "native_datetime", False):
        # Why not the option itself: it has the driver read such values, which this connection's does not.
        dialect.colspecs = {**dialect.colspecs, sa.TIMESTAMP: _DriversTimestamp}


class _DriversTimestamp(_SQLite_pysqliteTimeStamp):
    """A timestamp that the driver writes."""

    def bind_processor(self, dialect: sa.Dialect) -> None:
        """Leave the value to the driver."""


@contextmanager
def refuse_ignored_calls(
    driver: sqlite3.Connection, context: MigrationContext, committed: Callable[[], object]
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
        instead(lent, "close", partial(refuse, "close the connection")),
        # Why honoured: nearly every statement that other databases want outside of a transaction, SQLite runs inside.
        instead(context, "autocommit_block", nullcontext),
    ):
        yield
    if lent.invalidated:
        tried.append("close the connection")
    if tried:
        raise TransactionEndedError(tried[0])


@contextmanager
def taken_over(
    driver: sqlite3.Connection, engine: sa.Engine, committed: Callable[[], object], given_up: Callable[[], object]
) -> Iterator[None]:
    """Let what an engine does to its transaction do nothing in the block, by a method or by a statement.

    A commit calls `committed`, and a rollback of what was written `given_up`. Any other rollback is ignored:
    SQLAlchemy's inspector, for one, ends its transaction so.
    """
    at_first = _state(driver)

    def begun(connection: sa.Connection) -> None:
        vars(connection)[_BEGAN] = _state(driver)

    def done(connection: sa.Connection) -> None:
        begun(connection)
        committed()

    def rolled_back(connection: sa.Connection) -> None:
        if _state(driver) > max(at_first, vars(connection).get(_BEGAN, at_first)):
            given_up()

    def instead_of(connection: sa.Connection, _cursor: object, statement: str, values: Any, *_: object) -> Any:
        match ends_transaction(statement):
            case "commit" | "end":
                done(connection)
            case "rollback":
                rolled_back(connection)
            case "begin":
                begun(connection)
            case _:
                return statement, values
        return "SELECT 1 WHERE 0", ()

    heard = {"begin": begun, "commit": done, "rollback": rolled_back}
    with _listening(engine, heard), _left_out(engine.dialect):
        sa.event.listen(engine, "before_cursor_execute", instead_of, retval=True)
        try:
            yield
        finally:
            sa.event.remove(engine, "before_cursor_execute", instead_of)


def _state(driver: sqlite3.Connection) -> tuple[int, int]:
    """Return how many rows were written, and how often the schema was changed: two numbers that only grow."""
    # Not by the connection's own methods: a meter of the chain's statements must not count this one.
    (schema,) = sqlite3.Cursor(driver).execute("PRAGMA schema_version").fetchone()
    return driver.total_changes, schema


@contextmanager
def _left_out(dialect: sa.Dialect) -> Iterator[None]:
    """Let an engine's dialect neither commit nor roll back."""
    with instead(dialect, "do_commit", do_nothing), instead(dialect, "do_rollback", do_nothing):
        yield


@contextmanager
def _listening(engine: sa.Engine, effects: Mapping[str, Callable[[sa.Connection], None]]) -> Iterator[None]:
    for name, action in effects.items():
        sa.event.listen(engine, name, action)
    try:
        yield
    finally:
        for name, action in effects.items():
            sa.event.remove(engine, name, action)
