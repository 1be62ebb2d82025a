"""The commands that only look say it all on stdout, by text and by JSON, and leave every byte alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig, build, execute, plainly

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    plainly(monkeypatch)
    return tmp_path


STATUS = """\
environment  state          at   stamp  pending  breaking  behavioural  gaps  tolerated  tracker
home         up to date     003  003    -        -         -            -     -          -
behind       behind         002  002    1        -         -            -     -          -
lost         drifted        003  none   -        5         2            2     4          3 rows: 2 false
empty        uninitialised  -    none   3        -         -            -     -          -
gone         missing        -    -      3        -         -            -     -          -

5 environments: 1 missing, 1 uninitialised, 1 drifted, 1 behind, 1 up to date (archmig diagnose says what is wrong,
  archmig reconcile repairs it; archmig upgrade runs what is pending)
"""
GRID = """\
        000
        000
        123
home    aaa
behind  aa.
lost    aMP
empty   ...
gone    ...

a  applied
M  missing, though later ones are there
P  partly there
.  pending
"""
DIAGNOSIS = """\
lost: drifted; at 003 with 2 gaps; no stamp; tracker with 3 rows: 2 false
  sqlite:///{folder}/lost.db

  revision   verdict  claim     there  missing  title
  001_notes  applied  executed  4      -        Notes
  002_tags   missing  executed  -      6        Tags, with the one that everybody needs
  003_due    partial  executed  1      1        Due dates of notes

  verdict: what the schema shows. claim: what the stamp or the tracker says. there, missing, other shape: how many
  objects that the revision makes. not removed: objects that it drops, and that are there.

  to repair
    behavioural-missing, 1: archmig reconcile repairs it
      index ix_notes_due on notes
    breaking-missing, 1: archmig reconcile repairs it
      table tags
    claim-false, 2: archmig reconcile repairs it
      002_tags: claimed as executed, but missing (6 missing)
      003_due: claimed as executed, but partial (1 there, 1 missing)

  notes
    extra-kept, 2
      table app_state, column notes.colour
    tracker-out-of-order, 1
      tracker row 002: recorded at 2026-02-03 10:00:00, after 003 (2026-02-02 10:00:00)
"""
ONE_REVISION = """\
lost: drifted; at 003 with 2 gaps; no stamp; tracker with 3 rows: 2 false
  sqlite:///{folder}/lost.db
  003_due  Due dates of notes
    claim executed, verdict partial
    + column notes.due
    - index ix_notes_due on notes

  to repair
    behavioural-missing, 1: archmig reconcile repairs it
      index ix_notes_due on notes is missing
    claim-false, 1: archmig reconcile repairs it
      003_due: claimed as executed, but partial (1 there, 1 missing)
"""
CHECK = """\
environment  state          verdict  why
home         up to date     clean    at 003
behind       behind         differs  1 pending
lost         drifted        differs  5 breaking and 2 behavioural differences from the chain
empty        uninitialised  clean    nothing of the chain is in it; its policy is to skip it
gone         missing        clean    nothing of the chain is in it; its policy is to skip it
"""
PENDING = """\
home: nothing pending after 003 (up to date)
behind: 1 pending after 002 (behind)
  003_due  Due dates of notes
lost: nothing pending after 003 (drifted); first archmig reconcile has to fill 2 gaps
empty: the whole chain of 3 revisions (uninitialised)
gone: the whole chain of 3 revisions (missing)
"""
HISTORY = """\
revision        legacy         data step  title
001_notes       001            -          Notes
002_tags        002 (was 005)  yes        Tags, with the one that everybody needs
003_due (head)  003            -          Due dates of notes
"""
HISTORY_HERE = """\
revision        legacy         data step  here    title
001_notes       001            -                  Notes
002_tags        002 (was 005)  yes        behind  Tags, with the one that everybody needs
003_due (head)  003            -          lost    Due dates of notes
"""


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["status"], 0, STATUS),
        (["status", "--all"], 0, STATUS),
        (["status", "--grid"], 0, GRID),
        (["diagnose", "-e", "lost"], 0, DIAGNOSIS),
        (["diagnose", "--revision", "003", "--tag", "live"], 0, ONE_REVISION),
        (["check"], 1, CHECK),
        (["pending"], 0, PENDING),
        (["history"], 0, HISTORY),
        (["history", "-e", "behind", "-e", "lost"], 0, HISTORY_HERE),
    ],
)
def test_each_report_is_this_text_on_stdout_and_nothing_on_stderr(
    folder: Path, words: list[str], code: int, expected: str
) -> None:
    done = archmig(*words)
    assert (done.out, done.err, done.code) == (expected.replace("{folder}", str(folder)), "", code)


def test_verbose_names_every_effect_and_every_finding(folder: Path) -> None:
    out = archmig("diagnose", "-v", "-e", "lost").out
    assert "    - unique tags(name)\n" in out
    assert "      table app_state is not in the chain\n" in out


@pytest.mark.parametrize("command", ["status", "diagnose", "check", "pending", "history"])
def test_looking_leaves_every_byte_and_makes_no_file(folder: Path, command: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    archmig(command, "--all")
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("names", "code"), [(["home"], 0), (["empty", "gone"], 0), (["home", "behind"], 1), (["lost"], 1)]
)
def test_check_tells_by_its_exit_code(folder: Path, names: list[str], code: int) -> None:
    assert archmig("check", *(word for name in names for word in ("-e", name))).code == code


@pytest.mark.parametrize("command", ["status", "diagnose", "check", "pending"])
def test_one_unreadable_environment_stops_no_other_and_makes_it_2(folder: Path, command: str) -> None:
    (folder / "home.db").write_bytes(b"no database at all, but long enough to be one" * 100)
    done = archmig(command)
    assert done.code == 2
    assert done.err == (
        f"archmig: home: {folder}/home.db: not an SQLite database; nothing was written: check the path\n"
    )
    assert "behind" in done.out


@pytest.mark.parametrize("command", ["status", "diagnose", "check", "pending", "history", "rehearse", "verify"])
def test_a_chain_that_does_not_run_is_told_once_and_not_for_every_database(folder: Path, command: str) -> None:
    file = folder / "chain" / "versions" / "003_due.py"
    file.write_text(file.read_text().replace("def upgrade", "def migrate"))
    done = archmig(command, "-e", "home", "-e", "behind")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done.err
    assert done.err.startswith(f"archmig: {folder}/alembic.ini: the chain does not run on an empty database")


def test_an_empty_database_is_not_clean_unless_the_policy_skips_it(folder: Path) -> None:
    (folder / "other.db").touch()
    done = archmig("check", "--db", "other.db")
    assert (done.code, done.out.splitlines()[1].split(maxsplit=3)[1:]) == (
        1,
        ["uninitialised", "differs", "nothing of the chain is in it"],
    )


def test_a_file_is_looked_at_without_any_environments_toml(folder: Path) -> None:
    (folder / "environments.toml").unlink()
    done = archmig("status", "--db", "lost.db", "--db", "home.db")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()[1:3]] == ["lost.db", "home.db"]


def test_the_json_of_status_has_every_documented_key(folder: Path) -> None:
    told = json.loads(archmig("status", "--json", "-e", "lost").out)
    assert told == {
        "version": 2,
        "command": "status",
        "exit_code": 0,
        "environments": [
            {
                "name": "lost",
                "database": f"sqlite:///{folder}/lost.db",
                "error": None,
                "state": "drifted",
                "heads": ["003_due"],
                "position": ["001_notes", "002_tags", "003_due"],
                "claims": {
                    "stamp": None,
                    "tracker": {"rows": 3, "false": 2, "lacking": 0},
                    "untrue": [],
                    "gaps": 2,
                },
                "drift": {"breaking": 5, "behavioural": 2, "cosmetic": 0, "extra": 4, "kept": 0},
                "pending": [],
                "rows": [],
                "last_action": None,
                "notice": None,
            }
        ],
    }


def test_the_json_of_a_diagnosis_names_effects_and_findings(folder: Path) -> None:
    told = json.loads(archmig("diagnose", "--json", "-e", "lost", "--revision", "003").out)
    (environment,) = told["environments"]
    assert environment["revisions"] == [
        {
            "revision": "003_due",
            "title": "Due dates of notes",
            "legacy_version": "003",
            "claim": "executed",
            "verdict": "partial",
            "present": ["column notes.due"],
            "missing": ["index ix_notes_due on notes"],
            "differing": [],
            "lingering": [],
        }
    ]
    assert {one["code"] for one in environment["findings"]} >= {"claim-false", "breaking-missing", "extra-kept"}


def test_the_json_of_history_is_the_chain(folder: Path) -> None:
    told = json.loads(archmig("history", "--json").out)
    assert told["revisions"][1] == {
        "revision": "002_tags",
        "parents": ["001_notes"],
        "title": "Tags, with the one that everybody needs",
        "legacy_version": "002",
        "formerly": ["005"],
        "data_step": True,
        "head": False,
    }


def test_the_json_of_an_unreadable_environment_carries_its_error(folder: Path) -> None:
    execute(folder / "home.db", "DROP TABLE alembic_version; CREATE VIEW alembic_version AS SELECT 1 AS version_num")
    done = archmig("check", "--json")
    told = json.loads(done.out)
    assert (done.code, told["exit_code"]) == (2, 2)
    first = told["environments"][0]
    assert (first["error"]["type"], first["state"], first["clean"]) == ("StampError", "could_not_tell", None)
    assert told["environments"][1]["clean"] is False
