from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.errors import FolderBusyError
from architect_migrate.core.file_lock import acquire, folder_lock, locked

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import math, sys, time
from pathlib import Path
from architect_migrate.core.file_lock import folder_lock
with folder_lock(Path(sys.argv[1]), math.inf):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process, once it holds the folder's lock."""
    command = [sys.executable, "-c", HOLD, str(folder), str(seconds)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "held\n"
    return running


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def test_a_folder_is_locked_for_the_block_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    with folder_lock(tmp_path), pytest.raises(FolderBusyError), folder_lock(tmp_path, 0):
        raise AssertionError
    with folder_lock(tmp_path, 0):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_stays_locked_is_waited_for_and_named(tmp_path: Path) -> None:
    with holder(tmp_path, 60) as other:
        began = time.monotonic()
        with pytest.raises(FolderBusyError, match=r"for more than 0\.2 s") as raised, folder_lock(tmp_path, 0.2):
            raise AssertionError
        assert time.monotonic() - began >= 0.2
        assert str(tmp_path) in str(raised.value)
        other.kill()


def test_who_waits_without_end_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    with holder(tmp_path, 0.3), folder_lock(tmp_path, math.inf):
        pass


def test_a_killed_holder_is_not_waited_for(tmp_path: Path) -> None:
    with holder(tmp_path, 60) as other:
        other.kill()
        other.wait()
        with folder_lock(tmp_path, 0):
            pass


def test_a_locked_file_is_closed_at_the_end_also_where_another_has_the_lock(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "file"), opened(tmp_path / "file")
    refused = pytest.raises(LookupError, match="mine")
    with locked(first, 0, AssertionError), refused, locked(second, 0, lambda: LookupError("mine")):
        raise AssertionError
    for descriptor in (first, second):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_a_child_that_was_forked_does_not_keep_the_lock(tmp_path: Path) -> None:
    """It has the descriptor, as a pool of processes does, and closing the parent's alone would leave it locked."""
    kept = opened(tmp_path / "file")
    copy = os.dup(kept)  # shares the open file with it, as a child's descriptor does
    with locked(kept, 0, AssertionError):
        pass
    other = opened(tmp_path / "file")
    try:
        assert acquire(other)
    finally:
        os.close(other)
        os.close(copy)


def test_a_lock_is_tried_once_without_a_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = opened(tmp_path / "file"), opened(tmp_path / "file")
    monkeypatch.setattr("time.sleep", lambda _seconds: pytest.fail("it waits"))
    try:
        assert acquire(first)
        assert not acquire(second)
    finally:
        os.close(first)
        os.close(second)
