"""The tables that SQLite keeps for virtual tables: integrity_check does not see that one is missing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from architect_migrate.databases.sqlite.rows.integrity import integrity_of

FTS = "CREATE VIRTUAL TABLE f USING fts5(body)"


@pytest.mark.parametrize("part", ["idx", "content", "docsize", "config"])
def test_a_missing_part_is_damage(part: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(FTS)
        connection.execute(f"DROP TABLE f_{part}")
        assert integrity_of(connection).damage == (f"virtual table f: its table f_{part} is missing",)


@pytest.mark.parametrize(
    "text",
    [
        FTS,
        "CREATE VIRTUAL TABLE f USING fts5(body, content='', columnsize=0)",
        "CREATE VIRTUAL TABLE f USING fts5(body, content='notes')",
        "CREATE VIRTUAL TABLE f USING fts4(body, content='notes')",
        "CREATE VIRTUAL TABLE f USING rtree(id, low, high)",
    ],
)
def test_a_virtual_table_with_all_of_its_parts_is_sound(text: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
        connection.execute(text)
        assert integrity_of(connection).damage == ()
