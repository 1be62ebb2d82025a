"""What archmig changes on the SQLAlchemy connections that it lends, whatever kind of database they are on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from architect_migrate.core.database_errors import TransactionEndedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import sqlalchemy as sa


def as_connectable(connection: sa.Connection) -> sa.Connection:
    """Let the connection be used as an engine, too, for an env.py that expects to be given one.

    A transaction is begun inside the one that is open, if there is one.
    """
    usual, engine = connection.begin, connection.engine

    def begin() -> _Begun:
        return _Begun(connection, None if connection.in_transaction() else usual())

    vars(connection).update(begin=begin, connect=engine.connect, dispose=do_nothing, url=engine.url)
    return connection


class _Begun:
    """A transaction that env.py begins on the connection that it is given; None where it is in another one.

    Why entering it gives the connection: so does `engine.begin()`, and a connection can commit and roll back as well.
    """

    def __init__(self, connection: sa.Connection, transaction: sa.RootTransaction | None) -> None:
        self._connection, self._transaction = connection, transaction

    def __enter__(self) -> sa.Connection:
        if self._transaction is not None:
            self._transaction.__enter__()
        return self._connection

    def __exit__(self, *error: object) -> None:
        if self._transaction is not None:
            self._transaction.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        if self._transaction is not None:
            return getattr(self._transaction, name)
        return do_nothing if name in {"close", "commit", "rollback"} else getattr(self._connection, name)


@contextmanager
def instead(thing: object, method: str, action: Callable[..., object]) -> Iterator[None]:
    """Let a method of one object do something else in the block."""
    own = vars(thing)
    before = {method: own[method]} if method in own else {}
    own[method] = action
    try:
        yield
    finally:
        del own[method]
        own |= before


def commits(dialect: sa.Dialect, action: Callable[[object], None]) -> AbstractContextManager[None]:
    """Call `action` in place of a commit, on the dialect of a lent connection."""
    return instead(dialect, "do_commit", action)


def refuse_commit(_connection: object) -> None:
    """Raise TransactionEndedError: archmig owns the transaction."""
    raise TransactionEndedError("commit")


def do_nothing(*_: object, **__: object) -> None:
    """Ignore the rollbacks that SQLAlchemy issues when it connects and closes: the caller owns the transaction."""
