"""The connection on which a chain is replayed: the chain's code gets it for every engine, and may not end it."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import ClientCursor, Copy, Cursor

from architect_migrate.databases.postgresql.statements import split, verb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_TRANSACTION = frozenset({"abort", "begin", "commit", "end", "rollback", "start"})
_SAVEPOINT = frozenset({"savepoint", "release", "rollback"})


class Hearing(Protocol):
    """What hears of the statements that run on a lent connection."""

    def about_to_run(self, connection: LentConnection, text: str) -> None:
        """Hear of a statement before it runs."""

    def has_run(self, connection: LentConnection, text: str) -> None:
        """Hear of a statement that has run."""


class LentConnection(psycopg.Connection[Any]):
    """A connection whose transaction belongs to archmig: what the chain's code does to that is heard, and no more.

    `is_shared` says that others use its server too, `own_schema` is the one in which the chain's databases are read.
    `hearing` hears of statements, `committed` and `given_up` are called at a commit and a rollback by the chain's code.
    Each statement is run in an `around`.
    """

    own_schema = ""
    is_shared = False
    hearing: Hearing | None = None
    committed: Callable[[], object] | None = None
    given_up: Callable[[], object] | None = None
    around: Callable[[], AbstractContextManager[object]] = nullcontext

    def as_run(self, text: str) -> str:
        """Return what is run for a statement of the chain's code."""
        return text

    def commit(self) -> None:
        """Call `committed`."""
        if self.committed:
            self.committed()

    def rollback(self) -> None:
        """Call `given_up`."""
        if self.given_up:
            self.given_up()

    def close(self) -> None:
        """Leave the connection open: pools close what they were lent."""

    def really(self) -> _Really:
        """Return what archmig itself does to the transaction."""
        return _Really(self)

    @property
    def autocommit(self) -> bool:
        """Whether statements run outside of a transaction, as `really` has set it."""
        return super().autocommit

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        """Leave the transaction as it is: an engine sets its isolation level here."""

    @property
    def isolation_level(self) -> psycopg.IsolationLevel | None:
        """The isolation level, which engines cannot change."""
        return super().isolation_level

    @isolation_level.setter
    def isolation_level(self, value: object) -> None:
        """Leave the isolation level as it is."""

    @property
    def read_only(self) -> bool | None:
        """Whether the transaction may not write, which engines cannot change."""
        return super().read_only

    @read_only.setter
    def read_only(self, value: object) -> None:
        """Leave the transaction as it is."""

    @property
    def deferrable(self) -> bool | None:
        """Whether the transaction is deferrable, which engines cannot change."""
        return super().deferrable

    @deferrable.setter
    def deferrable(self, value: object) -> None:
        """Leave the transaction as it is."""

    @contextmanager
    def each_alone(self) -> Iterator[None]:
        """Let an error of a statement in the block take back that statement and nothing else, as in autocommit."""
        before, self.around = self.around, self.transaction
        try:
            yield
        finally:
            self.around = before

    @contextmanager
    def unheard(self) -> Iterator[Hearing | None]:
        """Let nothing be heard of what runs in the block, which gets what hears of the rest."""
        before, self.hearing = self.hearing, None
        try:
            yield before
        finally:
            self.hearing = before


class _Really:
    """The methods of psycopg that a lent connection leaves out."""

    def __init__(self, connection: LentConnection) -> None:
        self._connection = connection

    def commit(self) -> None:
        psycopg.Connection.commit(self._connection)

    def rollback(self) -> None:
        psycopg.Connection.rollback(self._connection)

    def close(self) -> None:
        psycopg.Connection.close(self._connection)

    def set_autocommit(self, value: bool) -> None:
        self._connection.set_autocommit(value)


class LentCursor(Cursor[Any]):
    """A cursor whose statements are heard, one after another."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> LentCursor:
        """Run a text; several statements of it are run one by one."""
        connection = self.connection
        assert isinstance(connection, LentConnection)
        texts = split(query) if isinstance(query, str) and not params else ()
        if len(texts) > 1:
            for text in texts:
                self._run(connection, text, None, options)
            return self
        return self._run(connection, query, params, options)

    def executemany(self, query: Any, params_seq: Any, **_options: Any) -> None:
        """Run a statement with each of some values. Why one by one: each is heard with its values."""
        for params in params_seq:
            self.execute(query, params)

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **options: Any) -> Iterator[Copy]:
        """Copy rows into a table or out of it, by a statement that is heard."""
        connection = self.connection
        assert isinstance(connection, LentConnection)
        with (
            _heard(connection, shown(connection, statement, params)),
            super().copy(statement, params, **options) as rows,
        ):
            yield rows

    def _run(self, connection: LentConnection, query: Any, params: Any, options: dict[str, Any]) -> LentCursor:
        text = shown(connection, query, params)
        does = verb(text)
        if does in _TRANSACTION and not _is_of_savepoint(text):
            with connection.unheard():
                _end(connection, does)
                return super().execute("SELECT 1 WHERE false")
        instead = connection.as_run(text)
        around = nullcontext if does in _SAVEPOINT else connection.around
        with around(), _heard(connection, instead):
            if instead == text:
                super().execute(query, params, **options)
            else:
                super().execute(instead, **options)
        return self


@contextmanager
def _heard(connection: LentConnection, text: str) -> Iterator[None]:
    """Let a statement be heard that runs in the block."""
    hearing = connection.hearing
    if hearing:
        with connection.unheard():
            hearing.about_to_run(connection, text)
    yield
    if hearing:
        with connection.unheard():
            hearing.has_run(connection, text)


def _end(connection: LentConnection, does: str) -> None:
    """Take a statement for the method that does the same."""
    match does:
        case "commit" | "end":
            connection.commit()
        case "rollback" | "abort":
            connection.rollback()
        case _:
            pass


def _is_of_savepoint(text: str) -> bool:
    """Whether a ROLLBACK goes back to a savepoint only."""
    from architect_migrate.databases.postgresql.statements import significant, words

    found = words(significant(text))
    return found[0] == "rollback" and "to" in found


def shown(connection: LentConnection, query: Any, params: Any) -> str:
    """Return the text of a statement with its values."""
    if not params:
        return query if isinstance(query, str) else _decoded(connection, query)
    return ClientCursor(connection).mogrify(query, params)


def _decoded(connection: LentConnection, query: Any) -> str:
    if isinstance(query, bytes):
        return query.decode("utf-8", "replace")
    return str(query.as_string(connection))
