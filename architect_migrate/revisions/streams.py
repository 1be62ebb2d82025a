"""Standard streams of the chain's code: what it prints goes to stderr, and it gets no input."""

from __future__ import annotations

import getpass
import io
import os
import sys
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING, Never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ASKED = "it asks for input and gets none: let it read a variable of the environment instead"


class NoInput(io.TextIOBase):
    """A stdin that refuses to be read. Raises EOFError, as Python does where there is no more input."""

    def readable(self) -> bool:
        """Whether it can be asked, which is so: the question then gets the reason."""
        return True

    def readline(self, _size: int | None = -1, /) -> Never:
        """Refuse."""
        raise EOFError(_ASKED)

    def read(self, _size: int | None = -1, /) -> Never:
        """Refuse."""
        raise EOFError(_ASKED)


def refuse_input() -> None:
    """Give the rest of this process no input."""
    sys.stdin, getpass.getpass = NoInput(), _no_password


@contextmanager
def apart() -> Iterator[None]:
    """Send what the chain's code prints in the block to stderr, and give it no input.

    Why the descriptors too: other programs that it starts write there. Why at all: results on stdout may be JSON, and a
    run would wait for an answer in a transaction that locks the database.
    """
    stdin, asking = sys.stdin, getpass.getpass
    refuse_input()
    try:
        with ExitStack() as stack:
            stack.enter_context(redirect_stdout(sys.stderr))
            stack.enter_context(_descriptor(0, lambda: os.open(os.devnull, os.O_RDONLY)))
            stack.enter_context(_descriptor(1, lambda: os.dup(2)))
            yield
    finally:
        sys.stdin, getpass.getpass = stdin, asking


def _no_password(*_: object, **__: object) -> Never:
    raise EOFError(_ASKED)


@contextmanager
def _descriptor(number: int, other: Callable[[], int]) -> Iterator[None]:
    """Point a descriptor of this process to another file in the block. Closed descriptors are left as they are."""
    try:
        kept, now = os.dup(number), other()
    except OSError:
        yield
        return
    try:
        _flush()
        os.dup2(now, number)
        yield
    finally:
        _flush()
        os.dup2(kept, number)
        os.close(now)
        os.close(kept)


def _flush() -> None:
    """Write out what Python still holds for stdout, so that it goes where stdout pointed when it was printed."""
    with suppress(OSError, ValueError):
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
