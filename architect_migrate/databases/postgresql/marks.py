"""The marks of a PostgreSQL database: `databases.base.Marks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from architect_migrate.core.chain_errors import StampError
from architect_migrate.core.names import quote
from architect_migrate.core.server_errors import StampElsewhereError
from architect_migrate.databases.postgresql import access, fingerprint, presence
from architect_migrate.databases.postgresql.catalog import OWN, column_names
from architect_migrate.databases.postgresql.pinned import current_schema
from architect_migrate.databases.postgresql.reflect import read_schema
from architect_migrate.diagnosis.claims import Claims, tracker_row
from architect_migrate.planning.results import Fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.databases.base import Place
    from architect_migrate.diagnosis.claims import TrackerRow
    from architect_migrate.model.environment import Tracker
    from architect_migrate.model.names import Names

Connection = psycopg.Connection[Any]

_ELSEWHERE = """
    SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass(quote_ident(%s)) AND c.relname = %s AND n.nspname <> current_schema()"""
_KIND = f"SELECT relkind::text FROM pg_class WHERE {OWN} AND relname = %s"


defines_nothing = presence.defines_nothing
digest = fingerprint.digest


def plain_stamp(connection: Connection, version_table: str) -> tuple[str, ...]:
    """Return the revisions in a version table, sorted; none if it is not a version table."""
    try:
        return tuple(sorted(_stamp(connection, version_table) or ()))
    except StampError:
        return ()


def read_claims(connection: Connection, tracker: Tracker | None, version_table: str) -> Claims:
    """Read the stamp and the tracker's rows. Raises StampError where `version_table` is not a version table."""
    columns = column_names(connection, tracker.table) if tracker else ()
    rows = _rows(connection, tracker, columns) if tracker and tracker.version in columns else ()
    return Claims(_stamp(connection, version_table), rows, tracker is not None and bool(columns))


def write_stamp(connection: Connection, version_table: str, revisions: tuple[str, ...]) -> None:
    """Record exactly these heads, creating the version table as Alembic does. The caller commits.

    Rows are updated where there are any, as Alembic does: the table may have columns of the database's own.
    """
    table = quote(version_table)
    if connection.execute(_KIND, (version_table,)).fetchone() is None:
        key = quote(f"{version_table}_pkc")
        columns = f"version_num VARCHAR(32) NOT NULL, CONSTRAINT {key} PRIMARY KEY (version_num)"
        connection.execute(f"CREATE TABLE {table} ({columns})")
    old = [row[0] for row in connection.execute(f"SELECT version_num FROM {table} ORDER BY 1").fetchall()]
    if len(set(old)) < len(old):  # rows that no UPDATE can distinguish
        connection.execute(f"DELETE FROM {table}")
        old = []
    gone = [each for each in old if each not in revisions]
    new = [each for each in revisions if each not in old]
    for revision, before in zip(new, gone, strict=False):
        connection.execute(f"UPDATE {table} SET version_num = %s WHERE version_num = %s", (revision, before))
    for revision in gone[len(new) :]:
        connection.execute(f"DELETE FROM {table} WHERE version_num = %s", (revision,))
    for revision in new[len(gone) :]:
        connection.execute(f"INSERT INTO {table} (version_num) VALUES (%s)", (revision,))


def fingerprint_of(connection: Connection, hidden: Iterable[str], known: str = "") -> Fingerprint:
    """Return the fingerprint of what the connection's transaction sees, without the tables in `hidden`."""
    without = tuple(sorted(hidden))
    return Fingerprint(known or digest(connection, without), without, 0, ())


def read_stamp(place: Place, timeout: float, version_table: str) -> tuple[str, ...]:
    """Return the revisions in a database's version table; none if it has no such table."""
    with access.reading(place, timeout) as connection:
        return read_claims(connection, None, version_table).stamp or ()


def names_in(place: Place, timeout: float) -> Names:
    """Return the names of all objects in a database."""
    from architect_migrate.model.history import names_of

    with access.reading(place, timeout) as connection:
        return names_of(read_schema(connection))


def _refuse_elsewhere(connection: Connection, table: str) -> None:
    """Raise StampElsewhereError where Alembic finds the version table in another schema than the one read."""
    found = connection.execute(_ELSEWHERE, (table, table)).fetchone()
    if found:
        raise StampElsewhereError(connection.info.dbname, table, found[0], current_schema(connection))


def _stamp(connection: Connection, table: str) -> tuple[str, ...] | None:
    kind = connection.execute(_KIND, (table,)).fetchone()
    if kind is None:
        _refuse_elsewhere(connection, table)
        return None
    if kind[0] not in {"r", "p"}:
        raise StampError(table, "is not a table")
    if "version_num" not in column_names(connection, table):
        raise StampError(table, "has no column version_num")
    rows = connection.execute(f"SELECT version_num FROM {quote(table)} ORDER BY 1").fetchall()
    strange = [row[0] for row in rows if not isinstance(row[0], str) or not row[0]]
    if strange:
        raise StampError(table, f"holds {strange[0]!r}, which is no revision")
    return tuple(row[0] for row in rows)


def _rows(connection: Connection, tracker: Tracker, columns: tuple[str, ...]) -> tuple[TrackerRow, ...]:
    names = (tracker.version, tracker.applied_at, tracker.description, tracker.checksum)
    terms = ", ".join(f"{quote(name)}::text" if name in columns else "NULL" for name in names)
    rows = connection.execute(f"SELECT {terms} FROM {quote(tracker.table)} ORDER BY 2, 1").fetchall()
    return tuple(tracker_row(tracker, *("" if value is None else value for value in values)) for values in rows)
