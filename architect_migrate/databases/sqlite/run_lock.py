"""The lock of a run: a file beside the database, locked by flock, with a line that identifies the holder.

The kernel releases the lock when its holder dies, so the line that a killed run leaves is only text. Why the file is
never unlinked: a run that waits on the old file and a run that created a new one would both hold the lock.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import DatabaseError, Holder, LockedByRunError, NotWritableError
from architect_migrate.core.file_lock import locked
from architect_migrate.core.secrets import mask
from architect_migrate.core.user import user_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDING = ".archmig-lock"
_LONGEST = 4096
# Why NOFOLLOW and NONBLOCK: a link could lead to any file of the user's, and opening a FIFO would wait for a writer.
_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def lock_file(path: Path) -> Path:
    """The lock file of a database, beside the real file that a symbolic link leads to."""
    real = path.resolve()
    return real.with_name(real.name + _ENDING)


@contextmanager
def held(path: Path, timeout: float) -> Iterator[None]:
    """Hold the run lock of the database at `path` during the block, waiting up to `timeout` seconds for it.

    Raises LockedByRunError with what the holder wrote about itself, DatabaseError where the lock file is not a regular
    file of its own, and NotWritableError.
    """
    descriptor = _opened(lock_file(path), path)
    with locked(descriptor, timeout, lambda: LockedByRunError(str(path), timeout, _holder(descriptor))):
        _write_text(descriptor, _own_entry())
        try:
            yield
        finally:
            _write_text(descriptor, "")


def openers(path: Path) -> tuple[str, ...]:
    """Other processes that have the database open, as `name (process N)`; none where /proc does not list them."""
    real = str(path.resolve())
    processes = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            opened = {str(each.readlink()) for each in (process / "fd").iterdir()}
            if real in opened and int(process.name) != os.getpid():
                processes.append(f"{(process / 'comm').read_text().strip()} (process {process.name})")
    return tuple(sorted(processes))


def _opened(file: Path, path: Path) -> int:
    """Open the lock file, creating it with the database's permissions if needed; return the descriptor."""
    try:
        try:
            descriptor = os.open(file, _FLAGS)
        except FileNotFoundError:
            descriptor = _made(file, path)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENXIO}:
            raise _in_the_way(file, path) from error
        raise NotWritableError(str(path), f"its lock file {file.name}: {error.strerror}") from error
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
        return descriptor
    os.close(descriptor)
    raise _in_the_way(file, path)


def _made(file: Path, path: Path) -> int:
    try:
        descriptor = os.open(file, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(file, _FLAGS)
    database = path.stat()
    with suppress(OSError):
        os.fchown(descriptor, database.st_uid, database.st_gid)
        # Why these permissions: every user who may write the database may lock it. Group permissions apply only to the
        # database's own group, so they are set after the file has that group.
        os.fchmod(descriptor, database.st_mode & 0o666 | 0o600)
    return descriptor


def _in_the_way(file: Path, path: Path) -> DatabaseError:
    problem = f"{file.name} beside it is a link, a folder or another kind of file, not a lock file"
    return DatabaseError(str(path), problem, "nothing was written: check what it is, and move it away")


def _write_text(descriptor: int, text: str) -> None:
    """Write a text to the lock file. A full disk is ignored, because the lock is held without the text."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode("utf-8", "backslashreplace")[:_LONGEST], 0)


def _own_entry() -> str:
    words = mask(" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]))[:400]
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    entry = {
        "since": since,
        "process": os.getpid(),
        "host": os.uname().nodename,
        "user": user_name(),
        "command": words,
    }
    return json.dumps(entry) + "\n"


def _holder(descriptor: int) -> Holder:
    """What the lock file says about its holder; unknown if it is empty or unreadable."""
    try:
        entry = json.loads(os.pread(descriptor, _LONGEST, 0))
        return Holder(*(_plain(entry[name]) for name in ("since", "process", "host", "user", "command")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Holder()


def _plain(value: object) -> str:
    """A value from the lock file on one short line.

    Why: every user who may write the database may have put anything into it.
    """
    return "".join(name if name.isprintable() else "?" for name in str(value)[:400])
