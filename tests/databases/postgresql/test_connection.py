"""Connections that cannot write, errors with the next step and without a password, and whether anything is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.core.database_errors import DatabaseError, DatabaseLockedError
from architect_migrate.core.errors import ArchmigError, BadUrlError
from architect_migrate.core.server_errors import (
    LoginRefusedError,
    NoSuchDatabaseError,
    NotReadableError,
    TimedOutError,
    UnreachableError,
)
from architect_migrate.core.urls import DatabaseUrl
from architect_migrate.databases.postgresql import marks, questions
from architect_migrate.databases.postgresql.connection import opened, reading
from architect_migrate.databases.postgresql.presence import (
    defines_nothing,
    exists,
    has_triggers,
    is_empty,
    table_names,
)
from architect_migrate.databases.postgresql.reflect import read_schema
from support.postgresql import database_at, needs_extension, server

if TYPE_CHECKING:
    from collections.abc import Iterator

    Connection = psycopg.Connection[Any]
SECRET = "hunter2"


def place(url: str) -> DatabaseUrl:
    return DatabaseUrl("postgresql", None, url)


@pytest.fixture(scope="module")
def guarded(clusters: Path) -> Iterator[str]:
    """The URL of a server that wants a password of everyone but its owner."""
    with server(clusters) as url:
        data = Path(parse_qs(urlsplit(url).query)["host"][0]) / "data"
        (data / "pg_hba.conf").write_text("local all archmig trust\nlocal all all scram-sha-256\n")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE guest LOGIN PASSWORD '{SECRET}'")
            connection.execute("SELECT pg_reload_conf()")
        yield url


def test_a_connection_for_reading_sees_one_moment_and_cannot_write(newest: str) -> None:
    with psycopg.connect(database_at(newest, "postgres"), autocommit=True) as other:
        other.execute("CREATE DATABASE moments")
        with reading(place(database_at(newest, "moments"))) as connection:
            assert table_names(connection) == frozenset()
            with psycopg.connect(database_at(newest, "moments")) as writer:
                writer.execute("CREATE TABLE t ()")
            assert table_names(connection) == frozenset()
            assert read_schema(connection).tables == ()
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("CREATE TABLE u ()")
        assert connection.closed
        other.execute("DROP DATABASE moments")


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        (f"postgresql://u:{SECRET}@127.0.0.1:1/d", UnreachableError, "no connection: .*Connection refused"),
        (f"postgresql://u:{SECRET}@nowhere.invalid/d", UnreachableError, "nowhere.invalid.*no connection: "),
        (f"postgresql://u:{SECRET}@/d?host=/nowhere", UnreachableError, "no connection: .*No such file or directory"),
        (f"postgresql://u:{SECRET}@h:{SECRET}/d", BadUrlError, "a port in a URL that is no number"),
        (f"postgresql://u:{SECRET}", BadUrlError, "a port in a URL that is no number"),
        (f"postgresql://u:{SECRET}@/d%zz?host=/nowhere", BadUrlError, "a URL that libpq does not understand"),
        (f"postgresql://127.0.0.1/d?sslmode={SECRET}", UnreachableError, "no connection: .*sslmode"),
        (f"postgresql://u:{SECRET}@h/d?connect_timeout={SECRET}", BadUrlError, "no number of seconds"),
    ],
)
def test_a_database_that_cannot_be_reached_is_an_error_without_the_password(
    url: str, kind: type[ArchmigError], message: str
) -> None:
    with pytest.raises(kind, match=message) as refused:
        opened(place(url), 1.0)
    assert SECRET not in str(refused.value)


def test_a_wrong_or_missing_password_says_so(guarded: str) -> None:
    right = guarded.replace("archmig@", f"guest:{SECRET}@")
    with reading(place(right)) as connection:
        assert table_names(connection) == frozenset()
    for wrong in ("guest:wrongword@", "guest@", f"missing:{SECRET}@"):
        with pytest.raises(LoginRefusedError, match=r"the server refused the login: .*; correct the user") as refused:
            opened(place(guarded.replace("archmig@", wrong)))
        assert SECRET not in str(refused.value)
        assert "wrongword" not in str(refused.value)
        assert isinstance(refused.value, DatabaseError)


def test_a_database_that_the_server_does_not_have_is_missing_and_empty(newest: str) -> None:
    missing = place(database_at(newest, "no such"))
    assert not exists(missing)
    assert is_empty(missing)
    assert exists(place(newest))
    with pytest.raises(NoSuchDatabaseError, match="the server has no database 'no such'; nothing was created"):
        opened(missing)


def test_whether_it_exists_is_not_known_where_no_server_answers() -> None:
    with pytest.raises(UnreachableError):
        exists(place("postgresql://127.0.0.1:1/d"), 1.0)


HIDDEN = {
    "SELECT a FROM forbidden": "permission denied for table forbidden",
    "SELECT a FROM filtered": 'query would be affected by row-level security policy for table "filtered"',
    "SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)": "canceling statement due to statement timeout",
}


@pytest.mark.parametrize(("query", "reason"), HIDDEN.items(), ids=list(HIDDEN.values()))
def test_what_a_role_cannot_read_is_an_error_and_not_empty(guarded: str, query: str, reason: str) -> None:
    with psycopg.connect(guarded, autocommit=True) as owner:
        owner.execute(
            "CREATE TABLE forbidden (a integer); CREATE TABLE filtered (a integer); INSERT INTO filtered VALUES (1)"
        )
        owner.execute("ALTER TABLE filtered ENABLE ROW LEVEL SECURITY; GRANT SELECT ON filtered TO guest")
    guest = place(guarded.replace("archmig@", f"guest:{SECRET}@"))
    told = pytest.raises((NotReadableError, TimedOutError), match=f"the role guest .*: {reason}")
    with told, reading(guest) as connection:
        assert connection.execute(query).fetchall() == []
    with psycopg.connect(guarded, autocommit=True) as owner:
        owner.execute("DROP TABLE forbidden, filtered")


def test_a_connection_that_is_lost_is_an_error_of_the_database(newest: str) -> None:
    ending = "SELECT pg_terminate_backend(pg_backend_pid())"
    told = pytest.raises(
        UnreachableError, match=r"no connection: .*terminating connection due to administrator command"
    )
    with told, reading(place(newest)) as connection:
        connection.execute(ending)


def test_an_error_of_a_query_is_the_querys(newest: str) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), reading(place(newest)) as connection:
        connection.execute("SELECT * FROM missing")


def test_the_marks_are_those_of_a_schema_of_any_name(newest: str) -> None:
    with psycopg.connect(newest) as connection:
        connection.execute(
            'CREATE SCHEMA "The App"; SET LOCAL search_path = "The App"; CREATE TABLE t (a integer);'
            "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('a1')"
        )
        assert marks.read_claims(connection, None, "alembic_version").stamp == ("a1",)
        assert questions.row_counts(connection) == {"alembic_version": 1, "t": 0}
        connection.rollback()


@pytest.mark.parametrize(
    ("script", "empty"),
    [
        ("SELECT 1", True),
        ("CREATE EXTENSION citext", True),
        ("CREATE SCHEMA other; CREATE TABLE other.t ()", True),
        ("CREATE TEMPORARY TABLE t ()", True),
        ("CREATE TABLE t ()", False),
        ("CREATE VIEW v AS SELECT 1 AS a", False),
        ("CREATE SEQUENCE s", False),
        ("CREATE TYPE e AS ENUM ()", False),
        ("CREATE TYPE c AS (a integer)", False),
        ("CREATE DOMAIN d AS text", False),
        ("CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'", False),
    ],
)
def test_a_schema_is_empty_if_it_defines_nothing(connection: Connection, script: str, empty: bool) -> None:
    if "EXTENSION" in script:
        needs_extension(connection, "citext")
    connection.execute(script)
    assert defines_nothing(connection) is empty


def test_tables_and_triggers_are_those_of_the_schema(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (id integer REFERENCES a); CREATE VIEW v AS TABLE a;"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE TRIGGER t BEFORE INSERT ON b FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE SCHEMA other; CREATE TABLE other.c ()"
    )
    assert table_names(connection) == {"a", "b"}
    assert has_triggers(connection, ["a", "b"])
    assert not has_triggers(connection, ["a", "B"])


def test_a_lock_that_another_session_holds_is_waited_for_and_told(newest: str) -> None:
    with psycopg.connect(newest, autocommit=True) as setup:
        setup.execute("CREATE DATABASE locked")
    url = database_at(newest, "locked")
    with psycopg.connect(url) as other:
        other.execute("CREATE TABLE t (a integer); CREATE VIEW v AS TABLE t")
        other.commit()
        other.execute("LOCK TABLE v, t IN ACCESS EXCLUSIVE MODE")
        told = pytest.raises(DatabaseLockedError, match=r"locked by another process for more than 0\.2 s")
        with told, reading(place(url), 0.2) as connection:
            read_schema(connection)
    with psycopg.connect(newest, autocommit=True) as setup:
        setup.execute("DROP DATABASE locked")
