"""Settings by which PostgreSQL writes equal texts for equal definitions, on any server and in any schema."""

from __future__ import annotations

import re
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from architect_migrate.core.server_errors import NoSchemaError, SchemaForbiddenError
from architect_migrate.databases.postgresql.queries import CURRENT, PIN, TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

Connection: TypeAlias = "psycopg.Connection[Any]"
Row: TypeAlias = "tuple[Any, ...]"
_SAVEPOINT, _APART = "archmig_pinned", "archmig_plan"
# The names in a search_path: in quotes, or folded to lower case.
_NAME = re.compile(r'"((?:[^"]|"")*)"|([^\s,"]+)')


@contextmanager
def pinned(connection: Connection, schema: str = "") -> Iterator[str]:
    """Pin the settings on which texts depend, and restore them afterwards; yields the schema's name.

    Without `schema` it is the first one of search_path that exists. The connection is in a transaction, which the block
    neither ends nor writes in: it is rolled back to a savepoint. Raises NoSchemaError, SchemaForbiddenError.
    """
    name = schema or current_schema(connection)
    with pipeline(connection):
        query(connection, f"SAVEPOINT {_SAVEPOINT}")
        query(connection, PIN, {"schema": name})
    try:
        yield name
    finally:
        if not connection.closed:
            with pipeline(connection):
                query(connection, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
                query(connection, f"RELEASE SAVEPOINT {_SAVEPOINT}")


@contextmanager
def taken_back(connection: Connection) -> Iterator[None]:
    """Leave the transaction as it was, also after an error; outside of one, begin one that is rolled back."""
    if connection.info.transaction_status is TransactionStatus.IDLE and connection.autocommit:
        begin, end = ["BEGIN"], ["ROLLBACK"]
    else:
        begin, end = [f"SAVEPOINT {_APART}"], [f"ROLLBACK TO {_APART}", f"RELEASE {_APART}"]
    for text in begin:
        query(connection, text)
    try:
        yield
    finally:
        for text in end if not connection.closed else ():
            query(connection, text)


@contextmanager
def in_own_texts(connection: Connection) -> Iterator[None]:
    """Write values in the block as on any server and for any role; the transaction is left as it was."""
    with taken_back(connection):
        query(connection, TEXTS)
        yield


def current_schema(connection: Connection) -> str:
    """Return the first schema of search_path that exists. Raises NoSchemaError, SchemaForbiddenError.

    Why an error where the role may not use that schema: PostgreSQL passes it over, and another one would be read.
    """
    current, user, path, forbidden = query(connection, CURRENT).fetchall()[0]
    for name in schemas_of(path, user):
        if name == current:
            return name
        if name in forbidden:
            raise SchemaForbiddenError(f"database {connection.info.dbname}", name, user)
    raise NoSchemaError(f"database {connection.info.dbname}", path)


def schemas_of(path: str, user: str) -> Iterator[str]:
    """Yield the names in a search_path."""
    for quoted, plain in _NAME.findall(path):
        name = quoted.replace('""', '"') or plain.lower()
        yield user if name == "$user" else name


def query(connection: Connection, sql: str, parameters: Mapping[str, Any] | None = None) -> psycopg.Cursor[Row]:
    """Execute a query whose rows are tuples.

    Why it is not prepared: the plan of a prepared statement does not depend on the number of relations.
    """
    return psycopg.Cursor(connection, row_factory=tuple_row).execute(sql, parameters, prepare=False)


def pipeline(connection: Connection) -> AbstractContextManager[object]:
    """Send statements without waiting for each answer, where the client library can do that."""
    return connection.pipeline() if psycopg.Pipeline.is_supported() else nullcontext()
