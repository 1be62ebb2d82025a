"""Watches the chain's code while it runs on a lent connection: refuses what it may not do, logs what it writes."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.names import BATCH_COPY, fold
from architect_migrate.databases.sqlite.column_places import ColumnPlaces
from architect_migrate.databases.sqlite.connection import HeldConnection
from architect_migrate.databases.sqlite.rows.left_out import note_left_out
from architect_migrate.databases.sqlite.savepoints import Savepoints
from architect_migrate.databases.sqlite.sql.lexer import ignores_rows
from architect_migrate.databases.values import TriggerWrite, Writes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.databases.sqlite.connection import Watcher

_KEYS = "foreign_keys"
_OFF = frozenset({"0", "off", "no", "false"})
_DANGEROUS = frozenset(
    {
        _KEYS,
        "ignore_check_constraints",
        "journal_mode",
        "legacy_alter_table",
        "locking_mode",
        "query_only",
        "schema_version",
        "synchronous",
        "writable_schema",
    }
)
# TEMP objects that hide an object of the database by its name, or that are triggers on its rows.
_HIDING = """SELECT t.type, t.name FROM temp.sqlite_master t WHERE EXISTS (SELECT 1 FROM main.sqlite_master m
             WHERE m.name IN (t.name, iif(t.type = 'trigger', t.tbl_name, t.name)) COLLATE NOCASE)"""
_TRIGGERS = "SELECT name, tbl_name, sql FROM main.sqlite_master WHERE type = 'trigger'"
_PROBE = "archmig_probe"
_ROW_VERBS = {sqlite3.SQLITE_INSERT: "insert", sqlite3.SQLITE_UPDATE: "update", sqlite3.SQLITE_DELETE: "delete"}
# How statements begin that copy rows, and how many characters that takes.
_COPYING, _VERB = ("insert", "replace", "with"), 80
_MOST_COPIES = 1000
_TAKEN_BACK = (
    *("inserted", "updated", "deleted", "dropped", "dropped_columns"),
    *("triggered", "copying", "left_out", "dropping"),
)


@dataclass(slots=True)
class WriteLog(Writes):
    """The writes that the authorizer saw.

    `ignoring` are the triggers with RAISE(IGNORE), which leave out rows that are written. `keys_off` says that the
    code switched foreign keys off, and may switch them on again. `refused` is the first refused action. `dropping` are
    the dropped tables that were not made again since, `savepoints` those that are open.
    """

    ignoring: frozenset[str] = frozenset()
    keys_off: bool = False
    refused: str = ""
    dropping: set[str] = field(default_factory=set)
    savepoints: Savepoints[dict[str, Any]] = field(default_factory=Savepoints)

    def ran(self, text: str) -> None:
        """Take in a statement that is run: what it rolls back to a savepoint was not written."""
        then = self.savepoints.hear(text, lambda: {name: copy(getattr(self, name)) for name in _TAKEN_BACK})
        for name, before in (then or {}).items():
            setattr(self, name, copy(before))

    def refuse(self, action: int, first: str, second: str | None) -> bool:
        """Return whether the chain's code may not do this in a run, and keep what it was."""
        refused = refusal(action, first, second)
        if not refused or _changes_nothing(self, action, first, second or ""):
            return False
        self.refused = self.refused or refused
        return True


@contextmanager
def write_log(connection: sqlite3.Connection) -> Iterator[WriteLog]:
    """Let the chain's code run on `connection`, and log its writes.

    Refuses COMMIT, ROLLBACK, ATTACH, DETACH and PRAGMAs that weaken the transaction. Raises TransactionEndedError if
    one of them was attempted, even if the code ignored the refusal, and if the code leaves a pending write statement or
    a TEMP object that hides one of the database's. The connection's factories are restored, and so is the authorizer of
    a log around this one.
    """
    triggers = triggers_of(connection)
    seen = WriteLog(triggers=triggers, ignoring=frozenset(name for name in triggers if ignores_rows(triggers[name][2])))
    factories = connection.text_factory, connection.row_factory
    # Why past the connection's own method: HeldConnection refuses set_authorizer, so that the chain's code cannot
    # remove it.
    outer = connection.watcher if isinstance(connection, HeldConnection) else None
    places = ColumnPlaces()
    seen.by_place = places.found

    def hear(text: str) -> None:
        if not places.asking:
            if _note_copy(seen, text):
                with places.aside(connection) as cursor:
                    note_left_out(cursor, seen.left_out, text)
            places.hear(connection, text)

    _watch(connection, lambda *event: _judge(seen, connection, *event))
    connection.set_trace_callback(hear)
    try:
        yield seen
        for write in seen.triggered:
            places.hear(connection, write.sql)
    except Exception as error:
        if seen.refused:
            raise TransactionEndedError(seen.refused) from error
        raise
    finally:
        _watch(connection, outer)
        connection.set_trace_callback(None)
        connection.text_factory, connection.row_factory = factories
    if refused := seen.refused or _left_behind(connection):
        raise TransactionEndedError(refused)


def _watch(connection: sqlite3.Connection, watcher: Watcher | None) -> None:
    sqlite3.Connection.set_authorizer(connection, watcher)
    if isinstance(connection, HeldConnection):
        connection.watcher = watcher


@contextmanager
def unwatched(connection: sqlite3.Connection) -> Iterator[None]:
    """Let archmig itself act on a connection that a log watches."""
    assert isinstance(connection, HeldConnection)
    connection.unwatched = True
    try:
        yield
    finally:
        connection.unwatched = False


def triggers_of(connection: sqlite3.Connection) -> dict[str, tuple[str, str, str]]:
    """The name, the table and the text of every trigger, by its folded name."""
    # Why a plain cursor: see `_left_behind`.
    return {fold(row[0]): tuple(row) for row in sqlite3.Cursor(connection).execute(_TRIGGERS)}


def _note_copy(seen: WriteLog, text: str) -> bool:
    """Keep a statement that may fill a table from another, or rename one; a loop over rows has too many to keep.

    Returns whether it may fill one, and is kept.
    """
    seen.ran(text)
    does = text[:_VERB].lstrip().lower()
    alters = does.startswith("alter")
    if alters or (does.startswith(_COPYING) and "select" in text.lower()):
        seen.copied(text, alters=alters, most=_MOST_COPIES)
        if len(seen.copying) < _MOST_COPIES:
            return not alters
        seen.left_out = dict.fromkeys(seen.left_out, 0)
    return False


def _left_behind(connection: sqlite3.Connection) -> str:
    """What the code leaves on the connection and would affect later statements, in words; empty if nothing."""
    if not connection.in_transaction:
        return ""
    # Why a plain cursor: the meter counts the statements that the connection's own methods run.
    cursor = sqlite3.Cursor(connection)
    try:
        # Why a savepoint: SQLite refuses it, and would refuse the commit, while a writing statement has rows left to
        # fetch.
        cursor.execute(f"SAVEPOINT {_PROBE}")
    except sqlite3.OperationalError:
        return "leave a statement unfinished that writes (fetch all the rows that it returns)"
    cursor.execute(f"RELEASE {_PROBE}")
    for kind, name in cursor.execute(_HIDING):
        return f"leave the temporary {kind} {name} in the way of the database's own (drop it, or give it another name)"
    return ""


@contextmanager
def loose_write_log(connection: sqlite3.Connection, hear: Callable[[int, str, str, str], None]) -> Iterator[WriteLog]:
    """Log writes on a scratch connection, where a revision may do anything but ATTACH a database.

    `hear` gets each event of the authorizer: the action, the folded names of the table, of the column (of an UPDATE or
    a read) and of the trigger that acts. `refused` of the log is what a run would refuse; what begins and ends
    transactions does not count, since Alembic and the driver do that here.
    """
    seen = WriteLog()

    def authorise(action: int, first: str | None, second: str | None, *rest: str | None) -> int:
        # VACUUM attaches a temporary database, which has no name.
        if action == sqlite3.SQLITE_ATTACH and first:
            return sqlite3.SQLITE_DENY
        if action != sqlite3.SQLITE_TRANSACTION:
            seen.refuse(action, first or "", second)
        hear(action, fold(first or ""), fold(second or ""), fold(rest[-1] or ""))
        note(seen, action, fold(first or ""), second or "")
        return sqlite3.SQLITE_OK

    connection.set_authorizer(authorise)
    try:
        yield seen
    finally:
        sqlite3.Connection.set_authorizer(connection, None)


def _judge(
    seen: WriteLog,
    connection: sqlite3.Connection,
    action: int,
    first: str | None,
    second: str | None,
    *rest: str | None,
) -> int:
    if isinstance(connection, HeldConnection) and connection.unwatched:
        return sqlite3.SQLITE_OK
    # After a full disk or an OR ROLLBACK SQLite is in autocommit, and what code goes on writing would stay.
    if not connection.in_transaction:
        seen.refused = seen.refused or "go on after SQLite had rolled the transaction back"
        return sqlite3.SQLITE_DENY
    if seen.refuse(action, first or "", second):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_ALTER_TABLE and rest[0]:
        # Only DROP COLUMN names a column, in the place of a database: it writes every row anew.
        seen.dropped_columns.add((fold(second or ""), fold(rest[0])))
    note(seen, action, fold(first or ""), second or "", fold(rest[-1] or ""))
    return sqlite3.SQLITE_OK


def _changes_nothing(seen: WriteLog, action: int, pragma: str, value: str) -> bool:
    """Whether a PRAGMA foreign_keys is harmless: switched off, or on again after that, in a transaction.

    Why: SQLite ignores both inside a transaction, where foreign keys are off anyway. Code that only switches them on
    relies on enforcement that does not happen, and is refused.
    """
    if action != sqlite3.SQLITE_PRAGMA or pragma.lower() != _KEYS:
        return False
    seen.keys_off = seen.keys_off or value.lower() in _OFF
    return seen.keys_off


def refusal(action: int, first: str, second: str | None) -> str:
    """What the chain's code may not do, in words; empty for a permitted action."""
    if action == sqlite3.SQLITE_TRANSACTION:
        return f"run {first}"
    if action == sqlite3.SQLITE_ATTACH:
        return "ATTACH a database"
    if action == sqlite3.SQLITE_DETACH:
        return "DETACH a database"
    if action == sqlite3.SQLITE_PRAGMA and second is not None and first.lower() in _DANGEROUS:
        return f"set PRAGMA {first}"
    return ""


def note(seen: WriteLog, action: int, table: str, second: str, trigger: str = "") -> None:
    """Log one event of the authorizer; `table` is folded, and so is the `trigger` that it comes from."""
    if trigger in seen.ignoring:
        its = seen.triggers[trigger]
        seen.triggered.add(TriggerWrite(*its, "filter", fold(its[1])))
    if table.startswith(("sqlite_", BATCH_COPY)):
        return
    if trigger in seen.triggers and action in _ROW_VERBS:
        column = fold(second) if action == sqlite3.SQLITE_UPDATE else ""
        seen.triggered.add(TriggerWrite(*seen.triggers[trigger], _ROW_VERBS[action], table, column))
    if action == sqlite3.SQLITE_INSERT:
        seen.inserted.add(table)
    elif trigger in seen.triggers:
        return
    elif action == sqlite3.SQLITE_UPDATE:
        seen.updated.add((table, fold(second)))
    elif action == sqlite3.SQLITE_DROP_TABLE:
        seen.dropped.add(table)
        seen.dropping.add(table)
    elif action == sqlite3.SQLITE_CREATE_TABLE:
        seen.dropping.discard(table)
    elif action == sqlite3.SQLITE_ALTER_TABLE:
        # Which name a table gets is not said: another may take the place of one that was dropped.
        seen.dropping.clear()
    elif action == sqlite3.SQLITE_DELETE and table not in seen.dropping:
        # DROP TABLE reports a DELETE too, which is about the whole table and not about rows that the code chose.
        seen.deleted.add(table)
