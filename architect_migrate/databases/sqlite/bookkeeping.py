"""Reads and writes the positions that a database records: Alembic's version table, and the legacy tracker."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import StampError
from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.sql.affinity import affinity_of
from architect_migrate.diagnosis.claims import Claims, tracker_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.diagnosis.claims import TrackerRow
    from architect_migrate.model.environment import Tracker


def read_claims(connection: sqlite3.Connection, tracker: Tracker | None, version_table: str) -> Claims:
    """Read the stamp and the tracker's rows; text that is not UTF-8 is escaped.

    Raises StampError where `version_table` is not a version table.
    """
    with _readable(connection):
        columns = _columns(connection, tracker.table) if tracker else {}
        rows = _rows(connection, tracker, columns) if tracker and fold(tracker.version) in columns else ()
        claims = Claims(_stamp(connection, version_table), rows, tracker is not None and bool(columns))
        if tracker is None or not tracker.sync or not columns:
            return claims
        names = _names(tracker)
        there = tuple(columns[fold(name)] for name in names if fold(name) in columns)
        return replace(claims, columns=there, obstacle=_obstacle(connection, tracker, {fold(name) for name in names}))


def _names(tracker: Tracker) -> tuple[str, ...]:
    return tracker.version, tracker.applied_at, tracker.description, tracker.checksum


def _obstacle(connection: sqlite3.Connection, tracker: Tracker, written: set[str]) -> str:
    """Why a row with only the tracker's columns cannot be inserted; empty if it can."""
    listed = "SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE"
    kind, without_rowid = connection.execute(listed, (tracker.table,)).fetchone()
    if kind != "table":
        return f"is a {kind}, not a table"
    asked = 'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)'
    columns = connection.execute(asked, (tracker.table,)).fetchall()
    if fold(tracker.version) not in {fold(row[0]) for row in columns}:
        return f"has no column {tracker.version}"
    for name, declared, not_null, default, key, hidden in columns:
        if fold(name) not in written:
            automatic = key and declared.upper() == "INTEGER" and not without_rowid
            if not_null and default is None and not hidden and not automatic:
                return f"its column {name} is NOT NULL without a default, and archmig has no value for it"
        elif hidden:
            return f"its column {name} is generated"
        elif fold(name) == fold(tracker.version) and affinity_of(declared) not in {"TEXT", "BLOB"}:
            return f"its column {name} is {declared}, which stores 001 as 1"
    return ""


@contextmanager
def _readable(connection: sqlite3.Connection) -> Iterator[None]:
    before = connection.text_factory
    connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
    try:
        yield
    finally:
        connection.text_factory = before


def _stamp(connection: sqlite3.Connection, table: str) -> tuple[str, ...] | None:
    kind = connection.execute("SELECT type FROM sqlite_master WHERE name = ? COLLATE NOCASE", (table,)).fetchone()
    if kind is None:
        return None
    if kind[0] != "table":
        raise StampError(table, f"is a {kind[0]}, not a table")
    if "version_num" not in _columns(connection, table):
        raise StampError(table, "has no column version_num")
    rows = connection.execute(f"SELECT version_num FROM {quote(table)} ORDER BY 1").fetchall()
    strange = [row[0] for row in rows if not isinstance(row[0], str) or not row[0]]
    if strange:
        raise StampError(table, f"holds {strange[0]!r}, which is no revision")
    return tuple(row[0] for row in rows)


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """A table's columns as spelt, by folded name; empty if the table does not exist.

    Why it must be stored: SQLite also describes its own tables and functions (`sqlite_master`, `pragma_table_list`).
    """
    asked = """SELECT name FROM pragma_table_info(:table)
               WHERE EXISTS (SELECT 1 FROM sqlite_master WHERE name = :table COLLATE NOCASE)"""
    return {fold(row[0]): row[0] for row in connection.execute(asked, {"table": table})}


def _rows(connection: sqlite3.Connection, tracker: Tracker, columns: dict[str, str]) -> tuple[TrackerRow, ...]:
    terms = ", ".join(quote(columns[fold(name)]) if fold(name) in columns else "NULL" for name in _names(tracker))
    rows = connection.execute(f"SELECT {terms} FROM {quote(tracker.table)} ORDER BY 2, 1")
    return tuple(tracker_row(tracker, *("" if value is None else str(value) for value in values)) for values in rows)


def plain_stamp(connection: sqlite3.Connection, version_table: str) -> tuple[str, ...]:
    """Read the revisions of a version table, sorted, by one statement; none if it is not a version table."""
    is_table = "(SELECT type FROM sqlite_master WHERE name = ? COLLATE NOCASE) = 'table'"
    sql = f"SELECT version_num FROM {quote(version_table)} WHERE {is_table}"
    try:
        rows = connection.execute(sql, (version_table,)).fetchall()
    except sqlite3.OperationalError:
        return ()
    return tuple(sorted(one for (one,) in rows)) if all(isinstance(one, str) for (one,) in rows) else ()


def write_stamp(connection: sqlite3.Connection, version_table: str, revisions: tuple[str, ...]) -> None:
    """Record exactly these heads, creating the version table as Alembic does. The caller commits.

    Rows are updated where there are any, as Alembic does: the table may have columns of the database's own.
    """
    table = quote(version_table)
    exists = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE name = ? COLLATE NOCASE", (version_table,)
    ).fetchone()
    if exists is None:
        key = quote(f"{version_table}_pkc")
        columns = f"version_num VARCHAR(32) NOT NULL, CONSTRAINT {key} PRIMARY KEY (version_num)"
        connection.execute(f"CREATE TABLE {table} ({columns})")
    old = [row[0] for row in connection.execute(f"SELECT version_num FROM {table} ORDER BY 1")]
    if len(set(old)) < len(old):  # rows that no UPDATE can distinguish
        connection.execute(f"DELETE FROM {table}")
        old = []
    gone = [each for each in old if each not in revisions]
    new = [each for each in revisions if each not in old]
    # Why no executemany: a statement that is prepared and not run would count as a write of the triggers on it.
    for revision, before in zip(new, gone, strict=False):
        connection.execute(f"UPDATE {table} SET version_num = ? WHERE version_num = ?", (revision, before))
    for revision in gone[len(new) :]:
        connection.execute(f"DELETE FROM {table} WHERE version_num = ?", (revision,))
    for revision in new[len(gone) :]:
        connection.execute(f"INSERT INTO {table} (version_num) VALUES (?)", (revision,))
