"""Opens connections to PostgreSQL databases, and converts the errors of the driver."""

from __future__ import annotations

import math
import re
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from architect_migrate.core.database_errors import DatabaseLockedError
from architect_migrate.core.errors import BadUrlError
from architect_migrate.core.secrets import mask
from architect_migrate.core.server_errors import (
    LoginRefusedError,
    NoSuchDatabaseError,
    NotReadableError,
    TimedOutError,
    UnreachableError,
)
from architect_migrate.core.text import first_line_of
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.databases.postgresql.queries import TEXTS
from architect_migrate.databases.postgresql.urls import libpq_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg.pq.abc import PGconn

    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.postgresql.pinned import Connection

_Connection = TypeVar("_Connection", bound="psycopg.Connection[Any]")

# Why by text: libpq gives no code. What a server says in another language is taken as the general error.
_NO_DATABASE = re.compile(r'FATAL: +database "(.*)" does not exist')
_NO_LOGIN = re.compile(r'authentication failed|no password supplied|role ".*" does not exist|no pg_hba\.conf entry')
# What an error may show of a URL.
_SHOWN = frozenset({"host", "hostaddr", "port", "dbname", "user", "service"})
# The shortest time that libpq waits for a connection, in seconds.
_SHORTEST = 2


class Opened(psycopg.Connection[Any]):
    """A connection that archmig has opened. `digests` are those of the moment that a read-only transaction sees."""

    def __init__(self, pgconn: PGconn) -> None:
        """Take over a connection of the client library."""
        super().__init__(pgconn)
        self.digests: dict[tuple[str, ...], str] = {}


def opened(url: DatabaseUrl, timeout: float = 5.0) -> Opened:
    """Open a connection as `opened_as`."""
    return opened_as(Opened, url, timeout)


def opened_as(kind: type[_Connection], url: DatabaseUrl, timeout: float, **options: Any) -> _Connection:
    """Open a connection of a class of psycopg's, with options of its `connect`.

    A `timeout` in the URL is longer or shorter than this one, in seconds. Raises BadUrlError, UnreachableError,
    LoginRefusedError, NoSuchDatabaseError.
    """
    uri, given = libpq_uri(url.raw), {}
    try:
        given = psycopg.conninfo.conninfo_to_dict(uri)
        patience = given.get("connect_timeout") or max(_SHORTEST, math.ceil(timeout))
        return kind.connect(
            uri,
            connect_timeout=int(patience),
            client_encoding="utf8",
            fallback_application_name="archmig",
            **options,
        )
    except psycopg.ProgrammingError as error:
        # Why without its text: it can repeat a part of the URL.
        raise BadUrlError("a URL that libpq does not understand", "check its host, port and parameters") from error
    except psycopg.OperationalError as error:
        raise _refused(str(url), _without_values(str(error), given), error) from error


def _without_values(text: str, given: Mapping[str, object]) -> str:
    """The driver's text on one line, without the URL's options: they can be secrets."""
    for name, value in given.items():
        if name not in _SHOWN:
            text = text.replace(str(value), "***")
    return " ".join(mask(text).removeprefix("connection failed: ").split())


def _refused(
    shown: str, detail: str, error: psycopg.OperationalError
) -> UnreachableError | LoginRefusedError | NoSuchDatabaseError:
    if missing := _NO_DATABASE.search(detail):
        return NoSuchDatabaseError(shown, missing[1])
    if _NO_LOGIN.search(detail) or (error.pgconn and error.pgconn.needs_password):
        return LoginRefusedError(shown, detail)
    return UnreachableError(shown, detail)


@contextmanager
def reading(url: DatabaseUrl, timeout: float = 5.0) -> Iterator[Opened]:
    """Open a connection that cannot write, in one transaction, so that all reads see the same moment.

    `timeout` is in seconds, for the connection and for each lock. Raises the errors of `opened`, and those of the block
    as DatabaseLockedError, NotReadableError, UnreachableError.
    """
    with closing(opened(url, timeout)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with explained(connection, str(url), timeout):
            query(connection, TEXTS)
            query(connection, _AS_A_READER, {"most": str(max(1, math.ceil(timeout * 1000)))})
            yield connection
        with suppress(psycopg.Error):
            connection.rollback()


# Why a limit: PostgreSQL locks what it writes a text of. Why row_security: policies would hide rows from the role
# without a word; so a query that they would change is an error.
_AS_A_READER = "SELECT set_config('lock_timeout', %(most)s, true), set_config('row_security', 'off', true)"


@contextmanager
def explained(connection: Connection, shown: str, timeout: float) -> Iterator[None]:
    """Raise errors with the next step for what a connection can meet at any time."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise DatabaseLockedError(shown, timeout) from error
    except psycopg.errors.QueryCanceled as error:
        raise TimedOutError(shown, connection.info.user, first_line(error)) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotReadableError(shown, connection.info.user, first_line(error)) from error
    except psycopg.OperationalError as error:
        # Others are errors of a query: its author knows what to say.
        if not connection.closed:
            raise
        raise UnreachableError(shown, first_line(error)) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, without what may be secret."""
    return mask(first_line_of(str(error)))
