"""`make public`: chains of projects on PyPI, none of which knows archmig, each in a virtual environment of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = Path(__file__).resolve().parents[2]
_FOLDER = PROJECT / ".public"
# A section with loggers, since some env.py configure logging from the file that they are given.
_INI = """[alembic]
script_location = {script}
path_separator = os
sqlalchemy.url = sqlite:///theirs.db
[loggers]
keys = root
[handlers]
keys = none
[formatters]
keys =
[logger_root]
level = ERROR
handlers = none
[handler_none]
class = NullHandler
args = ()
"""


@dataclass(frozen=True, slots=True)
class Public:
    """A project on PyPI: where its chain is in site-packages, and how many drifted databases are tried.

    `written` are columns, as TABLE.COLUMN, that its own revisions give other values.
    """

    package: str
    version: str
    script: str
    examples: int
    written: tuple[str, ...] = ()


CHAINS = (
    Public(
        "optuna",
        "5.0.0",
        "optuna/storages/_rdb/alembic",
        60,
        # An infinity becomes NULL, and its kind a word.
        ("trial_values.value", "trial_values.value_type", "trial_intermediate_values.intermediate_value"),
    ),
    Public("arize-phoenix", "20.26.1", "phoenix/db/migrations", 40),
    Public("apache-airflow-core", "3.3.2", "airflow/migrations", 10),
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make public", description=__doc__)
    parser.add_argument("--only", choices=[one.package for one in CHAINS], action="append", help="repeatable; all")
    parser.add_argument("--times", type=float, default=1.0, help="so many times the usual number of drifted databases")
    asked = parser.parse_args(arguments)
    wrong = False
    for item in CHAINS:
        if asked.only is None or item.package in asked.only:
            wrong |= _tried(item, round(item.examples * asked.times))
    return int(wrong)


def _tried(public: Public, examples: int) -> bool:
    """Try one and tell what came of it; whether anything was wrong."""
    python = _installed(public)
    site = next((python.parents[1] / "lib").glob("python*/site-packages"))
    with tempfile.TemporaryDirectory(prefix="archmig-public-") as folder:
        ini = Path(folder) / "alembic.ini"
        ini.write_text(_INI.format(script=site / public.script), encoding="utf-8")
        environ = {**os.environ, "PYTHONPATH": str(PROJECT / "tests"), "HOME": folder, "AIRFLOW_HOME": folder}
        command = [python, "-m", "public.chain", ini, str(examples), *public.written]
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        _say(f"{public.package} {public.version}: FAILED\n{done.stderr[-6000:]}")
        return True
    found = json.loads(done.stdout.splitlines()[-1])
    _say(f"{public.package} {public.version}: " + "; ".join(f"{name}: {value}" for name, value in found.items()))
    return not found["as plain Alembic makes it"]


def _installed(public: Public) -> Path:
    """The interpreter of an environment with the project and archmig in it."""
    folder = _FOLDER / f"{public.package}-{public.version}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"{public.package}=={public.version}", "--editable", f"{PROJECT}[test]"], check=True)
        (folder / "installed").touch()
    return python


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
