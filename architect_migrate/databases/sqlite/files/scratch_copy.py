"""Private copies of databases for trials, in a folder that only its owner can open and that is removed afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import CopyError
from architect_migrate.core.file_lock import acquire
from architect_migrate.core.interrupts import recording_interrupts
from architect_migrate.databases.sqlite.files.backup import OF_THE_DISK, copy_pages, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX, _HELD = "archmig-copy-", "held"
# Seconds. Why an age limit: a younger folder may belong to a run that has not locked it yet.
_LEFT_BEHIND = 60.0
_MARGIN_BYTES = 1 << 20
_ELSEWHERE = "free some space, or set TMPDIR to a folder that has it"


@contextmanager
def private_folder() -> Iterator[Path]:
    """Create a folder (mode 0700) in TMPDIR, and remove it with its content after the block, even on a Ctrl-C.

    The folders that killed runs left in TMPDIR are removed first. Raises CopyError.
    """
    folder, descriptor = _made()
    try:
        yield folder
    finally:
        with recording_interrupts() as interrupts, interrupts.delayed():
            try:
                _removed(folder)
            finally:
                # Why close last: without the lock another run could sweep the folder while it is being removed here.
                os.close(descriptor)


def copy_of(source: sqlite3.Connection, folder: Path, times: int) -> Path:
    """Copy what a read transaction sees to a file in `folder`, in the original's journal mode.

    Requires free space of `times` the database's size. Raises CopyError.
    """
    _require_space(folder, size_of(source) * times)
    copy = folder / "database.db"
    copy.touch(mode=0o600)
    (journal,) = source.execute("PRAGMA main.journal_mode").fetchone()
    try:
        copy_pages(source, copy)
    except OSError as error:
        raise CopyError(str(folder), error.strerror or str(error), _ELSEWHERE) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in OF_THE_DISK:
            raise CopyError(str(folder), str(error), _ELSEWHERE) from error
        raise
    if journal == "wal":
        with closing(sqlite3.connect(copy)) as connection:
            # Why: the trial is to behave as on the original, and a copy is made in mode DELETE.
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
    return copy


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + _MARGIN_BYTES:
        problem = f"it takes {needed / 1e6:.1f} MB and {free / 1e6:.1f} MB are free"
        raise CopyError(str(folder), problem, _ELSEWHERE)


def _made() -> tuple[Path, int]:
    place = Path(tempfile.gettempdir())
    try:
        _sweep(place)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        descriptor = os.open(folder / _HELD, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CopyError(str(place), error.strerror or str(error), "set TMPDIR to a folder of your own") from error
    with suppress(OSError):  # a file system without locks: `_sweep` then takes nothing away
        acquire(descriptor)
    return folder, descriptor


def _removed(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        problem = f"it could not be removed ({error.strerror or error})"
        raise CopyError(str(folder), problem, "remove that folder: it holds the database's rows") from error


def _sweep(place: Path) -> None:
    """Remove this user's folders that killed runs left: those whose lock file is not locked."""
    for left in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _sweep_one(left)


def _sweep_one(left: Path) -> None:
    status = left.lstat()
    if status.st_uid != os.getuid() or left.is_symlink() or time.time() - status.st_mtime < _LEFT_BEHIND:
        return
    descriptor = os.open(left / _HELD, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if acquire(descriptor):
            shutil.rmtree(left)
    finally:
        os.close(descriptor)
