"""Runs of the command line, each in a child of a process that has imported archmig once.

The sandboxed processes of a run are its children in the same way: most of what a trial of a plan costs is the import of
Alembic and SQLAlchemy.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Never

_PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Said:
    """What one run said; `document` is empty where stdout is no JSON object."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    document: dict[str, Any]

    def environment(self, name: str) -> dict[str, Any]:
        """The document of one environment; empty where there is none."""
        found = [one for one in self.document.get("environments") or [] if one.get("name") == name]
        return dict(found[0]) if found else {}


def archmig(folder: Path, *words: str) -> Said:
    """Run `archmig WORDS` in a folder."""
    out, err = folder / "said.out", folder / "said.err"
    child = os.fork()
    if child == 0:
        _run(folder, ("archmig", *words), out, err)
    code = _awaited(child)
    text = out.read_text(errors="replace")
    return Said(words, code, text, err.read_text(errors="replace"), _document(text))


def import_everything() -> None:
    """Import once what every run would import again."""
    import pkgutil

    import architect_migrate

    for module in pkgutil.walk_packages(architect_migrate.__path__, "architect_migrate."):
        if ".pytest" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _awaited(child: int) -> int:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -9


def _run(folder: Path, words: tuple[str, ...], out: Path, err: Path) -> None:
    """The child: never returns."""
    from architect_migrate.__main__ import main
    from architect_migrate.revisions import sandbox

    # mypy knows the module `subprocess` alone; `run_sandboxed` uses these three names of it.
    sandbox.subprocess = _Forking  # type: ignore[assignment, attr-defined]
    # This process was spawned and would spawn in turn; a run from a shell forks.
    multiprocessing.set_start_method("fork", force=True)
    sys.argv = list(words)
    _leave(folder, (out, err), main)


class _Forking:
    """In place of the module `subprocess`: starts a module of archmig in a fork of this process."""

    DEVNULL = subprocess.DEVNULL
    CompletedProcess = subprocess.CompletedProcess

    @staticmethod
    def run(command: list[str], *, cwd: Path, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        module = importlib.import_module(command[command.index("-m") + 1])
        arguments = command[command.index("-m") + 2 :]
        with tempfile.TemporaryDirectory(prefix="archmig-truth-") as name:
            said = Path(name) / "out", Path(name) / "err"
            child = os.fork()
            if child == 0:
                sys.dont_write_bytecode = True
                os.environ.clear()
                os.environ.update(env)
                tempfile.tempdir = None
                _leave(cwd, said, lambda: module.main(arguments))
            code = _awaited(child)
            texts = [path.read_text(errors="backslashreplace") for path in said]
        return subprocess.CompletedProcess(command, code, *texts)


def _leave(folder: Path, streams: tuple[Path, Path], work: Callable[[], int | None]) -> Never:
    """Do the work of a child in its folder, with its output in two files, and end the process."""
    code = 3
    try:
        for number, path in enumerate(streams, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(folder)
        code = work() or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001  (an interpreter would print it and end with 1)
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
