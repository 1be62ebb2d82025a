"""Where values are after each statement of a revision that renames."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.stops import stops_of
from architect_migrate.model.stops import Stop, is_disguised

P = "CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), b TEXT NOT NULL UNIQUE)"
EXCHANGE = tuple(f"ALTER TABLE p RENAME COLUMN {old} TO {new}" for old, new in (("a", "t"), ("b", "a"), ("t", "b")))


def _stops(made: str, *statements: str) -> tuple[Stop, ...]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(made)
        return stops_of(read_schema(connection, []), statements)


def _moved(stop: Stop) -> dict[str, str]:
    return {".".join(place): ".".join(start) for place, start in stop.values.items() if place != start}


def test_each_statement_of_an_exchange_is_a_stop() -> None:
    stops = _stops(P, *EXCHANGE)
    assert [dict(stop.tables)["p"] for stop in stops] == [
        ("id", "a", "b"),
        ("id", "t", "b"),
        ("id", "t", "a"),
        ("id", "b", "a"),
    ]
    assert [_moved(stop) for stop in stops] == [
        {},
        {"p.t": "p.a"},
        {"p.t": "p.a", "p.a": "p.b"},
        {"p.b": "p.a", "p.a": "p.b"},
    ]


@pytest.mark.parametrize(
    ("statements", "disguise"),
    [
        (EXCHANGE, True),
        (("ALTER TABLE p ADD c TEXT", *EXCHANGE), True),
        (("ALTER TABLE p RENAME TO q", "ALTER TABLE q RENAME COLUMN a TO c"), False),
        (("ALTER TABLE p RENAME TO q", "ALTER TABLE q RENAME TO p"), False),
    ],
    ids=["exchanged", "exchanged after another change", "renamed", "there and back"],
)
def test_a_disguised_revision_looks_at_its_end_as_before(statements: tuple[str, ...], disguise: bool) -> None:
    assert is_disguised(_stops(P, *statements)) is disguise


def test_values_that_a_statement_changes_have_no_place_of_before() -> None:
    (*_, stop) = _stops(
        P, "ALTER TABLE p RENAME COLUMN a TO old", "ALTER TABLE p ADD a TEXT", "UPDATE p SET a = old || '!'"
    )
    assert stop.values["p", "a"][0] == ""
    assert "!" not in stop.values["p", "a"][1]
    assert stop.places["p", "a"] == ("p", "old")


def test_a_copied_value_is_in_two_places() -> None:
    (*_, stop) = _stops(P, "ALTER TABLE p RENAME COLUMN a TO c", "CREATE TABLE q AS SELECT * FROM p")
    assert stop.places == {}
    assert stop.whole == (("p", "p"),)
    assert stop.sources(frozenset({"q"})) == {"p"}


def test_a_table_that_is_renamed_is_the_same_table() -> None:
    (*_, stop) = _stops(P, "ALTER TABLE p RENAME TO q", P, "INSERT INTO p SELECT * FROM q")
    assert dict(stop.whole) == {"q": "p"}
    assert stop.sources(frozenset({"p"})) == {"q"}


def test_what_sqlite_does_not_run_gives_no_stops() -> None:
    assert _stops(P, "ALTER TABLE p RENAME COLUMN missing TO c") == ()


def test_rows_that_a_marked_row_refuses_do_not_matter() -> None:
    assert len(_stops(P, "INSERT INTO p (id) VALUES (NULL)", "ALTER TABLE p RENAME COLUMN a TO c")) == 3
