"""What the terminal can show: colours, width, whether anybody sits at it, and questions to whoever does."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from architect_migrate.cli.exit import say
from architect_migrate.cli.report.layout import ansi, plain

if TYPE_CHECKING:
    from architect_migrate.cli.report.layout import Paint

_WIDTH = 120


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


def ask(question: str) -> str:
    """What is answered to a question on stderr; empty when the input ends."""
    say(question, end=" ")
    answer = sys.stdin.readline()
    if not answer:
        say("")
    return answer.strip()
