"""Digests of a database's content (every object's text, every table's rows), to compare two moments."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.rows.exact import (
    BATCH,
    codec_of,
    exact,
    frozen,
    new_digest,
    own_key,
    passes,
    row_tables,
    select,
)
from architect_migrate.databases.values import Content, Rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from architect_migrate.databases.sqlite.rows.exact import RowTable

_OBJECTS = "SELECT type, name, coalesce(sql, '') FROM main.sqlite_master WHERE sql IS NOT NULL"
_HEADER = ("user_version", "application_id", "encoding")


def content_of(connection: sqlite3.Connection, known: Mapping[str, Rows] | None = None) -> Content:
    """Digest what the connection's transaction sees; rows of tables in `known` (by name) are not read again."""
    known = known or {}
    with exact(connection):
        tables = row_tables(connection).values()
        return Content(
            objects_of(connection),
            {table.name: known.get(table.name) or _rows_of(connection, table) for table in tables},
            header_of(connection),
        )


def objects_of(connection: sqlite3.Connection) -> dict[str, str]:
    """The digest of each object's text by `type name`, on a connection that reads text exactly (see `exact`)."""
    rows = connection.execute(_OBJECTS)
    return {f"{kind} {name}": _short(sql) for kind, name, sql in rows}


def header_of(connection: sqlite3.Connection) -> dict[str, str]:
    """The values of the database header that belong to its content: user_version, application_id, encoding."""
    return {name: str(connection.execute(f"PRAGMA main.{name}").fetchone()[0]) for name in _HEADER}


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _rows_of(connection: sqlite3.Connection, table: RowTable) -> Rows:
    digest, number = table_digest(table), 0
    for columns in passes(table.columns):
        cursor, number = connection.execute(select(table, own_key(table), columns, codec_of(connection))), 0
        while batch := cursor.fetchmany(BATCH):
            digest.update(frozen(batch))
            number += len(batch)
    return Rows(number, digest.hexdigest())


def table_digest(table: RowTable) -> hashlib.blake2b:
    """Start a digest of a table's rows; rows are added in batches of BATCH, in the order of their own key."""
    return new_digest(fold(table.name), tuple(fold(column) for column in table.columns))
