"""The dashboard's twelve databases, looked at, brought home and looked at again: what the README shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.cli import archmig, plainly
from support.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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
(archmig diagnose says what is wrong, archmig reconcile puts it right)
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


def test_the_twelve_are_brought_home_by_the_commands_of_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    plainly(monkeypatch)
    assert archmig("demo", str(tmp_path)).code == 0
    monkeypatch.chdir(tmp_path)
    assert archmig("status").out == BEFORE
    assert archmig("check").code == 1
    done = archmig("reconcile", "--all", "--yes")
    assert done.code == 0
    assert "12 environments: 6 done, 6 skipped; 9,775 rows in 440 tables kept" in done.out
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE", archmig("status").out) == AFTER
    assert archmig("check").code == 0
    assert "6 nothing to do, 6 skipped" in archmig("reconcile", "--all").out
