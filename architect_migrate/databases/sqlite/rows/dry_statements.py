"""Tells on a private copy whether statements would change a value of a database."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.rows.exact import row_tables

# A larger database is not copied for a question, in bytes.
_LARGEST = 256 * 1024 * 1024


def alters(connection: sqlite3.Connection, table: str, statements: tuple[str, ...]) -> int:
    """1 if the statements, run one after another, would change a value or fire a trigger that might; else 0.

    Raises QuestionError, which names `table`, where they cannot be run, or the database is too large to copy.
    """
    (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    if pages * size > _LARGEST:
        raise QuestionError(table, "whether statements would change a value", "the database is too large to copy")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        copy.deserialize(_without_log(connection.serialize()))
        try:
            return int(_differs(copy, statements))
        except sqlite3.Error as error:
            raise QuestionError(table, "whether statements would change a value", str(error)) from error


def _without_log(content: bytes) -> bytes:
    """The content of a database file, marked as one without a write-ahead log, which memory cannot have.

    Why not backup(): SQLite refuses to copy from a connection that is in a write transaction, as that of a run is.
    """
    return content[:18] + b"\x01\x01" + content[20:]


def _differs(copy: sqlite3.Connection, statements: tuple[str, ...]) -> bool:
    written: set[str] = set()

    def authorise(action: int, first: str | None, *_rest: str | None) -> int:
        if action == sqlite3.SQLITE_ATTACH:
            return sqlite3.SQLITE_DENY
        if action in {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}:
            written.add(fold(first or ""))
        return sqlite3.SQLITE_OK

    changes = copy.total_changes
    before = {name: _content(copy, name) for name in row_tables(copy)}
    copy.set_authorizer(authorise)
    for statement in statements:
        copy.execute(statement).fetchall()
    copy.set_authorizer(None)
    return copy.total_changes != changes and any(before.get(name) != _content(copy, name) for name in written)


def _content(copy: sqlite3.Connection, table: str) -> list[tuple[str, ...]]:
    """Every value of a table as an SQL literal, which tells 1 from 1.0 and from '1'; ordered, since rows are a set."""
    stored = row_tables(copy).get(fold(table))
    if stored is None:
        return []
    values = ", ".join(f"quote({quote(column)})" for column in stored.columns)
    return sorted(copy.execute(f"SELECT {values} FROM main.{quote(stored.name)}").fetchall())
