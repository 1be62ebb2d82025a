"""`archmig verify` reads everything of a database and says what is not as it should be, and changes nothing."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from support.cli import apart, archmig, executable, execute, primed

if TYPE_CHECKING:
    from pathlib import Path

SOUND = """\
home: sound
  schema           at 003 (head), stamped 003, as the chain makes it
  integrity_check  ok
  foreign keys     every row refers to something (0 tables with keys)
  data steps       the rows of 1 data step are there
"""
UNSOUND = """\
home: not as it should be
  schema           at 003 (head), stamped 003: 1 behavioural difference from the chain
                     index ix_notes_due on notes is missing
                     -> archmig diagnose -e home, then archmig reconcile -e home
  integrity_check  ok
  foreign keys     2 rows refer to nothing
                     2 rows of lines to notes (rowid 7, 9)
  data steps       1 row that data steps bring is missing
                     002_tags: 1 row of tags (name 'todo')
                     -> insert them if they are missed: they may have been deleted or changed on purpose
"""
LINES = """CREATE TABLE lines (id INTEGER PRIMARY KEY, note INTEGER REFERENCES notes(id));
INSERT INTO lines VALUES (1, 1), (7, 77), (8, NULL), (9, 78);"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return apart(tmp_path, monkeypatch)


def told(*words: str) -> tuple[int, dict[str, object]]:
    done = archmig("verify", *words, "--json")
    (one,) = json.loads(done.out)["environments"]
    return done.code, one


def test_a_sound_database_is_sound_and_nothing_is_written(folder: Path) -> None:
    before = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.db*")}
    done = executable("verify", "-e", "home", cwd=primed(folder))
    assert (done.code, done.out, done.err) == (0, SOUND, "")
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.db*")} == before
    assert list((folder.parent / "tmp").iterdir()) == []
    assert not (folder / ".archmig").exists()


def test_all_that_is_wrong_is_told_with_the_next_step(folder: Path) -> None:
    execute(folder / "home.db", f"DROP INDEX ix_notes_due; DELETE FROM tags; {LINES}")
    done = archmig("verify", "-e", "home")
    assert (done.code, done.out) == (1, UNSOUND)


def test_what_an_entry_allows_is_not_called_as_the_chain_makes_it(folder: Path) -> None:
    execute(folder / "home.db", "DROP INDEX ix_notes_due")
    with (folder / "environments.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[resolve]]\nindex = "ix_notes_due"\nkeep = true\n')
    done = archmig("verify", "-e", "home")
    assert done.code == 0, done.err
    said = "as the chain makes it, but for 1 difference that [[resolve]] allows"
    assert done.out.splitlines()[1] == f"  schema           at 003 (head), stamped 003, {said}"


def test_what_a_data_step_would_insert_is_told_and_not_inserted(folder: Path) -> None:
    execute(folder / "home.db", "UPDATE tags SET name = 'tidy'")
    code, one = told("-e", "home")
    assert (code, one["sound"], one["why"]) == (1, False, None)
    assert one["data_steps"] == {
        "asked": ["002_tags"],
        "untried": [],
        "outlived": [],
        "failed": [],
        "lacking": [
            {"revision": "002_tags", "table": "tags", "rows": 1, "changed": 0, "examples": ["name 'todo'"]},
        ],
    }


def test_a_data_step_that_would_change_rows_says_how_many(folder: Path) -> None:
    file = folder / "chain" / "versions" / "002_tags.py"
    file.write_text(
        file.read_text().replace(
            "def data_step():", "def data_step():\n    op.execute('UPDATE tags SET name = upper(name)')"
        )
    )
    code, one = told("-e", "home")
    (lacking,) = one["data_steps"]["lacking"]  # type: ignore[index]  # the document is only JSON to mypy
    assert (code, lacking["rows"], lacking["changed"]) == (1, 1, 1)


def test_a_data_step_that_cannot_run_is_no_proof_of_anything(folder: Path) -> None:
    execute(folder / "home.db", "ALTER TABLE tags RENAME COLUMN name TO word")
    code, one = told("-e", "home")
    ((failed,),) = [one["data_steps"]["failed"]]  # type: ignore[index]  # the document is only JSON to mypy
    assert (code, failed["revision"], "no such column" in failed["why"] or "no column" in failed["why"]) == (
        1,
        "002_tags",
        True,
    )


def test_what_later_revisions_took_away_is_not_asked_for(folder: Path) -> None:
    text = (
        (folder / "chain" / "versions" / "003_due.py")
        .read_text()
        .replace("003_due", "004_gone")
        .replace("002_tags", "003_due")
    )
    head, _, _ = text.partition("def upgrade")
    (folder / "chain" / "versions" / "004_gone.py").write_text(
        head + "def upgrade():\n    op.execute('DROP TABLE tags')\n\ndef downgrade():\n    pass\n"
    )
    assert archmig("upgrade", "-e", "home", "--yes").code == 0
    code, one = told("-e", "home")
    assert (code, one["data_steps"]) == (
        0,
        {"asked": [], "untried": [], "outlived": ["002_tags"], "lacking": [], "failed": []},
    )


def test_a_damaged_database_is_told_with_the_way_back(folder: Path) -> None:
    execute(
        folder / "home.db",
        "WITH RECURSIVE n(x) AS (SELECT 10 UNION ALL SELECT x + 1 FROM n WHERE x < 4000) "
        "INSERT INTO notes SELECT x, 'note ' || x, NULL FROM n",
    )
    content = bytearray((folder / "home.db").read_bytes())
    page = 4096
    for at in range(8 * page, 10 * page):
        content[at] = 0xA5
    (folder / "home.db").write_bytes(bytes(content))
    done = archmig("verify", "-e", "home")
    assert done.code == 1
    assert "  integrity_check  the database is damaged\n" in done.out
    assert "archmig backup restore -e home" in done.out
    code, one = told("-e", "home")
    assert (code, one["sound"], bool(one["damage"]), one["data_steps"]) == (1, False, True, None)


def test_a_check_that_rows_break_is_found(folder: Path) -> None:
    execute(
        folder / "home.db",
        "CREATE TABLE more (n INTEGER CHECK (n > 0)); PRAGMA ignore_check_constraints = ON; "
        "INSERT INTO more VALUES (-1)",
    )
    code, one = told("-e", "home")
    assert (code, one["damage"], one["broken"]) == (1, [], [{"what": "CHECK constraint failed in more", "rows": 1}])
    done = archmig("verify", "-e", "home")
    assert "  integrity_check  the file is sound, but 1 value is as the own table forbids\n" in done.out
    assert "                     CHECK constraint failed in more\n" in done.out


def test_a_key_that_sqlite_cannot_check_is_said_and_is_no_fault_of_the_rows(folder: Path) -> None:
    execute(folder / "home.db", "CREATE TABLE more (title TEXT REFERENCES notes(title)); INSERT INTO more VALUES ('x')")
    code, one = told("-e", "home")
    (untold,) = one["keys_untold"]  # type: ignore[misc]  # the document is only JSON to mypy
    assert (code, untold["table"], "foreign key mismatch" in untold["why"]) == (0, "more", True)


PLACES = {
    "pending": ("behind", 1, "at 002, stamped 002: 1 pending"),
    "drifted": ("lost", 1, "no stamp"),
    "of zero bytes": ("empty", 0, "nothing of the chain is in it; its policy is to skip it"),
    "missing": ("gone", 0, "no file there; its policy is to skip it"),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_database_is_where_it_should_be_or_that_is_said(folder: Path, name: str) -> None:
    environment, code, said = PLACES[name]
    done = archmig("verify", "-e", environment)
    assert (done.code, said in done.out) == (code, True), done.out


def test_what_cannot_be_read_is_2_and_the_others_are_told(folder: Path) -> None:
    (folder / "behind.db").write_bytes(b"no database " * 100)
    done = archmig("verify", "-e", "home", "-e", "behind", "--jobs", "2")
    assert (done.code, done.out) == (2, SOUND)
    assert "archmig: behind: " in done.err
