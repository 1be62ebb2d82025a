"""PostgreSQL databases that are thrown away: `databases.base.Temporary`, as a replay needs it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from architect_migrate.databases.postgresql.catalog import is_shared
from architect_migrate.databases.postgresql.lent import LentConnection, LentCursor
from architect_migrate.databases.postgresql.pinned import current_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _PlainConnection(LentConnection):
    """A connection that commits when Alembic commits, and that pools cannot close."""

    commit = psycopg.Connection.commit
    rollback = psycopg.Connection.rollback
    autocommit = psycopg.Connection.autocommit
    # The setters of a lent connection take what any driver's dialect sets.
    deferrable = psycopg.Connection.deferrable  # type: ignore[override]
    isolation_level = psycopg.Connection.isolation_level  # type: ignore[override]
    read_only = psycopg.Connection.read_only  # type: ignore[override]


@contextmanager
def plain(place: Path | str) -> Iterator[LentConnection]:
    """Open the empty database on which plain Alembic runs the chain, by its connection string."""
    connection = _PlainConnection.connect(str(place), prepare_threshold=None, application_name="archmig")
    try:
        yield connection
    finally:
        connection.really().close()


@contextmanager
def scratch(place: Path | str) -> Iterator[LentConnection]:
    """Open the empty database on which a chain is replayed, by its connection string (see `scratch_database`)."""
    connection = LentConnection.connect(
        str(place), prepare_threshold=None, cursor_factory=LentCursor, application_name="archmig"
    )
    connection.own_schema = current_schema(connection)
    connection.is_shared = is_shared(connection)
    connection.really().rollback()
    try:
        yield connection
    finally:
        connection.really().close()
