"""Completion in a shell: commands, options, environments and tags; quick, and without a word where nothing is known."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import build, executable, forked, plainly

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["home", "behind", "lost", "empty", "gone"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    plainly(monkeypatch)
    (tmp_path / "elsewhere").mkdir()
    build(tmp_path / "project")
    return tmp_path


def completed(line: str, cwd: Path) -> list[str]:
    """What a Bash offers after this line, whose last word is being typed."""
    place = len(line.split(" ")) - 1
    environ = {"COMP_WORDS": line, "COMP_CWORD": str(place), "_ARCHMIG_COMPLETE": "complete_bash"}
    done = forked(cwd=cwd, environ=environ)
    assert (done.code, done.err) == (0, "")
    return done.out.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("archmig re", ["reconcile", "rehearse"]),
        ("archmig backup p", ["prune"]),
        ("archmig help backup p", ["prune"]),
        ("archmig status --gr", ["--grid"]),
        ("archmig status -e ", NAMES),
        ("archmig status h", ["home"]),
        ("archmig status home b", ["behind"]),
        ("archmig upgrade +1 b", ["behind"]),
        ("archmig downgrade -1 b", ["behind"]),
        ("archmig reconcile --env l", ["lost"]),
        ("archmig promote --to l", ["lost"]),
        ("archmig env create new --from l", ["lost"]),
        ("archmig check --tag ", ["fine", "live"]),
    ],
)
def test_words_are_completed(folder: Path, line: str, expected: list[str]) -> None:
    assert completed(line, folder / "project") == expected


@pytest.mark.parametrize("line", ["archmig status -e ", "archmig check --tag "])
def test_outside_a_project_and_with_a_broken_file_nothing_is_offered(folder: Path, line: str) -> None:
    assert completed(line, folder / "elsewhere") == []
    (folder / "elsewhere" / "environments.toml").write_text("[env")
    assert completed(line, folder / "elsewhere") == []


def test_the_file_that_was_named_is_read(folder: Path) -> None:
    file = folder / "project" / "environments.toml"
    assert completed(f"archmig -c {file} status -e l", folder / "elsewhere") == ["lost"]
    assert completed(f"archmig status -c {file} -e l", folder / "elsewhere") == ["lost"]


def test_completing_imports_nothing_that_works(folder: Path) -> None:
    probe = (
        "import sys\nfrom architect_migrate.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print({'alembic', 'sqlalchemy', 'rich'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=folder / "project",
        env={"COMP_WORDS": "archmig status -e h", "COMP_CWORD": "3", "_ARCHMIG_COMPLETE": "complete_bash", **_path()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("home\n", "set()\n")


def _path() -> dict[str, str]:
    import os

    return {name: os.environ[name] for name in ("PYTHONPATH", "PATH", "HOME") if name in os.environ}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_shown(folder: Path, shell: str) -> None:
    environ = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = executable("--show-completion", shell, cwd=folder, environ=environ)
    assert (done.code, done.err) == (0, "")
    assert f"_ARCHMIG_COMPLETE=complete_{shell}" in done.out


def test_completion_is_installed_for_a_shell(folder: Path) -> None:
    environ = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(folder)}
    done = executable("--install-completion", "bash", cwd=folder, environ=environ)
    assert (done.code, done.err) == (0, "")
    assert "_ARCHMIG_COMPLETE=complete_bash" in (folder / ".bash_completions" / "archmig.sh").read_text()
