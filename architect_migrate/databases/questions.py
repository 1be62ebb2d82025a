"""Questions with the same SQL for every kind of database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote

if TYPE_CHECKING:
    from architect_migrate.databases.base import Connection


def count_rows(connection: Connection, table: str) -> int:
    """The number of rows of a table."""
    return int(connection.execute(f"SELECT count(*) FROM {quote(table)}").fetchone()[0])


def count_values(connection: Connection, table: str, column: str) -> int:
    """The number of values of a column that are not NULL."""
    return int(connection.execute(f"SELECT count({quote(column)}) FROM {quote(table)}").fetchone()[0])
