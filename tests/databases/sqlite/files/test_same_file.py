"""A database's file and its copy are compared byte by byte, by a process that takes no lock away."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.interpreter import interpreter
from architect_migrate.databases.sqlite.connection import reading, transaction
from architect_migrate.databases.sqlite.files import backup, same_file
from architect_migrate.databases.sqlite.files.same_file import (
    Different,
    NotCompared,
    Same,
    compare_files,
    file_digest,
    main,
)
from support.scenarios import ask, script

if TYPE_CHECKING:
    from pathlib import Path

ROWS = """CREATE TABLE t (a, b); CREATE INDEX i ON t (a);
INSERT INTO t WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000)
SELECT x, 'row ' || x FROM n;
DELETE FROM t WHERE a % 7 = 0 OR a < 500; CREATE TABLE gone AS SELECT * FROM t; DROP TABLE gone;
PRAGMA user_version = 9"""
OTHER = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return _pair(tmp_path, "")


def _pair(folder: Path, before: str) -> tuple[Path, Path]:
    """A database, and the copy that SQLite's backup API makes of it."""
    path, copy = folder / "a b.db", folder / "copy.db"
    script(path, *before.split(";"), *ROWS.split(";"))
    with reading(path) as source:
        backup.copy_pages(source, copy)
    return path, copy


def _compared(path: Path, copy: Path) -> Same | Different | NotCompared:
    ((page_size,),) = ask(path, "PRAGMA page_size")
    return compare_files(path, copy, path.stat().st_size, page_size)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "PRAGMA auto_vacuum = 1",
        "PRAGMA page_size = 512; PRAGMA auto_vacuum = 2",
        "PRAGMA page_size = 65536",
        "PRAGMA encoding = 'UTF-16le'",
        "PRAGMA journal_mode = WAL; CREATE TABLE w (a); PRAGMA journal_mode = DELETE",
    ],
)
def test_a_copy_by_sqlite_is_the_same_and_its_digest_is_that_of_its_bytes(tmp_path: Path, before: str) -> None:
    path, copy = _pair(tmp_path, before)
    assert path.read_bytes() != copy.read_bytes()
    assert _compared(path, copy) == Same(file_digest(copy))


@pytest.mark.parametrize("place", [0, 16, 28, 60, 68, 99 + 1, 5000, -1])
def test_one_other_byte_is_a_difference(pair: tuple[Path, Path], place: int) -> None:
    path, copy = pair
    content = bytearray(copy.read_bytes())
    content[place] ^= 1
    copy.write_bytes(content)
    assert _compared(path, copy) == Different()


@pytest.mark.parametrize("more", [-1, -4096, 1, 4096])
def test_another_length_is_a_difference(pair: tuple[Path, Path], more: int) -> None:
    path, copy = pair
    content = copy.read_bytes() + bytes(4096)
    copy.write_bytes(content[: len(content) - 4096 + more])
    assert _compared(path, copy) == Different()


def test_the_page_of_the_locks_is_not_compared_and_the_one_after_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert same_file._LOCKS == 0x40000000
    old, new, start = tmp_path / "old", tmp_path / "new", 2 << 20
    monkeypatch.setattr(same_file, "_LOCKS", start)
    for file in (old, new):
        with file.open("wb") as stream:
            stream.truncate(start + 8192)
    with new.open("r+b") as stream:
        stream.seek(start + 4095)
        stream.write(b"x")
    assert main(old, new, start + 8192, 4096) == file_digest(new)
    with new.open("r+b") as stream:
        stream.seek(start + 4096)
        stream.write(b"x")
    assert main(old, new, start + 8192, 4096) == "different"


def test_a_process_that_fails_or_cannot_start_has_compared_nothing(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, copy = pair
    assert _compared(path, tmp_path / "none") == NotCompared()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python_of_nobody"))
    assert _compared(path, copy) == NotCompared()
    monkeypatch.setattr(backup, "_LARGE", 0)
    made = backup.take(path, tmp_path / "backups", "x")
    assert (made.file, made.rows) == ("", sum(number for (number,) in ask(path, "SELECT count(*) FROM t")))


def test_the_interpreter_is_found_where_an_application_server_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert interpreter() == sys.executable
    monkeypatch.setattr(sys, "executable", "/usr/sbin/uwsgi")
    assert interpreter() == f"{sys.prefix}/bin/python3"


@pytest.mark.parametrize("journal", ["DELETE", "TRUNCATE", "PERSIST", "WAL"])
def test_files_are_compared_where_the_file_is_the_database_and_the_lock_is_kept(
    tmp_path: Path, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "_LARGE", 0)
    path, _ = _pair(tmp_path, f"PRAGMA journal_mode = {journal}")
    with transaction(path, 1.0) as connection:
        connection.execute("UPDATE t SET b = 'uncommitted'")
        made = backup.take(path, tmp_path / "backups", "x")
        # Why another process: SQLite itself knows of the locks of this one, even if they are gone.
        asked = [sys.executable, "-c", OTHER, str(path)]
        other = subprocess.run(asked, capture_output=True, text=True, check=False).stderr
        assert other.endswith("database is locked\n")
    assert made.file == ("" if journal == "WAL" else file_digest(made.path))
    assert ask(made.path, "SELECT count(*) FROM t WHERE b = 'uncommitted'") == [(0,)]
    assert made.rows == len(ask(path, "SELECT 1 FROM t"))


@pytest.mark.parametrize(("size", "by_bytes"), [(900_000, False), (1 << 20, True)])
def test_a_process_is_started_for_large_databases_only(tmp_path: Path, size: int, by_bytes: bool) -> None:
    path, _ = _pair(tmp_path, f"CREATE TABLE large AS SELECT zeroblob({size})")
    assert bool(backup.take(path, tmp_path / "backups", "x").file) is by_bytes
