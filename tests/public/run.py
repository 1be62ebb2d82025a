"""`make public`: chains of projects on PyPI, none of which knows archmig, each in a virtual environment of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.server import throwaway
from public.projects import PROJECTS, Project
from public.served import Served, tried_on_a_server
from public.trial import Place, Result, tried

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ARCHMIG = Path(__file__).resolve().parents[2]
_FOLDER = ARCHMIG / ".public"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make public", description=__doc__)
    parser.add_argument("--only", choices=[one.package for one in PROJECTS], action="append", help="repeatable; all")
    parser.add_argument("--kind", choices=["sqlite", "postgresql"], default="sqlite", help="of databases")
    parser.add_argument("--times", type=float, default=1.0, help="so many times the usual number of drifted databases")
    parser.add_argument("--keep", type=Path, help="leave the databases in this folder")
    asked = parser.parse_args(arguments)
    wrong = False
    for project in PROJECTS:
        if asked.kind in project.kinds and (asked.only is None or project.package in asked.only):
            trial = _on_a_server if asked.kind == "postgresql" else _on_files
            wrong |= _tried(project, lambda *where, trial=trial: trial(*where, asked.times), asked.keep)
    return int(wrong)


def _on_files(project: Project, folder: Path, python: Path, times: float) -> Result:
    result = tried(Place(project, folder, python.parent, _site(python)))
    if (examples := round(project.examples * times)) and not result.wrong:
        _drifted(project, examples, result, (python, folder))
    return result


def _on_a_server(project: Project, folder: Path, python: Path, _times: float) -> Result:
    with throwaway(None, _FOLDER / "clusters") as server:
        return tried_on_a_server(Served(project, folder, python.parent, _site(python), server=server))


def _site(python: Path) -> Path:
    return next((python.parents[1] / "lib").glob("python*/site-packages"))


def _tried(project: Project, trial: Callable[[Project, Path, Path], Result], keep: Path | None) -> bool:
    """Try one and tell what came of it; whether anything was wrong."""
    started = time.monotonic()
    python = _installed(project)
    with tempfile.TemporaryDirectory(prefix="archmig-public-") as name:
        folder = (keep.resolve() if keep else Path(name)) / project.package
        folder.mkdir(parents=True)
        result = trial(project, folder, python)
    seconds = time.monotonic() - started
    _say(f"{project.package} {project.version}: {len(result.wrong)} wrong, {seconds:.0f} seconds")
    for question, answer in result.lines.items():
        _say(f"  {question}: {answer}")
    for found in result.wrong:
        _say(f"  WRONG {found}")
    return bool(result.wrong)


def _drifted(project: Project, examples: int, result: Result, where: tuple[Path, Path]) -> None:
    """Damage databases of the chain at random, in an interpreter that has it (`public.chain`)."""
    python, folder = where
    environ = {**os.environ, "PYTHONPATH": str(ARCHMIG / "tests"), "HOME": str(folder), "AIRFLOW_HOME": str(folder)}
    command = [python, "-m", "public.chain", folder / "alembic.ini", str(examples), *project.written]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        result.wrong.append(f"drifted: {done.stderr[-6000:]}")
        return
    found = json.loads(done.stdout.splitlines()[-1])
    result.lines["not asked about with its stamp"] = str(found["not asked about with its stamp"])
    result.lines["drifted"] = ", ".join(f"{number} {home}" for home, number in found["drifted"].items())


def _installed(project: Project) -> Path:
    """The interpreter of an environment with the project and archmig in it."""
    folder = _FOLDER / f"{project.package}-{project.version}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        needed = [f"{project.package}=={project.version}", *project.extras]
        needed += ["psycopg2-binary"] if "postgresql" in project.kinds else []
        subprocess.run([*pip, *needed, "--editable", f"{ARCHMIG}[test,postgresql]"], check=True)
        (folder / "installed").touch()
    return python


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
