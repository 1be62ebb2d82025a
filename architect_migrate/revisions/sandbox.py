"""Start of the sandboxed processes that run a chain's code (see `replay_process`)."""

from __future__ import annotations

import os
import subprocess
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING

from architect_migrate.revisions.reads import passed_on

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def run_sandboxed(
    module: str, root: Path, folder: Path, *arguments: str, more: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Run a module of archmig that confines itself to `folder`, in the chain's root; return its outcome.

    Why -B: the process may not write byte code into the project. Why -P: a folder `alembic` or `logging` in the root is
    not the module of that name. Why ARCHMIG_REPLAY: env.py and the application can see that they are being replayed. It
    gets no input: a question of the chain's code must not wait for an answer. `more` are further variables.
    """
    command = [sys.executable, "-B", "-P", "-m", f"architect_migrate.{module}", *arguments]
    environ = {**passed_on(os.environ), "TMPDIR": str(folder), "ARCHMIG_REPLAY": "1", **more}
    return subprocess.run(
        command,
        cwd=root,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        check=False,
    )
