"""Digests that identify a database's schema, without reading it to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.connection import Opened
from architect_migrate.databases.postgresql.pinned import pinned, query
from architect_migrate.databases.postgresql.queries import digest_query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.databases.postgresql.pinned import Connection


def digest(connection: Connection, without: Iterable[str] = ()) -> str:
    """Digest the first schema of search_path, without the tables in `without` and their objects.

    Equal digests mean that `reflect.read_schema` reads equal schemas, on any two servers of the same major version. The
    connection is in a transaction.
    """
    hidden = tuple(sorted(without))
    # Nothing changes in a transaction that only reads, and a digest takes a fourth of a look.
    known = connection.digests if isinstance(connection, Opened) and connection.read_only else {}
    if hidden not in known:
        with pinned(connection) as schema:
            text = digest_query(connection.info.server_version // 10_000)
            ((found,),) = query(connection, text, {"schema": schema, "without": list(hidden)}).fetchall()
            known[hidden] = str(found)
    return known[hidden]
