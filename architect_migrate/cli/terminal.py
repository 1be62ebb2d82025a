"""The process's three streams: what is written to each, how it is painted, and what happens when one fails."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from architect_migrate.cli.report.layout import ansi, plain
from architect_migrate.cli.report.shared import complaint
from architect_migrate.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.cli.report.layout import Paint

_WIDTH = 120


def say(text: str, end: str = "\n") -> None:
    """A line of narration on stderr; a stderr that nobody reads any more, or whose disk is full, stops nothing."""
    try:
        sys.stderr.write(f"{text}{end}")
        sys.stderr.flush()
    except ValueError:
        return
    except OSError:
        _discard(sys.stderr)


def write(text: str) -> None:
    """A result on stdout, with what the terminal's encoding lacks replaced; nobody reading any more changes nothing.

    Raises OutputError where it cannot be kept: its disk is full.
    """
    encoding = sys.stdout.encoding or "utf-8"
    with _kept():
        sys.stdout.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))


def flush() -> None:
    """Send off what was written, while a broken pipe can still be told from an error. Raises OutputError."""
    with _kept():
        sys.stdout.flush()


def complain(message: str) -> None:
    """Say on stderr what went wrong."""
    say(complaint(message))


def unwritten(error: OSError | OutputError) -> int:
    """The exit code, with a line on stderr, where Typer's own words did not reach stdout: help and the version."""
    _discard(sys.stdout)
    complain(str(error if isinstance(error, OutputError) else OutputError(error.strerror or str(error))))
    return 2


@contextmanager
def _kept() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        _discard(sys.stdout)
        raise OutputError(error.strerror or str(error)) from error


def _discard(stream: TextIO) -> None:
    """What is still buffered goes nowhere, and the interpreter's last flush is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def paint() -> Paint:
    """How stdout is painted: NO_COLOR and FORCE_COLOR win, else a terminal gets colours."""
    if os.environ.get("NO_COLOR"):
        return plain
    if os.environ.get("FORCE_COLOR"):
        return ansi
    return ansi if on_terminal(sys.stdout) and os.environ.get("TERM") != "dumb" else plain


def width() -> int:
    """The columns of stdout: COLUMNS, else the terminal's, else 120, so that what goes into files is stable."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    return shutil.get_terminal_size().columns if on_terminal(sys.stdout) else _WIDTH


def on_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal; one that is closed is none."""
    try:
        return stream.isatty()
    except ValueError:
        return False
