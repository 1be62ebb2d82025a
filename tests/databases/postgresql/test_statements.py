"""Where PostgreSQL's statements end, what they do, and which columns they set."""

from __future__ import annotations

import pytest

from architect_migrate.databases.postgresql.statements import (
    inserted_columns,
    names_in,
    set_columns,
    significant,
    split,
    verb,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", " SELECT 2"]),
        ("SELECT ';'; -- a; b\nSELECT 2 /* ; /* ; */ ; */", ["SELECT ';'", " -- a; b\nSELECT 2 /* ; /* ; */ ; */"]),
        (r"SELECT E'\';', U&'a;', \"b;\"".replace('\\"', '"'), [r"SELECT E'\';', U&'a;', " + '"b;"']),
        ("DO $$ BEGIN a; b; END $$; SELECT $x$;$$;$x$", ["DO $$ BEGIN a; b; END $$", " SELECT $x$;$$;$x$"]),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2",
            [
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END",
                " SELECT 2",
            ],
        ),
        ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3", None),
        (" ; -- nothing\n ;", []),
        ("BEGIN; SELECT 1; COMMIT", ["BEGIN", " SELECT 1", " COMMIT"]),
    ],
)
def test_a_text_is_split_at_the_semicolons_between_statements(text: str, parts: list[str] | None) -> None:
    assert len(split(text)) == 2 if parts is None else split(text) == tuple(parts)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("  -- a\n INSERT INTO t VALUES (1)", "insert"),
        ("WITH a AS (SELECT 1), b AS (DELETE FROM t RETURNING *) UPDATE u SET c = 1", "update"),
        ("WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "select"),
        ("", ""),
        ("(SELECT 1)", ""),
    ],
)
def test_the_verb_is_that_after_common_table_expressions(text: str, word: str) -> None:
    assert verb(text) == word


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('UPDATE t SET a = 1, b = (SELECT c FROM u WHERE d = 1), "E" = 2 WHERE f = 3', {"a", "b", "E"}),
        ("UPDATE t SET (a, b) = (1, 2) FROM u WHERE t.id = u.id", {"a", "b"}),
        ("INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = excluded.b", {"b"}),
        ("INSERT INTO t (a) VALUES (1)", set()),
        ("DELETE FROM t WHERE a = 1", set()),
    ],
)
def test_the_columns_that_a_statement_sets(text: str, columns: set[str]) -> None:
    assert set_columns(text) == columns


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('INSERT INTO t (a, "B") VALUES (1, 2)', ("a", "B")),
        ("INSERT INTO s.t AS u (a) VALUES (1)", ("a",)),
        ("INSERT INTO t VALUES (1)", ()),
        ("INSERT INTO t SELECT 1", ()),
    ],
)
def test_the_columns_that_an_insert_names(text: str, columns: tuple[str, ...]) -> None:
    assert inserted_columns(text) == columns


def test_names_are_those_that_postgresql_stores() -> None:
    assert names_in("SELECT Users.\"Name\", 'no' FROM USERS") >= {"users", "Name"}
    assert "no" not in names_in("SELECT Users.\"Name\", 'no' FROM USERS")


def test_a_number_is_one_token() -> None:
    tokens = [token.text for token in significant("START WITH 100 a1 -20 2.50")]
    assert tokens == ["START", "WITH", "100", "a1", "-", "20", "2", ".", "50"]
