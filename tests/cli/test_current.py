"""`archmig current`: the revision that the schema proves, and the stamp where it says something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig, build, execute, plainly

if TYPE_CHECKING:
    from pathlib import Path

CURRENT = """\
environment  state          revision                stamped  title
home         up to date     003_due (head)                   Due dates of notes
behind       behind         002_tags                         Tags, with the one that everybody needs
lost         drifted        003_due (head), 2 gaps  none     Due dates of notes
empty        uninitialised  base
gone         missing        -
"""
AGREED = """\
environment  state       revision        title
home         up to date  003_due (head)  Due dates of notes
"""
FALSE = """\
environment  state    revision  stamped  title
behind       drifted  002_tags  003_due  Tags, with the one that everybody needs
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    plainly(monkeypatch)
    return tmp_path


@pytest.mark.parametrize(("words", "text"), [((), CURRENT), (("home",), AGREED)])
def test_the_revisions_are_printed_with_their_titles(folder: Path, words: tuple[str, ...], text: str) -> None:
    done = archmig("current", *words)
    assert (done.out, done.err, done.code) == (text, "", 0)


def test_a_stamp_that_is_false_stands_beside_the_proven_revision(folder: Path) -> None:
    execute(folder / "behind.db", "UPDATE alembic_version SET version_num = '003_due'")
    assert archmig("current", "behind").out == FALSE


def test_on_80_columns_no_line_is_longer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(len(line) for line in archmig("current").out.splitlines()) <= 80


def test_a_database_that_cannot_be_read_stops_no_other(folder: Path) -> None:
    (folder / "home.db").write_bytes(b"no database at all, but long enough to be one" * 100)
    done = archmig("current")
    assert (done.code, done.out.splitlines()[1].split(maxsplit=1)) == (2, ["home", "could not tell  -"])
    assert "behind       behind          002_tags" in done.out
    told = json.loads(archmig("current", "home", "--json").out)["environments"][0]
    assert (told["error"]["type"], told["state"], told["heads"], told["stamp"], told["gaps"]) == (
        "NotADatabaseError",
        "could_not_tell",
        None,
        None,
        None,
    )


def test_the_json_has_what_is_proven_and_what_is_stamped(folder: Path) -> None:
    told = json.loads(archmig("current", "lost", "--json").out)
    assert told == {
        "version": 2,
        "command": "current",
        "exit_code": 0,
        "environments": [
            {
                "name": "lost",
                "database": f"sqlite:///{folder}/lost.db",
                "error": None,
                "state": "drifted",
                "heads": ["003_due"],
                "stamp": None,
                "gaps": 2,
            }
        ],
    }
