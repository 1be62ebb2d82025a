"""[tracker] sync = true: after archmig the legacy tracker is true, so that the old manager has nothing left to run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.diagnosis.claims import Claims, TrackerRow
from architect_migrate.ledger import store
from architect_migrate.model.environment import Tracker
from architect_migrate.model.revision_graph import Revision, RevisionGraph
from architect_migrate.planning.plan import CorrectRow, ForgetRow, RecordRow, SyncTracker, headline
from architect_migrate.planning.tracker_sync import corrections
from support.cli import archmig, ask, build, execute, plainly
from support.paths import PROJECT
from support.plain_alembic import alembic

if TYPE_CHECKING:
    from pathlib import Path

TABLE = (
    "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version TEXT UNIQUE NOT NULL, "
    "applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, description TEXT, checksum TEXT);"
)
# Of the demo: some rows that are false and some that are lacking, no tracker, and one row, which is false.
PLACES = {"main": "", "env3": "env3", "test_suite": "test_suite"}
ENVIRONMENTS = [word for name in PLACES for word in ("-e", name)]
# What each of the chain's files was to the old manager; it knows nothing that came after them.
NUMBERS = [f"{number:03}" for number in range(1, 49)]


def old_manager(path: Path, numbers: list[str]) -> list[str]:
    """What the old manager would run: every file whose number its table lacks; it makes the table if need be."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLE.replace("TABLE", "TABLE IF NOT EXISTS"))
        recorded = {row[0] for row in connection.execute("SELECT version FROM schema_versions")}
    return [number for number in numbers if number not in recorded]


def keep_true(file: Path) -> None:
    text = file.read_text()
    off = "sync = false"
    file.write_text(
        text.replace(off, "sync = true") if off in text else text.replace("[tracker]", "[tracker]\nsync = true")
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    plainly(monkeypatch)
    keep_true(tmp_path / "environments.toml")
    return tmp_path


def rows(path: Path, columns: str = "version, description, checksum") -> list[tuple[object, ...]]:
    return ask(path, f"SELECT {columns} FROM schema_versions ORDER BY version")


# Pure: what has to change, by what is applied and what the rows say.
CHAIN = RevisionGraph(
    (
        Revision("001_a", (), "Apples", "001"),
        Revision("002_b", ("001_a",), "Bananas", "002"),
        Revision("017_c", ("002_b",), "Cherries", "017"),
        Revision("017_d", ("017_c",), "Dates", "017"),
        Revision("039_e", ("017_d",), "Elderberries skipped over", "039", ("002",)),
        Revision("040_f", ("039_e",)),
    )
)
ORDER = CHAIN.order
BY = "(recorded by archmig)"
HOME = tuple(TrackerRow(one, description=one) for one in ("001", "002", "017", "039"))
CASES: dict[str, tuple[int, tuple[TrackerRow, ...], tuple[object, ...]]] = {
    "all recorded": (6, HOME, ()),
    "nothing applied and nothing recorded": (0, (), ()),
    "one lacking": (2, HOME[:1], (RecordRow("002", f"Bananas {BY}", "archmig"),)),
    "a shared number of which one is applied": (3, HOME[:2], ()),
    "a shared number recorded and one applied": (3, HOME[:3], (ForgetRow("017", "'017', checksum ''"),)),
    "a shared number of which both are applied": (
        4,
        HOME[:2],
        (RecordRow("017", f"Cherries and Dates {BY}", "archmig"),),
    ),
    "not applied any more": (1, HOME[:2], (ForgetRow("002", "'002', checksum ''"),)),
    "says that it never ran": (
        1,
        (TrackerRow("001", "t", "Apples - skipped (already applied)", "abc", skipped=True),),
        (CorrectRow("001", f"Apples {BY}", "archmig", "'Apples - skipped (already applied)', checksum 'abc'"),),
    ),
    "says so by its checksum": (
        1,
        (TrackerRow("001", "t", "", "manual-skip", skipped=True),),
        (CorrectRow("001", f"Apples {BY}", "archmig", "'', checksum 'manual-skip'"),),
    ),
    "belongs to another by its words": (
        2,
        (HOME[0], TrackerRow("002", "t", "Elderberries over")),
        (CorrectRow("002", f"Bananas {BY}", "archmig", "'Elderberries over', checksum ''"),),
    ),
    "a title that reads like a row that never ran": (
        5,
        HOME[:3],
        (RecordRow("039", f"039_e {BY}", "archmig"),),
    ),
    "what the chain does not know": (6, (*HOME, TrackerRow("999", "t", "x skipped", skipped=True)), ()),
}


@pytest.mark.parametrize("case", CASES)
def test_what_has_to_change_for_the_rows_to_be_true(case: str) -> None:
    applied, found, expected = CASES[case]
    claims = Claims(rows=found, tracker=True)
    assert corrections(Tracker(), claims, CHAIN, frozenset(ORDER[:applied])) == expected


def test_words_of_archmigs_own_that_a_person_made_a_mark_are_left_out() -> None:
    tracker = Tracker(skipped=("archmig",))
    assert corrections(tracker, Claims(), CHAIN, frozenset(ORDER[:1])) == (RecordRow("001", "", ""),)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (["003"], "003"),
        (["003", "004"], "003, 004"),
        (["003", "004", "005", "017"], "003..005, 017"),
        (["008", "009", "010", "a1", "a2", "a3", "1", "2", "3"], "008..010, a1, a2, a3, 1..3"),
        (["098", "099", "100"], "098..100"),
    ],
)
def test_numbers_are_drawn_together(numbers: list[str], said: str) -> None:
    step = SyncTracker(Tracker(), ("version",), tuple(RecordRow(number, "", "") for number in numbers))
    assert headline(step) == f"make the tracker schema_versions true: add {said}"


# On real databases.
DRY = """\
lost: drifted, 4 steps
  run revision 002_tags (Tags, with the one that everybody needs)
  complete 003_due (Due dates of notes): create index ix_notes_due
  stamp 003_due
  make the tracker schema_versions true: add 003, correct 002
"""
SQL = """\
-- make the tracker schema_versions true: add 003, correct 002
UPDATE schema_versions SET description = 'Tags, with the one that everybody needs (recorded by archmig)', \
checksum = 'archmig' WHERE version = '002';
INSERT INTO schema_versions (version, applied_at, description, checksum) VALUES ('003', CURRENT_TIMESTAMP, \
'Due dates of notes (recorded by archmig)', 'archmig');

COMMIT;
"""


def lie(folder: Path) -> None:
    execute(
        folder / "lost.db",
        "DELETE FROM schema_versions WHERE version = '003'; INSERT INTO schema_versions VALUES ('777', '', 'mine', '');"
        "UPDATE schema_versions SET description = 'Tags - skipped (already applied)' WHERE version = '002'",
    )


def test_a_dry_run_shows_the_correction_as_words_and_sql(folder: Path) -> None:
    lie(folder)
    done = archmig("reconcile", "-e", "lost", "--dry-run", "--sql")
    assert done.out.startswith(DRY)
    assert SQL in done.out


def test_reconcile_corrects_what_lied_and_leaves_the_rest(folder: Path) -> None:
    lie(folder)
    before = rows(folder / "lost.db", "*")
    assert archmig("reconcile", "-e", "lost", "--yes").code == 0
    after = rows(folder / "lost.db", "*")
    assert before[0] == after[0]
    assert before[2] == after[3] == ("777", "", "mine", "")
    tags, due = after[1], after[2]
    assert tags == ("002", before[1][1], "Tags, with the one that everybody needs (recorded by archmig)", "archmig")
    assert due[2:] == ("Due dates of notes (recorded by archmig)", "archmig")
    assert len(str(due[1])) == len("2026-02-10 15:38:01")
    assert archmig("reconcile", "-e", "lost", "--yes").out.splitlines()[1].split()[4:7] == ["nothing", "to", "do"]
    assert archmig("check", "-e", "lost").code == 0


def test_the_old_words_stay_in_the_ledger(folder: Path) -> None:
    lie(folder)
    archmig("reconcile", "-e", "lost", "--yes")
    facts = json.loads(archmig("show", "--json").out)["entry"]["facts"]
    assert [fact["value"] for fact in facts if fact["name"] == "tracker"] == [
        "row 002 corrected; it was 'Tags - skipped (already applied)', checksum ''",
        "row 003 added",
    ]


def test_a_tracker_alone_that_lies_is_a_difference_and_one_step(folder: Path) -> None:
    status = archmig("status", "-e", "home")
    assert "none: 3 to correct" in status.out
    assert status.out.endswith("1 environment: 1 up to date (archmig reconcile corrects the tracker)\n")
    check = archmig("check", "-e", "home")
    assert (check.code, check.out.splitlines()[1]) == (
        1,
        "home         up to date  differs  the tracker does not match the applied revisions: 001, 002, 003",
    )
    assert "tracker-untrue" in archmig("diagnose", "-e", "home").out
    dry = archmig("reconcile", "-e", "home", "--dry-run")
    assert dry.out.startswith("home: up to date, 1 step\n  make the tracker schema_versions: add 001..003\n")
    assert dry.code == 1
    assert archmig("reconcile", "-e", "home", "--yes").code == 0
    assert [row[0] for row in rows(folder / "home.db")] == ["001", "002", "003"]
    assert archmig("check", "-e", "home").code == 0
    assert "  3 rows   reconcile " in archmig("status", "-e", "home").out


def test_without_sync_nobody_looks_at_it_and_it_stays_as_it_is(folder: Path) -> None:
    (folder / "environments.toml").write_text((folder / "environments.toml").read_text().replace("sync = true", ""))
    lie(folder)
    before = rows(folder / "lost.db", "*")
    archmig("reconcile", "-e", "lost", "--yes")
    assert rows(folder / "lost.db", "*") == before
    assert archmig("check", "-e", "home", "-e", "lost").code == 0


@pytest.mark.parametrize("command", [("reconcile",), ("upgrade",)])
def test_running_revisions_records_them(folder: Path, command: tuple[str, ...]) -> None:
    assert archmig(*command, "-e", "behind", "--yes").code == 0
    assert old_manager(folder / "behind.db", ["001", "002", "003"]) == []


def test_an_upgrade_corrects_a_tracker_though_nothing_is_pending(folder: Path) -> None:
    done = archmig("upgrade", "-e", "home", "--yes")
    assert (done.code, old_manager(folder / "home.db", ["001", "002", "003"])) == (0, [])
    assert "nothing to do" in archmig("upgrade", "-e", "home", "--yes").out


@pytest.mark.parametrize("name", ["behind", "home"])
def test_the_sql_of_an_upgrade_makes_the_tracker_true_as_well(folder: Path, name: str) -> None:
    execute(folder / f"{name}.db", TABLE)
    done = archmig("upgrade", "-e", name, "--sql")
    assert done.code == 0
    execute(folder / f"{name}.db", done.out)
    assert old_manager(folder / f"{name}.db", ["001", "002", "003"]) == []
    assert archmig("check", "-e", name).code == 0


def test_taking_revisions_back_removes_their_rows(folder: Path) -> None:
    archmig("reconcile", "-e", "behind", "--yes")
    assert archmig("downgrade", "001", "-e", "behind", "--yes").code == 0
    assert [row[0] for row in rows(folder / "behind.db")] == ["001"]
    assert archmig("downgrade", "base", "-e", "behind", "--yes").code == 0
    assert rows(folder / "behind.db") == []


@pytest.mark.parametrize("command", ["reconcile", "upgrade"])
def test_a_database_built_from_nothing_gets_its_tracker(folder: Path, command: str) -> None:
    text = (folder / "environments.toml").read_text().replace('"skip"', '"create"')
    (folder / "environments.toml").write_text(text)
    assert archmig(command, "-e", "gone", "-e", "empty", "--yes").code == 0
    for name in ("gone.db", "empty.db"):
        assert old_manager(folder / name, ["001", "002", "003"]) == []
        assert ask(folder / name, "SELECT count(*) FROM schema_versions WHERE applied_at IS NOT NULL") == [(3,)]


def test_plain_alembic_keeps_it_true_and_a_stamp_by_hand_does_not_touch_it(folder: Path) -> None:
    ini = folder / "alembic.ini"
    assert alembic("-x", "env=behind", "upgrade", "head", ini=ini).code == 0
    assert old_manager(folder / "behind.db", ["001", "002", "003"]) == []
    (entry,) = store.entries(folder / ".archmig" / "ledger.db")
    assert entry.steps[-1] == "make the tracker schema_versions: add 001..003"
    assert alembic("-x", "env=behind", "downgrade", "002_tags", ini=ini).code == 0
    assert [row[0] for row in rows(folder / "behind.db")] == ["001", "002"]
    assert alembic("-x", "env=behind", "stamp", "001_notes", ini=ini).code == 0
    assert [row[0] for row in rows(folder / "behind.db")] == ["001", "002"]


OBSTACLES = {
    "CREATE TABLE schema_versions (version TEXT, who TEXT NOT NULL)": (
        "its column who is NOT NULL without a default, and archmig has no value for it"
    ),
    "CREATE TABLE schema_versions (id TEXT PRIMARY KEY NOT NULL, version TEXT)": (
        "its column id is NOT NULL without a default, and archmig has no value for it"
    ),
    "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version TEXT) WITHOUT ROWID": (
        "its column id is NOT NULL without a default, and archmig has no value for it"
    ),
    "CREATE TABLE schema_versions (number TEXT, description TEXT)": "has no column version",
    "CREATE TABLE schema_versions (version INTEGER)": "its column version is INTEGER, which stores 001 as 1",
    "CREATE TABLE schema_versions (version TEXT, description TEXT AS ('x'))": "its column description is generated",
    "CREATE VIEW schema_versions AS SELECT '1' AS version": "is a view, not a table",
}
TAKEN = (
    "CREATE TABLE schema_versions (version TEXT)",
    "CREATE TABLE schema_versions (Version TEXT PRIMARY KEY, Checksum TEXT) WITHOUT ROWID",
    "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version VARCHAR(3), host TEXT NOT NULL DEFAULT 'here')",
    "CREATE TABLE schema_versions (version, description TEXT NOT NULL, applied_at NOT NULL, checksum NOT NULL) STRICT",
)


@pytest.mark.parametrize("table", OBSTACLES)
def test_a_tracker_that_takes_no_such_rows_is_refused_before_anything_is_written(folder: Path, table: str) -> None:
    execute(folder / "behind.db", table)
    before = (folder / "behind.db").read_bytes()
    done = archmig("reconcile", "-e", "behind", "--yes")
    assert done.code == 1
    assert f"tracker schema_versions: {OBSTACLES[table]}" in done.out
    assert "correct it by hand, or set sync = false in [tracker]" in done.out
    assert (folder / "behind.db").read_bytes() == before
    failed = alembic("-x", "env=behind", "upgrade", "head", ini=folder / "alembic.ini")
    assert OBSTACLES[table] in failed.failure
    assert (folder / "behind.db").read_bytes() == before


@pytest.mark.parametrize("table", TAKEN)
def test_a_tracker_of_another_shape_is_kept_true_too(folder: Path, table: str) -> None:
    execute(
        folder / "behind.db",
        table.replace("version,", "version TEXT,")
        .replace("applied_at NOT", "applied_at TEXT NOT")
        .replace("checksum NOT", "checksum TEXT NOT"),
    )
    assert archmig("reconcile", "-e", "behind", "--yes").code == 0
    assert ask(folder / "behind.db", "SELECT version FROM schema_versions ORDER BY 1") == [("001",), ("002",), ("003",)]
    assert archmig("check", "-e", "behind").code == 0


def test_a_tracker_under_other_names_is_kept_true(folder: Path) -> None:
    names = (
        'sync = true\ntable = "done \'it\'"\nversion = "no"\napplied_at = "at"\ndescription = "what"\nchecksum = "sum"'
    )
    text = (folder / "environments.toml").read_text().replace("sync = true", names)
    (folder / "environments.toml").write_text(text)
    assert archmig("reconcile", "-e", "behind", "--yes").code == 0
    assert ask(folder / "behind.db", "SELECT no, sum FROM \"done 'it'\"") == [
        ("001", "archmig"),
        ("002", "archmig"),
        ("003", "archmig"),
    ]


def permit(folder: Path, trigger: str) -> None:
    """Let a trigger of the database's own do what it does, after it was seen to stand in the way."""
    with (folder / "environments.toml").open("a") as file:
        file.write(f'\n[[resolve]]\ntrigger = "{trigger}"\nkeep = true\n')


def test_a_row_of_the_tracker_that_no_step_was_to_touch_is_proven(folder: Path) -> None:
    """A trigger of the tracker's own that meddles with other rows: the proof sees it, and nothing is done."""
    lie(folder)
    meddling = "BEGIN UPDATE schema_versions SET description = 'meddled' WHERE version = '777'; END"
    execute(folder / "lost.db", f"CREATE TRIGGER meddle AFTER INSERT ON schema_versions {meddling}")
    before = (folder / "lost.db").read_bytes()
    assert archmig("reconcile", "-e", "lost", "--yes").code == 1
    permit(folder, "meddle")
    done = archmig("reconcile", "-e", "lost", "--yes")
    assert done.code == 2
    assert "the tracker's row 777 was changed although no step changes it" in done.err
    assert (folder / "lost.db").read_bytes() == before


def test_a_row_that_does_not_stay_is_not_called_done(folder: Path) -> None:
    undoing = "BEGIN DELETE FROM schema_versions WHERE version = new.version; END"
    execute(folder / "behind.db", f"{TABLE} CREATE TRIGGER undo AFTER INSERT ON schema_versions {undoing}")
    assert archmig("reconcile", "-e", "behind", "--yes").code == 1
    permit(folder, "undo")
    done = archmig("reconcile", "-e", "behind", "--yes")
    assert done.code == 2
    assert "the tracker's row 001 still does not match the applied revisions" in done.err


def test_a_policy_of_no_repair_does_not_keep_the_tracker_from_being_true(folder: Path) -> None:
    text = (folder / "environments.toml").read_text().replace('path = "home.db"', 'path = "home.db"\nrepair = "none"')
    (folder / "environments.toml").write_text(text)
    assert archmig("reconcile", "-e", "home", "--yes").code == 0
    assert old_manager(folder / "home.db", ["001", "002", "003"]) == []


def test_an_undo_brings_the_old_rows_back(folder: Path) -> None:
    lie(folder)
    before = rows(folder / "lost.db", "*")
    archmig("reconcile", "-e", "lost", "--yes")
    assert archmig("undo", "-e", "lost", "--yes").code == 0
    assert rows(folder / "lost.db", "*") == before


def test_on_the_demo_the_old_manager_has_nothing_left_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    assert archmig("demo", str(tmp_path / "demo")).code == 0
    config = tmp_path / "demo" / "environments.toml"
    keep_true(config)
    paths = {name: tmp_path / "demo" / "data" / folder / "architect.db" for name, folder in PLACES.items()}
    would = {name: len(old_manager(path, NUMBERS)) for name, path in paths.items()}
    assert all(would.values()), would
    assert archmig("-c", str(config), "reconcile", *ENVIRONMENTS, "--yes").code == 0
    assert {name: old_manager(path, NUMBERS) for name, path in paths.items()} == {name: [] for name in paths}
    told = json.loads(archmig("-c", str(config), "status", "--json", *ENVIRONMENTS).out)["environments"]
    assert [(one["state"], one["claims"]["tracker"]["false"]) for one in told] == [("up_to_date", 0)] * len(paths)


def test_a_number_that_two_migrations_share_is_there_with_both_and_with_none_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = f'[alembic]\nconfig = "{PROJECT}/alembic.ini"\n[tracker]\nsync = true\n[env.it]\npath = "it.db"\n'
    (tmp_path / "environments.toml").write_text(f'{text}uninitialised = "create"\n')
    assert archmig("upgrade", "017_task", "-e", "it", "--yes").code == 0
    assert old_manager(tmp_path / "it.db", NUMBERS) == NUMBERS[16:]
    assert archmig("upgrade", "018", "-e", "it", "--yes").code == 0
    assert old_manager(tmp_path / "it.db", NUMBERS) == NUMBERS[18:]
    assert archmig("downgrade", "017_task", "-e", "it", "--yes").code == 0
    assert old_manager(tmp_path / "it.db", NUMBERS) == NUMBERS[16:]
