"""Backups: self-contained files, each proven equal to the database before a run writes to the database."""

from __future__ import annotations

import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple, assert_never

from architect_migrate.core.atomic_files import (
    create_private_folder,
    draft,
    is_unwritable,
    move_to_free_name,
    sweep,
    sync,
)
from architect_migrate.core.backup_files import publish
from architect_migrate.core.database_errors import BackupError
from architect_migrate.databases.sqlite.access import file_of
from architect_migrate.databases.sqlite.connection import reading
from architect_migrate.databases.sqlite.files.same_file import Different, NotCompared, Same, compare_files
from architect_migrate.databases.sqlite.rows.content import counted, header_of, objects_of, table_digest
from architect_migrate.databases.sqlite.rows.exact import (
    BATCH,
    codec_of,
    exact,
    frozen,
    own_key,
    passes,
    row_tables,
    select,
)
from architect_migrate.databases.sqlite.rows.integrity import damage
from architect_migrate.databases.values import Backup, Content, Recorded, Rows, no_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from architect_migrate.databases.base import Place
    from architect_migrate.databases.sqlite.rows.exact import RowTable

_TIMEOUT = 30.0
# Space left free beside the backup, because the run itself writes a journal.
_MARGIN_BYTES, _MARGIN_PART = 1 << 20, 0.05
# Rows compared between two reports of progress, a multiple of the batch: some tenths of a second.
_SIGN_OF_LIFE = 3_200 * BATCH
# The size in bytes from which the files are compared instead of rows: starting a process takes longer for less.
_LARGE = 1 << 20
_HEADER = ("user_version", "application_id", "encoding", "page_size", "auto_vacuum")
_OF_THE_DATABASE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_ELSEWHERE = (
    "nothing was changed: make the folder writable, or name another one in environments.toml: path in [ledger], "
    "or dir in [backup]"
)
OF_THE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


class _Verified(NamedTuple):
    """What a database and its copy share; `file` is the digest of the copy's bytes if these were compared."""

    content: Recorded
    file: str


def take(place: Place, folder: Path, name: str, *, progress: Callable[[str], None] = no_progress) -> Backup:
    """Copy the committed state of a database to `folder`/`name`-TIME-N.db and prove the copy equal.

    Works while this process or another one holds the write lock. The copy has the database's permissions, never wider
    ones. Raises BackupError, and what `reading` raises of the database; no file is left then.
    """
    with reading(file_of(place), _TIMEOUT) as source:
        return take_through(source, place, folder, name, progress=progress)


def take_through(
    source: sqlite3.Connection, place: Place, folder: Path, name: str, *, progress: Callable[[str], None]
) -> Backup:
    """Take a backup through an open connection, as `take` does.

    No other process may be able to write meanwhile, or the connection has to be in a read transaction. `progress` is
    called with a line about the rows compared so far.
    """
    found: list[_Verified] = []
    path = file_of(place)
    final = _made(source, path, folder, (name, ""), lambda copy: found.append(_verified(path, source, copy, progress)))
    return Backup(final, final.stat().st_size, *found[0])


def clone(place: Place, new: Place, progress: Callable[[str], None]) -> Backup:
    """Copy the committed state of a database to the new file of another one, and prove the copy equal.

    The copy has the database's permissions and journal mode. Raises as `take`; an existing file there is kept.
    """
    path, final = file_of(place), file_of(new)
    folder = final.parent
    with reading(path, _TIMEOUT) as source, _named_failures(path, folder), draft(folder) as copy:
        _require_space(folder, size_of(source))
        copy_pages(source, copy)
        found = _verified(path, source, copy, progress)
        if source.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            with closing(sqlite3.connect(copy, isolation_level=None)) as target:
                # Why: a copy that is to be used in the database's place has to behave as it does, and backups are made
                # in mode DELETE.
                target.execute("PRAGMA journal_mode = WAL").fetchone()
        _settle(copy, path.stat())
        if not move_to_free_name(copy, final):
            raise BackupError(str(final), "it already exists")
        try:
            sync(folder)
        except OSError:
            final.unlink()
            raise
        return Backup(final, final.stat().st_size, *found)


def take_damaged(source: sqlite3.Connection, place: Place, folder: Path, name: str) -> Path:
    """Copy a damaged database page by page, without a comparison, to `folder`/`name`-TIME-N-damaged.db."""
    return _made(source, file_of(place), folder, (name, "-damaged"), lambda _copy: None)


def _made(
    source: sqlite3.Connection, path: Path, folder: Path, name: tuple[str, str], check: Callable[[Path], None]
) -> Path:
    with _named_failures(path, folder):
        create_private_folder(folder)
        sweep(folder)
        _require_space(folder, size_of(source))
        with draft(folder) as copy:
            copy_pages(source, copy)
            check(copy)
            _settle(copy, path.stat())
            # Why named last: a file under its final name is always complete and verified.
            return publish(copy, folder, name[0], f"{name[1]}.db")


@contextmanager
def _named_failures(path: Path, folder: Path) -> Iterator[None]:
    """Translate errors of the disk to BackupError, which names the folder; `reading` names errors of the database."""
    try:
        yield
    except OSError as error:
        advice = (_ELSEWHERE,) if is_unwritable(error) else ()
        raise BackupError(str(folder), error.strerror or str(error), *advice) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _OF_THE_DATABASE:
            raise
        raise BackupError(str(folder if code in OF_THE_DISK else path), str(error)) from error


def size_of(source: sqlite3.Connection) -> int:
    """The size of a database as a file, in bytes."""
    (pages,) = source.execute("PRAGMA page_count").fetchone()
    (page_size,) = source.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(page_size)


def _require_space(folder: Path, size: int) -> None:
    needed = size + max(_MARGIN_BYTES, int(size * _MARGIN_PART))
    free = shutil.disk_usage(folder).free
    if free < needed:
        problem = f"it takes {needed / 1e6:.1f} MB and {free / 1e6:.1f} MB are free"
        raise BackupError(str(folder), problem, "nothing was changed: free some space, or name another backup folder")


def copy_pages(source: sqlite3.Connection, copy: Path) -> None:
    """Copy every page in one step.

    Why not in several: after a write by another process SQLite restarts the copy, possibly without end.
    """
    with closing(sqlite3.connect(copy, isolation_level=None)) as target:
        # Why no journal and no sync: a crash leaves only a temporary file, and the complete file is synced as a whole.
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        source.backup(target)
        # Why DELETE: the copy of a WAL database would need a -wal and a -shm file beside it.
        target.execute("PRAGMA journal_mode = DELETE").fetchone()
    sync(copy)


def _verified(path: Path, source: sqlite3.Connection, copy: Path, progress: Callable[[str], None]) -> _Verified:
    """What the database and the copy share. Raises BackupError if they differ or the copy is damaged."""
    # Why a thread: SQLite releases the GIL while it checks, so the check runs beside the comparison.
    with closing(_opened(copy)) as checked, ThreadPoolExecutor(max_workers=1) as pool:
        # Why only damage: rows that violate a declaration are in the database too, and the copy has to have them.
        checking = pool.submit(damage, checked)
        try:
            with closing(_opened(copy)) as target:
                result = _same_content(path, source, (copy, target), progress)
            damaged = checking.result()
        except BaseException:
            # Why: the thread is waited for at the end of the block, and a Ctrl-C is to stop the run at once.
            checked.interrupt()
            raise
    if damaged and damaged == damage(source):
        raise BackupError(str(path), f"the database itself is damaged ({damaged[0]})", "restore an older backup of it")
    if damaged:
        raise BackupError(str(path), f"the copy is damaged ({damaged[0]})")
    return result


def _opened(copy: Path) -> sqlite3.Connection:
    # Why not the same thread: see `_verified`.
    connection = sqlite3.connect(copy, isolation_level=None, check_same_thread=False)
    # Why query_only: comparing must not change the copy.
    connection.execute("PRAGMA query_only = ON")
    return connection


def _same_content(
    path: Path, source: sqlite3.Connection, made: tuple[Path, sqlite3.Connection], progress: Callable[[str], None]
) -> _Verified:
    copy, target = made
    with exact(source), exact(target):
        if _graph(source) != _graph(target):
            raise BackupError(str(path), "the copy has another schema")
        if digest := _same_bytes(path, source, copy):
            return _Verified(counted(source), digest)
        tables = {
            table.name: _same_rows(path, source, target, table, progress) for table in row_tables(source).values()
        }
        return _Verified(Content(objects_of(source), tables, header_of(source)), "")


def _same_bytes(path: Path, source: sqlite3.Connection, copy: Path) -> str:
    """The digest of the copy's file if it was compared with the database's; else empty. Raises BackupError.

    Why not in WAL mode: the file is not the whole database. With a rollback journal it is, because the lock of
    `source`, which reads, keeps every page of an open transaction out of it.
    """
    size = size_of(source)
    if size < _LARGE or source.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return ""
    (page_size,) = source.execute("PRAGMA page_size").fetchone()
    match compare_files(path, copy, size, page_size):
        case Same(digest):
            return digest
        case Different():
            raise BackupError(str(path), "the copy has other pages")
        case NotCompared():
            return ""
        case _ as never:
            assert_never(never)


def _graph(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    header = [connection.execute(f"PRAGMA main.{name}").fetchone() for name in _HEADER]
    return header + connection.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master").fetchall()


def _same_rows(
    path: Path, source: sqlite3.Connection, target: sqlite3.Connection, table: RowTable, progress: Callable[[str], None]
) -> Rows:
    """The digest of a table's rows. Raises BackupError if the copy has other rows."""
    rows, digest = 0, table_digest(table)
    for columns in passes(table.columns):
        query = select(table, own_key(table), columns, codec_of(source))
        copied, rows = target.execute(query), 0
        originals = source.execute(query)
        while batch := originals.fetchmany(BATCH):
            content = frozen(batch)
            if content != frozen(copied.fetchmany(BATCH)):
                raise BackupError(str(path), f"the copy has other rows in table {table.name!r}")
            digest.update(content)
            rows += len(batch)
            if rows % _SIGN_OF_LIFE == 0:
                progress(f"backing up: {rows:,} rows of {table.name} compared")
        if copied.fetchone() is not None:
            raise BackupError(str(path), f"the copy has more rows in table {table.name!r}")
    return Rows(rows, digest.hexdigest())


def _settle(copy: Path, original: os.stat_result) -> None:
    """Give the copy the database's permissions and group, and sync it to the disk."""
    mode = original.st_mode & 0o777
    try:
        os.chown(copy, -1, original.st_gid)
    except OSError:
        # Why without group permissions: they would let members of another group than the database's read the rows.
        mode &= ~0o070
    copy.chmod(mode)
    sync(copy)
