"""Drafts: files that are written under a name of their own before they get the right one, and are gone otherwise."""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from architect_migrate.core.file_lock import take

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SIDECARS = ("", "-journal", "-wal", "-shm")
_DRAFT = re.compile(r"\.archmig-[0-9a-f]{24}\.tmp")
# A draft younger than this may belong to a run on a file system that knows no locks.
_LEFT_BEHIND = 3600.0


@contextmanager
def draft(folder: Path) -> Iterator[Path]:
    """A new empty file that only its owner can read; gone when the block ends, whatever it left beside itself."""
    # The name cannot be guessed, so nobody can have planted a link where SQLite will open a file beside it.
    copy = folder / f".archmig-{secrets.token_hex(12)}.tmp"
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):  # a file system without locks: `sweep` has the file's age to go by
            take(descriptor)
        yield copy
    finally:
        # Not before: closing it would let go of what SQLite has locked on the same file.
        os.close(descriptor)
        _discard(copy)


def _discard(copy: Path) -> None:
    for ending in _SIDECARS:
        with suppress(FileNotFoundError):
            copy.with_name(copy.name + ending).unlink()


def sweep(folder: Path) -> None:
    """Remove what killed runs left half made: drafts that are an hour old and that nobody is writing."""
    for left in folder.iterdir():
        if _DRAFT.fullmatch(left.name):
            with suppress(OSError):
                _sweep(left)


def _sweep(left: Path) -> None:
    if time.time() - left.lstat().st_mtime < _LEFT_BEHIND:
        return
    descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if take(descriptor):
            _discard(left)
    finally:
        os.close(descriptor)


def write_whole(file: Path, text: str) -> None:
    """Put a text in the place of a file, as a whole and on the disk; only its owner can read it. Raises OSError."""
    with draft(file.parent) as copy:
        copy.write_text(text, encoding="utf-8")
        sync(copy)
        copy.replace(file)
    sync(file.parent)


def named(copy: Path, final: Path) -> bool:
    """Move a file to a name that is free; False where the name is taken. Raises OSError."""
    try:
        # Unlike a rename, a link never takes the place of what is there.
        os.link(copy, final, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError:
        # This file system has no links.
        if os.path.lexists(final):
            return False
        copy.rename(final)
        return True
    # A file of two names is one that archmig itself would refuse to open.
    copy.unlink()
    return True


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder where there is none; what was made is gone again if the block raises. Raises OSError."""
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise


def private_folder(folder: Path) -> None:
    """Make a folder where there is none, and those above it, for their owner alone. Raises OSError."""
    for path in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
        path.mkdir(mode=0o700, exist_ok=True)


def sync(path: Path) -> None:
    """Have a file or folder on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
