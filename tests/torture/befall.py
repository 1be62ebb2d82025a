"""What befalls a run: it is killed at a statement or at any time, a call of its fails, its disk is full."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from torture.cases import TrialEnvironment
    from torture.tally import Tally

CALLS = ("write", "sync", "truncate", "unlink", "open")


def kill_at(stage: TrialEnvironment, tally: Tally, point: int) -> None:
    """Kill it before or after a statement."""
    stage.anew()
    end = stage.run(deadly=point)
    assert end.killed, (stage.case.name, point, end.code, end.err)
    tally.judge(stage, f"point {point}")


def kill_after(stage: TrialEnvironment, tally: Tally, seconds: float) -> None:
    """Kill it whatever it is doing; one that was faster counts as well."""
    stage.anew()
    stage.run(after=seconds, signal=int(signal.SIGKILL))
    tally.judge(stage, f"{seconds:.4f} s")


def points(stage: TrialEnvironment, chance: random.Random) -> Iterator[int]:
    """Every point once, in an order that makes any beginning of it a sample."""
    yield from chance.sample(range(1, stage.points + 1), stage.points)


def calls(stage: TrialEnvironment, call: str) -> int:
    """How many calls of a kind a run makes on files of its folder."""
    stage.anew()
    return stage.run(fault=(call, 0, 0, False)).points


def first(stage: TrialEnvironment, call: str) -> int:
    """The first call that may fail: Alembic opens its ini and env.py before it asks anybody."""
    return 3 if call == "open" and stage.case.words[0] == "alembic" else 1


def fail_call(stage: TrialEnvironment, tally: Tally, call: str, number: int, *, lasting: bool = False) -> None:
    """The n-th call fails, and with `lasting` every later one: a disk that is full stays so."""
    stage.anew()
    error = errno.ENOSPC if lasting else errno.EIO
    end = stage.run(fault=(call, number, error, lasting))
    what = f"{call} {number}{' on' if lasting else ''}"
    tally.told_in_one_line(stage, end, what)
    tally.told_truly(stage, end, what)
    tally.judge(stage, what)


def limit(stage: TrialEnvironment, tally: Tally, size: int) -> None:
    """No file may grow beyond so many bytes."""
    stage.anew()
    end = stage.run(limit=size)
    tally.told_in_one_line(stage, end, f"limit {size}")
    tally.told_truly(stage, end, f"limit {size}")
    tally.judge(stage, f"limit {size}")


def weight(stage: TrialEnvironment) -> int:
    """How many kB a stage takes before the run."""
    return sum(path.stat().st_size for path in stage.pristine.rglob("*") if path.is_file()) // 1024


def can_mount() -> bool:
    """Whether this process may mount a file system."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


def fill(stage: TrialEnvironment, tally: Tally, size: int) -> None:
    """On a file system of so many kB, which has room again for the second run."""
    shutil.rmtree(stage.folder)
    stage.folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "archmig-torture", str(stage.folder)], check=True)
    try:
        shutil.copytree(stage.pristine, stage.folder, dirs_exist_ok=True)
        end = stage.run()
        tally.told_in_one_line(stage, end, f"{size} kB")
        tally.told_truly(stage, end, f"{size} kB")
        subprocess.run(["mount", "-o", "remount,size=256m", str(stage.folder)], check=True)
        tally.judge(stage, f"{size} kB")
    finally:
        subprocess.run(["umount", str(stage.folder)], check=True)
