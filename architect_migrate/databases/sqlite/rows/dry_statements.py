"""Tells on a private copy what statements would do to the rows of a database."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.rows.content import content_of
from architect_migrate.databases.sqlite.rows.foreign_keys import violations

if TYPE_CHECKING:
    from collections.abc import Iterator

# A larger database is not copied for a question, in bytes.
_LARGEST = 256 * 1024 * 1024


def alters(connection: sqlite3.Connection, table: str, statements: tuple[str, ...]) -> int:
    """1 if the statements, run one after another, would change a value or fire a trigger that might; else 0.

    Raises QuestionError, which names `table`, where they cannot be run, or the database is too large to copy.
    """
    with _afterwards(connection, table, statements) as copy:
        # Most statements that were meant for other rows write to none: then nothing has to be read.
        return int(bool(copy.total_changes) and content_of(copy).tables != content_of(connection).tables)


def orphaned(connection: sqlite3.Connection, table: str, statements: tuple[str, ...]) -> int:
    """The number of a table's rows that the statements would leave without the row that they refer to.

    As in a run, foreign keys do nothing. Raises as `alters`.
    """
    with _afterwards(connection, table, statements) as copy:
        new = violations(copy) - violations(connection) if copy.total_changes else frozenset()
    return sum(fold(str(each[0])) == fold(table) for each in new)


@contextmanager
def _afterwards(
    connection: sqlite3.Connection, table: str, statements: tuple[str, ...]
) -> Iterator[sqlite3.Connection]:
    """Open a copy in memory, on which the statements ran."""
    (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    if pages * size > _LARGEST:
        raise QuestionError(table, "whether statements would change a value", "the database is too large to copy")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        copy.deserialize(_without_log(connection.serialize()))
        try:
            for statement in statements:
                copy.execute(statement).fetchall()
        except sqlite3.Error as error:
            raise QuestionError(table, "whether statements would change a value", str(error)) from error
        yield copy


def _without_log(content: bytes) -> bytes:
    """The content of a database file, marked as one without a write-ahead log, which memory cannot have.

    Why not backup(): SQLite refuses to copy from a connection that is in a write transaction, as that of a run is.
    """
    return content[:18] + b"\x01\x01" + content[20:]
