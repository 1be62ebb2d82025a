"""The lock of a folder: whoever adds to what is in it waits for whoever does so already. It leaves no file behind."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core.errors import FolderBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_TIMEOUT = 30.0
_PAUSE = 0.05


@contextmanager
def alone_in(folder: Path, timeout: float = _TIMEOUT) -> Iterator[None]:
    """Hold the folder's lock, waiting `timeout` seconds for it. Raises FolderBusyError, OSError.

    The kernel gives it back when its holder dies; a file can be replaced while it is held, a folder stays.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not taken(descriptor, timeout):
            raise FolderBusyError(str(folder), timeout)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def taken(descriptor: int, timeout: float) -> bool:
    """Whether the lock could be had within `timeout` seconds."""
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
