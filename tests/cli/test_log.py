"""The ledger through the command line: every action is in it, log lists them, show tells all, a change of it shows."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.ledger import store
from support.cli import archmig, build, executable, execute, primed

if TYPE_CHECKING:
    from pathlib import Path

_TIMES = re.compile(r"-\d{8}T\d{6}Z-\d+|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?|\d+\.\d(?= s|  )|(?<=hash )\w{64}|\b\w{32}\b")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    for name in ("NO_COLOR", "FORCE_COLOR", "ARCHMIG_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "250")  # no path is broken, however long it is
    monkeypatch.setattr("architect_migrate.ledger.recorder.user_name", lambda: "ann")
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    monkeypatch.setattr("sys.argv", ["archmig", "the", "words"])
    monkeypatch.setattr("architect_migrate.ledger.recorder.tool_versions", lambda: [("archmig", "1.0")])
    return tmp_path


def timeless(text: str) -> str:
    return _TIMES.sub(lambda one: "-T-1" if one.group().startswith("-") else "T" if " " in one.group() else "0.0", text)


def book(folder: Path) -> tuple[store.Entry, ...]:
    return store.entries(folder / ".archmig" / "ledger.db")


LOG = """\
entry  when (UTC)        environment  action         result   from  to   who  seconds  backup
4      T  behind       downgrade      done     003   001  ann  0.0      behind-T-1.db
3      T  lost         upgrade        blocked  -     -    ann  0.0      -
2      T  behind       backup create  done     -     -    ann  0.0      behind-T-1.db
1      T  behind       reconcile      done     002   003  ann  0.0      behind-T-1.db

4 entries of {folder}/.archmig/ledger.db (archmig show N tells all of one)
"""
SHOWN = """\
entry 2: reconcile of lost: done
  when      T UTC, 0.0 s
  who       ann on desk: archmig the words
  database  sqlite:///{folder}/lost.db
  stamp     none before, 003_due after
  detail    at 003_due, 3 steps, 6 rows in 3 tables kept, 0.0 s
  backup    {folder}/.archmig/backups/lost-T-1.db

  executed, 3
    run revision 002_tags
    create index ix_notes_due
    stamp 003_due

  inferred, 2: taken as applied by what the schema shows, and completed where it was not whole
    001_notes: applied (4 there), claimed as executed
    003_due: partial (1 there, 1 missing), claimed as executed

  evidence
    schema before                      0.0
    schema after                       0.0
    schema leaves out                  ["alembic_version", "schema_versions"]
    schema counter after               7
    highest ids after                  {}
    chain                              0.0
    tables                             3
    rows                               6
    tables compared                    0
    rows that refer to nothing before  0
    rows that refer to nothing after   0
    archmig                            1.0
    backup digest                      0.0

  hash 0.0
"""


def test_the_log_is_a_line_for_each_action_newest_first(folder: Path) -> None:
    archmig("reconcile", "-e", "behind", "--yes")
    archmig("backup", "create", "-e", "behind")
    archmig("upgrade", "-e", "lost", "--yes")
    archmig("downgrade", "001", "-e", "behind", "--yes")
    done = archmig("log")
    assert (timeless(done.out), done.err, done.code) == (LOG.replace("{folder}", str(folder)), "", 0)


def test_show_tells_what_was_executed_and_inferred_and_proven(folder: Path) -> None:
    archmig("reconcile", "-e", "behind", "--yes")
    archmig("reconcile", "-e", "lost", "--yes")
    done = archmig("show", "2")
    assert (timeless(done.out), done.err, done.code) == (SHOWN.replace("{folder}", str(folder)), "", 0)
    assert archmig("show").out == done.out


def test_what_a_person_settled_is_forced_and_says_by_which_entry(folder: Path) -> None:
    with (folder / "environments.toml").open("a") as file:
        file.write('[[resolve]]\nindex = "ix_notes_due"\nkeep = true\nreason = "too slow here"\n')
    archmig("reconcile", "-e", "lost", "--yes")
    (forced,) = json.loads(archmig("show", "--json").out)["entry"]["forced"]
    assert forced == (
        f"index ix_notes_due on notes is missing: kept by {folder}/environments.toml: resolve[1]: too slow here"
    )


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ([], [4, 3, 2, 1]),
        (["-n", "1"], [4]),
        (["-n", "0"], [4, 3, 2, 1]),
        (["-e", "lost"], [3]),
        (["--tag", "live"], [3]),
        (["--db", "lost.db"], [3]),
        (["--failed"], [3]),
        (["--action", "backup"], [2]),
        (["--action", "create", "--action", "upgrade"], [3, 2]),
        (["-e", "home"], []),
    ],
)
def test_the_log_lists_what_is_asked_for(folder: Path, words: list[str], numbers: list[int]) -> None:
    archmig("reconcile", "-e", "behind", "--yes")
    archmig("backup", "create", "-e", "behind")
    archmig("upgrade", "-e", "lost", "--yes")
    archmig("downgrade", "001", "-e", "behind", "--yes")
    told = json.loads(archmig("log", "--json", *words).out)
    assert [one["number"] for one in told["entries"]] == numbers
    assert (told["ledger"]["entries"], told["ledger"]["problem"]) == (4, None)
    assert told["ledger"]["hash"] == book(folder)[-1].hash


def test_a_long_log_is_cut_and_says_how_many_are_older(folder: Path) -> None:
    for _ in range(30):
        store.append(folder / ".archmig" / "ledger.db", store.Entry("home", "d", "x", "2026", 0.0, "done"))
    assert archmig("log").out.splitlines()[-1].startswith(f"25 entries of {folder}/.archmig/ledger.db; 5 older: -n 0 ")
    assert len(json.loads(archmig("log", "--json").out)["entries"]) == 30


@pytest.mark.parametrize("words", [("log",), ("show",), ("show", "17")])
def test_a_ledger_that_is_not_there_is_said_and_not_made(folder: Path, words: tuple[str, ...]) -> None:
    done = archmig(*words)
    said = f"no ledger in {folder}/.archmig: archmig has not changed anything there yet\n"
    assert (done.out, done.err, done.code) == (said, "", 0)
    assert not (folder / ".archmig").exists()


def test_a_number_that_no_entry_has_is_an_error_that_names_the_newest(folder: Path) -> None:
    archmig("reconcile", "-e", "behind", "--yes")
    done = archmig("show", "17")
    assert (done.out, done.code) == ("", 2)
    assert done.err == (
        f"archmig: {folder}/.archmig/ledger.db has no entry 17 (its newest is 1: archmig log lists them)\n"
    )


def test_the_log_is_read_where_the_chain_cannot_be(folder: Path) -> None:
    archmig("reconcile", "-e", "behind", "--yes")
    (folder / "chain" / "versions" / "002_tags.py").write_text("what is this")
    done = archmig("log")
    assert (done.code, done.err) == (0, "")
    assert "done    002_tags  003_due" in done.out


def test_the_real_command_shows_the_newest(folder: Path) -> None:
    executable("reconcile", "-e", "behind", "--yes", cwd=primed(folder))
    done = executable("show", cwd=folder)
    assert (done.code, done.out.splitlines()[0]) == (0, "entry 1: reconcile of behind: done")


def broken_chain(folder: Path) -> None:
    head = '"""Breaks."""\nfrom alembic import op\nrevision = "004_breaks"\ndown_revision = "003_due"\n'
    body = (
        "def upgrade():\n    import os\n    if not os.environ.get('ARCHMIG_REPLAY'):\n        raise ValueError('no')\n"
    )
    text = (
        f"{head}{body}    op.execute('CREATE TABLE other (a)')\ndef downgrade():\n    op.execute('DROP TABLE other')\n"
    )
    (folder / "chain" / "versions" / "004_breaks.py").write_text(text)


def test_a_run_that_fails_is_entered_with_its_cause(folder: Path) -> None:
    broken_chain(folder)
    before = (folder / "home.db").read_bytes()
    done = archmig("upgrade", "-e", "home", "--yes")
    (entry,) = book(folder)
    assert (done.code, entry.action, entry.result, entry.steps) == (2, "upgrade", "failed", ())
    assert entry.detail == json.loads(archmig("show", "--json").out)["entry"]["detail"]
    assert "004_breaks" in entry.detail
    assert (folder / "home.db").read_bytes() == before


def test_a_database_that_cannot_be_worked_on_is_entered(folder: Path) -> None:
    (folder / "home.db").write_bytes(b"no database at all, but long enough to be one" * 100)
    archmig("reconcile", "-e", "home", "--yes")
    (entry,) = book(folder)
    assert (entry.action, entry.result) == ("reconcile", "failed")
    assert "not an SQLite database" in entry.detail


def test_what_stood_in_the_way_of_a_blocked_run_is_entered(folder: Path) -> None:
    archmig("upgrade", "-e", "lost", "--yes")
    (entry,) = book(folder)
    assert entry.result == "blocked"
    assert entry.findings == ("not-where-it-claims: no stamp",)


def test_an_interrupted_run_is_entered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("architect_migrate.runs.execute.verify", stop)
    assert archmig("reconcile", "-e", "behind", "--yes").code == 130
    (entry,) = book(folder)
    assert (entry.result, entry.detail) == ("interrupted", "Ctrl-C; everything was rolled back")


@pytest.mark.parametrize("words", [("reconcile", "--dry-run"), ("reconcile",), ("status",), ("undo", "--dry-run")])
def test_what_changes_nothing_is_not_entered(folder: Path, words: tuple[str, ...]) -> None:
    archmig(*words, "-e", "home")
    archmig(*words, "-e", "lost")
    assert book(folder) == ()


def test_a_ledger_that_cannot_be_written_is_a_warning_of_a_run_that_is_done(folder: Path) -> None:
    (folder / ".archmig" / "ledger.db").mkdir(parents=True)
    done = archmig("reconcile", "-e", "behind", "--yes")
    assert done.code == 0
    assert "behind: " + f"{folder}/.archmig/ledger.db: cannot use the ledger: it is a folder" in done.err


def test_a_failure_that_cannot_be_entered_says_both(folder: Path) -> None:
    (folder / ".archmig" / "ledger.db").mkdir(parents=True)
    broken_chain(folder)
    done = archmig("upgrade", "-e", "home", "--yes")
    assert done.code == 2
    assert "004_breaks" in done.err
    assert "cannot use the ledger" in done.err


def test_going_back_is_entered_with_the_stamps_before_and_after(folder: Path) -> None:
    archmig("reconcile", "-e", "behind", "--yes")
    archmig("undo", "-e", "behind", "--yes")
    undone = book(folder)[-1]
    assert (undone.action, undone.result) == ("undo", "done")
    assert (undone.from_heads, undone.to_heads) == (("003_due",), ("002_tags",))
    assert undone.fact("schema before") == book(folder)[0].fact("schema after")
    assert undone.fact("schema after") == book(folder)[0].fact("schema before")


def test_an_undo_that_is_refused_is_entered(folder: Path) -> None:
    archmig("reconcile", "-e", "behind", "--yes")
    execute(folder / "behind.db", "INSERT INTO notes VALUES (9, 'nine', NULL)")
    archmig("undo", "-e", "behind", "--yes")
    assert (book(folder)[-1].action, book(folder)[-1].result) == ("undo", "blocked")
    assert book(folder)[-1].detail == "written since: table notes: has 3 rows, had 2"


def test_a_changed_ledger_is_told_and_changes_no_exit_code(folder: Path) -> None:
    archmig("reconcile", "-e", "behind", "--yes")
    archmig("backup", "create", "-e", "behind")
    with closing(sqlite3.connect(folder / ".archmig" / "ledger.db")) as connection:
        connection.execute("DROP TRIGGER entry_no_update")
        connection.execute("UPDATE entry SET user = 'somebody else' WHERE id = 1")
        connection.execute("CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'no'); END")
        connection.commit()
    said = (
        f"archmig: {folder}/.archmig/ledger.db: entry 1 was altered: the ledger was altered, and its "
        "entries from there on prove nothing\n"
    )
    for words in (("log",), ("show", "2")):
        done = archmig(*words)
        assert (done.code, done.err) == (0, said)
    assert json.loads(archmig("log", "--json").out)["ledger"]["problem"] == "entry 1 was altered"
