"""Starts the processes that run a chain's code where it reaches nothing but a scratch folder (see `replay_process`)."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def run_sandboxed(module: str, ini: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of archmig, which confines itself to `folder`; its current folder is the alembic.ini's."""
    command = [sys.executable, "-B", "-m", f"architect_migrate.{module}", *arguments]
    environ = {**os.environ, "TMPDIR": str(folder), "ARCHMIG_REPLAY": "1"}
    return subprocess.run(command, cwd=ini.parent, env=environ, capture_output=True, text=True, check=False)
