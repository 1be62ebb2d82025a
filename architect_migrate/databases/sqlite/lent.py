"""Connections that env.py gets when it opens the database itself: a view of the one connection that archmig holds.

What env.py does to a connection of its own, such as ending a transaction or changing the journal, would end or break
archmig's. Such calls do nothing here; only a rollback of rows that were written through the connection is refused.
Functions and collations are made on the connection, and removed afterwards.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Self

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote, verb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_TRANSACTION = frozenset({"begin", "commit", "end", "rollback"})
# They reach files that nothing backs up or proves.
_OTHER = frozenset({"attach", "detach"})
# The PRAGMAs that change how statements work, and nothing of the file or of the transaction.
_MEANING = frozenset({"case_sensitive_like", "recursive_triggers"})
# PRAGMAs that do something, with or without a value.
_ACTIONS = frozenset({"incremental_vacuum", "optimize", "shrink_memory", "wal_checkpoint"})
# Settings of a connection that are archmig's own.
_SETTINGS = frozenset({"autocommit", "isolation_level", "text_factory"})


class LentConnection(sqlite3.Connection):
    """A sqlite3.Connection as env.py's engines get it; `taken_back` removes what env.py added to it.

    `is_alembics` is set for the connection on which Alembic itself runs the chain in a replay: it rolls back what a
    failed revision wrote, and `hear` gets the name and the value of each PRAGMA that a revision sets. `again` gets
    each set of values before a statement runs with it. `tries` gets what code does to the transaction by
    the driver itself, past SQLAlchemy. `refused` is whether a rollback was refused. It `keeps` what is written where a
    driver's connection would be in autocommit.
    """

    # Why no super().__init__(): it is a connection only by its class, which listeners ask for; all of its attributes
    # are those of the connection that it stands for, or its own.
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._held = connection
        self._written = 0
        self.row_factory = None
        self.undo: list[Callable[[], object]] = []
        self.is_alembics = self.refused = self.keeps = False
        self.hear: Callable[[str, str], object] = lambda *_: None
        self.tries: Callable[[str], object] = lambda _: None
        self.again: Callable[[Any], object] = lambda _: None

    def __getattribute__(self, name: str) -> Any:
        if name in vars(LentConnection) or name in object.__getattribute__(self, "__dict__"):
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "_held"), name)

    def __enter__(self) -> Self:
        """Begin nothing: the transaction is archmig's."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> Literal[False]:
        """Commit, or roll back after an exception, as a connection does."""
        self.rollback() if kind else self.commit()
        return False

    def __setattr__(self, name: str, value: object) -> None:
        if name == "isolation_level":
            # Without a level sqlite3 begins no transaction: each statement is committed at once.
            self.keeps = value is None
        if name not in _SETTINGS:
            object.__setattr__(self, name, value)

    @property
    def driver_connection(self) -> sqlite3.Connection:
        """The connection itself, as SQLAlchemy's adapters of asynchronous drivers name it."""
        return self._held

    _connection = driver_connection

    def cursor(self, *_: Any, **__: Any) -> Any:
        """Return a cursor that passes on what changes neither the transaction nor the file's settings."""
        return LentCursor(self._held, self)

    def execute(self, statement: str, parameters: Any = ()) -> LentCursor:
        """Execute a statement as `LentCursor.execute` does."""
        return LentCursor(self._held, self).execute(statement, parameters)

    def executemany(self, statement: str, parameters: Any) -> LentCursor:
        """Execute a statement for several sets of values as `LentCursor.executemany` does."""
        return LentCursor(self._held, self).executemany(statement, parameters)

    def executescript(self, script: str) -> LentCursor:
        """Execute the statements of a script one by one. Why: sqlite3's own commits first."""
        self.tries("run COMMIT")
        cursor = LentCursor(self._held, self)
        for statement in statements(script):
            cursor.execute(statement)
        return cursor

    def count(self, rows: int) -> None:
        """Take in how many rows a statement has changed."""
        self._written += rows

    def commit(self) -> None:
        """Take it as done: archmig commits after its proof."""
        self.tries("commit")
        self._written = 0

    def rollback(self) -> None:
        """Do nothing if nothing was written. Raises TransactionEndedError otherwise, since archmig cannot undo it."""
        self.tries("roll back")
        if self._written and not self.is_alembics and not self.keeps:
            # Why no second time: a pool rolls back once more when it takes the connection back.
            self._written, self.refused = 0, True
            raise TransactionEndedError("roll back")

    def close(self) -> None:
        """Do nothing if nothing was written: archmig closes it. Raises as `rollback`, which closing amounts to."""
        self.rollback()

    terminate = close

    def set_authorizer(self, *_: Any, **__: Any) -> None:
        """Do nothing: archmig watches by its own."""

    set_trace_callback = set_progress_handler = set_authorizer

    def create_function(self, name: str, narg: int, func: Any, **options: Any) -> None:
        """Make a function for the time of the run."""
        self._held.create_function(name, narg, func, **options)
        self.undo.append(lambda: self._held.create_function(name, narg, None))

    def create_aggregate(self, name: str, n_arg: int, aggregate_class: Any) -> None:
        """Make an aggregate for the time of the run."""
        self._held.create_aggregate(name, n_arg, aggregate_class)
        gone: Any = None
        self.undo.append(lambda: self._held.create_aggregate(name, n_arg, gone))

    def create_window_function(self, name: str, num_params: int, aggregate_class: Any) -> None:
        """Make a window function for the time of the run."""
        self._held.create_window_function(name, num_params, aggregate_class)
        self.undo.append(lambda: self._held.create_window_function(name, num_params, None))

    def create_collation(self, name: str, callback: Any) -> None:
        """Make a collation for the time of the run."""
        self._held.create_collation(name, callback)
        self.undo.append(lambda: self._held.create_collation(name, None))

    def taken_back(self) -> None:
        """Remove what env.py added to the connection."""
        while self.undo:
            # Why suppressed: a function that a prepared statement still uses stays until that is gone.
            with suppress(sqlite3.Error):
                self.undo.pop()()


class LentCursor(sqlite3.Cursor):
    """A cursor that leaves out statements about transactions and settings of the file."""

    def __init__(self, connection: sqlite3.Connection, lent: LentConnection) -> None:
        super().__init__(connection)
        self.row_factory = lent.row_factory
        self._lent = lent

    def execute(self, statement: str, parameters: Any = ()) -> LentCursor:
        """Execute a statement; in place of one that is left out, one that returns no rows or the present setting."""
        before = self.connection.total_changes
        self._lent.again(parameters)
        super().execute(self._instead(statement), parameters)
        self._lent.count(self.connection.total_changes - before)
        return self

    def executemany(self, statement: str, parameters: Iterable[Any]) -> LentCursor:
        """Execute a statement for each of several sets of values."""
        before = self.connection.total_changes
        super().executemany(statement, self._each(parameters))
        self._lent.count(self.connection.total_changes - before)
        return self

    def _each(self, parameters: Iterable[Any]) -> Iterator[Any]:
        for each in parameters:
            self._lent.again(each)
            yield each

    def executescript(self, script: str) -> LentCursor:
        """Execute the statements of a script as `LentConnection.executescript` does."""
        self._lent.executescript(script)
        return self

    def _instead(self, statement: str) -> str:
        does = verb(statement)
        if does in _OTHER:
            raise TransactionEndedError(f"{does.upper()} a database")
        if does not in _TRANSACTION and does != "pragma":
            return statement
        # ROLLBACK TO a savepoint is a part of the transaction.
        if does == "rollback" and "to" in (fold(token.text) for token in significant(statement)):
            return statement
        name, sets, value = _pragma(statement)
        if does in _TRANSACTION:
            self._lent.tries(f"run {does.upper()}")
        if does == "rollback":
            self._lent.rollback()
        if does in _TRANSACTION or name in _ACTIONS:
            return "SELECT 1 WHERE 0"
        if name in _MEANING and sets:
            self._lent.undo.append(lambda: self.connection.execute(f"PRAGMA {name} = OFF"))
            return statement
        if sets:
            self._lent.hear(name, value)
        return f"PRAGMA {name}" if sets else statement


def _pragma(statement: str) -> tuple[str, bool, str]:
    """Return the name of a PRAGMA, whether the statement sets it, and to what. `PRAGMA table_info(x)` sets nothing."""
    texts = [token.text for token in significant(statement)][1:]
    if len(texts) > 2 and texts[1] == ".":
        texts = texts[2:]
    name = unquote(texts[0]).lower() if texts else ""
    asks = name.endswith(("_info", "_xinfo", "_list", "_check"))
    return name, len(texts) > 1 and texts[1] in {"=", "("} and not asks, unquote("".join(texts[2:3]))


def statements(script: str) -> Iterable[str]:
    """Yield the statements of a script."""
    text = ""
    *parts, last = script.split(";")
    for part in parts:
        text += f"{part};"
        if sqlite3.complete_statement(text):
            yield text
            text = ""
    if (text + last).strip():
        yield text + last
