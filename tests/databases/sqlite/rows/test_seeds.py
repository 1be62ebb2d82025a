"""Rows of constants, read from the statements of revisions and looked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.rows.seeds import is_there, seed_rows
from architect_migrate.model.history import ReplayedStatement, SeedRow

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE, v)"


def seeds(sql: str, table: str = T) -> list[SeedRow]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"{table}; {sql}")
        statement = ReplayedStatement("insert", sql, frozenset("t"))
        return list(seed_rows(connection, read_schema(connection, ()), statement))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b')", [(("id",), ("1",)), (("id",), ("2",))]),
        ("INSERT INTO t VALUES (1, 'x', NULL)", [(("id",), ("1",))]),
        ("INSERT INTO t (code, v) VALUES ('it''s', 2.5)", [(("code",), ("'it''s'",))]),
        ("INSERT INTO t (id, code) SELECT NULL, 'x'", [(("code",), ("'x'",))]),
        ("INSERT INTO t (v) VALUES (x'00ff')", [(("v",), ("x'00ff'",))]),
        ("INSERT INTO t (v) VALUES (1) ON CONFLICT DO NOTHING;", [(("v",), ("1",))]),
        ("INSERT INTO t DEFAULT VALUES", []),
    ],
)
def test_a_row_goes_by_a_key_that_it_names_else_by_all_its_values(
    sql: str, expected: list[tuple[tuple[str, ...], tuple[str, ...]]]
) -> None:
    assert [(seed.columns, seed.values) for seed in seeds(sql)] == expected


def test_a_statement_that_reads_a_table_has_no_constants() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(T)
        statement = ReplayedStatement("insert", "INSERT INTO t (v) SELECT v FROM t", frozenset("t"), frozenset("t"))
        assert list(seed_rows(connection, read_schema(connection, ()), statement)) == []


@pytest.mark.parametrize(
    ("columns", "values", "there"),
    [
        (("code",), ("'a'",), True),
        (("id",), ("'1'",), True),
        (("id", "v"), ("1", "NULL"), True),
        (("id",), ("2",), False),
        (("gone",), ("1",), False),
    ],
)
def test_a_row_is_looked_for_as_its_columns_compare(
    columns: tuple[str, ...], values: tuple[str, ...], there: bool
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"{T}; INSERT INTO t VALUES (1, 'a', NULL)")
        assert is_there(connection, SeedRow("t", columns, values)) == there


def test_a_table_that_is_not_there_has_no_rows() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        assert not is_there(connection, SeedRow("t", ("id",), ("1",)))
