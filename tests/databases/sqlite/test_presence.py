"""Whether a database is there, whether anything is in it, and what lies beside it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.urls import sqlite_url
from architect_migrate.databases.registry import access
from architect_migrate.databases.sqlite.connection import in_memory
from architect_migrate.databases.sqlite.fingerprint import stored_digest
from architect_migrate.databases.sqlite.presence import (
    defines_nothing,
    is_empty,
    odd_journal,
    remove,
    stray_journal,
    table_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# `sqlite_sequence` stays behind when the only AUTOINCREMENT table is dropped.
SEQUENCE = ("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)", "DROP TABLE t")
VIEW = ("CREATE VIEW v AS SELECT 1 AS one",)


def missing(_: Path) -> None:
    """Nothing at all."""


def zero_bytes(path: Path) -> None:
    path.touch()


def folder(path: Path) -> None:
    path.mkdir()


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere.db")


def database(*statements: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            for statement in statements:
                connection.execute(statement)

    return make


@pytest.mark.parametrize(
    ("make", "there", "empty"),
    [
        (missing, False, True),
        (dangling_link, False, True),
        (zero_bytes, True, True),
        (folder, True, False),
        (database(*SEQUENCE), True, False),
        (database(*VIEW), True, False),
        (database("VACUUM"), True, False),
        (database("PRAGMA user_version = 1"), True, False),
    ],
)
def test_a_file_is_there_and_is_empty(tmp_path: Path, make: Callable[[Path], None], there: bool, empty: bool) -> None:
    path = tmp_path / "a.db"
    make(path)
    assert is_empty(path) == empty
    assert (access.exists(sqlite_url(path)), access.is_empty(sqlite_url(path))) == (there, empty)


@pytest.mark.parametrize(
    ("statements", "nothing", "tables"),
    [
        ((), True, set()),
        (("PRAGMA user_version = 1",), True, set()),
        (SEQUENCE, False, {"sqlite_sequence"}),
        (VIEW, False, set()),
        (("CREATE TABLE Größe (x)", "CREATE INDEX i ON Größe (x)"), False, {"Größe"}),
    ],
)
def test_a_connection_tells_what_is_defined(statements: tuple[str, ...], nothing: bool, tables: set[str]) -> None:
    with in_memory() as connection:
        for statement in statements:
            connection.execute(statement)
        assert (defines_nothing(connection), table_names(connection)) == (nothing, tables)


@pytest.mark.parametrize(
    ("beside", "stray"),
    [((), ""), (("a.db-wal", "a.db-journal"), "a.db-wal"), (("a.db-journal",), "a.db-journal"), (("a.db-shm",), "")],
)
def test_a_journal_without_its_database_is_found(tmp_path: Path, beside: tuple[str, ...], stray: str) -> None:
    for one in beside:
        (tmp_path / one).touch()
    assert stray_journal(tmp_path / "a.db") == (str(tmp_path / stray) if stray else "")


def test_a_journal_that_is_a_dangling_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.db-wal").symlink_to("nowhere")
    assert stray_journal(tmp_path / "a.db") == str(tmp_path / "a.db-wal")


def test_a_database_is_removed_with_its_journals_and_its_lock_file_stays(tmp_path: Path) -> None:
    for one in ("a.db", "a.db-wal", "a.db-shm", "a.db-journal", "a.db.archmig-lock", "b.db"):
        (tmp_path / one).touch()
    remove(tmp_path / "a.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db.archmig-lock", "b.db"]


def test_removing_a_database_that_is_not_there_raises_and_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.db-wal").touch()
    with pytest.raises(FileNotFoundError):
        remove(tmp_path / "a.db")
    assert [path.name for path in tmp_path.iterdir()] == ["a.db-wal"]


def test_the_size_of_a_database_is_that_of_its_file_and_0_where_there_is_none(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "a.db")
    assert access.size(url) == 0
    database(*VIEW)(tmp_path / "a.db")
    assert access.size(url) == (tmp_path / "a.db").stat().st_size > 0


def test_an_exclusive_transaction_keeps_others_from_writing_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database("CREATE TABLE t (x)")(path)
    with access.exclusive(sqlite_url(path), 1.0) as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        with (
            closing(sqlite3.connect(path, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("INSERT INTO t VALUES (2)")
    with access.reading(sqlite_url(path)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


@pytest.mark.parametrize(
    ("make", "odd"),
    [
        (os.mkfifo, True),
        (os.mkdir, True),
        (lambda path: path.symlink_to("x"), True),
        (lambda path: path.touch(), False),
    ],
)
def test_only_a_file_is_taken_for_a_journal(make: Callable[[Path], object], odd: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (v)")
    make(tmp_path / "a.db-journal")
    assert odd_journal(path) == ("a.db-journal" if odd else "")
    if odd:
        with pytest.raises(ValueError, match="a"):
            stored_digest(path, ())
