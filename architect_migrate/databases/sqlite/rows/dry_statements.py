"""Tells on a private copy whether statements would change a value of a database."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.databases.sqlite.rows.content import content_of

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
            for statement in statements:
                copy.execute(statement).fetchall()
        except sqlite3.Error as error:
            raise QuestionError(table, "whether statements would change a value", str(error)) from error
        # Most statements that were meant for other rows write to none: then nothing has to be read.
        return int(bool(copy.total_changes) and content_of(copy).tables != content_of(connection).tables)


def _without_log(content: bytes) -> bytes:
    """The content of a database file, marked as one without a write-ahead log, which memory cannot have.

    Why not backup(): SQLite refuses to copy from a connection that is in a write transaction, as that of a run is.
    """
    return content[:18] + b"\x01\x01" + content[20:]
