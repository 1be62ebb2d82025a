"""A command at a terminal where a person types answers."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def typed(folder: Path, answers: str, *words: str) -> tuple[int, str]:
    """The exit code of a command at a terminal where a person types answers, and its stderr."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "architect_migrate", *words]
    try:
        with subprocess.Popen(
            command, cwd=folder, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            os.write(ours, answers.encode())
            _, err = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    return process.returncode, err
