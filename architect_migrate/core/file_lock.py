"""Exclusive locks (flock) on files and folders: the kernel releases them when the process that holds them dies."""

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


_TIMEOUT = 30.0
_PAUSE = 0.05


@contextmanager
def alone_in(folder: Path, timeout: float = _TIMEOUT) -> Iterator[None]:
    """Hold the folder's lock, waiting `timeout` seconds for it. Raises FolderBusyError, OSError.

    A file can be replaced while its lock is held, a folder stays; and no lock file is left behind.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with locked(descriptor, timeout, lambda: FolderBusyError(str(folder), timeout)):
        yield


@contextmanager
def locked(descriptor: int, timeout: float, busy: Callable[[], Exception]) -> Iterator[None]:
    """Hold the lock of an open file or folder and close it at the end; raises `busy()` where `take` returns False."""
    try:
        if not take(descriptor, timeout):
            raise busy()
        yield
    finally:
        # A child that was forked without exec has the descriptor, too: closing it here alone would keep the lock.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def take(descriptor: int, timeout: float = 0) -> bool:
    """Take the lock of an open file or folder; False where another process holds it for `timeout` seconds.

    With 0 seconds it is tried once. Raises OSError where the file system has no locks.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_PAUSE, left))
        else:
            return True
