"""Start of the sandboxed processes that run a chain's code (see `replay_process`)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.secrets import mask
from architect_migrate.revisions.reads import passed_on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.model.chain_config import ChainConfig


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


def ask(module: str, chain: ChainConfig, what: str, job: str) -> tuple[str, str]:
    """Run a module that answers (see `replay_process.answer`) on a chain and a job, in a folder that is removed.

    Return the answer as JSON and nothing, or an empty answer and why there is none; `what` names the work.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix=f"archmig-{what}-") as name:
        folder = Path(name)
        for file, text in (("chain", codec.dump(chain)), ("job", job)):
            (folder / file).write_text(text, encoding="utf-8")
        done = run_sandboxed(f"revisions.{module}", chain.root, folder, name)
        if (folder / "answer").exists():
            return (folder / "answer").read_text(encoding="utf-8"), ""
        failed = folder / "failed"
        said = failed.read_text(encoding="utf-8") if failed.exists() else mask(" ".join(done.stderr.split()))[-500:]
        return "", said or f"the {what} ended with code {done.returncode}"
