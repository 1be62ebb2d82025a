"""Listens for statements that name tables by place, and notes the order of these tables' columns at that moment."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from architect_migrate.core.names import BATCH_COPY, fold
from architect_migrate.databases.sqlite.sql.by_place import named_by_place
from architect_migrate.databases.values import Placed

if TYPE_CHECKING:
    from collections.abc import Iterator

# As SELECT * gives them: without the hidden columns of virtual tables.
_COLUMNS = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid"
_DEFINING = ("create", "alter", "drop", "rollback")


class ColumnPlaces:
    """The tables that statements named by place so far, each with the first statement that did.

    While it is `asking`, what a connection runs is not the chain's.
    """

    def __init__(self) -> None:
        self.found: dict[Placed, str] = {}
        self.asking = False
        self._known: set[tuple[str, bool]] = set()

    def hear(self, connection: sqlite3.Connection, text: str) -> None:
        """Take in a statement that is about to be run."""
        if text.lstrip()[:10].lower().startswith(_DEFINING):
            self._known.clear()
        for name, alone in named_by_place(text).items():
            if (name, alone) not in self._known and not name.startswith(("sqlite_", BATCH_COPY)):
                self._known.add((name, alone))
                if columns := tuple(self._columns(connection, name)):
                    self.found.setdefault(Placed(name, columns, alone), text)

    def _columns(self, connection: sqlite3.Connection, name: str) -> Iterator[str]:
        try:
            with self.aside(connection) as cursor:
                yield from [fold(row[0]) for row in cursor.execute(_COLUMNS, (name,)).fetchall()]
        except sqlite3.Error as error:
            # An order that equals no other one, since it is not known.
            yield f"({error})"

    @contextmanager
    def aside(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Cursor]:
        """Yield a cursor for questions, before the statement that is about to be run."""
        # Why a plain cursor: the meter counts the statements that the connection's own methods run.
        cursor, factory = sqlite3.Cursor(connection), connection.text_factory
        cursor.row_factory = None
        self.asking, connection.text_factory = True, str
        try:
            yield cursor
        finally:
            self.asking, connection.text_factory = False, factory
