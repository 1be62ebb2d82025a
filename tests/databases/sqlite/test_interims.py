"""How tables look between two statements of a revision, and at no end of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from architect_migrate.databases.sqlite.interims import interims_of, passing_triggers, schemas_between
from architect_migrate.databases.sqlite.reflect import read_schema

T, INDEX = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", "CREATE INDEX ix ON t (a)"
WRITE, AWAY = "UPDATE t SET a = 'x'", "DROP TABLE t"


def _interims(*statements: str) -> list[tuple[list[str], list[str], int]]:
    """Columns and indexes of each interim, and until which statement it is there."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(T)
        before = read_schema(connection)
        for statement in statements:
            connection.execute(statement)
        found = interims_of(before, read_schema(connection), schemas_between(before, statements))
    return [
        (
            [column.name for table in one.schema.tables for column in table.columns],
            [index.name for index in one.schema.indexes],
            one.until,
        )
        for one in found
    ]


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        ((INDEX,), []),
        ((WRITE, "ALTER TABLE t ADD b TEXT", INDEX), [(["id", "a", "b"], [], 2)]),
        ((INDEX, WRITE, AWAY), [(["id", "a"], ["ix"], 2)]),
        ((INDEX, "DROP INDEX ix", INDEX, WRITE, "DROP INDEX ix"), [(["id", "a"], ["ix"], 4)]),
        (("CREATE TABLE s (id)", "ALTER TABLE s ADD b", WRITE), []),
    ],
    ids=["nothing between", "a column before an index", "until it is dropped", "twice", "a table of its own"],
)
def test_interims_are_what_is_there_at_no_end(
    statements: tuple[str, ...], found: list[tuple[list[str], list[str], int]]
) -> None:
    assert _interims(*statements) == found


def test_there_are_none_where_a_statement_cannot_be_run() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(T)
        before = read_schema(connection)
    assert schemas_between(before, (INDEX, "CREATE INDEX own ON t (nowhere(a))", AWAY)) == ()


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (("CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END",), []),
        (("CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END", "DROP TRIGGER tr"), [("tr", "t")]),
        (("CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END", AWAY), [("tr", "t")]),
        (("DROP TRIGGER had", "CREATE TRIGGER had AFTER INSERT ON t BEGIN SELECT 2; END", AWAY), [("had", "t")]),
        ((AWAY,), []),
    ],
    ids=["lasts", "dropped", "gone with its table", "has other words on its way", "none is made"],
)
def test_triggers_that_a_revision_makes_and_takes_away(
    statements: tuple[str, ...], found: list[tuple[str, str]]
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(T)
        connection.execute("CREATE TRIGGER had AFTER INSERT ON t BEGIN SELECT 1; END")
        before = read_schema(connection)
        for statement in statements:
            connection.execute(statement)
        triggers = passing_triggers(before, read_schema(connection), schemas_between(before, statements))
    assert [(trigger.name, trigger.table) for trigger in triggers] == found
