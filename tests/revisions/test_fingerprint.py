"""The key of a remembered replay changes with every file of archmig, however deep it is in the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import PROJECT

PACKAGE = "architect_migrate"
KEY = """
import sys
from pathlib import Path
from architect_migrate.revisions import reads
print(reads.__file__)
print(reads.digest_of(sys.argv[1], reads.REPLAY, reads.Reads(), "", {}))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of archmig as it is installed."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PROJECT / PACKAGE, tmp_path / "site" / PACKAGE, ignore=ignored))


def key(package: Path) -> str:
    """The key of the project's own chain, by the archmig in `package`."""
    command = [sys.executable, "-B", "-c", KEY, str(PROJECT / "alembic.ini")]
    done = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, check=True)
    file, found = done.stdout.splitlines()
    assert Path(file) == package / "revisions" / "reads.py"
    return found


def edited(package: Path) -> None:
    """A comment more, at the same time by the clock of the file system."""
    file = package / "databases" / "sqlite" / "repair" / "objects.py"
    before = file.stat()
    file.write_text(f"{file.read_text(encoding='utf-8')}# more\n", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def touched(package: Path) -> None:
    file = package / "revisions" / "replay.py"
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1_000_000))


def a_new_file(package: Path) -> None:
    (package / "databases" / "sqlite" / "rows" / "added.py").touch()


def a_new_package(package: Path) -> None:
    (package / "databases" / "other" / "deep").mkdir(parents=True)
    (package / "databases" / "other" / "deep" / "__init__.py").touch()


def removed(package: Path) -> None:
    (package / "authoring" / "demo.py").unlink()


@pytest.mark.parametrize("change", [edited, touched, a_new_file, a_new_package, removed])
def test_a_change_anywhere_in_the_package_changes_the_key(package: Path, change: object) -> None:
    assert callable(change)
    before = key(package)
    change(package)
    assert key(package) != before


def test_what_is_no_source_leaves_the_key_as_it_is(package: Path) -> None:
    before = key(package)
    (package / "revisions" / "__pycache__").mkdir()
    (package / "revisions" / "__pycache__" / "files.cpython-311.pyc").touch()
    (package / "revisions" / "notes.txt").touch()
    assert key(package) == before
