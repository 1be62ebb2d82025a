"""What users install: the wheel holds the whole package, and its commands run where nothing else is on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

from support.paths import PROJECT

PACKAGE, DISTRIBUTION = "architect_migrate", "archmig"
# Of the environment that the tests run in: not the project that is installed there in place, and no code at start-up.
OWN = shutil.ignore_patterns(f"*{PACKAGE}*", f"*{DISTRIBUTION}*", "*.pth")
DEMO = Path(PACKAGE, "authoring", "demo_project")
ENTRY_POINTS = f"""
from importlib.metadata import distribution
for point in distribution({DISTRIBUTION!r}).entry_points:
    print(point.group, point.name, point.load().__name__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """The stdout of a command that nothing of the environment leads back to the project; it must end with 0."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def built(folder: Path) -> Path:
    """The project's wheel, built from a copy: setuptools leaves its own files in the folder that it builds from."""
    source = folder / "source"
    shutil.copytree(PROJECT / PACKAGE, source / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--quiet")
    run(sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", folder, source, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def installed(wheel: Path, folder: Path) -> Path:
    """The commands of a new environment that has the wheel and what it depends on."""
    home = folder / "venv"
    venv.create(home, symlinks=True)
    packages = next(home.glob("lib/python*/site-packages"))
    shutil.copytree(sysconfig.get_path("purelib"), folder / "others", ignore=OWN, copy_function=os.symlink)
    (packages / "others.pth").write_text(f"{folder / 'others'}\n", encoding="utf-8")
    python = home / "bin" / "python"
    offline = ("--no-deps", "--no-index", "--no-compile", "--quiet")
    run(sys.executable, "-m", "pip", "--python", python, "install", *offline, wheel, cwd=folder)
    return python.parent


def demo_project() -> set[str]:
    """The files of the demo, which are links in the project and copies in the wheel."""
    files = {str(DEMO / "environments.toml"), str(DEMO / "alembic.ini")}
    for root, _, names in os.walk(PROJECT / "alembic"):
        place = DEMO / Path(root).relative_to(PROJECT)
        files |= {str(place / name) for name in names if not name.endswith(".pyc")}
    return files


def test_the_wheel_holds_the_whole_package_and_works_where_it_is_installed(tmp_path: Path) -> None:
    wheel = built(tmp_path)
    sources = [*(PROJECT / PACKAGE).rglob("*.py"), PROJECT / PACKAGE / "py.typed"]
    with ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
    assert held == {str(path.relative_to(PROJECT)) for path in sources} | demo_project()

    commands = installed(wheel, tmp_path)
    place = run(commands / "python", "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(tmp_path / "venv")
    assert version(DISTRIBUTION) in run(commands / "archmig", "--version", cwd=tmp_path)
    assert "reconcile" in run(commands / "archmig", "--help", cwd=tmp_path)
    assert "--archmig" in run(commands / "python", "-m", "pytest", "--archmig", "--help", cwd=tmp_path)
    assert run(commands / "python", "-c", ENTRY_POINTS, cwd=tmp_path).splitlines() == [
        "console_scripts archmig main",
        "pytest11 archmig architect_migrate.integrations.pytest.plugin",
    ]

    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert "12 environments in demo/environments.toml" in run(commands / "archmig", "demo", "demo", cwd=fresh)
    status = run(commands / "archmig", "-c", "demo/environments.toml", "status", cwd=fresh)
    assert "12 environments: 1 missing, 5 uninitialised, 6 drifted" in status
