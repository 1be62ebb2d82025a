"""Backup service of an environment: takes, records, lists and verifies backups."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from architect_migrate.backups.record import Copy, Record, copies, copies_of, read_record, write_record
from architect_migrate.config.policies import skips_uninitialised
from architect_migrate.core.database_errors import BackupError, DamagedError, NotADatabaseError
from architect_migrate.core.errors import LedgerError
from architect_migrate.databases.registry import LOCAL, access, dialect, keeper, kind_of, marks
from architect_migrate.databases.values import Content, Unread, differences, no_progress
from architect_migrate.ledger import store
from architect_migrate.ledger.recorder import enter, entered_on_failure, tool_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.values import Backup, Recorded


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of verifying a backup: `problem` is empty if it is intact; `tables` and `rows` are counts."""

    copy: Copy
    problem: str
    tables: int = 0
    rows: int = 0


def take_for(
    context: EnvironmentContext,
    purpose: str,
    source: Connection | None = None,
    *,
    progress: Callable[[str], None] = no_progress,
) -> Backup:
    """Take a verified backup and write its record. Raises BackupError.

    `purpose` is the command. With `source`, the copy is read through that connection, whose transaction keeps other
    writers out.
    """
    url, name = context.environment.url, context.environment.name
    if source is None:
        made = keeper.take(url, context.backups, name, progress=progress)
    else:
        made = keeper.take_through(source, url, context.backups, name, progress=progress)
    try:
        write_record(made.path, record_of(context, made, purpose))
    except BackupError:
        # Why suppressed: a copy that cannot be removed is intact, and the first error is the one to report.
        with suppress(OSError):
            made.path.unlink()
        raise
    return made


def record_of(context: EnvironmentContext, made: Backup, purpose: str, after: Recorded | None = None) -> Record:
    """Return the record of a backup that was just taken; `after` is what the run leaves."""
    name, database = context.environment.name, str(context.environment.url)
    return Record(name, database, purpose, made.size, made.content, _now(), after=after, file=made.file)


def complete(backup_file: Path, recorded: Recorded) -> Content:
    """Return the content of a record with the digests of all rows, those that it lacks read from its backup.

    Raises as `reading` if it has to read the backup.
    """
    tables = {name: rows for name, rows in recorded.tables.items() if not isinstance(rows, Unread)}
    if len(tables) == len(recorded.tables):
        return Content(recorded.objects, tables, recorded.header)
    with access.reading(backup_file) as connection:
        return keeper.completed(connection, recorded)


def take_unless_empty(
    context: EnvironmentContext,
    purpose: str,
    connection: Connection,
    progress: Callable[[str], None] = no_progress,
) -> Backup | None:
    """Take a backup of a database whose write lock `connection` holds; return None if it defines nothing."""
    return None if marks.defines_nothing(connection) else take_for(context, purpose, progress=progress)


def mark(
    context: EnvironmentContext, made: Backup, purpose: str, connection: Connection, unwritten: Iterable[str]
) -> Backup:
    """Record in a run's backup the content that the run leaves; `undo` compares it with the database later.

    Why before the commit: a committed run must never be without it. The rows of `unwritten` tables are not read but
    taken from the backup; if they did differ, an undo would be refused. Returns the backup with what the run leaves as
    its content, with which the next segment of the run begins.
    """
    with access.reading(made.path) as before:
        after, missed = keeper.content_after(connection, made.content, before, unwritten)
    record = read_record(made.path) or record_of(context, made, purpose)
    write_record(made.path, replace(record, after=after, missed=tuple(dict.fromkeys((*record.missed, *missed)))))
    return replace(made, content=after)


def mark_as_left(made: Backup) -> None:
    """Record again what the last committed segment of a run has left: the next one was rolled back."""
    if record := read_record(made.path):
        with suppress(BackupError):
            write_record(made.path, replace(record, after=made.content))


def create(context: EnvironmentContext) -> Backup | None:
    """Back an environment up now; return None if its policy skips a missing file, or if the database defines nothing.

    Raises as `take_for`.
    """
    started = time.time()
    with entered_on_failure(context, "backup create", started):
        made = _created(context)
    if made:
        facts = [("backup digest", made.digest), *tool_versions()]
        enter(context, "backup create", started, backup=str(made.path), facts=facts)
    return made


def _created(context: EnvironmentContext) -> Backup | None:
    url = context.environment.url
    if not access.exists(url) and skips_uninitialised(context.environment):
        return None
    with access.reading(url, context.environment.policies.lock_timeout) as connection:
        if marks.defines_nothing(connection):
            return None
        return take_for(context, "backup create", connection)


def content_now(context: EnvironmentContext) -> Content:
    """Read the content of the environment's database. Raises as `reading`."""
    with access.reading(context.environment.url, context.environment.policies.lock_timeout) as live:
        return keeper.content_of(live)


def catalogue(context: EnvironmentContext) -> tuple[Copy, ...]:
    """Return the environment's backups, oldest first. Raises BackupError.

    Why by the ledger where it has them: after the clock was set back, a newer backup has an earlier time.
    """
    by_time = copies_of(copies(context.backups), context.environment.name, str(context.environment.url))
    places = {path: place for place, path in enumerate(purposes(context))}
    entered = sorted((copy for copy in by_time if str(copy.path) in places), key=lambda copy: places[str(copy.path)])
    in_order = iter(entered)
    return tuple(next(in_order) if str(copy.path) in places else copy for copy in by_time)


def purposes(context: EnvironmentContext) -> dict[str, str]:
    """Return the purposes of backups by path according to the ledger, in the order in which they were entered.

    Why a path's last entry: the name of a removed backup may be given again within its second.
    """
    try:
        entered = {entry.backup: entry.action for entry in reversed(store.entries(context.ledger)) if entry.backup}
    except LedgerError:
        return {}
    return dict(reversed(entered.items()))


def verify(copy: Copy) -> Verdict:
    """Verify a backup: read all of it, and compare every value, or every byte, with its record.

    The verdict is written to its record, if it has one. Raises what `reading` raises for a file that it cannot open.
    """
    verdict = _verdict(copy)
    if copy.record:
        with suppress(BackupError):  # the folder may be read-only, which does not change the verdict
            write_record(copy.path, replace(copy.record, checked_at=_now(), problem=verdict.problem))
    return verdict


def _verdict(copy: Copy) -> Verdict:
    if copy.damaged:
        return Verdict(copy, copy.problem)
    if is_archive(copy):
        if fault := keeper.unreadable(copy.path):
            return Verdict(copy, f"damaged: {fault}")
        return _verdict_of_file(copy, copy.record) if copy.record else Verdict(copy, "")
    try:
        with access.reading(copy.path) as connection:
            if faults := keeper.damage(connection):
                return Verdict(copy, f"damaged: {faults[0]}")
            by_rows = None if copy.record and copy.record.file else keeper.content_of(connection)
    except NotADatabaseError:
        return Verdict(copy, "damaged: the file is not a database any more")
    except DamagedError as error:
        return Verdict(copy, f"damaged: {error.detail}")
    if by_rows is None and copy.record:
        return _verdict_of_file(copy, copy.record)
    assert by_rows is not None
    others = differences(complete(copy.path, copy.record.content), by_rows) if copy.record else ()
    more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
    problem = f"changed since it was taken: {others[0]}{more}" if others else ""
    return Verdict(copy, problem, len(by_rows.tables), by_rows.rows)


def is_archive(copy: Copy) -> bool:
    """Return whether a backup is an archive, which only its own kind's programs read."""
    return kind_of(copy.path) != LOCAL


def is_own(copy: Copy, table: str) -> bool:
    """Return whether a table of a backup belongs to its kind of database itself, and holds no data of a user."""
    return not is_archive(copy) and dialect.is_own(table)


def content_in(copy: Copy, source: Connection) -> Content:
    """Read what restoring a backup brings back; the objects of an archive are those of its record."""
    content = keeper.content_of(source)
    return replace(content, objects=copy.record.content.objects) if is_archive(copy) and copy.record else content


def _verdict_of_file(copy: Copy, record: Record) -> Verdict:
    try:
        same = keeper.file_digest(copy.path) == record.file
    except OSError as error:
        return Verdict(copy, f"cannot be read: {error.strerror or error}")
    problem = "" if same else "changed since it was taken: its file has other bytes"
    return Verdict(copy, problem, len(record.content.tables), record.content.rows)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
