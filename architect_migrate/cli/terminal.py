"""Writes to stdout and stderr: encoding, colour, width, and what happens when a stream fails."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from architect_migrate.cli.report.layout import ansi, folded, plain
from architect_migrate.cli.report.shared import complaint
from architect_migrate.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.cli.report.layout import Paint

_WIDTH = 120


def say(text: str, end: str = "\n") -> None:
    """Print a line on stderr; a closed stderr, or one on a full disk, is ignored."""
    try:
        sys.stderr.write(f"{text}{end}")
        sys.stderr.flush()
    except ValueError:
        return
    except OSError:
        _discard(sys.stderr)


def write(text: str) -> None:
    """Write a result to stdout, with characters escaped that its encoding lacks; a closed pipe is ignored.

    Raises OutputError where it cannot be written, for example on a full disk.
    """
    encoding = sys.stdout.encoding or "utf-8"
    with _kept():
        sys.stdout.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))


def flush() -> None:
    """Flush stdout, while a broken pipe can still be distinguished from an error. Raises OutputError."""
    with _kept():
        sys.stdout.flush()


def tell(line: str) -> None:
    """Print a line on stderr, broken between words where its width is known; a log gets the whole line."""
    known = _known_width(sys.stderr)
    say(folded(line, known) if known and "\n" not in line else line)


def complain(message: str) -> None:
    """Print an error on stderr."""
    tell(complaint(message))


def unwritten(error: OSError | OutputError) -> int:
    """Report on stderr that help or the version could not be written to stdout; returns the exit code."""
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
    """Send what is still buffered to the null device, so that the interpreter's last flush raises nothing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def paint() -> Paint:
    """How to colour stdout: NO_COLOR and FORCE_COLOR decide, else only a terminal gets colours."""
    if os.environ.get("NO_COLOR"):
        return plain
    if os.environ.get("FORCE_COLOR"):
        return ansi
    return ansi if on_terminal(sys.stdout) and os.environ.get("TERM") != "dumb" else plain


def width() -> int:
    """The columns of stdout: COLUMNS, else those of the terminal, else 120, so that output in files is stable."""
    return _known_width(sys.stdout) or _WIDTH


def _known_width(stream: TextIO) -> int:
    """The columns that COLUMNS or the stream's terminal says; 0 where neither does."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    return shutil.get_terminal_size().columns if on_terminal(stream) else 0


def on_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal; a closed one is not."""
    try:
        return stream.isatty()
    except ValueError:
        return False
