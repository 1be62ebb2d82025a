"""A schema that was dumped and restored is read as it was, but for texts that PostgreSQL itself writes differently."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.databases.postgresql.fingerprint import digest
from architect_migrate.databases.postgresql.programs import programs
from architect_migrate.databases.postgresql.reflect import read_schema
from architect_migrate.databases.postgresql.settled import agreed
from architect_migrate.model.facts import facts
from architect_migrate.model.schema import Schema
from support.postgresql import EVERYTHING, VERSIONS, database_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A list of a varchar's values is compared as text: PostgreSQL casts the whole list, and a restore each of its elements.
LISTS = """
    CREATE TABLE lists (s varchar(9) CHECK (s IN ('x', 'y')), t text CHECK (t IN ('x', 'y')),
                        n integer CHECK (n IN (1, 2)), u varchar CHECK (u NOT LIKE 'z%'),
                        g boolean GENERATED ALWAYS AS (s IN ('x', 'y')) STORED);
    CREATE INDEX of_list ON lists (t) WHERE s IN ('x', 'y');
    CREATE VIEW listed AS SELECT * FROM lists WHERE s NOT IN ('x', 'y') AND t IN ('x', 'y');
    CREATE POLICY by_list ON lists USING (s IN ('x', 'y'));
"""
# The same in everything else that has a text.
MORE_LISTS = """
    CREATE DOMAIN of_list AS varchar CHECK (VALUE IN ('x', 'y'));
    CREATE INDEX on_list ON lists ((s IN ('x', 'y')));
    CREATE MATERIALIZED VIEW filled AS SELECT * FROM listed WHERE u IN ('x', 'y');
    CREATE FUNCTION is_listed(a varchar DEFAULT 'x') RETURNS boolean LANGUAGE sql RETURN a IN ('x', 'y');
    CREATE VIEW asked AS SELECT is_listed(s) FROM filled WHERE s IN ('x', 'y');
    CREATE TRIGGER on_list BEFORE UPDATE ON lists FOR EACH ROW WHEN (NEW.s IN ('x', 'y')) EXECUTE FUNCTION touched();
    CREATE RULE on_list AS ON INSERT TO lists WHERE NEW.s IN ('x', 'y') DO ALSO NOTHING;
    CREATE STATISTICS on_list ON (s IN ('x', 'y')), (t || u) FROM lists;
    ALTER TABLE lists ADD d boolean DEFAULT ('x'::varchar IN ('x', 'y')),
                      ADD CONSTRAINT hard CHECK (u IN ('x', 'y')) NOT VALID,
                      ADD CONSTRAINT apart EXCLUDE USING gist (int4range(n, n) WITH &&) WHERE (s IN ('x', 'y'));
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
    # A dump without rows leaves each materialized view empty, as only a dump with rows does not.
    with psycopg.connect(source) as connection:
        filled = connection.execute("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'm' AND relispopulated")
    with psycopg.connect(target) as connection:
        for (view,) in filled:
            connection.execute(f"REFRESH MATERIALIZED VIEW {view}")


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


def test_what_one_server_writes_alike_is_agreed_on_in_both_directions(database: Callable[[], str]) -> None:
    source, target, empty = database(), database(), database()
    before, _ = made(source, f"{EVERYTHING} {LISTS} {MORE_LISTS}")
    restored(source, target)
    after, _ = state(target)
    assert after != before
    with psycopg.connect(empty) as connection:
        assert agreed(connection, before, after) == after
        assert agreed(connection, after, before) == before
        assert read_schema(connection) == Schema()


def test_texts_that_mean_something_else_are_never_agreed_on(database: Callable[[], str]) -> None:
    source, other, empty = database(), database(), database()
    script = f"{EVERYTHING} {LISTS} {MORE_LISTS}"
    before, _ = made(source, script)
    after, _ = made(other, script.replace("('x', 'y')", "('x', 'z')"))
    with psycopg.connect(empty) as connection:
        assert agreed(connection, before, after) == before


CLAUSES = """
ALTER TABLE authors ENABLE TRIGGER touch
ALTER TABLE scratch DISABLE RULE quiet
ALTER VIEW adults ALTER name SET DEFAULT 'another'
ALTER VIEW adults RESET (security_barrier)
ALTER EVENT TRIGGER watched DISABLE
ALTER SEQUENCE plain OWNED BY pairs.c
ALTER FUNCTION twice(text) SECURITY INVOKER
ALTER DOMAIN email DROP NOT NULL
ALTER POLICY written ON authors TO CURRENT_USER
ALTER TABLE "Books And More" DROP CONSTRAINT no_overlap, ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&)
ALTER TABLE authors ALTER odd SET DEFAULT 'b'
ALTER TABLE "Books And More" VALIDATE CONSTRAINT later
DROP INDEX by_mood; CREATE UNIQUE INDEX by_mood ON authors (feeling) INCLUDE (age) NULLS NOT DISTINCT WHERE age > 19
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'
CREATE OR REPLACE AGGREGATE longest(text) (sfunc = textcat, stype = text, initcond = 'a')
"""


@pytest.mark.parametrize("url", VERSIONS[-1:], indirect=True)
def test_no_clause_is_agreed_on_in_silence(database: Callable[[], str]) -> None:
    """Each of these is changed on one side; a statement that made less than the text says would hide it."""
    source, empty = database(), database()
    with psycopg.connect(source) as connection, psycopg.connect(empty) as scratch:
        connection.execute(EVERYTHING)
        before = read_schema(connection)
        for statement in CLAUSES.strip().splitlines():
            with connection.transaction(force_rollback=True):
                connection.execute(statement)
                after = read_schema(connection)
            assert after != before, statement
            assert agreed(scratch, before, after) == before, statement


def test_what_cannot_be_made_again_is_not_agreed_on(database: Callable[[], str]) -> None:
    source, target, empty = database(), database(), database()
    script = LISTS.replace("u NOT LIKE 'z%'", "u NOT LIKE 'z%' AND one(s IN ('x', 'y')) = 1")
    function = "CREATE FUNCTION one(boolean) RETURNS integer LANGUAGE sql AS 'SELECT 1';"
    before, _ = made(source, function + script)
    restored(source, target)
    after, _ = state(target)
    without = replace(before, objects=tuple(one for one in before.objects if one.kind != "function"))
    with psycopg.connect(empty) as connection:
        left = agreed(connection, without, after)
    assert left.views == after.views
    kept = [one.expression for one in left.tables[0].checks if one not in after.tables[0].checks]
    assert kept == [one.expression for one in before.tables[0].checks if "one(" in one.expression]
