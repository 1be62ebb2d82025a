"""What a database file or an SQL script holds, loaded into memory and laid into an empty database."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.definitions import copy_definitions, definitions_of
from architect_migrate.databases.sqlite.lent import statements
from architect_migrate.databases.sqlite.presence import stray_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_MAGIC = b"SQLite format 3\0"
# Where a database's header says by which journal it is written and read. In memory there is no write-ahead log.
_JOURNALING = slice(18, 20)
_NOT_IN_MEMORY = frozenset({sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH})


@contextmanager
def loaded(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy of a database in memory, from its file or from an SQL script that makes it.

    Rows are those of a script alone: the rows in a database file are that database's own.
    """
    content = path.read_bytes()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        if content.startswith(_MAGIC):
            if stray_journal(path):
                raise ValueError("it has a journal beside it: close the program that writes to it, or name a copy")
            with closing(sqlite3.connect(":memory:", isolation_level=None)) as whole:
                image = bytearray(content)
                image[_JOURNALING] = b"\x01\x01"
                whole.deserialize(bytes(image))
                copy_definitions(connection, definitions_of(whole))
        else:
            connection.set_authorizer(_in_memory)
            _run(connection, content.decode("utf-8-sig"))
            connection.set_authorizer(None)
        yield connection


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in statements(script):
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            # Why by text: the shell's .schema writes down SQLite's own tables too, which SQLite makes by itself.
            if "reserved for internal use" not in str(error):
                raise


def _in_memory(action: int, *_: object) -> int:
    """Refuse what would open another file."""
    return sqlite3.SQLITE_DENY if action in _NOT_IN_MEMORY else sqlite3.SQLITE_OK


def lay_file(connection: sqlite3.Connection, path: Path, hidden: Iterable[str]) -> None:
    """Create what a database file or an SQL script holds, without `hidden` tables. Raises DatabaseError."""
    try:
        with loaded(path) as source:
            _lay(connection, source, hidden)
    except (OSError, sqlite3.Error, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DatabaseError(str(path), cause, "") from error


def _lay(connection: sqlite3.Connection, source: sqlite3.Connection, hidden: Iterable[str]) -> None:
    left_out = {fold(name) for name in hidden}
    definitions = [each for each in _definitions(source) if fold(each[1]) not in left_out]
    copy_definitions(connection, ((kind, sql) for kind, _, sql in definitions if kind == "table"))
    for kind, table, _ in definitions:
        if kind == "table":
            _copy_rows(connection, source, table)
    # Why last: a trigger must not act on the rows.
    copy_definitions(connection, ((kind, sql) for kind, _, sql in definitions if kind != "table"))


def _definitions(source: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Return kind, table and statement of each object, without what a virtual table keeps its rows in."""
    stored = {sql: table for table, sql in source.execute("SELECT tbl_name, sql FROM main.sqlite_master")}
    return [(kind, stored[sql], sql) for kind, sql in definitions_of(source)]


def _copy_rows(connection: sqlite3.Connection, source: sqlite3.Connection, table: str) -> None:
    columns = [quote(row[1]) for row in source.execute(f"PRAGMA table_xinfo({quote(table)})") if not row[6]]
    names, values = ", ".join(columns), ", ".join("?" * len(columns))
    for row in source.execute(f"SELECT {names} FROM {quote(table)}"):
        connection.execute(f"INSERT INTO {quote(table)} ({names}) VALUES ({values})", row)
