"""Copies of a SQLite database, and the proof that nothing in it was lost: `databases.base.Keeper`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite import checks
from architect_migrate.databases.sqlite import connection as connections
from architect_migrate.databases.sqlite.files import backup, commit_check, overwrite, same_file, scratch_copy
from architect_migrate.databases.sqlite.rows import content, delta, foreign_keys, integrity, proof

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from architect_migrate.databases.base import Place
    from architect_migrate.databases.values import Backup, Committed, Recorded, Writes

take = backup.take
take_through = backup.take_through
take_damaged = backup.take_damaged
clone = backup.clone
copy_of = scratch_copy.copy_of
file_digest = same_file.file_digest
hold_unchanged = overwrite.hold_unchanged
commit_outcome = commit_check.commit_outcome
outcome_by_stamp = commit_check.outcome_by_stamp
committing = commit_check.committing
read_back = commit_check.read_back
content_of = content.content_of
completed = content.completed
row_deltas = delta.row_deltas
examples = delta.examples
orphaned = foreign_keys.orphaned
damage = integrity.damage
worsened = integrity.worsened
prove_rows = proof.prove_rows
integrity_before = checks.integrity_of


def keep(
    _connection: sqlite3.Connection,
    _tables: Collection[str],
    prove: Callable[[Writes], None] | None = None,
    backup: Callable[[], Backup | None] = lambda: None,  # noqa: ARG001  (of use where others write meanwhile)
    limit: float = 0,  # noqa: ARG001  (of use where rows are copied)
) -> None:
    """Keep nothing more: the backup of a run has every row of before, and no revision leaves its transaction."""
    assert prove is None


def content_after(
    connection: sqlite3.Connection, recorded: Recorded, backup: sqlite3.Connection, unwritten: Iterable[str]
) -> tuple[Recorded, tuple[str, ...]]:
    """Digest what a run leaves as `content.content_after`; no other process wrote since the backup."""
    return content.content_after(connection, recorded, backup, unwritten), ()


def sides(_connection: sqlite3.Connection, copy: Path | None) -> AbstractContextManager[sqlite3.Connection]:
    """Open the rows from before a run: its backup, or nothing for a database that defined nothing."""
    return connections.in_memory() if copy is None else connections.reading(copy)


def transaction_outcome(_place: Place, _timeout: float, _version_table: str, _committed: Committed) -> None:
    """Return that no server can be asked what became of a transaction."""


def unreadable(_archive: Path) -> str:
    """Return nothing: a backup is a database, and is read as one."""
    return ""
