"""A connection that tries statements: a failure is recorded and skipped, so that the next statement can be tried."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from traceback import walk_stack
from typing import TYPE_CHECKING, Any

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.authorizer import refusal
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.sql.parser import created_if_missing
from architect_migrate.databases.statement import Clash, Statement, StatementEffects
from architect_migrate.model.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.databases.statement import Object

_CREATED = {
    sqlite3.SQLITE_CREATE_TABLE: "table",
    sqlite3.SQLITE_CREATE_INDEX: "index",
    sqlite3.SQLITE_CREATE_TRIGGER: "trigger",
    sqlite3.SQLITE_CREATE_VIEW: "view",
}
_DROPPED = {
    sqlite3.SQLITE_DROP_TABLE: "table",
    sqlite3.SQLITE_DROP_INDEX: "index",
    sqlite3.SQLITE_DROP_TRIGGER: "trigger",
    sqlite3.SQLITE_DROP_VIEW: "view",
}


@dataclass(slots=True)
class StatementRecorder:
    """Records what one revision file does; `events` are the authorizer's events of the current statement."""

    file: str
    statements: list[Statement] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    refused: str = ""

    def authorise(self, action: int, first: str | None, second: str | None, base: str | None, by: str | None) -> int:
        """Decide for SQLite whether an action is permitted, and record it."""
        if refused := refusal(action, first or "", second):
            self.refused = refused
            return sqlite3.SQLITE_DENY
        self.events.append((action, fold(first or ""), fold(second or ""), fold(base or ""), fold(by or "")))
        return sqlite3.SQLITE_OK


class TrialConnection(sqlite3.Connection):
    """A connection whose cursors try statements while it has a recorder."""

    recorder: StatementRecorder | None = None

    def cursor(self, factory: Any = None) -> Any:
        """Return a cursor that tries statements; `factory` is ignored."""
        del factory
        return TrialCursor(self)

    def execute(self, sql: str, parameters: Any = (), /) -> TrialCursor:
        """Run one statement."""
        return TrialCursor(self).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> TrialCursor:
        """Run one statement many times."""
        return TrialCursor(self).executemany(sql, parameters)

    def executescript(self, script: str, /) -> TrialCursor:
        """Run a script."""
        return TrialCursor(self).executescript(script)


class TrialCursor(sqlite3.Cursor):
    """A cursor that returns no rows, and raises nothing, for a statement that fails while it is tried."""

    def execute(self, sql: str, parameters: Any = (), /) -> TrialCursor:
        """Run one statement."""
        return self._tried(sql, lambda: sqlite3.Cursor.execute(self, sql, parameters))

    def executemany(self, sql: str, parameters: Any, /) -> TrialCursor:
        """Run one statement many times."""
        return self._tried(sql, lambda: sqlite3.Cursor.executemany(self, sql, parameters))

    def executescript(self, script: str, /) -> TrialCursor:
        """Run a script, before which the sqlite3 module commits."""
        return self._tried(script, lambda: sqlite3.Cursor.executescript(self, script))

    def _tried(self, sql: str, run: Callable[[], object]) -> TrialCursor:
        connection = self.connection
        assert isinstance(connection, TrialConnection)
        recorder = connection.recorder
        if recorder is None:
            run()
            return self
        clash = _clash(connection, recorder, sql)
        recorder.events, recorder.refused, error = [], "", ""
        try:
            run()
        except sqlite3.Error as raised:
            error = str(raised)
        line, functions = _place(recorder.file)
        effects = StatementEffects() if error else _effects(recorder.events)
        recorder.statements.append(Statement(sql, line, functions, effects, error, recorder.refused, clash))
        return self


def trial_connection() -> TrialConnection:
    """Open a database in memory, in a transaction, without a statement cache.

    Why no cache: SQLite calls the authorizer only when it compiles a statement.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0, factory=TrialConnection)
    connection.execute("BEGIN")
    return connection


@contextmanager
def probing(connection: sqlite3.Connection, file: str) -> Iterator[list[Statement]]:
    """Try the statements that run in the block, and record them for a revision file."""
    assert isinstance(connection, TrialConnection)
    recorder = connection.recorder = StatementRecorder(file)
    sqlite3.Connection.set_authorizer(connection, recorder.authorise)
    try:
        yield recorder.statements
    finally:
        connection.recorder = None
        sqlite3.Connection.set_authorizer(connection, None)


def is_ended(connection: sqlite3.Connection) -> bool:
    """Return whether SQLite has rolled the whole transaction back, as OR ROLLBACK does."""
    return not connection.in_transaction


@contextmanager
def undone(connection: sqlite3.Connection) -> Iterator[None]:
    """Roll back to the start of the block when it ends."""
    connection.execute("SAVEPOINT archmig_trial")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO archmig_trial")
            connection.execute("RELEASE archmig_trial")


def _place(file: str) -> tuple[int, tuple[str, ...]]:
    """The line of the revision file that is running, and the functions of the file on the stack."""
    frames = [(line, frame.f_code.co_name) for frame, line in walk_stack(None) if frame.f_code.co_filename == file]
    return (frames[0][0] if frames else 0), tuple(name for _, name in frames)


def _clash(connection: TrialConnection, recorder: StatementRecorder, sql: str) -> Clash | None:
    """The existing object that makes a CREATE IF NOT EXISTS do nothing, beside the one that the statement would create.

    Why drop the existing one: only then does SQLite create the other, so that the two can be compared. All is rolled
    back.
    """
    wanted = created_if_missing(sql)
    if wanted is None:
        return None
    kind, name = wanted
    connection.recorder = None
    sqlite3.Connection.set_authorizer(connection, None)
    try:
        there = connection.execute(
            "SELECT type FROM main.sqlite_master WHERE name = ? COLLATE NOCASE", (name,)
        ).fetchone()
        return _compared(connection, sql, kind, name, there[0]) if there else None
    finally:
        connection.recorder = recorder
        sqlite3.Connection.set_authorizer(connection, recorder.authorise)


def _compared(connection: TrialConnection, sql: str, kind: str, name: str, there: str) -> Clash | None:
    before = _only(read_schema(connection), there, name)
    with undone(connection):
        try:
            connection.execute(f"DROP {there} main.{quote(name)}")
            connection.execute(sql)
            return Clash(kind, fold(name), _only(read_schema(connection), kind, name), before)
        except sqlite3.Error:
            return None  # the statement itself says what is wrong with it


def _only(schema: Schema, kind: str, name: str) -> Schema:
    """The schema reduced to one object."""
    one = fold(name)
    return Schema(
        tuple(table for table in schema.tables if kind == "table" and table.name == one),
        tuple(index for index in schema.indexes if kind == "index" and index.name == one),
        tuple(trigger for trigger in schema.triggers if kind == "trigger" and trigger.name == one),
        tuple(view for view in schema.views if kind == "view" and view.name == one),
    )


def _effects(events: list[tuple[Any, ...]]) -> StatementEffects:
    # Effects of triggers are not the statement's own, and a TEMP table does not outlive the connection.
    own = [
        event
        for event in events
        if not event[4] and not event[1].startswith("sqlite_") and "temp" not in {event[1], event[3]}
    ]
    inserted = frozenset(one[1] for one in own if one[0] == sqlite3.SQLITE_INSERT)
    dropped = _objects(own, _DROPPED)
    tables = {name for _, name in dropped}
    return StatementEffects(
        created=_objects(own, _CREATED),
        dropped=dropped,
        dropped_columns=frozenset((one[2], one[3]) for one in own if one[0] == sqlite3.SQLITE_ALTER_TABLE and one[3]),
        altered=frozenset(one[2] for one in own if one[0] == sqlite3.SQLITE_ALTER_TABLE),
        inserted=inserted,
        updated=frozenset(one[1] for one in own if one[0] == sqlite3.SQLITE_UPDATE),
        deleted=frozenset(one[1] for one in own if one[0] == sqlite3.SQLITE_DELETE and one[1] not in tables),
        made_of=frozenset((one[1], one[2]) for one in own if one[0] == sqlite3.SQLITE_READ and inserted),
        indexed=frozenset(one[2] for one in own if one[0] == sqlite3.SQLITE_CREATE_INDEX),
    )


def _objects(events: list[tuple[Any, ...]], kinds: dict[int, str]) -> frozenset[Object]:
    return frozenset((kinds[event[0]], event[1]) for event in events if event[0] in kinds)
