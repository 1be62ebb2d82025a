"""A schema that was dumped and restored is read as it was, but for texts that PostgreSQL itself writes differently."""

from __future__ import annotations

import subprocess
from itertools import count
from typing import TYPE_CHECKING

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.databases.postgresql.fingerprint import digest
from architect_migrate.databases.postgresql.programs import programs
from architect_migrate.databases.postgresql.reflect import read_schema
from architect_migrate.model.facts import facts
from support.postgresql import EVERYTHING, database_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.model.schema import Schema

# A list of a varchar's values is compared as text: PostgreSQL casts the whole list, and a restore each of its elements.
LISTS = """
    CREATE TABLE lists (s varchar(9) CHECK (s IN ('x', 'y')), t text CHECK (t IN ('x', 'y')),
                        n integer CHECK (n IN (1, 2)), u varchar CHECK (u NOT LIKE 'z%'),
                        g boolean GENERATED ALWAYS AS (s IN ('x', 'y')) STORED);
    CREATE INDEX of_list ON lists (t) WHERE s IN ('x', 'y');
    CREATE VIEW listed AS SELECT * FROM lists WHERE s NOT IN ('x', 'y') AND t IN ('x', 'y');
    CREATE POLICY by_list ON lists USING (s IN ('x', 'y'));
"""
NUMBERS = count()


@pytest.fixture
def database(url: str) -> Iterator[Callable[[], str]]:
    """Makes new databases, which are dropped afterwards."""
    made: list[str] = []

    def new() -> str:
        name = f"restored_{next(NUMBERS)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        made.append(name)
        return database_at(url, name)

    yield new
    with psycopg.connect(url, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name}")


def restored(source: str, target: str) -> None:
    with psycopg.connect(source) as connection:
        folder = programs(connection.info.server_version // 10_000).folder
    if not (folder / "pg_dump").exists() or not (folder / "psql").exists():
        pytest.skip("pg_dump and psql are not installed")
    dumped = subprocess.run([folder / "pg_dump", "--schema-only", "-d", source], capture_output=True, check=True).stdout
    loading = [folder / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target]
    subprocess.run(loading, input=dumped, capture_output=True, check=True)


def state(url: str) -> tuple[Schema, str]:
    with psycopg.connect(url) as connection:
        return read_schema(connection), digest(connection)


def made(url: str, script: str) -> tuple[Schema, str]:
    with psycopg.connect(url) as connection:
        connection.execute(script)
    return state(url)


def test_everything_is_read_as_it_was_before_a_dump(database: Callable[[], str]) -> None:
    source, target = database(), database()
    before = made(source, EVERYTHING)
    restored(source, target)
    assert state(target) == before


def test_a_list_of_values_is_written_differently_after_a_dump_and_then_no_more(database: Callable[[], str]) -> None:
    source, once, twice = database(), database(), database()
    before, _ = made(source, LISTS)
    restored(source, once)
    restored(once, twice)
    after, same = state(once)
    assert state(twice) == (after, same)
    expected, found = facts(before), facts(after)
    differing = {key[:2] for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)}
    assert differing == {
        *(("check", "lists"), ("name", "lists"), ("column", "lists")),
        *(("index", "of_list"), ("view", "listed"), ("policy", "lists.by_list")),
    }
    unlike = [one for one in before.tables[0].checks if one not in after.tables[0].checks]
    assert [one.mentions for one in unlike] == [{"s"}]
