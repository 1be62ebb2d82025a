"""Finds out what became of a run: reads a database again after its commit, or after one that had no answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg

from architect_migrate.core.database_errors import DatabaseError, NotReadBackError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.urls import DatabaseUrl
from architect_migrate.databases.postgresql.connection import reading
from architect_migrate.databases.postgresql.fingerprint import digest
from architect_migrate.databases.postgresql.held import HeldConnection
from architect_migrate.databases.postgresql.marks import read_claims
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.databases.values import CommitOutcome, Committed

if TYPE_CHECKING:
    from architect_migrate.databases.base import Place
    from architect_migrate.databases.postgresql.lent import LentConnection
    from architect_migrate.planning.results import Fingerprint

# How long a server may take to be there again after a crash, in seconds, and how long to wait between two questions.
_PATIENCE, _PAUSE = 30.0, 0.1
_STATUS = "SELECT pg_xact_status(%(transaction)s::text::xid8), pg_postmaster_start_time()::text"


def committing(connection: LentConnection, stamp: tuple[str, ...], left: Fingerprint) -> Committed:
    """Return what `read_back` has to find after the commit of a run's connection, which leaves this fingerprint."""
    assert isinstance(connection, HeldConnection)
    return Committed(stamp, (0, 0), left.schema, left.without, connection.transaction_id)


def read_back(place: Place, timeout: float, version_table: str, committed: Committed) -> ArchmigError | None:
    """Read the database again after the commit; return the error if it is not what was committed, else None."""
    assert isinstance(place, DatabaseUrl)
    try:
        with reading(place, timeout) as connection:
            stamp = read_claims(connection, None, version_table).stamp or ()
            schema = digest(connection, committed.without)
    except DatabaseError as error:
        return NotReadBackError(str(place), error.problem)
    except ArchmigError as error:
        return error
    if set(stamp) != set(committed.stamp):
        was, now = (", ".join(one) or "none" for one in (committed.stamp, stamp))
        return NotReadBackError(str(place), f"the stamp {was} was committed, and now it is {now}")
    if schema != committed.schema:
        return NotReadBackError(str(place), "it has another schema than the one that was committed")
    return None


def transaction_outcome(place: Place, timeout: float, version_table: str, committed: Committed) -> CommitOutcome:
    """Ask the server what became of a transaction to whose COMMIT it gave no answer.

    Why not the server's word alone: after a crash the number of a transaction of which nothing was saved is given to
    another one. So it counts if the server was not started again since; else stamp and schema decide, and where they
    are as the run leaves them, that says nothing if it changed neither.
    """
    assert isinstance(place, DatabaseUrl)
    until = time.monotonic() + _PAUSE + _PATIENCE
    while time.monotonic() < until:
        try:
            status = _status(place, timeout, committed)
        except ArchmigError:
            status = "in progress"
        if status != "in progress":
            break
        time.sleep(_PAUSE)
    else:
        return CommitOutcome.UNKNOWN
    match status:
        case "committed":
            return CommitOutcome.AFTER
        case "aborted":
            return CommitOutcome.BEFORE
        case _:
            return CommitOutcome.UNKNOWN if read_back(place, timeout, version_table, committed) else CommitOutcome.AFTER


def _status(place: DatabaseUrl, timeout: float, committed: Committed) -> str:
    """What the server says of the transaction; empty if its word does not count."""
    number, started = committed.transaction
    with reading(place, timeout) as connection:
        try:
            status, since = query(connection, _STATUS, {"transaction": number}).fetchone() or ("", "")
        except psycopg.errors.InvalidParameterValue:  # a number that the server has not reached
            return ""
    return str(status) if since == started else ""
