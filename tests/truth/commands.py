"""Runs of the command line, each in a child of a process that has imported archmig once."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

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
    import importlib
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
    code = 3
    try:
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(folder)
        sys.argv = list(words)
        from architect_migrate.__main__ import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
