"""Restore: writes a backup's content into the live database, after a backup of the current content."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.backups.record import Copy, copy_at, read_record, record_file, write_record
from architect_migrate.backups.restore_plan import Restoration, Restored
from architect_migrate.backups.service import (
    catalogue,
    complete,
    content_in,
    is_archive,
    is_own,
    record_of,
    take_for,
    verify,
)
from architect_migrate.core.chain_errors import ChangedMeanwhileError
from architect_migrate.core.database_errors import (
    BackupError,
    CommitFailedError,
    DamagedError,
    DatabaseError,
    NotADatabaseError,
    NotReadBackError,
    RestoreError,
)
from architect_migrate.core.interrupts import run_interruptible
from architect_migrate.core.text import pluralize
from architect_migrate.databases.registry import access, is_served, keeper, kind_of, marks
from architect_migrate.databases.values import Became, CommitOutcome, Content, differences, settled
from architect_migrate.ledger.recorder import current_state, enter, entered_on_failure, fingerprint_facts, tool_versions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.core.interrupts import Interrupts
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection
    from architect_migrate.databases.overwritten import Overwritten
    from architect_migrate.databases.values import Committed


def choose(context: EnvironmentContext, named: Path | None) -> Copy:
    """Return the backup at a path or of a name in the backup folder; without either, the newest intact one.

    Raises RestoreError.
    """
    if named is None:
        sound = [copy for copy in catalogue(context) if not copy.problem]
        if not sound:
            problem = f"no intact backup of {context.environment.name}"
            raise RestoreError(str(context.backups), problem, "see archmig backup list, or name a file")
        return sound[-1]
    places = (named, context.backups / named) if named.parent.name == "" else (named,)
    copy = next((copy for copy in map(copy_at, places) if copy), None)
    if copy is None:
        raise RestoreError(str(named), "no such backup", "archmig backup list shows the backups")
    return copy


def preview(context: EnvironmentContext, copy: Copy) -> Restoration:
    """Return what restoring a backup would change; nothing is written except the verdict in the backup's record.

    Raises RestoreError for a backup that is damaged or empty or of another kind of database, and what `reading` raises
    for the database.
    """
    url = context.environment.url
    if problem := _unfit(copy, url) or verify(copy).problem:
        raise RestoreError(str(copy.path), problem, "nothing was changed: choose another backup")
    with access.reading(copy.path) as source:
        then = content_in(copy, source)
        if not then.objects:
            raise RestoreError(str(copy.path), "it holds nothing", "nothing was changed: choose another backup")
        if not is_served(url) and not access.exists(url):
            return Restoration(copy, None, then, (), ())
        try:
            return _against(copy, source, then, url, context.environment.policies.lock_timeout)
        except NotADatabaseError:
            advice = "nothing was changed: move it away, then restore creates the database"
            raise RestoreError(access.location(url), "the file is not a database", advice) from None
        except DamagedError as error:
            return Restoration(copy, None, then, (), (), error.detail)


def _unfit(copy: Copy, url: DatabaseUrl) -> str:
    """Say why a backup cannot be restored into a database, whatever it holds; empty if it can."""
    if kind_of(copy.path) != kind_of(url):
        return "it was made of another kind of database"
    if is_archive(copy) and copy.record is None:
        return "it has no record beside it (its name with .json), so that nothing could prove what it restores"
    return ""


def _against(copy: Copy, source: Connection, then: Content, url: DatabaseUrl, timeout: float) -> Restoration:
    with access.reading(url, timeout) as live:
        if faults := keeper.damage(live):
            return Restoration(copy, None, then, (), (), faults[0])
        now = keeper.content_of(live)
        other = [table for table in {*now.tables, *then.tables} if now.tables.get(table) != then.tables.get(table)]
        rows = keeper.row_deltas(live, source, (name for name in other if not is_own(copy, name)))
    with_rows = {f"table {name}" for name in (*now.tables, *then.tables)}
    others = tuple(
        difference
        for difference in differences(now, then)
        if difference.subject not in with_rows or difference.became is Became.REDEFINED
    )
    return Restoration(copy, now, then, rows, others)


def restore(context: EnvironmentContext, shown: Restoration, action: str) -> Restored:
    """Restore a previewed backup; at every moment the database has either the old content or the new one.

    `action` is the command for the ledger. Raises ChangedMeanwhileError if the database or the backup changed since the
    preview, and other ArchmigErrors; the database is then unchanged unless the message says otherwise. A Ctrl-C after
    the first page was written takes effect at the end.
    """
    started = time.time()
    with entered_on_failure(context, action, started):
        return run_interruptible(lambda interrupts: _restored(context, shown, action, interrupts, started))


def _restored(
    context: EnvironmentContext, shown: Restoration, action: str, interrupts: Interrupts, started: float
) -> Restored:
    before = current_state(context)
    url, timeout = context.environment.url, context.environment.policies.lock_timeout
    work = _Work(context, shown, action, interrupts)
    with access.reading(shown.copy.path) as source:
        # Why compare again: another process may have replaced the backup since the preview.
        if differences(shown.then, content_in(shown.copy, source)):
            raise ChangedMeanwhileError(shown.copy.path.name)
        with _in_place(context, shown):
            _overwrite(work, source)
    # Why after the block: a new connection reads the file as applications will.
    if work.committed:
        _require_read_back(work, work.committed)
    else:
        _require_sound(url, timeout, shown.then, work.kept)
    detail = (
        f"from {shown.copy.path}, {pluralize(shown.then.rows, 'row')} in {pluralize(len(shown.then.tables), 'table')}"
    )
    after, fingerprint = current_state(context)
    facts = [*fingerprint_facts(before[1], fingerprint), ("restored digest", shown.then.digest), *tool_versions()]
    stamps, backup_path = (before[0], after), str(work.kept or "")
    entered = enter(context, action, started, stamps=stamps, backup=backup_path, detail=detail, facts=facts)
    return Restored(shown, work.kept, time.time() - started, (*work.warnings, *entered.warnings))


@dataclass(slots=True)
class _Work:
    """The state of a restore while it is executed: the backup of the old content, and what is about to be committed.

    `committed` is None where the database commits by itself.
    """

    context: EnvironmentContext
    shown: Restoration
    action: str
    interrupts: Interrupts
    kept: Path | None = None
    committed: Committed | None = None
    warnings: tuple[str, ...] = ()


def _overwrite(work: _Work, source: Connection) -> None:
    """Overwrite the database; a failed commit that took effect is a warning.

    Why the backup is kept after a failure: the database may have changed since. It is unmarked, so that `undo` does
    not take the failed restore for a run.
    """
    url, timeout = work.context.environment.url, work.context.environment.policies.lock_timeout
    try:
        with keeper.hold_unchanged(url, timeout) as held:
            work.kept = _kept(work.context, work.shown, work.action, held.reader)
            left = held.overwrite(source, work.shown.then, timeout, work.interrupts.hold)
            if left:
                _about_to_commit(work, held.reader, left)
    except CommitFailedError as error:
        outcome = _outcome(work)
        if outcome is CommitOutcome.BEFORE:
            _unmark(work.kept)
        work.warnings += (settled(error, outcome),)
    except BaseException:
        _unmark(work.kept)
        raise


def _about_to_commit(work: _Work, connection: Connection, left: Overwritten) -> None:
    """Note what is committed at the end of the block, in the record of the backup too."""
    table = work.context.graph.version_table
    fingerprint = marks.fingerprint_of(connection, work.context.hidden(table))
    work.committed = keeper.committing(connection, marks.plain_stamp(connection, table), fingerprint)
    work.warnings += left.notes
    if work.kept and (record := read_record(work.kept)):
        write_record(work.kept, replace(record, after=left.content))
    # Why here: the last moment at which a Ctrl-C can still roll back; from now on it waits for the record.
    work.interrupts.refuse()
    work.interrupts.hold()


def _outcome(work: _Work) -> CommitOutcome:
    url, timeout = work.context.environment.url, work.context.environment.policies.lock_timeout
    if work.committed:
        table = work.context.graph.version_table
        if told := keeper.transaction_outcome(url, timeout, table, work.committed):
            return told
    return keeper.commit_outcome(url, timeout, work.shown.now, work.shown.then)


def _require_read_back(work: _Work, committed: Committed) -> None:
    """Raise NotReadBackError unless a new connection finds the stamp and the schema that were committed."""
    url, timeout = work.context.environment.url, work.context.environment.policies.lock_timeout
    if unread := keeper.read_back(url, timeout, work.context.graph.version_table, committed):
        raise unread


def _unmark(kept: Path | None) -> None:
    if kept and (record := read_record(kept)):
        with suppress(BackupError):
            write_record(kept, replace(record, after=None))


def _require_sound(url: DatabaseUrl, timeout: float, then: Content, kept: Path | None) -> None:
    """Read the restored database again and compare it. Raises NotReadBackError, RestoreError."""
    try:
        with access.reading(url, timeout) as live:
            problems = (*keeper.damage(live), *map(str, differences(then, keeper.content_of(live))))
    except DatabaseError as error:
        raise NotReadBackError(access.location(url), error.problem) from error
    if problems:
        where = f"the replaced content is in {kept}" if kept else "there was no database before"
        raise RestoreError(access.location(url), f"restored, but it differs from the backup: {problems[0]}", where)


@contextmanager
def _in_place(context: EnvironmentContext, shown: Restoration) -> Iterator[None]:
    """Create a missing database file with the backup's permissions. Raises RestoreError, ChangedMeanwhileError.

    Why a leftover journal is refused: SQLite would apply it to the new file.
    """
    url = context.environment.url
    missing = not access.exists(url)
    if missing != (shown.now is None and not shown.damaged):
        raise ChangedMeanwhileError(context.environment.name)
    left = access.stray_journal(url)
    if missing and left:
        advice = "nothing was changed: move it away, or SQLite would apply it to the restored database"
        raise RestoreError(left, "belongs to a database that no longer exists", advice)
    with access.created(url, shown.copy.path) if missing else nullcontext():
        yield


def _kept(context: EnvironmentContext, shown: Restoration, action: str, live: Connection) -> Path | None:
    """Back up the content that will be replaced, and record the new content in the backup's record for `undo`.

    Returns None if the database defines nothing. Raises ChangedMeanwhileError, BackupError.
    """
    if shown.damaged:
        return keeper.take_damaged(live, context.environment.url, context.backups, context.environment.name)
    if shown.now is None or not shown.now.objects:
        if not marks.defines_nothing(live):
            raise ChangedMeanwhileError(context.environment.name)
        return None
    made = take_for(context, action, live)
    if differences(shown.now, complete(made.path, made.content)):
        # The database still has everything that this new backup holds.
        with suppress(OSError):
            made.path.unlink()
            record_file(made.path).unlink()
        raise ChangedMeanwhileError(context.environment.name)
    write_record(made.path, record_of(context, made, action, shown.then))
    return made.path
