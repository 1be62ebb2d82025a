"""What the tests of plain alembic share: the command itself, in a process of its own or in this one."""

from __future__ import annotations

import io
import logging
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.config import CommandLine, Config

from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

INI = PROJECT / "alembic.ini"
HEAD = "048_crawl_results"


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def failure(self) -> str:
        """The one line that says what went wrong; any other shape of a failure is an assertion error."""
        assert self.code not in {0, None}
        assert "Traceback" not in self.out + self.err
        lines = [line for line in self.out.splitlines() if line.startswith("FAILED: ")]
        assert len(lines) == 1, self.out
        return lines[0].removeprefix("FAILED: ")


def executable(*words: str, ini: Path = INI, cwd: Path | None = None) -> Done:
    """The installed `alembic`, as a person runs it."""
    command = [str(Path(sys.executable).with_name("alembic")), "-c", str(ini), *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ})
    return Done(done.returncode, done.stdout, done.stderr)


def alembic(*words: str, ini: Path = INI) -> Done:
    """The same command in this process, which saves it its start."""
    line = CommandLine(prog="alembic")
    options = line.parser.parse_args(words)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), kept_logging():
        try:
            line.run_cmd(Config(str(ini), cmd_opts=options, stdout=out), options)
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


@contextmanager
def kept_logging() -> Iterator[None]:
    """Put logging back as it was: the alembic command configures it for the process."""
    root, handlers, level = logging.root, logging.root.handlers[:], logging.root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def environments(folder: Path, text: str, ini: Path = INI) -> Path:
    """Write an environments.toml for the chain of `ini`."""
    file = folder / "environments.toml"
    file.write_text(f"[alembic]\nconfig = '{ini}'\n{text}", encoding="utf-8")
    return file


def execute(path: Path, script: str) -> Path:
    """The database after a script."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def version(path: Path) -> list[str]:
    return [str(row[0]) for row in ask(path, "SELECT version_num FROM alembic_version ORDER BY 1")]


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes; but for lock files, which no run ever takes away."""
    found = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != ".archmig-lock")
    return {one.name: one.read_bytes() for one in found}
