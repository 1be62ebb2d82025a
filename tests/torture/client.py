"""What the torture's own process knows of a run: it orders one and gets its end. Builds the shim."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
COMPILER = shutil.which("gcc") or shutil.which("cc")


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended: `code` as a shell has it, negative for a signal; `peak` in kB."""

    code: int
    out: str
    err: str
    points: int
    seconds: float
    peak: int

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.err.splitlines(), *self.out.splitlines())

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Server:
    """A process that runs archmig in children of its own; `told` is a folder for what they print."""

    process: subprocess.Popen[str]
    told: Path

    def run(self, folder: Path, *words: str, **befalls: Any) -> End:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"folder": str(folder), "words": words, "told": str(self.told), **befalls}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return End(**json.loads(self.process.stdout.readline()))


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server whose children can be told to fail, where there is a compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    path = f"{HERE.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environ = {**os.environ, "PYTHONPATH": path} | ({"LD_PRELOAD": str(shim(folder))} if COMPILER else {})
    command = [sys.executable, "-m", "torture.server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ, cwd=folder
    ) as process:
        try:
            yield Server(process, folder)
        finally:
            process.terminate()


def shim(folder: Path) -> Path:
    """The compiled shim."""
    assert COMPILER is not None
    made = folder / "fault.so"
    command = [COMPILER, "-shared", "-fPIC", "-O1", "-o", str(made), str(HERE / "fault.c"), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return made
