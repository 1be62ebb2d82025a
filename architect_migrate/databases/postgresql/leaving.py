"""Lets a revision leave the transaction of a run: what it did so far is proven and committed, what follows is sealed.

What PostgreSQL refuses inside of a transaction, such as CREATE INDEX CONCURRENTLY, can neither be rolled back nor be
proven before it takes effect. So only statements that change no row run outside.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg

from architect_migrate.core.database_errors import CommitFailedError, DatabaseError
from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.catalog import OWN
from architect_migrate.databases.postgresql.held import begin_again, finish
from architect_migrate.databases.postgresql.pinned import query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.postgresql.held import HeldConnection

# Why no limit: while a statement waits here, others go on reading and writing.
_SETTINGS = """
    SELECT set_config('lock_timeout', '0', false), set_config('statement_timeout', '0', false),
           set_config('application_name', current_setting('application_name') || ' outside', false)"""
_INDEXES = f"""
    SELECT c.relname::text, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.{OWN} AND c.relkind = 'i'"""


@contextmanager
def outside(held: HeldConnection) -> Iterator[None]:
    """Run the block outside of a transaction, between two that are sealed. Raises as `held.transaction`."""
    assert held.leaving is not None
    really = held.really()
    with held.unheard() as hearing:
        again = held.leaving(hearing)
        try:
            finish(held)
        except CommitFailedError as error:
            advice = "whether that was committed is not known: archmig status shows where the database is"
            raise DatabaseError(error.subject, error.problem, advice) from error
        really.set_autocommit(True)
        query(held, _SETTINGS)
        there: dict[str, bool] = dict(query(held, _INDEXES).fetchall())
    held.is_outside = True
    try:
        yield
    except BaseException:
        with held.unheard(), suppress(psycopg.Error):
            _drop_failed(held, there)
        raise
    finally:
        held.is_outside = False
        if not held.closed:
            with held.unheard():
                query(held, "RESET ALL")
                really.set_autocommit(False)
                begin_again(held)
                again()


def _drop_failed(held: HeldConnection, there: dict[str, bool]) -> None:
    """Drop the invalid indexes that a failed CONCURRENTLY has left, so that it can be run again."""
    query(held, "SELECT set_config('lock_timeout', %(wait)s, false)", {"wait": str(int(held.lock_timeout * 1000) or 1)})
    for name, is_valid in query(held, _INDEXES).fetchall():
        if not is_valid and name not in there:
            query(held, f"DROP INDEX CONCURRENTLY {quote(name)}")
