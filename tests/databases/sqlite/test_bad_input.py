"""Whatever lies where a database should be: one clear line, the right exit code, and not a byte written."""

from __future__ import annotations

import ctypes
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.cli import Done, archmig, ask, build, execute, forked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BAD = '[env.bad]\npath = "bad.db"\nlock_timeout = 0.2\n'
CHANGING = (("reconcile", "--yes"), ("upgrade", "--yes"), ("downgrade", "base", "--yes"))
READING = (("status",), ("check",), ("pending",), ("diagnose",))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chain, an environment `bad`, and good databases beside it to spoil."""
    build(tmp_path)
    (tmp_path / "environments.toml").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(place: Path) -> dict[str, bytes]:
    """Every file with its bytes; a lock file, which no run takes away, and the ledger aside."""
    files = [
        path
        for path in place.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != "ledger.db"
    ]
    return {str(file): file.read_bytes() for file in files if file.suffix != ".archmig-lock"}


def good(place: Path, script: str = "") -> Path:
    """A database at head, and a script run on it."""
    (place / "bad.db").write_bytes((place / "home.db").read_bytes())
    execute(place / "bad.db", script)
    return place / "bad.db"


def overwritten(place: Path) -> None:
    """Every page but the first is rubbish."""
    rows = "WITH RECURSIVE n(x) AS (SELECT 3 UNION ALL SELECT x + 1 FROM n WHERE x < 400)"
    path = good(place, f"{rows} INSERT INTO notes SELECT x, hex(randomblob(400)), NULL FROM n")
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


def beside(place: Path, ending: str) -> None:
    os.mkfifo(f"{good(place)}{ending}")


def patched(path: Path, at: int, by: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(by)


NO_DATABASE = "not an SQLite database; nothing was written: check the path"
DAMAGED = (
    "damaged (database disk image is malformed); nothing was written: restore a backup, or try `sqlite3 FILE .recover`"
)
BY_HAND = "; nothing was written: correct the table by hand, then run this again"
VERSION = "DROP TABLE alembic_version; "
NO_UTF8 = "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = CAST(CAST(sql AS BLOB) || x'2d2dff' AS TEXT)"
REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda one: (one / "bad.db").write_text("no database " * 100), f"bad.db: {NO_DATABASE}"),
    "a byte": (lambda one: (one / "bad.db").write_text("x"), f"bad.db: {NO_DATABASE}"),
    "folder": (lambda one: (one / "bad.db").mkdir(), f"bad.db: {NO_DATABASE}"),
    "pipe": (lambda one: os.mkfifo(one / "bad.db"), f"bad.db: {NO_DATABASE}"),
    **{
        f"pipe as {ending}": (
            partial(beside, ending=ending),
            (
                f"bad.db: bad.db{ending} beside it is not a file, and SQLite would wait for it; "
                "the database was not opened: move that away"
            ),
        )
        for ending in ("-journal", "-wal", "-shm")
    },
    "damaged": (overwritten, f"bad.db: {DAMAGED}"),
    "truncated": (lambda one: os.truncate(good(one), 8192), f"bad.db: {DAMAGED}"),
    "no text": (
        lambda one: good(
            one, VERSION + "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES (NULL)"
        ),
        f"alembic_version holds None, which is no revision{BY_HAND}",
    ),
    "blob": (
        lambda one: good(one, "UPDATE alembic_version SET version_num = x'ff00'"),
        rf"alembic_version holds b'\xff\x00', which is no revision{BY_HAND}",
    ),
    "no column": (
        lambda one: good(one, VERSION + "CREATE TABLE alembic_version (v)"),
        f"alembic_version has no column version_num{BY_HAND}",
    ),
    "view": (
        lambda one: good(one, VERSION + "CREATE VIEW alembic_version AS SELECT '003_due' AS version_num"),
        f"alembic_version is a view, not a table{BY_HAND}",
    ),
    "no UTF-8": (
        lambda one: good(one, NO_UTF8),
        "bad.db: a name or a text of its schema is not UTF-8; nothing was changed: recreate that object by hand",
    ),
    "newer format": (
        lambda one: patched(good(one), 44, b"\x00\x00\x00\x09"),
        (
            "bad.db: a newer SQLite made it, and this one cannot read its format; nothing was changed: "
            "run archmig with an SQLite as new as the one that made it"
        ),
    ),
    "hard link": (
        lambda one: os.link(good(one), one / "other.db"),
        (
            "bad.db: has more than one name (hard links), and a journal would be found through only one of them; "
            "remove the other names, or work on a copy"
        ),
    ),
}


@pytest.mark.parametrize("words", [*CHANGING, *READING], ids=lambda one: one[0])
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_database_to_work_on_gets_one_line(place: Path, case: str, words: tuple[str, ...]) -> None:
    spoil, said = REFUSED[case]
    spoil(place)
    before = contents(place)
    done = archmig(words[0], *words[1:], "-e", "bad")
    assert (done.code, done.err) == (2, f"archmig: bad: {said.replace('bad.db:', f'{place}/bad.db:')}\n")
    assert contents(place) == before


def test_what_only_the_application_gives_sqlite_is_named_where_a_run_needs_it(place: Path) -> None:
    path = good(place, "DROP INDEX ix_notes_due")
    text = "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT COLLATE klingon UNIQUE)"
    execute(path, f"PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = '{text}' WHERE name = 'tags'")
    before = contents(place)
    done = archmig("reconcile", "-e", "bad", "--yes")
    assert done.code == 2
    assert "defect" not in done.err
    said = "no such collation sequence: klingon, which needs an extension that only the application loads: remove it"
    assert said in " ".join(done.err.split())
    assert path.read_bytes() == before[str(path)]


def test_an_index_out_of_step_with_its_table_is_found_before_anything_is_written(place: Path) -> None:
    path = good(place, "DROP INDEX ix_notes_due")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE TABLE tags (id INTEGER PRIMARY KEY, "
            "name TEXT UNIQUE, CHECK (name <> ''todo''))' WHERE name = 'tags'; UPDATE sqlite_master SET rootpage = "
            "(SELECT rootpage FROM sqlite_master WHERE name = 'ix_tags_name') WHERE name = 'sqlite_autoindex_tags_1'"
        )
    before = contents(place)
    done = archmig("reconcile", "-e", "bad", "--yes")
    assert done.code == 2
    assert f"{path}: damaged (" in done.err
    assert "nothing was written" in done.err
    assert contents(place) == before


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("UPDATE alembic_version SET version_num = 'zzz'", "zzz"),
        ("UPDATE alembic_version SET version_num = CAST(x'ff41' AS TEXT)", r"\xffA"),
    ],
)
def test_a_stamp_that_the_chain_does_not_know_is_named_and_left_alone(place: Path, sql: str, named: str) -> None:
    good(place, sql)
    before = contents(place)
    for words in CHANGING:
        done = archmig(words[0], *words[1:], "-e", "bad")
        assert done.code == 1
        assert named in done.out
    assert contents(place) == before


EMPTY: dict[str, Callable[[Path], object]] = {
    "missing": lambda one: None,
    "zero bytes": lambda one: (one / "bad.db").touch(),
    "nothing of the chain": lambda one: execute(one / "bad.db", "CREATE TABLE app (x)"),
}


@pytest.mark.parametrize("case", EMPTY)
@pytest.mark.parametrize(("policy", "codes"), [("skip", {0}), ("error", {1, 2})])
def test_what_holds_nothing_of_the_chain_is_left_to_the_policy(
    place: Path, case: str, policy: str, codes: set[int]
) -> None:
    (place / "environments.toml").write_text(f'{BAD}uninitialised = "{policy}"\n')
    EMPTY[case](place)
    before = contents(place)
    for words in (CHANGING[0], CHANGING[1]):
        done = archmig(words[0], *words[1:], "-e", "bad")
        assert done.code in codes
        assert done.out + done.err
    assert contents(place) == before
    assert (place / "bad.db").exists() == (case != "missing")


def without_rights(*words: str, cwd: Path) -> Done:
    """The command as a user whom permissions bind: root, who may run the tests, is not otherwise bound by any."""
    command = [str(Path(sys.executable).with_name("archmig")), *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, preexec_fn=_bind)
    return Done(done.returncode, done.stdout, done.stderr)


def _bind() -> None:
    """Take CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH from whatever this process becomes."""
    if os.geteuid() == 0:
        for capability in (1, 2):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


@pytest.fixture
def open_place(place: Path) -> Iterator[Path]:
    """The same with something to do, its chain known, and its permissions put back afterwards."""
    good(place, "DROP INDEX ix_notes_due")
    assert forked("status", cwd=place).code == 0
    yield place
    place.chmod(0o755)


@pytest.mark.parametrize(("folder", "file"), [(0o755, 0o444), (0o555, 0o644), (0o555, 0o444)])
def test_what_may_not_be_written_is_found_before_the_first_write(open_place: Path, folder: int, file: int) -> None:
    (open_place / "bad.db").chmod(file)
    open_place.chmod(folder)
    before = contents(open_place)
    done = without_rights("reconcile", "-e", "bad", "--yes", cwd=open_place)
    lines = [line for line in done.err.splitlines() if line.startswith("archmig: ")]
    assert done.code == 2, done
    at = open_place / ("bad.db" if file == 0o444 else "")
    assert lines[0] == (
        f"archmig: bad: {open_place}/bad.db: cannot be written (no write permission on {at}); "
        "give this user write access to it and its folder"
    )
    assert all("ledger.db: cannot use the ledger" in line for line in lines[1:])
    assert contents(open_place) == before


def test_a_file_that_may_not_be_read_is_not_told_as_one_that_cannot_be_written(open_place: Path) -> None:
    path = open_place / "bad.db"
    path.chmod(0)
    done = without_rights("status", "-e", "bad", cwd=open_place)
    said = f"{path}: cannot be read (no read permission on {path}); give this user access to it and its folder"
    assert (done.code, done.err) == (2, f"archmig: bad: {said}\n")


def test_a_ledger_that_may_not_be_looked_for_is_a_warning(open_place: Path) -> None:
    assert forked("reconcile", "-e", "bad", "--yes", cwd=open_place).code == 0
    (open_place / ".archmig").chmod(0)
    done = without_rights("status", "-e", "bad", cwd=open_place)
    (open_place / ".archmig").chmod(0o700)
    ledger = open_place / ".archmig" / "ledger.db"
    assert (done.code, "up to date" in done.out) == (0, True)
    assert done.err.startswith(f"archmig: {ledger}: cannot use the ledger: Permission denied; no database is affected")


def test_revisions_that_may_not_be_listed_are_not_taken_for_none(open_place: Path) -> None:
    versions = open_place / "chain" / "versions"
    versions.chmod(0)
    done = without_rights("status", "-e", "bad", cwd=open_place)
    versions.chmod(0o755)
    said = f"{versions}: Permission denied (correct the chain; no database was touched)"
    assert (done.code, done.err) == (2, f"archmig: {said}\n")


def test_a_folder_that_may_not_be_entered_is_one_line(open_place: Path) -> None:
    (open_place / "environments.toml").write_text('[env.bad]\npath = "locked/bad.db"\n')
    (open_place / "locked").mkdir()
    (open_place / "bad.db").rename(open_place / "locked" / "bad.db")
    (open_place / "locked").chmod(0)
    done = without_rights("status", "-e", "bad", cwd=open_place)
    (open_place / "locked").chmod(0o755)
    assert done.code == 2
    said = f"{open_place}/locked/bad.db: Permission denied; fix this, then run it again"
    assert done.err == f"archmig: bad: {said}\n"


def test_a_database_that_the_application_has_locked_is_waited_for_and_then_named(place: Path) -> None:
    good(place, "DROP INDEX ix_notes_due")
    hold = "import sqlite3, time; c = sqlite3.connect('bad.db', isolation_level=None); c.execute('BEGIN IMMEDIATE'); "
    words = [sys.executable, "-c", f"{hold} print(1, flush=True); time.sleep(60)"]
    with subprocess.Popen(words, cwd=place, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        done = archmig("reconcile", "-e", "bad", "--yes")
        writer.kill()
    assert done.code == 2
    assert "bad.db: locked by another process for more than 0.2 s (open in " in done.err
    assert f"(process {writer.pid})" in done.err
    assert "stop the application or wait for it, or raise lock_timeout" in done.err


@pytest.mark.parametrize(
    "name",
    ["q?x=1.db", "a%20b.db", "with space.db", "quo'te\".db", "new\nline.db", "😀.db", ":memory:", "file:x", "-e"],
)
def test_a_path_is_that_very_file_whatever_is_in_its_name(place: Path, name: str) -> None:
    good(place, "DROP INDEX ix_notes_due").rename(place / name)
    before = {path.name for path in place.iterdir()} | {f"{name}.archmig-lock", ".archmig"}
    done = archmig("reconcile", f"--db={place / name}", "--yes")
    assert done.code == 0, done.err
    assert {path.name for path in place.iterdir()} == before
    assert ask(place / name, "SELECT count(*) FROM sqlite_master WHERE name = 'ix_notes_due'") == [(1,)]


def test_a_thousand_tables_and_a_long_chain_of_keys_take_seconds(place: Path) -> None:
    tables = (
        f"CREATE TABLE x{number} (id INTEGER PRIMARY KEY, up REFERENCES x{max(0, number - 1)})"
        for number in range(1000)
    )
    good(place, ";".join(("DROP INDEX ix_notes_due", *tables)))
    start = time.process_time()
    done = archmig("reconcile", "-e", "bad", "--yes")
    assert done.code == 0, done.err
    assert time.process_time() - start < 15


def test_hostile_names_and_values_come_through_to_the_byte(place: Path) -> None:
    table = 'CREATE TABLE "a""b%s:x\n" ("select" TEXT, "" INT, "😀" BLOB DEFAULT \'x:y%\')'
    index = 'CREATE INDEX "in:dex" ON "a""b%s:x\n" ("select")'
    values = "(9, CAST(x'ff00fe' AS TEXT), 9e999), (10, x'00ff', '12'), (11, 'a' || char(0) || 'b', -9e999)"
    due = 'ALTER TABLE notes ADD COLUMN "%(x)s" TEXT'
    good(place, f"DROP INDEX ix_notes_due; {due}; INSERT INTO notes (id, title, due) VALUES {values}; {table}; {index}")
    rows = "SELECT id, typeof(title), hex(title), typeof(due), hex(due) FROM notes"
    before = ask(place / "bad.db", rows)
    assert archmig("reconcile", "-e", "bad", "--yes").code == 0
    assert ask(place / "bad.db", rows) == before
    kept = ask(
        place / "bad.db", "SELECT sql FROM sqlite_master WHERE name LIKE 'a_b%' OR name = 'in:dex' ORDER BY name"
    )
    assert kept == [(table,), (index,)]
