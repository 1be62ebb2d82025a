"""What archmig changes on the SQLAlchemy connections that it lends, whatever kind of database they are on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import TransactionEndedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import sqlalchemy as sa


def as_connectable(connection: sa.Connection) -> sa.Connection:
    """Let `connect()` on the connection work as on an engine, for an env.py that calls it on the lent connection."""
    vars(connection)["connect"] = connection.engine.connect
    return connection


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


@contextmanager
def commits(dialect: sa.Dialect, action: Callable[[object], None]) -> Iterator[None]:
    """Call `action` in place of a commit, on the dialect of a lent connection."""
    own = vars(dialect)
    usual, own["do_commit"] = own["do_commit"], action
    try:
        yield
    finally:
        own["do_commit"] = usual


def refuse_commit(_connection: object) -> None:
    """Raise TransactionEndedError: archmig owns the transaction."""
    raise TransactionEndedError("commit")


def do_nothing(_connection: object) -> None:
    """Ignore the rollbacks that SQLAlchemy issues when it connects and closes: the caller owns the transaction."""
