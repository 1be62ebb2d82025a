"""Opens the database that a URL names; the URL says which kind of database it is.

Callers need neither the database's file nor the package of its kind. SQLite is the only kind supported; every function
raises UnsupportedDatabaseError for another kind. Timeouts are in seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.core.urls import file_of
from architect_migrate.databases.sqlite import connection as sqlite
from architect_migrate.databases.sqlite import presence
from architect_migrate.databases.sqlite.run_lock import openers as openers_of_file
from architect_migrate.model.names import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import Backup, Snapshot, StoredObject, TriggerWrite
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.model.history import History, Replayed
    from architect_migrate.model.schema import Schema, Trigger
    from architect_migrate.planning.plan import Plan


# How the files of databases usually end.
SUFFIXES = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})


def is_database(file: Path) -> bool:
    """Whether a file begins as a database does; an empty one does not."""
    return presence.is_database(file)


def location(url: DatabaseUrl) -> str:
    """The place of a database as messages name it."""
    return str(file_of(url))


def exists(url: DatabaseUrl) -> bool:
    """Whether anything is in the place of the database."""
    return presence.exists(file_of(url))


def is_empty(url: DatabaseUrl) -> bool:
    """Whether the database does not exist, or nothing was ever written to it."""
    return presence.is_empty(file_of(url))


def odd_journal(file: Path) -> str:
    """The name of a journal beside a file of SQLite's that is no ordinary file; empty if there is none."""
    return presence.odd_journal(file)


def size(url: DatabaseUrl) -> int:
    """The size of a database in bytes; 0 if it does not exist."""
    path = file_of(url)
    return path.stat().st_size if path.exists() else 0


def openers(url: DatabaseUrl) -> tuple[str, ...]:
    """The other processes that have the database open, as far as the operating system reports them."""
    return openers_of_file(file_of(url))


def reading(url: DatabaseUrl, timeout: float = 5.0) -> AbstractContextManager[Connection]:
    """Open a connection that cannot write, in one read transaction. Raises as `sqlite.connection.reading`."""
    return sqlite.reading(file_of(url), timeout)


def transaction(url: DatabaseUrl, lock_timeout: float) -> AbstractContextManager[Connection]:
    """Open the one write transaction of a run. Raises as `sqlite.connection.transaction`."""
    return sqlite.transaction(file_of(url), lock_timeout)


def exclusive(url: DatabaseUrl, lock_timeout: float) -> AbstractContextManager[Connection]:
    """Open a write transaction that is rolled back; meanwhile no other process can write. Raises as `transaction`."""
    return sqlite.exclusive(file_of(url), lock_timeout)


def created(url: DatabaseUrl) -> AbstractContextManager[None]:
    """Create an empty database if there is none, and remove it if the block fails. Raises DatabaseError."""
    return sqlite.created(file_of(url))


def clone(source: DatabaseUrl, target: DatabaseUrl, progress: Callable[[str], None]) -> Backup:
    """Copy the committed state of a database to a new one, and compare the two.

    `progress` is called with a line about the rows compared so far. Raises BackupError, also if there is something at
    `target`.
    """
    from architect_migrate.databases.sqlite.files import backup

    return backup.clone(file_of(source), file_of(target), progress=progress)


def stray_journal(url: DatabaseUrl) -> str:
    """The path of a journal beside a missing database, which SQLite would apply to a new one; empty if none."""
    return presence.stray_journal(file_of(url))


def remove(url: DatabaseUrl) -> None:
    """Delete a database and the files that belong to it. Raises OSError."""
    presence.remove(file_of(url))


def read_stamp(url: DatabaseUrl, timeout: float, version_table: str) -> tuple[str, ...]:
    """The revisions in a database's version table; empty if it has no such table.

    Raises as `reading`, and StampError.
    """
    from architect_migrate.databases.sqlite.bookkeeping import read_claims

    with reading(url, timeout) as connection:
        return read_claims(connection, None, version_table).stamp or ()


def rows_of(url: DatabaseUrl, timeout: float, tables: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """How many rows those of the tables have that are there, by their own spelling. Raises as `reading`."""
    from architect_migrate.databases.questions import count_rows

    with reading(url, timeout) as connection:
        there = {fold(table): table for table in presence.table_names(connection)}
        return tuple((there[name], count_rows(connection, there[name])) for name in map(fold, tables) if name in there)


def definitions_of(connection: Connection) -> tuple[tuple[str, str], ...]:
    """Return every object of a database as (kind, CREATE statement)."""
    from architect_migrate.databases.sqlite import definitions

    return definitions.definitions_of(connection)


def words_of(sql: str) -> frozenset[str]:
    """Return every word of a statement that can be a name, folded."""
    from architect_migrate.databases.sqlite.sql import lexer

    return lexer.words_of(sql)


def writes_the_moment(sql: str) -> bool:
    """Return whether a statement that writes rows asks for the date or the time."""
    from architect_migrate.databases.sqlite.sql import moment

    return moment.writes_the_moment(sql)


def found_in_rows(connection: Connection, history: History, plan: Plan, there: Schema) -> tuple[Finding, ...]:
    """Return findings about rows that a plan's revisions fail on, or leave without the row that they refer to.

    `there` is the schema of the database.
    """
    from architect_migrate.databases.sqlite.rows import foreseen

    return foreseen.found_in_rows(connection, history, plan, there)


def rows_left_out(connection: Connection, source: str, target: str, statements: Iterable[str]) -> int:
    """How many rows the statements that copy a table to another leave out."""
    from architect_migrate.databases.sqlite.rows import left_out

    return left_out.rows_left_out(connection, source, target, statements)


def replaces_rows(sql: str) -> bool:
    """Return whether a statement takes the place of rows with the same key, as INSERT OR REPLACE does.

    SQLite does not report what such a statement deletes.
    """
    from architect_migrate.databases.sqlite.sql.lexer import significant, verb

    words = [token.text.upper() for token in significant(sql)]
    following = zip(words, words[1:], [*words[2:], ""], strict=False)
    # replace() is a function too.
    return verb(sql) == "replace" or any(
        first == "OR" and second == "REPLACE" and third != "(" for first, second, third in following
    )


def without_literals(sql: str) -> str:
    """A statement in one line with its texts and blobs masked, for people to see."""
    from architect_migrate.databases.sqlite.sql import render

    return render.without_literals(sql)


def without_rows(replayed: Replayed, source: str) -> Replayed:
    """A replay without the values of rows, as it may be kept in a file; `source` is the text of the chain's files."""
    from architect_migrate.databases.sqlite.rows import masked

    return masked.without_rows(replayed, source)


def has_triggers(connection: Connection, tables: Iterable[str]) -> bool:
    """Whether any of these tables has a trigger."""
    on = connection.execute("SELECT tbl_name FROM main.sqlite_master WHERE type = 'trigger'")
    return not {fold(table) for table in tables}.isdisjoint(fold(name) for (name,) in on)


def trigger_of(write: TriggerWrite) -> Trigger:
    """Return the trigger that makes a write."""
    from architect_migrate.databases.sqlite.sql.lexer import canonical
    from architect_migrate.model.schema import Trigger

    return Trigger(fold(write.trigger), fold(write.on), canonical(write.sql), write.trigger, write.sql)


def names_in(url: DatabaseUrl, timeout: float) -> Names:
    """Return the names of all objects in a database; none if it does not exist. Raises as `reading`."""
    if not exists(url) or is_empty(url):
        return Names()
    from architect_migrate.databases.sqlite.names import names_in

    with reading(url, timeout) as connection:
        return names_in(connection)


def held_in_memory() -> AbstractContextManager[Connection]:
    """An empty database in memory, in a transaction."""
    from architect_migrate.databases.sqlite import definitions

    return definitions.held_in_memory()


def copy_to(connection: Connection, objects: Iterable[tuple[str, str]]) -> None:
    """Create objects on an empty database. Raises DatabaseError, for example if a function is missing."""
    from architect_migrate.databases.sqlite import definitions

    definitions.make_copy(connection, objects)


def schema_on(connection: Connection, hidden: Iterable[str]) -> Schema:
    """Return the schema of a database, without hidden tables."""
    from architect_migrate.databases.sqlite.reflect import read_schema

    return read_schema(connection, tuple(hidden))


def schema_of(objects: Iterable[tuple[str, str]], hidden: Iterable[str]) -> Schema:
    """Return the schema of these objects, without hidden tables. Raises DatabaseError."""
    with held_in_memory() as connection:
        copy_to(connection, objects)
        return schema_on(connection, hidden)


def columns_of(table: StoredObject) -> frozenset[str]:
    """Return the folded names of a stored table's columns."""
    from architect_migrate.databases.sqlite import baseline_draft

    return baseline_draft.columns_of(table)


def without_column(objects: tuple[StoredObject, ...], table: str, column: str) -> tuple[StoredObject, ...]:
    """Return stored objects without a column, and without what uses it (see `sqlite.baseline_draft`)."""
    from architect_migrate.databases.sqlite import baseline_draft

    return baseline_draft.without_column(objects, table, column)


def script_of(objects: tuple[StoredObject, ...]) -> str:
    """Return the script that makes stored objects."""
    from architect_migrate.databases.sqlite import baseline_draft

    return baseline_draft.script_of(objects)


def stored_objects(connection: Connection, hidden: Iterable[str]) -> tuple[StoredObject, ...]:
    """Return the objects of a database as they are stored, without those of hidden tables."""
    from architect_migrate.databases.sqlite.baseline_draft import objects_in

    return objects_in(connection, hidden)


def snapshot_of(path: Path, hidden: Iterable[str]) -> Snapshot:
    """Return everything in a database file, without the tables in `hidden`."""
    from architect_migrate.databases.sqlite import snapshot

    return snapshot.snapshot_of(path, hidden)


def lay_file(connection: Connection, path: Path, hidden: Iterable[str]) -> None:
    """Create in a database what a file begins it with (see `sqlite.baseline`). Raises DatabaseError."""
    from architect_migrate.databases.sqlite import baseline

    baseline.lay_file(connection, path, hidden)


def nothing() -> AbstractContextManager[Connection]:
    """Open an empty database in memory, to compare another one with."""
    return sqlite.in_memory()


def in_memory() -> AbstractContextManager[Connection]:
    """Open an empty database in memory, in no transaction."""
    return sqlite.in_memory()


def lending(
    connection: Connection,
    places: tuple[Path, ...],
    refused: Callable[[str], Exception],
    threaded: Callable[[], Exception | None],
    *,
    several: bool,
) -> AbstractContextManager[None]:
    """Lend a connection to every engine of the chain's code that opens its database (see `sqlite.lending`)."""
    # Why here: it imports SQLAlchemy, and few commands run the chain's code.
    from architect_migrate.databases.sqlite.lending import lending as lent

    return lent(connection, places, refused, threaded, several=several)
