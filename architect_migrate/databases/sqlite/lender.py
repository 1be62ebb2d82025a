"""SQLite connections for the chain's code and for Alembic: `databases.base.Lender`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite import alembic_connection, baseline, connection, recorder
from architect_migrate.databases.sqlite import lending as lent

if TYPE_CHECKING:
    import sqlite3
    from contextlib import AbstractContextManager


def prepare() -> None:
    """Do nothing: engines on SQLite are lent a connection when they connect."""


def prepared(_connection: sqlite3.Connection) -> AbstractContextManager[None]:
    """Do nothing for the time of a block, as `prepare`."""
    return nullcontext()


alchemy = alembic_connection.alchemy
engine_on = alembic_connection.engine_on
lent_engine_on = alembic_connection.lent_engine_on
refuse_ignored_calls = alembic_connection.refuse_ignored_calls
taken_over = alembic_connection.taken_over
write_as = alembic_connection.write_as
lending = lent.lending
opened_file = lent.opened_file
is_lent_to = lent.is_lent_to
is_in_memory = lent.is_in_memory
let_alembic_act = lent.let_alembic_act
lay_file = baseline.lay_file
commit = connection.commit
recording = recorder.recording
