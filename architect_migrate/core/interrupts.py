"""Ctrl-C handling: it stops a run at once while all can be rolled back, and is delayed after a commit."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


Value = TypeVar("Value")


class FinishedFirst(KeyboardInterrupt):
    """A Ctrl-C that came too late to stop the work; `value` is the work's result."""

    def __init__(self, value: object) -> None:
        self.value = value
        super().__init__(value)


@dataclass(slots=True)
class Interrupts:
    """Record of Ctrl-C in one block of work.

    `came`: one arrived, even if a callback of SQLite or a revision swallowed the exception. `held`: do not raise yet.
    """

    came: bool = False
    held: bool = False

    def note(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle SIGINT as Python does, and remember it."""
        self.came = True
        if not self.held:
            raise KeyboardInterrupt

    def hold(self) -> None:
        """Raise no Ctrl-C from here on."""
        self.held = True

    def refuse(self) -> None:
        """Raise KeyboardInterrupt if a Ctrl-C came."""
        if self.came:
            raise KeyboardInterrupt

    @contextmanager
    def delayed(self) -> Iterator[None]:
        """Delay a Ctrl-C until the end of the block; an outer block that delays it still does."""
        before, self.held = self.held, True
        try:
            yield
        finally:
            self.held = before
        if not before:
            self.refuse()


@contextmanager
def recording_interrupts() -> Iterator[Interrupts]:
    """Record Ctrl-C in this block; an application's own SIGINT handler is left in place."""
    handler = signal.getsignal(signal.SIGINT)
    # Why: nested blocks share one record, so that an inner one cannot swallow a Ctrl-C.
    outer = getattr(handler, "__self__", None)
    if isinstance(outer, Interrupts):
        yield outer
        return
    interrupts = Interrupts()
    # Why the thread: Python lets only the main thread set a signal handler.
    if handler is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    signal.signal(signal.SIGINT, interrupts.note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, handler)


def run_interruptible(work: Callable[[Interrupts], Value]) -> Value:
    """Return the result of `work`, which sets `held` on its argument once it can no longer be rolled back.

    Raises FinishedFirst with that result if a Ctrl-C came, and KeyboardInterrupt if it came before `held` was set.
    """
    with recording_interrupts() as interrupts:
        value = work(interrupts)
    if interrupts.came:
        raise FinishedFirst(value)
    return value


def ignore_interrupts() -> None:
    """Ignore Ctrl-C in this process from now on.

    Why: the terminal sends it to idle workers, too, and they have nothing to stop.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt on Ctrl-C in this block of a worker that otherwise ignores it."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
