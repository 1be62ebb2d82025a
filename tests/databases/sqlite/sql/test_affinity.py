"""Affinities and defaults, judged by SQLite itself: canonical texts are equal where the stored values are."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from architect_migrate.databases.sqlite.sql.affinity import affinity_of, canonical_default

TYPES = ("INTEGER", "TEXT", "BLOB", "", "REAL", "NUMERIC", "BOOLEAN", "TIMESTAMP", "VARCHAR(20)", "FLOATING POINT")


def stored(declared: str, default: str) -> tuple[str, object]:
    """The class and value that a row gets by a default, the value of text as its bytes."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE t (a, c {declared} DEFAULT {default})")
        connection.execute("INSERT INTO t (a) VALUES (1)")
        connection.text_factory = bytes
        kind, value = connection.execute("SELECT typeof(c), c FROM t").fetchone()
        return kind.decode(), value


def text_of(declared: str, default: str) -> str | None:
    """A default as the pragma tells it: what a reader gets to see."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE t (a, c {declared} DEFAULT {default})")
        found: str | None = connection.execute(
            "SELECT dflt_value FROM pragma_table_info('t') WHERE cid = 1"
        ).fetchone()[0]
        return found


odd_text = st.text(st.sampled_from("0123456789+-.eEx_ \t\n\xa0٣²infaN'ß"), max_size=6)
strings = st.one_of(odd_text, st.sampled_from(["", "abc", "12", "1.0", "1e3", " 7 ", "9223372036854775808", "true"]))
digits = st.integers(0, 2**65) | st.sampled_from([0, 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63])
unsigned = st.one_of(
    digits.map(str),
    st.integers(0, 2**63 - 1).map(hex),
    st.floats(0, allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["1.0", ".5", "5.", "1e3", "1E-2", "9e999", "0.1", "00", "007", "1.50"]),
)
literals = st.one_of(
    unsigned,
    unsigned.map("-{}".format),
    unsigned.map("+{}".format),
    strings.map(lambda one: "'" + one.replace("'", "''") + "'"),
    st.sampled_from(
        ["NULL", "TRUE", "false", "abc", '"quoted"', "x'00'", "X'00'", "(1)", "(- 1)", "('a')", "((NULL))"]
    ),
)


@given(st.sampled_from(TYPES), literals, literals)
@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@example("INTEGER", "0", "'0'")
@example("TEXT", "1", "'1'")
@example("REAL", "0", "0.0")
@example("BOOLEAN", "TRUE", "1")
@example("NUMERIC", "1.0", "1")
@example("TEXT", "0x10", "16")
@example("INTEGER", "'1٣'", "13")
@example("INTEGER", "-0", "0")
@example("TEXT", "9e999", "'Inf'")
@example("BLOB", "x'0a'", "X'0A'")
@example("INTEGER", "''", "0")
@example("TEXT", "1e3", "'1000.0'")
def test_two_defaults_are_one_exactly_if_sqlite_stores_one_value(declared: str, one: str, other: str) -> None:
    affinity = affinity_of(declared)
    alike = canonical_default(text_of(declared, one), affinity) == canonical_default(text_of(declared, other), affinity)
    assert alike == (stored(declared, one) == stored(declared, other))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("CURRENT_TIMESTAMP", "current_timestamp", True),
        ("CURRENT_TIMESTAMP", "(datetime('now'))", True),
        ("CURRENT_TIMESTAMP", "(datetime( 'now' ))", True),
        ("CURRENT_TIMESTAMP", "CURRENT_DATE", False),
        ("CURRENT_TIMESTAMP", "(datetime('now', 'localtime'))", False),
        ("CURRENT_TIMESTAMP", "'CURRENT_TIMESTAMP'", False),
        ("(lower( 'A' ))", "(LOWER('A'))", True),
        ("(lower('A'))", "(lower('a'))", False),
        ("(1 + 1)", "(1+1)", True),
    ],
)
def test_what_is_computed_is_compared_by_its_text(one: str, other: str, same: bool) -> None:
    found = {canonical_default(text_of("TIMESTAMP", item), "NUMERIC") for item in (one, other)}
    assert (len(found) == 1) == same


def test_no_default_and_default_null_are_one() -> None:
    assert canonical_default(None, "TEXT") is canonical_default("NULL", "TEXT") is None


words = st.sampled_from(
    [
        "INT",
        "CHAR",
        "CLOB",
        "TEXT",
        "BLOB",
        "REAL",
        "FLOA",
        "DOUB",
        "POINT",
        "string",
        "Date",
        "DECIMAL",
        "XINTX",
        "unsigned",
    ]
)


@given(st.lists(words, max_size=3).map(" ".join))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_affinity_is_what_sqlite_makes_of_the_type(declared: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE t (c {declared})")
        connection.execute("INSERT INTO t VALUES ('1'), (1), (1.5), ('1.0'), (1e300)")
        kinds = tuple(row[0] for row in connection.execute("SELECT typeof(c) FROM t"))
    stores = {
        ("integer", "integer", "real", "integer", "real"): {"INTEGER", "NUMERIC"},
        ("text", "text", "text", "text", "text"): {"TEXT"},
        ("text", "integer", "real", "text", "real"): {"BLOB"},
        ("real", "real", "real", "real", "real"): {"REAL"},
    }
    assert affinity_of(declared) in stores[kinds]
