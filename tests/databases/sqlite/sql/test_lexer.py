"""Tokens join back to the text they came from, and one normal form makes equal what SQLite takes for equal."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.sql.lexer import canonical, tokenize, unquote

PIECES = ["'", '"', "`", "[", "]", "--", "/*", "*/", "\n", " ", "x'0A'", "1e", ".5", "0x1F", "::", "$a", "?1", "->>"]


@given(st.text() | st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join))
def test_the_tokens_of_any_text_join_back_to_it(sql: str) -> None:
    tokens = tokenize(sql)
    assert "".join(token.text for token in tokens) == sql
    assert [token.start for token in tokens] == [sum(len(t.text) for t in tokens[:i]) for i in range(len(tokens))]
    assert all(token.text for token in tokens)


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("a1$ été _x", "word space word space word"),
        ("'it''s' ''", "string space string"),
        ('"a""b" `c``d` [e"f]', "quoted space quoted space quoted"),
        ("1 1. .5 1.5e-3 5.e3 0x1F", "number space number space number space number space number space number"),
        ("x'00fF' X''", "blob space blob"),
        ("x'0' x'zz'", "illegal space illegal"),
        ("1e 12ab", "illegal space illegal"),
        ("? ?12 :a @b $c #d $e::f(g)", "variable " + "space variable " * 6),
        ("a--b\nc", "word comment space word"),
        ("a/**/b/* x */c/*/ d */e/* f", "word comment word comment word comment word comment"),
        ("/*", "operator operator"),
        ("->>->-||<<<=<><>>>=>==!==&|~", "operator " * 17),
        ("a.b", "word operator word"),
        ("a 'b''c\n", "word space illegal"),
        ('a "b', "word space illegal"),
        ("a [b", "word space illegal"),
        ("::: $a($b c", "illegal space variable space word"),
        ("\ufeffa \x0b\0", "space word space illegal illegal"),
    ],
)
def test_tokens_are_of_the_kind_that_sqlites_lexer_gives_them(sql: str, kinds: str) -> None:
    assert [token.kind for token in tokenize(sql)] == kinds.split()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_quoted_name_is_that_name_to_sqlite_and_back(name: str) -> None:
    assert unquote(quote(name)) == name
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE t(a, {quote('x' + name)})")
        assert connection.execute("SELECT name FROM pragma_table_info('t')").fetchall()[1] == ("x" + name,)


@pytest.mark.parametrize(
    ("token", "name"),
    [("abc", "abc"), ("[a b]", "a b"), ("`a``b`", "a`b"), ("'it''s'", "it's"), ('"', '"'), ('""', ""), ("[a", "[a")],
)
def test_a_token_in_any_quotes_is_the_name_inside(token: str, name: str) -> None:
    assert unquote(token) == name


def test_case_folds_in_ascii_only() -> None:
    assert [fold("ABC"), fold("ÉA")] == ["abc", "Éa"]


@pytest.mark.parametrize(
    ("sql", "normal"),
    [
        ("A>0", "a > 0"),
        ("( (a > 0) ) ;", "a > 0"),
        ("(a)>(0)", "( a ) > ( 0 )"),
        ("\"A\" == [b] AND `c d` != 'X'", "a = b and \"c d\" <> 'X'"),
        ('"Null" IS NULL', '"null" is null'),
        ("x'0A' || X'0a'", "x'0A' || X'0a'"),
        ("a -- why\n+/* and */1", "a + 1"),
        ("CREATE INDEX IF NOT EXISTS main.I ON t (A)", "create index i on t ( a )"),
        ('CREATE INDEX IF NOT EXISTS "I" ON "t"(a);', "create index i on t ( a )"),
        ("create unique index i on t(a)", "create unique index i on t ( a )"),
        ("CREATE TABLE main . t(a)", "create table t ( a )"),
        ("CREATE VIEW IF NOT EXISTS v AS SELECT 1;", "create view v as select 1"),
        (
            "CREATE TRIGGER IF NOT EXISTS main.r AFTER INSERT ON t FOR EACH ROW BEGIN SELECT 1; END;",
            "create trigger r after insert on t begin select 1 ; end",
        ),
        ("create", "create"),
        ("()", ""),
        ("", ""),
    ],
)
def test_the_normal_form_drops_what_makes_no_difference(sql: str, normal: str) -> None:
    assert canonical(sql) == normal


@pytest.mark.parametrize(
    ("one", "other"), [("'a'", "'A'"), ('"a b"', "'a b'"), ('"null"', "NULL"), ("a - -1", "a --1"), ("1 2", "12")]
)
def test_the_normal_form_keeps_what_makes_a_difference(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@given(st.lists(st.sampled_from(["a", '"B c"', "(", ")", "'X''y'", "1.5", "||", "NOT", ";", "--n\n"])).map(" ".join))
def test_the_normal_form_of_a_normal_form_is_itself(sql: str) -> None:
    assert canonical(canonical(sql)) == canonical(sql)


@pytest.mark.parametrize(
    "piece",
    ["'", "''", '"', "[", "/*", "1", "1_", "a", "(", "x'", "$a::", "::", "0x", "1.", "-", "$a(", "'''", "`", "$"],
)
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    hostile = piece * 100_000 + "!"
    started = time.perf_counter()
    tokenize(hostile)
    assert time.perf_counter() - started < 5
