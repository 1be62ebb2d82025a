"""Backups of a PostgreSQL database, and the proof that nothing in it was lost: `databases.base.Keeper`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.postgresql import access, content, deltas, dump, kept, left, outcome, overwrite, proof
from architect_migrate.databases.values import CommitOutcome, Integrity, differences

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from architect_migrate.databases.base import Place
    from architect_migrate.databases.postgresql.lent import LentConnection
    from architect_migrate.databases.postgresql.stored import Kept
    from architect_migrate.databases.values import Backup, Content, Permitted

take = dump.take
file_digest = dump.file_digest
unreadable = dump.damage
hold_unchanged = overwrite.hold_unchanged
content_of = content.content_of
completed = content.completed
content_after = left.content_after
row_deltas = deltas.row_deltas
keep = kept.keep
sides = kept.sides
committing = outcome.committing
read_back = outcome.read_back
transaction_outcome = outcome.transaction_outcome
prove_rows = proof.prove_rows


def take_through(_source: Any, place: Place, folder: Path, name: str, *, progress: Callable[[str], None]) -> Backup:
    """Take a backup as `take` does: pg_dump opens a connection of its own."""
    return dump.take(place, folder, name, progress=progress)


def damage(_connection: LentConnection) -> tuple[str, ...]:
    """Return no damage: the server itself refuses pages that are damaged."""
    return ()


def integrity_before(_connection: LentConnection) -> Integrity:
    """Return no violation: PostgreSQL enforces declarations, and `verify` asks for rows that break them anyway.

    Why not before each run: that reads every row of every table.
    """
    return Integrity()


def orphaned(_before: Kept, _after: LentConnection, _permitted: Permitted) -> tuple[int, int, list[str]]:
    """Return no orphan: PostgreSQL enforces foreign keys, at the latest before the commit."""
    return 0, 0, []


def worsened(_before: Kept, _after: LentConnection, _touched: frozenset[str], _broken: Counter[str]) -> Iterator[str]:
    """Yield no violation, as `integrity_before`."""
    return iter(())


def commit_outcome(place: Place, timeout: float, before: Content | None, after: Content | None) -> CommitOutcome:
    """Read the database and return which of the two contents it has."""
    try:
        with access.reading(place, timeout) as connection:
            now = content.content_of(connection)
    except ArchmigError:
        return CommitOutcome.UNKNOWN
    if after and not differences(after, now):
        return CommitOutcome.AFTER
    return CommitOutcome.BEFORE if before and not differences(before, now) else CommitOutcome.UNKNOWN


def outcome_by_stamp(
    _place: Place, _timeout: float, _version_table: str, _before: tuple[str, ...], _after: tuple[str, ...]
) -> CommitOutcome:
    """Return that a stamp does not tell: `transaction_outcome` does."""
    return CommitOutcome.UNKNOWN


def take_damaged(_source: Any, place: Place, _folder: Path, _name: str) -> Path:
    """Refuse to copy a damaged database. Raises UnsupportedError."""
    raise access.unsupported(place, "copy damaged databases")


def clone(place: Place, _new: Place, _progress: Callable[[str], None]) -> Backup:
    """Refuse to copy a database. Raises UnsupportedError."""
    raise access.unsupported(place, "copy databases")


def copy_of(source: LentConnection, _folder: Path, _times: int) -> Path:
    """Refuse to copy a database. Raises UnsupportedError."""
    raise access.unsupported(source, "rehearse on copies of databases")


def examples(_now: object, _then: object, _table: str, _most: int) -> tuple[str, ...]:
    """Return no example: only a rehearsal shows them."""
    return ()
