from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.errors import LedgerError
from architect_migrate.ledger.store import Entry, append, entries, last, latest, problem

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = Entry(
    environment="prod",
    database="sqlite:////srv/app.db",
    action="reconcile",
    started_at="2026-11-22T12:03:01.000+00:00",
    seconds=1.25,
    result="done",
    from_heads=("011", "02ä"),
    to_heads=("049",),
    steps=("add column a.b", 'it\'s "quoted", with, commas\nand lines'),
    backup="/srv/backups/prod-1.db",
    findings=("blocked-null",),
    detail='{"rows": 12}',
    user="me",
    host="here",
    command="archmig reconcile prod",
    facts=(("schema after", "a1b2"), ("plan", "c3")),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a b?%'é" / ".archmig" / "ledger.db"


def test_entries_come_back_as_they_went_in_oldest_first(file: Path) -> None:
    written = [ENTRY, replace(ENTRY, environment="test", result="failed"), replace(ENTRY, steps=(), seconds=0.0)]
    for one in written:
        append(file, one)
    assert entries(file) == tuple(written)
    assert last(file, "prod") == written[2]
    assert last(file, "test") == written[1]
    assert last(file, "none") is None


def test_each_entry_has_a_number_and_its_facts_by_name(file: Path) -> None:
    assert [append(file, ENTRY), append(file, ENTRY)] == [1, 2]
    assert [entry.number for entry in entries(file)] == [1, 2]
    assert [ENTRY.fact("plan"), ENTRY.fact("none")] == ["c3", ""]


def test_a_ledger_of_the_first_version_is_read_and_gets_its_new_column_when_written(file: Path) -> None:
    append(file, ENTRY)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TRIGGER entry_no_update")
        connection.execute("ALTER TABLE entry DROP COLUMN hash")
        connection.execute("ALTER TABLE entry DROP COLUMN facts")
        connection.execute("PRAGMA user_version = 1")
    old = replace(ENTRY, facts=())
    assert entries(file) == (old,)
    append(file, ENTRY)
    assert entries(file) == (old, ENTRY)


def test_only_its_owner_can_read_the_ledger_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        append(file, ENTRY)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["ledger.db"]


def test_reading_creates_nothing(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "ledger.db"
    assert entries(file) == ()
    assert last(file, "prod") is None
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_an_empty_ledger(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    file.touch()
    assert entries(file) == ()
    append(file, ENTRY)
    assert entries(file) == (ENTRY,)


@pytest.mark.parametrize(
    "field", ["environment", "database", "backup", "detail", "command", "action", "from_heads", "steps", "findings"]
)
def test_no_field_keeps_a_password(file: Path, field: str) -> None:
    secret = "at postgresql://joe:hunter2@db/app?password=hunter2 it failed"
    append(file, replace(ENTRY, **{field: (secret,) if isinstance(getattr(ENTRY, field), tuple) else secret}))
    assert b"hunter2" not in file.read_bytes()
    assert "postgresql://***@db/app" in str(getattr(entries(file)[0], field))


def test_a_text_that_is_no_utf_8_is_kept_readable(file: Path) -> None:
    append(file, replace(ENTRY, backup=os.fsdecode(b"/srv/\xff\x00.db")))
    assert entries(file)[0].backup == "/srv/\\udcff\x00.db"
    append(file, replace(ENTRY, environment="\udcff"))
    assert last(file, "\udcff") is not None


@pytest.mark.parametrize("statement", ["UPDATE entry SET result = 'done'", "DELETE FROM entry"])
def test_what_is_entered_stays(file: Path, statement: str) -> None:
    append(file, replace(ENTRY, result="failed"))
    refused = pytest.raises(sqlite3.IntegrityError, match="entries of the ledger stay as they are")
    with closing(sqlite3.connect(file)) as connection, refused:
        connection.execute(statement)


def test_writers_at_once_all_get_their_entries_in(file: Path) -> None:
    code = (
        "import sys\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from architect_migrate.ledger.store import Entry, append\n"
        "for number in range(15):\n"
        "    append(Path(sys.argv[1]), Entry(sys.argv[2], 'd', 'a', 't', float(number), 'done'))\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(file), f"e{number}"]) for number in range(8)]
    assert [writer.wait(60) for writer in writers] == [0] * 8
    written = sorted((one.environment, one.seconds) for one in entries(file))
    assert written == [(f"e{number}", float(turn)) for number in range(8) for turn in range(15)]
    assert [entry.number for entry in entries(file)] == list(range(1, 121))
    assert problem(file) == ""


NO_TRIGGERS = "DROP TRIGGER entry_no_update; DROP TRIGGER entry_no_delete;"
TAMPERED = {
    "a word changed": ("UPDATE entry SET user = 'x' WHERE id = 3", "entry 3 was altered"),
    "the first changed": ("UPDATE entry SET seconds = 9 WHERE id = 1", "entry 1 was altered"),
    "the last changed": ("UPDATE entry SET facts = '[]' WHERE id = 5", "entry 5 was altered"),
    "one gone": ("DELETE FROM entry WHERE id = 3", "entry 3 is missing"),
    "the first two gone": ("DELETE FROM entry WHERE id < 3", "entries 1 to 2 are missing"),
    "the last two gone": ("DELETE FROM entry WHERE id > 3", "entries 4 to 5 are missing"),
    "all gone": ("DELETE FROM entry", "entries 1 to 5 are missing"),
    "a hash wiped": ("UPDATE entry SET hash = '' WHERE id = 4", "entry 4 has no hash any more"),
    "one gone and the rest moved up": (
        "DELETE FROM entry WHERE id = 2; UPDATE entry SET id = id - 1 WHERE id > 2",
        "entry 2 was altered",
    ),
    "two exchanged": (
        "UPDATE entry SET seconds = 3 - seconds WHERE id IN (2, 3)",
        "entry 2 was altered",
    ),
    "nothing": ("", ""),
}


def spoil(file: Path, script: str) -> None:
    """Run a script as somebody would who takes the triggers away, and puts them back."""
    with closing(sqlite3.connect(file)) as connection:
        triggers = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        connection.executescript(f"{NO_TRIGGERS} {script}")
        for (sql,) in triggers:
            connection.execute(sql)


@pytest.mark.parametrize("case", TAMPERED)
def test_what_somebody_did_to_the_ledger_shows(file: Path, case: str) -> None:
    for number in range(5):
        append(file, replace(ENTRY, seconds=number))
    script, said = TAMPERED[case]
    spoil(file, script)
    assert problem(file) == said


def test_the_triggers_taken_away_show(file: Path) -> None:
    append(file, ENTRY)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(NO_TRIGGERS)
    assert problem(file) == "the triggers that protect its entries were removed"


def test_each_hash_goes_on_from_the_one_before(file: Path) -> None:
    append(file, ENTRY)
    append(file, ENTRY)
    first, second = entries(file)
    assert len({first.hash, second.hash, ""}) == 3


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_ledger_keeps_its_rows_and_the_first_hash_covers_them(file: Path, version: int) -> None:
    for number in range(3):
        append(file, replace(ENTRY, seconds=number))
    spoil(file, "ALTER TABLE entry DROP COLUMN hash; PRAGMA user_version = 2")
    if version == 1:
        spoil(file, "ALTER TABLE entry DROP COLUMN facts; PRAGMA user_version = 1")
    assert (problem(file), [entry.hash for entry in entries(file)]) == ("", [""] * 3)
    before = entries(file)
    append(file, ENTRY)
    append(file, ENTRY)
    assert entries(file)[:3] == before
    assert [bool(entry.hash) for entry in entries(file)] == [False, False, False, True, True]
    assert problem(file) == ""
    spoil(file, "UPDATE entry SET user = 'x' WHERE id = 2")
    assert problem(file) == "entry 4 or one before it was altered"


def test_the_newest_of_each_environment_and_the_newest_that_has_a_fact(file: Path) -> None:
    for name, facts in (("a", (("schema after", "1"),)), ("b", ()), ("a", (("schema after", "2"),)), ("a", ())):
        append(file, replace(ENTRY, environment=name, facts=facts))
    assert {name: one.number for name, one in latest(file, ["a", "b", "c"]).items()} == {"a": 4, "b": 2}
    assert {name: one.number for name, one in latest(file, ["a", "b"], "schema after").items()} == {"a": 3}


def _other_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE users (name)")


def _newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 4")


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (
            lambda file: file.write_bytes(b"not a database, but long enough to be looked at" * 30),
            "file is not a database",
        ),
        (lambda file: file.mkdir(), "it is a folder"),
        (os.mkfifo, "it is not a file"),
        (_other_database, "it is another program's database"),
        (_newer, "a newer archmig wrote it (version 4); no database is affected: use that archmig"),
    ],
)
def test_what_is_no_ledger_is_refused_by_name_and_left_alone(tmp_path: Path, spoilt: object, said: str) -> None:
    file = tmp_path / "ledger.db"
    assert callable(spoilt)
    spoilt(file)
    before = file.read_bytes() if file.is_file() else b""
    for use in (lambda: append(file, ENTRY), lambda: entries(file), lambda: last(file, "prod")):
        with pytest.raises(LedgerError) as raised:
            use()
        rest = "" if "affected" in said else "; no database is affected: move the file away"
        assert str(raised.value) == f"{file}: cannot use the ledger: {said}{rest}"
    assert (file.read_bytes() if file.is_file() else b"") == before


def test_a_folder_that_cannot_be_made_is_an_error_of_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="Not a directory"):
        append(tmp_path / "file" / "ledger.db", ENTRY)


def test_a_link_planted_in_the_ledgers_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").symlink_to(tmp_path / "victim")
    with pytest.raises(LedgerError):
        append(tmp_path / "ledger.db", ENTRY)
    assert not (tmp_path / "victim").exists()


def test_importing_the_ledger_imports_nothing_heavy() -> None:
    code = (
        "import architect_migrate.ledger.store, sys; print([m for m in sys.modules if m.partition('.')[0] in sys.argv])"
    )
    heavy = ["alembic", "sqlalchemy", "typer", "rich", "click"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
