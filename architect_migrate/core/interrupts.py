"""Ctrl-C: it stops a run at once while everything can be rolled back, and waits where something was committed."""

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
    """A Ctrl-C that came too late to stop what was going on: `value` is what came of it."""

    def __init__(self, value: object) -> None:
        self.value = value
        super().__init__(value)


@dataclass(slots=True)
class Interrupts:
    """Whether a Ctrl-C `came`, though a callback of SQLite or a revision swallowed it; `held`: it waits to be heard."""

    came: bool = False
    held: bool = False

    def note(self, _signal: int, _frame: FrameType | None) -> None:
        """The handler: as Python's own, but remembered."""
        self.came = True
        if not self.held:
            raise KeyboardInterrupt

    def refuse(self) -> None:
        """Raise KeyboardInterrupt if one came."""
        if self.came:
            raise KeyboardInterrupt

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """One that comes in this block raises KeyboardInterrupt at its end, if it is to be heard then."""
        before, self.held = self.held, True
        try:
            yield
        finally:
            self.held = before
        if not before:
            self.refuse()


@contextmanager
def noted() -> Iterator[Interrupts]:
    """Remember a Ctrl-C in this block; where the process has a handler of its own, that one stays in charge."""
    handler = signal.getsignal(signal.SIGINT)
    outer = getattr(handler, "__self__", None)
    if isinstance(outer, Interrupts):
        yield outer
        return
    found = Interrupts()
    if handler is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield found
        return
    signal.signal(signal.SIGINT, found.note)
    try:
        yield found
    finally:
        signal.signal(signal.SIGINT, handler)


def finishing(work: Callable[[Interrupts], Value]) -> Value:
    """What `work` returns; it sets `held` on what it is given when there is no way back any more.

    Raises FinishedFirst with the same value where a Ctrl-C came after that.
    """
    with noted() as interrupts:
        value = work(interrupts)
    if interrupts.came:
        raise FinishedFirst(value)
    return value


def ignored() -> None:
    """From now on a Ctrl-C does nothing in this process: a worker that waits has nothing to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def heeded() -> Iterator[None]:
    """In this block a Ctrl-C raises KeyboardInterrupt, in a worker that otherwise ignores it."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
