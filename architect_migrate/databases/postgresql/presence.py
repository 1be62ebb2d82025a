"""Checks whether a database exists and is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.server_errors import NoSuchDatabaseError
from architect_migrate.databases.postgresql.connection import opened, reading
from architect_migrate.databases.postgresql.pinned import current_schema, query
from architect_migrate.databases.postgresql.queries import DEFINES_NOTHING, HAS_TRIGGERS, TABLE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.postgresql.pinned import Connection


def exists(url: DatabaseUrl, timeout: float = 5.0) -> bool:
    """Whether the server has the database. Raises the errors of `connection.opened` if that cannot be found out."""
    try:
        opened(url, timeout).close()
    except NoSuchDatabaseError:
        return False
    return True


def is_empty(url: DatabaseUrl, timeout: float = 5.0) -> bool:
    """Whether the database does not exist, or its first schema defines nothing."""
    try:
        with reading(url, timeout) as connection:
            return defines_nothing(connection)
    except NoSuchDatabaseError:
        return True


def defines_nothing(connection: Connection) -> bool:
    """Whether no schema of search_path has a relation, type or function but those of extensions.

    Why each of them: Alembic finds its tables in any. Raises as `current_schema`.
    """
    current_schema(connection)
    ((answer,),) = query(connection, DEFINES_NOTHING).fetchall()
    return bool(answer)


def table_names(connection: Connection) -> frozenset[str]:
    """The names of all tables in the first schema of search_path."""
    rows = query(connection, TABLE_NAMES, {"schema": current_schema(connection)}).fetchall()
    return frozenset(str(name) for (name,) in rows)


def has_triggers(connection: Connection, tables: Iterable[str]) -> bool:
    """Whether any of these tables has a trigger, constraints' own not counted."""
    asked = {"schema": current_schema(connection), "tables": list(tables)}
    ((answer,),) = query(connection, HAS_TRIGGERS, asked).fetchall()
    return bool(answer)
