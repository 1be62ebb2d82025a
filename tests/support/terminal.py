"""A command at a terminal where a person types answers."""

from __future__ import annotations

import os
import pty
from typing import TYPE_CHECKING

from support.cli import forked

if TYPE_CHECKING:
    from pathlib import Path

# Ends the input, so that a question which nobody answers does not wait for ever.
_END = b"\x04"


def typed(folder: Path, answers: str, *words: str) -> tuple[int, str]:
    """The exit code of a command at a terminal where a person types answers, and its stderr."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answers.encode() + _END)
        done = forked(*words, cwd=folder, terminal=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    return done.code, done.err
