"""Pool of worker processes: Ctrl-C waits for their results, and none outlives its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

from architect_migrate.core.interrupts import ignore_interrupts

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
    """Yield the number and the future of each piece as it finishes; None for pieces that a Ctrl-C kept from starting.

    `work` must be picklable: a module's function, or a partial of one. Ctrl-C reaches the workers too and their results
    still count, so the caller sets `held` of `interrupts`. If a worker dies, the futures of the running pieces raise
    BrokenProcessPool, and new workers take the rest.
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
    """Run pieces until none waits or the pool breaks.

    Why no more pieces are submitted than there are workers: all pieces in a broken pool have then been started.
    """
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
    """Initialise a worker: ignore Ctrl-C, and end when the parent process dies."""
    ignore_interrupts()
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        # Why SIGKILL: the main thread may be inside SQLite and reach no Python code for minutes.
        os.kill(os.getpid(), signal.SIGKILL)
