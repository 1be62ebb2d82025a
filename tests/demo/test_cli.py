"""The dashboard's twelve databases, looked at, brought home and looked at again: the README shows what is printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.cli import archmig, executable, forked, plainly
from support.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

README = (PROJECT / "README.md").read_text(encoding="utf-8")
BEFORE = """\
environment  state          at   stamp  pending  breaking  behavioural  gaps
main         drifted        048  none   -        975       254          44
  tolerated 143; tracker 18 rows: 3 false, 6 lacking
prod         drifted        046  none   2        307       111          23
  tolerated 70; tracker 30 rows: 7 false, 5 lacking
qa           drifted        042  none   6        199       58           18
  tolerated 53; tracker 44 rows: 6 false, 5 lacking
dev          drifted        045  none   3        539       164          33
  tolerated 70; tracker 16 rows: 3 false, 6 lacking
test         uninitialised  -    none   49       -         -            -
test_suite   drifted        048  none   -        124       237          45
  tolerated 58; tracker 1 row: 1 false, 45 lacking
env1         uninitialised  -    none   49       -         -            -
env2         uninitialised  -    none   49       -         -            -
  tolerated 4
env3         drifted        029  none   19       169       56           11
  tolerated 108
feature1     uninitialised  -    none   49       -         -            -
feature2     uninitialised  -    none   49       -         -            -
  tolerated 4
feature3     missing        -    -      49       -         -            -

12 environments: 1 missing, 5 uninitialised, 6 drifted (archmig diagnose says
  what is wrong, archmig reconcile repairs it)
"""
AFTER = """\
environment  state          at   stamp  pending  tolerated  tracker
main         up to date     048  048    -        146        18 rows
  last action reconcile DATE
prod         up to date     048  048    -        73         30 rows
  last action reconcile DATE
qa           up to date     048  048    -        53         44 rows
  last action reconcile DATE
dev          up to date     048  048    -        74         16 rows
  last action reconcile DATE
test         uninitialised  -    none   49       -          -
test_suite   up to date     048  048    -        62         1 row
  last action reconcile DATE
env1         uninitialised  -    none   49       -          -
env2         uninitialised  -    none   49       4          -
env3         up to date     048  048    -        111        -
  last action reconcile DATE
feature1     uninitialised  -    none   49       -          -
feature2     uninitialised  -    none   49       4          -
feature3     missing        -    -      49       -          -

12 environments: 1 missing, 5 uninitialised, 6 up to date
"""


# What differs from run to run: times, durations, and the folder of the demo.
VARIABLE = (
    (r"\d{8}T\d{6}Z-\d+", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME"),
    (r"\b\d+\.\d\b( s)?", "SECONDS"),
    (r"backups in\s+\S+", "backups in FOLDER"),
    (r"[ \t]+", " "),
)


def settled(text: str) -> str:
    for pattern, word in VARIABLE:
        text = re.sub(pattern, word, text)
    return text.strip()


def shown(command: str) -> list[str]:
    """What the README shows as the output of a command, each time that it shows it."""
    pattern = rf"^\$ {re.escape(command)}\n(.*?)(?=^\$ |^```)"
    return [match.group(1) for match in re.finditer(pattern, README, re.MULTILINE | re.DOTALL)]


def test_the_twelve_are_brought_home_by_the_commands_of_the_readme_and_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installed command makes the demo, and a fork of it brings it home, as a person who reads the README does."""
    plainly(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "demo"
    assert executable("demo", str(folder), cwd=PROJECT).code == 0
    before = forked("status", cwd=folder)
    assert (before.code, before.out) == (0, BEFORE)
    monkeypatch.chdir(folder)
    assert archmig("check").code == 1
    done = forked("reconcile", "--all", "--yes", cwd=folder)
    assert done.code == 0
    assert "12 environments: 6 done, 6 skipped; 9,775 rows in 440 tables kept" in done.out
    after = executable("status", cwd=folder)
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE", after.out) == AFTER
    assert archmig("check").code == 0
    assert "6 nothing to do, 6 skipped" in archmig("reconcile", "--all").out
    assert [settled(one) for one in shown("archmig status")] == [settled(before.out), settled(after.out)]
    assert [settled(one) for one in shown("archmig reconcile --all --yes")] == [settled(done.out)]
