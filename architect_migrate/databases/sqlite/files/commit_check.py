"""Finds out what a database holds after a commit that failed, because SQLite's error alone does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import DatabaseError, NotReadBackError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.sqlite.access import file_of
from architect_migrate.databases.sqlite.bookkeeping import read_claims
from architect_migrate.databases.sqlite.connection import HeldConnection, identity, reading
from architect_migrate.databases.sqlite.fingerprint import digest
from architect_migrate.databases.sqlite.rows.content import content_of
from architect_migrate.databases.values import CommitOutcome, Committed, Content, differences

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.databases.base import Connection, Place
    from architect_migrate.planning.results import Fingerprint


def commit_outcome(place: Place, timeout: float, before: Content | None, after: Content | None) -> CommitOutcome:
    """Read the whole database again, and compare it with its content before the run and the content to be committed.

    None for `before` means that the database was empty, None for `after` that its content is not known.
    """
    try:
        with reading(file_of(place), timeout) as connection:
            now = content_of(connection)
    except ArchmigError:
        return CommitOutcome.UNKNOWN
    if after is not None and not differences(after, now):
        return CommitOutcome.AFTER
    same = not differences(before, now) if before is not None else not now.objects
    return CommitOutcome.BEFORE if same else CommitOutcome.UNKNOWN


def outcome_by_stamp(
    place: Place, timeout: float, version_table: str, before: tuple[str, ...], after: tuple[str, ...]
) -> CommitOutcome:
    """Compare only the stamp; the outcome is UNKNOWN where the run did not change the stamp."""
    try:
        stamp = set(_stamp(file_of(place), timeout, version_table))
    except ArchmigError:
        return CommitOutcome.UNKNOWN
    if set(before) == set(after) or stamp not in (set(before), set(after)):
        return CommitOutcome.UNKNOWN
    return CommitOutcome.AFTER if stamp == set(after) else CommitOutcome.BEFORE


def committing(connection: Connection, stamp: tuple[str, ...], left: Fingerprint) -> Committed:
    """Return what `read_back` has to find after the commit of a run's connection, which leaves this fingerprint."""
    file = connection.file if isinstance(connection, HeldConnection) else (0, 0)
    return Committed(stamp, file, left.schema, left.without)


def read_back(place: Place, timeout: float, version_table: str, committed: Committed) -> ArchmigError | None:
    """Read the file again after the commit; return the error if it is not what was committed, else None.

    Why: a run is reported as done only if the file that it had open is in its place, with its stamp and its schema.
    """
    path = file_of(place)
    try:
        with reading(path, timeout) as connection:
            stamp = read_claims(connection, None, version_table).stamp or ()
            schema = digest(connection, committed.without)
    except DatabaseError as error:
        return NotReadBackError(str(path), error.problem)
    except ArchmigError as error:
        return error
    if identity(path) != committed.file:
        return NotReadBackError(str(path), "another file was moved into its place, and the file of the run is gone")
    if set(stamp) != set(committed.stamp):
        was, now = (", ".join(one) or "none" for one in (committed.stamp, stamp))
        return NotReadBackError(str(path), f"the stamp {was} was committed, and now it is {now}")
    if schema != committed.schema:
        return NotReadBackError(str(path), "it has another schema than the one that was committed")
    return None


def _stamp(path: Path, timeout: float, version_table: str) -> tuple[str, ...]:
    try:
        with reading(path, timeout) as connection:
            return read_claims(connection, None, version_table).stamp or ()
    except DatabaseError as error:
        raise NotReadBackError(str(path), error.problem) from error
