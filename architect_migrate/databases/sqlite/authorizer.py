"""Watches code of the chain while it runs on a lent connection: what it may not do, and what it wrote."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.names import BATCH_COPY, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

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
# What would be meant from now on where the database's own object is named, and what acts on its rows.
_HIDING = """SELECT t.type, t.name FROM temp.sqlite_master t WHERE EXISTS (SELECT 1 FROM main.sqlite_master m
             WHERE m.name IN (t.name, iif(t.type = 'trigger', t.tbl_name, t.name)) COLLATE NOCASE)"""
_PROBE = "archmig_probe"


@dataclass(slots=True)
class WriteLog:
    """What was seen: tables that rows went into, columns that were updated, tables that rows were deleted from.

    `triggered` are (trigger, table, column) of what triggers did to rows, with no column for a deleted row; `restored`
    tells, a line each, what was taken away and put back, and `remade` which tables were made anew (see `batch_repair`).
    `keys_off`: it has switched foreign keys off, and may switch them on again.
    """

    inserted: set[str] = field(default_factory=set)
    updated: set[tuple[str, str]] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    remade: set[str] = field(default_factory=set)
    triggered: set[tuple[str, str, str]] = field(default_factory=set)
    restored: list[str] = field(default_factory=list)
    keys_off: bool = False
    refused: str = ""

    def tables(self) -> frozenset[str]:
        """Every table whose rows were written (batch copies aside: those move rows, they do not write them)."""
        swept = {table for _, table, _ in self.triggered}
        return frozenset(self.inserted | {table for table, _ in self.updated} | self.deleted | swept)


@contextmanager
def write_log(connection: sqlite3.Connection) -> Iterator[WriteLog]:
    """Let code run on `connection`, refusing COMMIT, ROLLBACK, ATTACH and pragmas that would take its safety away.

    Raises TransactionEndedError when one of these was tried, whatever the code made of the refusal, and where it leaves
    on the connection what would go on working there. The factories of the connection are what they were afterwards.
    """
    seen = WriteLog()
    factories = connection.text_factory, connection.row_factory
    sqlite3.Connection.set_authorizer(connection, lambda *event: _judge(seen, connection, *event))
    try:
        yield seen
    except Exception as error:
        if seen.refused:
            raise TransactionEndedError(seen.refused) from error
        raise
    finally:
        sqlite3.Connection.set_authorizer(connection, None)
        connection.text_factory, connection.row_factory = factories
    if said := seen.refused or _left_behind(connection):
        raise TransactionEndedError(said)


def _left_behind(connection: sqlite3.Connection) -> str:
    """What would reach beyond the code that was run, in words; empty where it leaves nothing."""
    if not connection.in_transaction:
        return ""
    # Not by the connection's own methods: whoever measures the chain's statements is not to count these.
    cursor = sqlite3.Cursor(connection)
    try:
        # SQLite opens no savepoint, and would not commit either, while a statement that writes has rows to give.
        cursor.execute(f"SAVEPOINT {_PROBE}")
    except sqlite3.OperationalError:
        return "leave a statement unfinished that writes (fetch all the rows that it returns)"
    cursor.execute(f"RELEASE {_PROBE}")
    for kind, name in cursor.execute(_HIDING):
        return f"leave the temporary {kind} {name} in the way of the database's own (drop it, or call it otherwise)"
    return ""


@contextmanager
def loose_write_log(connection: sqlite3.Connection) -> Iterator[WriteLog]:
    """Watch writes on a scratch connection, where a revision may do as it likes (other than reach out)."""
    seen = WriteLog()

    def authorise(action: int, first: str | None, second: str | None, *_rest: str | None) -> int:
        if action == sqlite3.SQLITE_ATTACH:
            return sqlite3.SQLITE_DENY
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
    # After a full disk or an OR ROLLBACK SQLite is in autocommit, and what code goes on writing would stay.
    ended = not connection.in_transaction
    said = "go on after SQLite had rolled the transaction back" if ended else refusal(action, first or "", second)
    if said and (ended or not _changes_nothing(seen, action, first or "", second or "")):
        seen.refused = seen.refused or said
        return sqlite3.SQLITE_DENY
    note(seen, action, fold(first or ""), second or "", fold(rest[-1] or ""))
    return sqlite3.SQLITE_OK


def _changes_nothing(seen: WriteLog, action: int, pragma: str, value: str) -> bool:
    """Foreign keys switched off, as they are all through a run, and on again: in a transaction SQLite does neither.

    Who only switches them on counts on keys that are not enforced here, and is refused.
    """
    if action != sqlite3.SQLITE_PRAGMA or pragma.lower() != _KEYS:
        return False
    seen.keys_off = seen.keys_off or value.lower() in _OFF
    return seen.keys_off


def refusal(action: int, first: str, second: str | None) -> str:
    """What code of the chain may not do, in words; empty for what it may."""
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
    """Add one event of the authorizer to what was seen; `table` and the `trigger` that it comes from folded."""
    if table.startswith(("sqlite_", BATCH_COPY)):
        return
    if action == sqlite3.SQLITE_INSERT:
        seen.inserted.add(table)
    elif trigger and action in {sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}:
        seen.triggered.add((trigger, table, fold(second)))
    elif action == sqlite3.SQLITE_UPDATE:
        seen.updated.add((table, fold(second)))
    elif action == sqlite3.SQLITE_DROP_TABLE:
        seen.dropped.add(table)
    elif action == sqlite3.SQLITE_DELETE and table not in seen.dropped:
        # DROP TABLE reports a DELETE too: of the table as a whole, not of rows that the code chose.
        seen.deleted.add(table)
