"""A database that is no longer as archmig left it is noticed: restored from elsewhere, changed by hand, or gone."""

from __future__ import annotations

import json
import shutil
import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config.context import context_for
from architect_migrate.config.loader import read_project
from architect_migrate.core.interrupts import FinishedFirst, Interrupts
from architect_migrate.ledger import store
from architect_migrate.ledger.external_changes import external_changes_since
from architect_migrate.runs.observe import observe
from support.cli import archmig, ask, build, execute, plainly
from support.plain_alembic import alembic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNTING = "CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, said TEXT)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`behind` has been brought home, and a copy from before that and one from after it lie beside it."""
    monkeypatch.chdir(build(tmp_path))
    plainly(monkeypatch)
    execute(tmp_path / "behind.db", f"{COUNTING}; INSERT INTO log (said) VALUES ('a'), ('b'), ('c')")
    shutil.copy(tmp_path / "behind.db", tmp_path / "before.db")
    archmig("reconcile", "-e", "behind", "--yes")
    shutil.copy(tmp_path / "behind.db", tmp_path / "after.db")
    return tmp_path


def external_change(command: str = "status") -> dict[str, object] | None:
    (told,) = json.loads(archmig(command, "-e", "behind", "--json").out)["environments"]
    found: dict[str, object] | None = told["notice"]
    return found


def changed(script: str) -> Callable[[Path], object]:
    return lambda folder: execute(folder / "behind.db", script)


def replaced(by: str, script: str = "") -> Callable[[Path], object]:
    def put(folder: Path) -> None:
        shutil.copy(folder / by, folder / "behind.db")
        execute(folder / "behind.db", script)

    return put


REMADE = "DROP INDEX ix_notes_due; CREATE INDEX ix_notes_due ON notes (due);"
NOTICED: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a table by hand": (
        changed("CREATE TABLE mine (a)"),
        "schema-changed",
        "its schema was changed from outside",
    ),
    "a restore": (
        replaced("before.db"),
        "restored",
        "it matches the state before that run: a restore from elsewhere?",
    ),
    "a stamp by hand": (
        changed("UPDATE alembic_version SET version_num = '002_tags'"),
        "stamp-changed",
        "the stamp was 003_due and is 002_tags, changed from outside",
    ),
    "no stamp any more": (
        changed("DELETE FROM alembic_version"),
        "stamp-changed",
        "the stamp was 003_due and is none, changed from outside",
    ),
    "no file any more": (lambda folder: (folder / "behind.db").unlink(), "gone", "the database is missing or empty"),
    "nothing in it any more": (
        lambda folder: (folder / "behind.db").write_bytes(b""),
        "gone",
        "the database is missing or empty",
    ),
    "older rows of the same schema": (
        changed("DELETE FROM log; UPDATE sqlite_sequence SET seq = 2 WHERE name = 'log'"),
        "rows-older",
        "the highest id of log was 3 and is 2: older rows from a restore, or a recreated table?",
    ),
    "another file of the same schema": (
        changed("PRAGMA schema_version = 2"),
        "file-replaced",
        "another file has replaced it (its schema has been changed 2 times, that of the other file 7 times)",
    ),
}
UNNOTICED: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _folder: None,
    "rows": changed("INSERT INTO notes (title) VALUES ('x'); DELETE FROM tags; INSERT INTO log (said) VALUES ('d')"),
    "vacuum": changed("VACUUM"),
    "a copy of what archmig left": replaced("after.db"),
    "the tracker": changed("CREATE TABLE schema_versions (version TEXT)"),
    "an index made anew": changed(REMADE),
}


@pytest.mark.parametrize("case", NOTICED)
def test_what_is_not_as_archmig_left_it_is_noticed(folder: Path, case: str) -> None:
    befall, code, found = NOTICED[case]
    befall(folder)
    for command in ("status", "check", "log"):
        external_changes_since = external_change(command)
        assert external_changes_since is not None
        assert (external_changes_since["code"], external_changes_since["found"], external_changes_since["entry"]) == (
            code,
            found,
            1,
        )


@pytest.mark.parametrize("case", UNNOTICED)
def test_what_archmig_left_is_not_noticed_whatever_rows_come_and_go(folder: Path, case: str) -> None:
    UNNOTICED[case](folder)
    assert [external_change("status"), external_change("check"), external_change("log")] == [None, None, None]


def test_a_notice_is_a_star_in_the_status_and_a_line_below_and_no_exit_code(folder: Path) -> None:
    execute(folder / "behind.db", "CREATE TABLE mine (a)")
    moment = store.entries(folder / ".archmig" / "ledger.db")[0].started_at[:16].replace("T", " ")
    line = f"* behind: not as reconcile 1 of {moment} left it: its schema was changed from outside (archmig show 1)\n"
    status = archmig("status", "-e", "behind")
    assert f"reconcile {moment}*\n" in status.out
    assert status.out.endswith("1 environment: 1 up to date\n\n" + line)
    check = archmig("check", "-e", "behind")
    assert (check.code, check.out.splitlines()[1].split()[:2]) == (0, ["behind", "up"])
    assert check.out.endswith("\n\n" + line)
    log = archmig("log")
    assert log.err == "archmig: " + line.removeprefix("* ").replace(" (archmig show 1)", "")


def test_a_restore_of_what_an_earlier_run_left_names_that_run(folder: Path) -> None:
    archmig("downgrade", "001", "-e", "behind", "--yes")
    shutil.copy(folder / "before.db", folder / "behind.db")
    external_changes_since = external_change()
    assert external_changes_since is not None
    assert (external_changes_since["code"], external_changes_since["entry"], external_changes_since["resembles"]) == (
        "restored",
        2,
        1,
    )
    assert str(external_changes_since["found"]).startswith("it matches the state before reconcile 1 of 2")


def test_reconcile_warns_before_it_asks_and_while_it_only_shows(folder: Path) -> None:
    shutil.copy(folder / "before.db", folder / "behind.db")
    said = "it matches the state before that run: a restore from elsewhere?"
    assert said in " ".join(archmig("reconcile", "-e", "behind", "--dry-run").out.split())
    done = archmig("reconcile", "-e", "behind", "--yes")
    told = " ".join(done.err.split())
    assert told.index("warning:") < told.index(said) < told.index("behind: done")
    assert told.count(said) == 1
    assert external_change() is None


def test_a_reconcile_that_finds_nothing_to_do_takes_note_and_is_silent_from_then_on(folder: Path) -> None:
    execute(folder / "behind.db", "CREATE TABLE mine (a)")
    assert "its schema was changed from outside" in archmig("reconcile", "-e", "behind", "--yes").err
    assert archmig("reconcile", "-e", "behind", "--yes").err == ""
    first, noted = store.entries(folder / ".archmig" / "ledger.db")
    assert (noted.result, noted.steps) == ("noted", ())
    assert noted.fact("noticed").startswith(f"not as reconcile {first.number} of ")
    assert external_change() is None


@pytest.mark.parametrize(
    "words", [("backup", "create"), ("undo", "--yes"), ("downgrade", "001", "--yes"), ("backup", "restore", "--yes")]
)
def test_what_archmig_does_itself_is_not_noticed(folder: Path, words: tuple[str, ...]) -> None:
    assert archmig(*words, "-e", "behind").code == 0
    assert external_change() is None


def test_a_run_that_ended_while_others_looked_is_no_reason_for_a_notice(folder: Path) -> None:
    execute(folder / "behind.db", "CREATE TABLE mine (a)")
    project = read_project(folder / "environments.toml", {})
    context = context_for(project, project.environments[1], None)
    began = time.time()
    seen = observe(context, "status")
    left = store.latest(context.ledger, ["behind"])
    assert list(external_changes_since(context.ledger, [seen], left, began)) == ["behind"]
    ended = datetime.fromisoformat(left["behind"].started_at).timestamp() + left["behind"].seconds
    assert external_changes_since(context.ledger, [seen], left, ended - 0.1) == {}


def test_another_database_under_the_same_name_was_never_touched(folder: Path) -> None:
    text = (folder / "environments.toml").read_text().replace('"behind.db"', '"before.db"')
    (folder / "environments.toml").write_text(text)
    assert external_change() is None


def test_digests_of_different_things_are_not_compared(folder: Path) -> None:
    text = (folder / "environments.toml").read_text().replace("[tracker]", '[tracker]\ntable = "log"')
    (folder / "environments.toml").write_text(text)
    assert external_change() is None


def test_an_entry_of_an_older_archmig_knows_nothing_and_says_nothing(folder: Path) -> None:
    (entry,) = store.entries(folder / ".archmig" / "ledger.db")
    (folder / ".archmig" / "ledger.db").unlink()
    old = store.Entry(entry.environment, entry.database, "reconcile", entry.started_at, 0.0, "done")
    store.append(folder / ".archmig" / "ledger.db", old)
    execute(folder / "behind.db", "CREATE TABLE mine (a)")
    assert external_change() is None


@pytest.mark.parametrize("value", ["", "{", "[1]", "12"])
def test_facts_that_somebody_spoilt_stop_no_report(folder: Path, value: str) -> None:
    (entry,) = store.entries(folder / ".archmig" / "ledger.db")
    (folder / ".archmig" / "ledger.db").unlink()
    spoilt = tuple((name, value if name != "schema after" else one) for name, one in entry.facts)
    old = store.Entry(entry.environment, entry.database, "reconcile", entry.started_at, 0.0, "done", facts=spoilt)
    store.append(folder / ".archmig" / "ledger.db", old)
    assert archmig("status").code == 0


def test_plain_alembic_is_entered_and_what_it_leaves_is_not_noticed(folder: Path) -> None:
    ini = folder / "alembic.ini"
    assert alembic("-x", "env=behind", "downgrade", "001_notes", ini=ini).code == 0
    assert alembic("-x", "env=behind", "upgrade", "head", ini=ini).code == 0
    _, down, up = store.entries(folder / ".archmig" / "ledger.db")
    assert (down.action, down.from_heads, down.to_heads) == ("alembic downgrade", ("003_due",), ("001_notes",))
    assert down.steps == ("take back revision 003_due", "take back revision 002_tags")
    assert (up.action, up.steps) == ("alembic upgrade", ("run revision 002_tags", "run revision 003_due"))
    assert external_change() is None


def test_a_ctrl_c_that_came_too_late_leaves_its_entry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def finished_first(work: Callable[[Interrupts], object]) -> None:
        raise FinishedFirst(work(Interrupts()))

    monkeypatch.setattr("architect_migrate.integrations.alembic.env.run_interruptible", finished_first)
    assert alembic("-x", "env=behind", "downgrade", "001_notes", ini=folder / "alembic.ini").code == 130
    entry = store.entries(folder / ".archmig" / "ledger.db")[-1]
    assert (entry.action, entry.result, entry.to_heads) == ("alembic downgrade", "done", ("001_notes",))


def test_a_stamp_by_hand_is_forced(folder: Path) -> None:
    ini = folder / "alembic.ini"
    assert alembic("-x", "env=behind", "stamp", "002_tags", ini=ini).code == 0
    assert alembic("-x", "env=behind", "stamp", "--purge", "001_notes", ini=ini).code == 0
    _, stamped, purged = store.entries(folder / ".archmig" / "ledger.db")
    assert (stamped.action, stamped.from_heads, stamped.to_heads) == ("alembic stamp", ("003_due",), ("002_tags",))
    assert stamped.fact("forced") == "stamp 002_tags: set by a person, whatever the schema shows"
    assert purged.fact("forced") == "stamp 001_notes: set by a person with --purge, whatever the schema shows"
    assert (stamped.steps, purged.steps) == ((), ())


def test_plain_alembic_enters_what_failed_and_not_what_had_nothing_to_do(folder: Path) -> None:
    ini = folder / "alembic.ini"
    alembic("-x", "env=behind", "upgrade", "head", ini=ini)
    alembic("-x", "env=behind", "current", ini=ini)
    assert len(store.entries(folder / ".archmig" / "ledger.db")) == 1
    execute(folder / "behind.db", "DROP INDEX ix_notes_due; DROP TABLE tags")
    assert alembic("-x", "env=behind", "downgrade", "base", ini=ini).code != 0
    _, failed = store.entries(folder / ".archmig" / "ledger.db")
    assert (failed.action, failed.result) == ("alembic downgrade", "failed")
    assert "ix_notes_due" in failed.detail
    assert ask(folder / "behind.db", "SELECT version_num FROM alembic_version") == [("003_due",)]
