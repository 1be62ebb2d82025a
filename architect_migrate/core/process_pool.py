"""Processes of archmig's own that work at the same time: a Ctrl-C waits for them, and none outlives who began it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

from architect_migrate.core.interrupts import ignored

__all__ = ["BrokenProcessPool", "in_workers"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from architect_migrate.core.interrupts import Interrupts

Piece = TypeVar("Piece")
Value = TypeVar("Value")


def in_workers(
    pieces: Iterable[Piece], work: Callable[[Piece], Value], jobs: int, interrupts: Interrupts
) -> Iterator[tuple[int, Future[Value] | None]]:
    """By its number, what became of each piece, as it is finished; None for those not begun because of a Ctrl-C.

    `work` is a function of a module, or a partial of one. A Ctrl-C comes to the workers too, and what they make of it
    is worth the wait: whoever asks holds `interrupts` meanwhile. When a worker dies, BrokenProcessPool is what those
    pieces raise that were being worked on, and the rest get new workers.
    """
    waiting = deque(enumerate(pieces))
    while waiting:
        with ProcessPoolExecutor(jobs, initializer=_begin) as pool:
            yield from _in_pool(pool, waiting, work, jobs, interrupts)


def _in_pool(
    pool: ProcessPoolExecutor,
    waiting: deque[tuple[int, Piece]],
    work: Callable[[Piece], Value],
    jobs: int,
    interrupts: Interrupts,
) -> Iterator[tuple[int, Future[Value] | None]]:
    """Never more in the pool than there are workers, so that those in it when it breaks are those that were begun."""
    running: dict[Future[Value], int] = {}
    broken = False
    while running or (waiting and not broken):
        while waiting and interrupts.came:
            yield waiting.popleft()[0], None
        while waiting and len(running) < jobs and not broken:
            at, piece = waiting.popleft()
            running[pool.submit(work, piece)] = at
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=running.__getitem__):
            broken = broken or isinstance(future.exception(), BrokenProcessPool)
            yield running.pop(future), future


def _begin() -> None:
    """A worker waits for work, not for Ctrl-C, and ends when the process that began it has died."""
    ignored()
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
