"""The one transaction of a run on a PostgreSQL database: its lock, its seal, and the connection that is lent.

Nothing but the end of the block commits. A revision's COMMIT never reaches the server as long as its code uses the
connection that it is lent; a COMMIT that does, as one inside a function, meets the seal: a deferred trigger that raises
an error unless archmig itself is about to commit.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

from architect_migrate.core.database_errors import (
    CommitFailedError,
    DatabaseError,
    DatabaseLockedError,
    Holder,
    LockedByRunError,
    TransactionEndedError,
)
from architect_migrate.core.interrupts import recording_interrupts
from architect_migrate.core.names import quote
from architect_migrate.core.server_errors import CountersOffError, PoolerError, RunRefusedError
from architect_migrate.databases.postgresql.connection import explained, first_line, opened_as
from architect_migrate.databases.postgresql.lent import LentConnection, LentCursor
from architect_migrate.databases.postgresql.numbering import bring_forward
from architect_migrate.databases.postgresql.pinned import current_schema, query
from architect_migrate.databases.postgresql.statements import inside_a_transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.postgresql.lent import Hearing
    from architect_migrate.databases.postgresql.stored import Kept

# The first half of the key of the lock of runs ("arch"); the second is the schema.
_SPACE = 0x61726368
_SEAL = """
    CREATE TEMP TABLE archmig_seal (token text) ON COMMIT DROP;
    CREATE OR REPLACE FUNCTION pg_temp.archmig_sealed() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
        IF current_setting('archmig.finish', true) IS DISTINCT FROM NEW.token THEN
            RAISE EXCEPTION 'archmig keeps one transaction around the whole run' USING ERRCODE = 'AM001';
        END IF;
        RETURN NULL;
    END$$;
    CREATE CONSTRAINT TRIGGER archmig_seal AFTER INSERT ON pg_temp.archmig_seal
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.archmig_sealed()"""
_SEALED, _NOT_AVAILABLE = "AM001", psycopg.errors.LockNotAvailable.sqlstate
_HOLDER = """
    SELECT coalesce(a.xact_start, a.backend_start)::text, a.pid::text,
           coalesce(a.client_addr::text, 'this server'), a.usename::text, a.application_name
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %(space)s::int8::oid AND l.objsubid = 2
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.objid = (hashtext(%(schema)s)::int8 & 4294967295)::oid"""
_OPENERS = """
    SELECT DISTINCT coalesce(nullif(a.application_name, ''), a.usename, 'a client') || ' (process ' || a.pid || ')'
    FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
    WHERE l.granted AND l.pid <> pg_backend_pid() AND c.relnamespace = %(schema)s::regnamespace
          AND a.datname = current_database() AND a.xact_start IS NOT NULL ORDER BY 1"""
_SETTINGS = """
    SELECT set_config('lock_timeout', %(wait)s, true), set_config('statement_timeout', '0', true),
           set_config('idle_in_transaction_session_timeout', '0', true), set_config('row_security', 'off', true),
           set_config('application_name', %(name)s, true)"""
_LOCK = "SELECT pg_try_advisory_xact_lock(%(space)s::int4, hashtext(%(schema)s))"
# How long to wait between two questions for the lock, in seconds.
_PAUSE = 0.1
# Held by the connection until it is released, or the connection is closed.
_LOCK_FOR_LONG = "SELECT pg_advisory_lock(%(space)s::int4, hashtext(%(schema)s))"
_RELEASE = "SELECT pg_advisory_unlock_all()"
_COUNTERS = "SELECT current_setting('track_counts')"
_BEGUN = "SELECT pg_current_xact_id()::text, pg_postmaster_start_time()::text"


class HeldConnection(LentConnection):
    """The connection of a run, which only the code that opened it commits.

    `transaction_id` is the server's number of its transaction with the time at which the server was started, `token`
    breaks its seal, and `kept` are the rows from before it. `leaving` is called before a revision leaves it, with what
    that wrote so far, and returns what is called when the next one has begun; None where none may. `is_outside` says
    that one has left it. `compared` is the backup with whose objects the schema was compared.
    """

    url: DatabaseUrl
    lock_timeout: float
    transaction_id: tuple[str, str] = ("", "")
    token: str = ""
    kept: Kept | None = None
    compared: Path | None = None
    leaving: Callable[[Hearing | None], Callable[[], None]] | None = None
    is_outside: bool = False

    def as_run(self, text: str) -> str:
        """Return a statement as it can run in the transaction of the run."""
        return text if self.is_outside else inside_a_transaction(text)


@contextmanager
def transaction(url: DatabaseUrl, lock_timeout: float) -> Iterator[HeldConnection]:
    """Open the one transaction of a run: commits when the block ends, rolls back when it raises.

    Raises as `_sealing`.
    """
    with _opened(url, lock_timeout) as held, _sealing(held):
        yield held


@contextmanager
def transactions(
    url: DatabaseUrl, lock_timeout: float
) -> Iterator[Callable[[], AbstractContextManager[HeldConnection]]]:
    """Hold the lock of runs in the block, which gets what opens one transaction of the run after another.

    Raises as `transaction`.
    """
    with _opened(url, lock_timeout) as held:
        with _begun(held):
            query(held, _LOCK_FOR_LONG, _asked(held))
            held.really().commit()
        try:
            yield partial(_sealing, held)
        finally:
            # Why released: the server needs a moment to notice that a connection was closed.
            with suppress(psycopg.Error):
                query(held, _RELEASE)
                held.really().commit()


@contextmanager
def _sealing(held: HeldConnection) -> Iterator[HeldConnection]:
    """Open a transaction on a connection: commits when the block ends, rolls back when it raises.

    Waits the `lock_timeout` of the connection for other runs, and as long for each lock of an application. Raises
    LockedByRunError, DatabaseLockedError, PoolerError, CountersOffError, TransactionEndedError, and CommitFailedError
    if the server gave no answer to the COMMIT: the caller then has to find out what the database holds.
    """
    with recording_interrupts(), _begun(held), _naming_openers(held):
        _seal(held)
        yield held
        finish(held)


@contextmanager
def exclusive(url: DatabaseUrl, lock_timeout: float) -> Iterator[HeldConnection]:
    """Hold the lock of runs, in a transaction that is rolled back. Raises as `transaction`."""
    with _opened(url, lock_timeout) as held, _begun(held):
        yield held


@contextmanager
def _opened(url: DatabaseUrl, lock_timeout: float) -> Iterator[HeldConnection]:
    held = opened_as(HeldConnection, url, lock_timeout, prepare_threshold=None, cursor_factory=LentCursor)
    held.url, held.lock_timeout = url, lock_timeout
    try:
        yield held
    finally:
        with suppress(psycopg.Error):
            held.really().close()


@contextmanager
def _begun(held: HeldConnection) -> Iterator[None]:
    """Begin a transaction that has the lock of runs; it is rolled back unless the block has ended it."""
    really = held.really()
    try:
        with explained(held, str(held.url), held.lock_timeout):
            _begin(held)
            yield
    finally:
        with suppress(psycopg.Error):
            if held.info.transaction_status is not TransactionStatus.IDLE:
                really.rollback()
            if held.kept:
                bring_forward(held, held.own_schema, held.kept.sequences)
                really.commit()
        held.kept = None


def _begin(held: HeldConnection) -> None:
    _refuse_poolers(held)
    _lock(held)
    query(held, _SETTINGS, {"wait": str(max(1, int(held.lock_timeout * 1000))), "name": _own_name()})
    if query(held, _COUNTERS).fetchone() != ("on",):
        raise CountersOffError(str(held.url))
    held.transaction_id = (query(held, _BEGUN).fetchone() or ("", ""))[:2]


def begin_again(held: HeldConnection) -> None:
    """Begin and seal a transaction as that which `finish` has committed. Raises as `transaction`."""
    _begin(held)
    _seal(held)


def finish(held: HeldConnection) -> None:
    """Commit the transaction, which breaks its seal. Raises as `transaction`."""
    still_inside(held)
    with recording_interrupts() as interrupts, interrupts.delayed():
        interrupts.refuse()
        _unseal(held)
        _commit(held)
        # What was kept is for a run that is rolled back.
        held.kept = None


def _own_name() -> str:
    """How other runs and the server's administrators see this one."""
    return f"archmig process {os.getpid()} on {socket.gethostname()}"[:63]


def _refuse_poolers(held: HeldConnection) -> None:
    """Raise PoolerError where the server's process is not the one with which the connection was made."""
    answered = (query(held, "SELECT pg_backend_pid()").fetchone() or (0,))[0]
    if answered != held.info.backend_pid:
        raise PoolerError(str(held.url))


def _lock(held: HeldConnection) -> None:
    """Take the lock of runs. Raises LockedByRunError.

    Why asked again and again, outside of a transaction meanwhile: an index that the other run makes CONCURRENTLY waits
    for each transaction that is open, and one that waited for that run would never end.
    """
    held.own_schema = current_schema(held)
    until = time.monotonic() + held.lock_timeout
    while query(held, _LOCK, _asked(held)).fetchone() != (True,):
        found = query(held, _HOLDER, _asked(held)).fetchone()
        held.really().rollback()
        if time.monotonic() >= until:
            raise LockedByRunError(str(held.url), held.lock_timeout, Holder(*map(str, found or ())))
        time.sleep(_PAUSE)


def _asked(held: HeldConnection) -> dict[str, object]:
    return {"space": _SPACE, "schema": held.own_schema}


def _seal(held: HeldConnection) -> None:
    with _refusals_told(held):
        query(held, _SEAL)
    _put_token(held)


@contextmanager
def _refusals_told(held: HeldConnection) -> Iterator[None]:
    """Raise RunRefusedError where the server lets no temporary table be made, which is the first that a run writes."""
    shown = str(held.url)
    try:
        yield
    except psycopg.errors.ReadOnlySqlTransaction as error:
        cure = "connect to the primary server, with default_transaction_read_only = off for this role and database"
        raise RunRefusedError(shown, first_line(error), cure) from error
    except psycopg.errors.InsufficientPrivilege as error:
        role, database = quote(held.info.user), quote(held.info.dbname)
        raise RunRefusedError(shown, first_line(error), f"GRANT TEMPORARY ON DATABASE {database} TO {role}") from error
    except psycopg.errors.RaiseException as error:
        cure = "an event trigger of the database raises this; disable it for the run"
        raise RunRefusedError(shown, first_line(error), cure) from error


def _put_token(held: HeldConnection) -> None:
    """Seal the transaction with a new token."""
    held.token = secrets.token_hex(16)
    query(held, "INSERT INTO pg_temp.archmig_seal VALUES (%(token)s)", {"token": held.token})


def _unseal(held: HeldConnection) -> None:
    """Break the seal, and let every deferred constraint be checked while its error can still be reported."""
    query(held, "SELECT set_config('archmig.finish', %(token)s, true)", {"token": held.token})
    query(held, "SET CONSTRAINTS ALL IMMEDIATE")


def fire_deferred(held: HeldConnection) -> None:
    """Fire deferred triggers and check deferred constraints, and seal the transaction again."""
    _unseal(held)
    query(held, "SELECT set_config('archmig.finish', '', true)")
    query(held, "SET CONSTRAINTS pg_temp.archmig_seal DEFERRED")
    _put_token(held)


def _commit(held: HeldConnection) -> None:
    try:
        held.really().commit()
    except psycopg.Error as error:
        if not held.closed:
            # The server answered, and so it has rolled everything back.
            raise DatabaseError(str(held.url), first_line(error), "nothing was changed: run it again") from error
        raise CommitFailedError(str(held.url), first_line(error)) from error


def still_inside(connection: LentConnection) -> None:
    """Raise TransactionEndedError if the transaction was ended, or if an error that aborted it was passed over."""
    match connection.info.transaction_status:
        case TransactionStatus.INTRANS:
            pass
        case TransactionStatus.INERROR:
            raise TransactionEndedError("go on after an error, after which PostgreSQL runs nothing more")
        case _:
            raise TransactionEndedError("end the transaction")
    if isinstance(connection, HeldConnection) and query(connection, _BEGUN).fetchone() != connection.transaction_id:
        raise TransactionEndedError("end the transaction and begin another")


def rows_written(connection: LentConnection) -> int:
    """Return how many rows of tables the transaction wrote."""
    asked = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables"
    return int((query(connection, asked).fetchone() or (0,))[0])


@contextmanager
def _naming_openers(held: HeldConnection) -> Iterator[None]:
    """Name the sessions that have locks where the block waited for one in vain, and who broke the seal."""
    try:
        yield
    except Exception as error:
        states = {each.sqlstate for each in _causes(error) if isinstance(each, psycopg.Error)}
        if _NOT_AVAILABLE in states:
            raise locked_by(held) from error
        if _SEALED in states:
            raise TransactionEndedError("commit") from error
        raise


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that it was made of, such as that of a driver in that of a revision."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def locked_by(held: HeldConnection) -> DatabaseLockedError:
    """Return the error for a lock that was waited for in vain, with the sessions that have locks on the tables."""
    found: list[Any] = []
    with suppress(psycopg.Error):
        held.really().rollback()
        found = query(held, _OPENERS, {"schema": held.own_schema}).fetchall()
    return DatabaseLockedError(str(held.url), held.lock_timeout, tuple(str(name) for (name,) in found))
