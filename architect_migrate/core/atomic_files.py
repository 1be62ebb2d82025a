"""Atomic file writes: write a draft beside the target, sync it to disk, then give it the final name."""

from __future__ import annotations

import errno
import os
import re
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from architect_migrate.core.file_lock import acquire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The draft itself and the files that SQLite puts beside a database.
_SIDECARS = ("", "-journal", "-wal", "-shm")
_DRAFT = re.compile(r"\.archmig-[0-9a-f]{24}\.tmp")
# Why an age in seconds: on a file system without locks, a younger draft may belong to a run in progress.
_LEFT_BEHIND = 3600.0


@contextmanager
def draft(folder: Path) -> Iterator[Path]:
    """Create an empty draft in `folder`, readable by its owner only; remove it and its sidecars when the block ends.

    Raises OSError.
    """
    # Why a random name: an attacker cannot place a link in advance where SQLite opens its journal or WAL.
    copy = folder / f".archmig-{os.urandom(12).hex()}.tmp"
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        # Why the lock: `sweep` leaves locked drafts alone. On a file system without locks it goes by the file's age.
        with suppress(OSError):
            acquire(descriptor)
        yield copy
    finally:
        # Why not earlier: POSIX releases all of a process's locks on a file, SQLite's too, when any descriptor closes.
        os.close(descriptor)
        _discard(copy)


def _discard(copy: Path) -> None:
    for ending in _SIDECARS:
        with suppress(FileNotFoundError):
            copy.with_name(copy.name + ending).unlink()


def is_draft(file: Path) -> bool:
    """Return whether a file has the name of a draft."""
    return bool(_DRAFT.fullmatch(file.name))


def sweep(folder: Path, age: float = _LEFT_BEHIND) -> None:
    """Remove drafts that killed runs left in `folder`: those of an age in seconds that no process holds a lock on."""
    for left in folder.iterdir():
        if is_draft(left):
            with suppress(OSError):
                _sweep(left, age)


def _sweep(left: Path, age: float) -> None:
    if time.time() - left.lstat().st_mtime < age:
        return
    # Why O_NONBLOCK: opening a named pipe of that name must not wait for a writer.
    descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if acquire(descriptor):
            _discard(left)
    finally:
        os.close(descriptor)


def write_atomically(file: Path, text: str) -> None:
    """Replace a file with `text` (UTF-8) atomically and durably; only its owner can read it. Raises OSError."""
    with draft(file.parent) as copy:
        copy.write_text(text, encoding="utf-8")
        # Why this order: contents before the rename, else a power cut can leave an empty file under the final name;
        # the folder afterwards, because it holds the name.
        sync(copy)
        copy.replace(file)
    sync(file.parent)


def move_to_free_name(copy: Path, final: Path) -> bool:
    """Move a file to a free name; return False if the name is taken. Raises OSError."""
    try:
        # Why a link: unlike a rename, it never replaces an existing file.
        os.link(copy, final, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError:
        # This file system has no hard links: check, then rename.
        if os.path.lexists(final):
            return False
        copy.rename(final)
        return True
    # Why: archmig refuses to open a database file that has two names.
    copy.unlink()
    return True


@contextmanager
def created_folder(folder: Path) -> Iterator[None]:
    """Create a folder and its missing parents; remove those that were created if the block raises. Raises OSError."""
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise


def is_unwritable(error: BaseException) -> bool:
    """Return whether the system refused a change because of permissions or a read-only file system."""
    return getattr(error, "errno", None) in {errno.EACCES, errno.EPERM, errno.EROFS}


def create_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents with mode 0700. Raises OSError."""
    # Why one by one: `mkdir(parents=True)` gives its mode to the last folder only.
    for path in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
        path.mkdir(mode=0o700, exist_ok=True)


def sync(path: Path) -> None:
    """Write a file or folder through to the disk (fsync). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
