"""Whether statements would change a value, told without changing one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.databases.sqlite.rows.dry_statements import alters

if TYPE_CHECKING:
    from pathlib import Path

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, v, w); INSERT INTO t VALUES (1, 1, 'a'), (2, NULL, 'b')"
NUL = "UPDATE t SET v = 'a' || char(0) || 'b'"
TRIGGER = "CREATE TABLE log (x); CREATE TRIGGER note AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (1); END"


@pytest.mark.parametrize(
    ("more", "statements", "changed"),
    [
        ("", ("UPDATE t SET v = 1 WHERE id = 1",), 0),
        ("", ("UPDATE t SET v = 1.0 WHERE id = 1",), 1),
        ("", ("UPDATE t SET v = '1' WHERE id = 1",), 1),
        ("", ("UPDATE t SET v = 5 WHERE v IS NULL",), 1),
        ("", ("DELETE FROM t WHERE id = 9",), 0),
        ("", ("INSERT INTO t (v) VALUES (3)",), 1),
        ("", ("UPDATE t SET v = v + 1", "UPDATE t SET v = v - 1"), 0),
        (TRIGGER, ("UPDATE t SET v = v",), 1),
        (NUL, ("UPDATE t SET v = 'a' || char(0) || 'b'",), 0),
        (NUL, ("UPDATE t SET v = 'a' || char(0) || 'c'",), 1),
    ],
)
def test_values_count_as_they_are_stored(more: str, statements: tuple[str, ...], changed: int) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"{T}; {more}")
        before = list(connection.iterdump())
        assert alters(connection, "t", statements) == changed
        assert list(connection.iterdump()) == before


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_it_is_told_inside_a_write_transaction_as_that_has_it(tmp_path: Path, journal: str) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.executescript(T)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE t SET v = 7")
        assert alters(connection, "t", ("UPDATE t SET v = 7",)) == 0
        assert alters(connection, "t", ("UPDATE t SET v = 8",)) == 1


def test_a_statement_that_does_not_run_gives_no_answer() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(T)
        with pytest.raises(QuestionError, match="no such column: gone"):
            alters(connection, "t", ("UPDATE t SET gone = 1",))
