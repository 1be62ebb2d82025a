"""Exclusive locks (flock) on files and folders; the kernel releases them when their process dies."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from architect_migrate.core.errors import FolderBusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


# Both in seconds.
_TIMEOUT = 30.0
_PAUSE = 0.05


@contextmanager
def folder_lock(folder: Path, timeout: float = _TIMEOUT) -> Iterator[None]:
    """Hold the folder's lock, waiting `timeout` seconds for it. Raises FolderBusyError, OSError.

    Why the folder: a file can be replaced while its lock is held, and no lock file remains afterwards.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with locked(descriptor, timeout, lambda: FolderBusyError(str(folder), timeout)):
        yield


@contextmanager
def locked(descriptor: int, timeout: float, busy: Callable[[], Exception]) -> Iterator[None]:
    """Hold the lock of an open file or folder, then close it. Raises `busy()` after `timeout` seconds, and OSError."""
    try:
        if not acquire(descriptor, timeout):
            raise busy()
        yield
    finally:
        # Why unlock before close: a child forked without exec shares the descriptor and would keep the lock.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def acquire(descriptor: int, timeout: float = 0) -> bool:
    """Take the lock of an open file or folder; return False if another process still holds it after `timeout` seconds.

    With 0 seconds it is tried once. Raises OSError if the file system has no locks.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            # Why LOCK_NB and pauses: a blocking flock has no timeout.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_PAUSE, left))
        else:
            return True
