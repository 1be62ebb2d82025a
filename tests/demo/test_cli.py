"""The dashboard's twelve databases, looked at, brought home and looked at again: the README shows what is printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.cli import archmig, executable, plainly
from support.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

README = (PROJECT / "README.md").read_text(encoding="utf-8")
BEFORE = """\
environment  at             stamp  tracker                      breaking  behavioural  tolerated  pending  last action
main         048, 44 gaps   none   18 rows: 3 false, 6 lacking  975       254          143        -        -
prod         046, 23 gaps   none   30 rows: 7 false, 5 lacking  307       111          70         2        -
qa           042, 18 gaps   none   44 rows: 6 false, 5 lacking  199       58           53         6        -
dev          045, 33 gaps   none   16 rows: 3 false, 6 lacking  539       164          70         3        -
test         uninitialised  none   -                            -         -            -          49       -
test_suite   048, 45 gaps   none   1 row: 1 false, 45 lacking   124       237          58         -        -
env1         uninitialised  none   -                            -         -            -          49       -
env2         uninitialised  none   -                            -         -            4          49       -
env3         029, 11 gaps   none   -                            169       56           108        19       -
feature1     uninitialised  none   -                            -         -            -          49       -
feature2     uninitialised  none   -                            -         -            4          49       -
feature3     no file        -      -                            -         -            -          49       -

12 environments: 6 drifted, 5 uninitialised, 1 missing \
(archmig diagnose says what is wrong, archmig reconcile repairs it)
"""
AFTER = """\
environment  at             stamp  tracker  breaking  behavioural  tolerated  pending  last action
main         048 (head)     048    18 rows  -         -            146        -        reconcile DATE
prod         048 (head)     048    30 rows  -         -            74         -        reconcile DATE
qa           048 (head)     048    44 rows  -         -            53         -        reconcile DATE
dev          048 (head)     048    16 rows  -         -            74         -        reconcile DATE
test         uninitialised  none   -        -         -            -          49       -
test_suite   048 (head)     048    1 row    -         -            62         -        reconcile DATE
env1         uninitialised  none   -        -         -            -          49       -
env2         uninitialised  none   -        -         -            4          49       -
env3         048 (head)     048    -        -         -            111        -        reconcile DATE
feature1     uninitialised  none   -        -         -            -          49       -
feature2     uninitialised  none   -        -         -            4          49       -
feature3     no file        -      -        -         -            -          49       -

12 environments: 6 at target, 5 uninitialised, 1 missing
"""


# What differs from run to run: times, durations, and the folder of the demo.
VARIABLE = (
    (r"\d{8}T\d{6}Z-\d+", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME"),
    (r"\b\d+\.\d\b( s)?", "SECONDS"),
    (r"backups in \S+", "backups in FOLDER"),
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
    """The installed command makes the demo and brings it home, as a person who reads the README does."""
    plainly(monkeypatch)
    monkeypatch.setenv("COLUMNS", "120")
    folder = tmp_path / "demo"
    assert executable("demo", str(folder), cwd=PROJECT).code == 0
    before = executable("status", cwd=folder)
    assert (before.code, before.out) == (0, BEFORE)
    monkeypatch.chdir(folder)
    assert archmig("check").code == 1
    done = executable("reconcile", "--all", "--yes", cwd=folder)
    assert done.code == 0
    assert "12 environments: 6 done, 6 skipped; 9,775 rows in 440 tables kept" in done.out
    after = executable("status", cwd=folder)
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE", after.out) == AFTER
    assert archmig("check").code == 0
    assert "6 nothing to do, 6 skipped" in archmig("reconcile", "--all").out
    assert [settled(one) for one in shown("archmig status")] == [settled(before.out), settled(after.out)]
    assert [settled(one) for one in shown("archmig reconcile --all --yes")] == [settled(done.out)]
