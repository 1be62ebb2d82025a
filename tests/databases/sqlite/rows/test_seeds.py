"""Rows of constants, read from the statements of revisions and looked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.rows.seeds import is_there, seed_rows
from architect_migrate.model.history import ReplayedStatement
from architect_migrate.model.seed_rows import SeedRow

KEY = "00" * 16
T = "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE, v)"


def seeds(sql: str, table: str = T) -> list[SeedRow]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"{table}; {sql}")
        statement = ReplayedStatement("insert", sql, frozenset("t"))
        return list(seed_rows(connection, read_schema(connection, ()), statement, KEY))


@pytest.mark.parametrize(
    ("sql", "expected", "other"),
    [
        ("INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b')", [("id",), ("id",)], "(1, 'x', 'c'), (3, 'y', 'b')"),
        ("INSERT INTO t VALUES (1, 'x', NULL)", [("id",)], "(1, 'y', 7)"),
        ("INSERT INTO t (code, v) VALUES ('it''s', 2.5)", [("code",)], "(9, 'it''s', 3)"),
        ("INSERT INTO t (id, code) SELECT NULL, 'x'", [("code",)], "(9, 'x', NULL)"),
        ("INSERT INTO t (v) VALUES (x'00ff')", [("v",)], "(9, 'x', x'00ff')"),
        ("INSERT INTO t (v) VALUES (1) ON CONFLICT DO NOTHING;", [("v",)], "(9, 'x', 1)"),
        ("INSERT INTO t DEFAULT VALUES", [], "(1, 'x', 1)"),
    ],
)
def test_a_row_goes_by_a_key_that_it_names_else_by_all_its_values(
    sql: str, expected: list[tuple[str, ...]], other: str
) -> None:
    """The first of them is in another database, with other values beside its key."""
    found = seeds(sql)
    assert [seed.columns for seed in found] == expected
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"{T}; INSERT INTO t VALUES {other}")
        assert [is_there(connection, seed) for seed in found] == [True, False][: len(expected)]


def test_of_values_only_keyed_digests_are_kept() -> None:
    (seed,) = seeds("INSERT INTO t (code, v) VALUES ('a password', 1)")
    assert "password" not in repr(seed)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"{T}; INSERT INTO t (code) VALUES ('a password')")
        assert not is_there(connection, replace(seed, key="01" * 16))


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_a_row_is_found_in_a_database_of_any_encoding(encoding: str) -> None:
    found = seeds("INSERT INTO t (code) VALUES ('größer')")[0], seeds("INSERT INTO t (v) VALUES (-0.5)")[0]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"PRAGMA encoding = '{encoding}'; {T}; INSERT INTO t VALUES (1, 'größer', -0.5)")
        assert [is_there(connection, seed) for seed in found] == [True, True]


def test_a_statement_that_reads_a_table_has_no_constants() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(T)
        statement = ReplayedStatement("insert", "INSERT INTO t (v) SELECT v FROM t", frozenset("t"), frozenset("t"))
        assert list(seed_rows(connection, read_schema(connection, ()), statement, KEY)) == []


@pytest.mark.parametrize(
    ("there", "found"),
    [("(1, 'a', 5)", True), ("(1, 'A', 5)", False), ("(1, 'b', 5)", False), ("(1, NULL, 5)", False)],
)
def test_a_row_is_looked_for_as_it_is_stored(there: str, *, found: bool) -> None:
    (seed,) = seeds("INSERT INTO t (code) VALUES ('a')")
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"{T}; INSERT INTO t VALUES {there}")
        assert is_there(connection, seed) == found
        connection.executescript("ALTER TABLE t RENAME COLUMN code TO gone")
        assert not is_there(connection, seed)


def test_a_table_that_is_not_there_has_no_rows() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        assert not is_there(connection, SeedRow("t", ("id",), ("00",), KEY))
