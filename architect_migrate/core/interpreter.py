"""The Python interpreter, for processes that archmig starts."""

from __future__ import annotations

import sys
from pathlib import Path


def interpreter() -> str:
    """Return the path of the Python interpreter.

    Why not sys.executable alone: an application server that embeds Python names itself there.
    """
    own = Path(sys.executable or "none")
    return str(own if own.name.startswith("python") else Path(sys.prefix) / "bin" / "python3")
