"""What is wrong with stdin, stdout or stderr stops no run, gets into no file, and is told by the exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.cli import ask, build, primed

if TYPE_CHECKING:
    from collections.abc import Sequence

ARCHMIG = Path(sys.executable).with_name("archmig")
UPGRADE = ("upgrade", "-e", "behind", "--yes")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return primed(build(tmp_path))


def shell(place: Path, words: Sequence[str], rest: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell runs it, with `rest` behind it."""
    command = ["sh", "-c", f'"$@" {rest}', "sh", str(ARCHMIG), *words]
    # readline, which pytest loads, puts COLUMNS into the environment of C, past os.environ.
    environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, check=False)


def version(place: Path) -> object:
    return ask(place / "behind.db", "SELECT version_num FROM alembic_version")[0][0]


@pytest.mark.parametrize("rest", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", [UPGRADE, (*UPGRADE, "--json"), ("status",), ("--version",), ("--help",)])
def test_a_stream_that_is_closed_is_one_that_nobody_reads(place: Path, words: Sequence[str], rest: str) -> None:
    done = shell(place, words, rest)
    assert done.returncode == 0, done
    assert "archmig: " not in done.stderr
    assert version(place) == ("003_due" if words[0] == "upgrade" else "002_tags")
    assert ask(place / "behind.db", "PRAGMA integrity_check") == [("ok",)]


def test_a_refusal_with_all_streams_closed_is_its_exit_code(place: Path) -> None:
    assert shell(place, ("status", "-e", "nosuch", "--json"), "<&- >&- 2>&-").returncode == 2
    assert shell(place, ("upgrade", "-e", "behind"), "<&-").returncode == 2
    assert version(place) == "002_tags"


@pytest.mark.parametrize("words", [UPGRADE, (*UPGRADE, "--json"), ("status",), ("--version",), ("--help",)])
def test_a_result_that_no_disk_takes_is_told_in_one_line_and_what_was_done_stays(
    place: Path, words: Sequence[str]
) -> None:
    done = shell(place, words, "> /dev/full")
    assert done.returncode == 2
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("archmig: ")]
    assert line == (
        "archmig: stdout: the result could not be written: No space left on device; changes that were made remain "
        "(see `archmig log`): free some space, or send the result elsewhere"
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert version(place) == ("003_due" if words[0] == "upgrade" else "002_tags")


def test_a_log_of_stderr_on_a_full_disk_stops_no_run(place: Path) -> None:
    assert shell(place, UPGRADE, "2> /dev/full").returncode == 0
    assert version(place) == "003_due"
    assert shell(place, ("status", "-e", "nosuch"), "2> /dev/full").returncode == 2
    assert shell(place, ("nosuch",), "2> /dev/full").returncode == 2
