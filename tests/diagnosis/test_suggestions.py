"""Which entry is suggested for a column: the chain's own value first, a column only where name and type agree."""

from __future__ import annotations

import pytest

from architect_migrate.databases.sqlite.repair.from_chain import from_chain
from architect_migrate.databases.sqlite.sql.fills import filled
from architect_migrate.diagnosis.suggestions import FromChain, for_missing, of_chain
from support.schemas import line_of, schema_of


def missing(wanted: str, database: str, chain: FromChain | None = None, more: str = "") -> tuple[str, str] | None:
    """Line and reason for the first column of `wanted`, which the database lacks."""
    shape = schema_of(f"CREATE TABLE t ({wanted}{more})").tables[0]
    actual = schema_of(f"CREATE TABLE t ({database})").tables[0]
    found = for_missing(chain or FromChain(), shape, shape.columns[0], actual)
    return (found.line, found.why) if found else None


@pytest.mark.parametrize(
    ("wanted", "database", "found"),
    [
        ("title TEXT", "id INTEGER, titel TEXT, body TEXT", "titel"),
        ("title TEXT", "id INTEGER, Titel TEXT, body TEXT", "Titel"),
        ("title TEXT", "id INTEGER, zzz TEXT NOT NULL, titel TEXT NOT NULL", "titel"),
        # Its type is another.
        ("title TEXT", "id INTEGER, titel INTEGER", ""),
        # It only happens to be left over.
        ("title TEXT", "id INTEGER, anything TEXT", ""),
        ("title TEXT", "id INTEGER, titel TEXT NOT NULL, other TEXT NOT NULL", "titel"),
        ("title TEXT", "id INTEGER, name TEXT NOT NULL", ""),
        # Nothing but a person gives rows a primary key.
        ("title TEXT PRIMARY KEY", "id INTEGER, titel TEXT", ""),
    ],
)
def test_a_column_is_suggested_where_name_and_type_agree(wanted: str, database: str, found: str) -> None:
    expected = (f'copy_from = "{found}"', f"t.{found} may hold it") if found else None
    assert missing(wanted, database) == expected


def test_a_column_that_the_chain_once_had_is_never_taken_for_another() -> None:
    chain = FromChain(once=frozenset({("t", "titel")}))
    assert missing("title TEXT", "titel TEXT", chain) is None


def test_what_the_chain_says_comes_before_what_looks_like_it() -> None:
    literal = FromChain(literals={("t", "title"): "'it''s \"new\"'"})
    assert missing("title TEXT", "titel TEXT", literal) == (
        'default = "it\'s \\"new\\""',
        "the chain gives rows 'it''s \"new\"'",
    )
    source = FromChain({("t", "title"): "'x'"}, {("t", "title"): ("gone", "name")})
    assert missing("title TEXT", "titel TEXT, Name TEXT", source) == (
        'copy_from = "Name"',
        "the chain fills it from t.Name",
    )


@pytest.mark.parametrize(
    ("default", "line"),
    [
        ("'x'", 'default = "x"'),
        ("0", "default = 0"),
        ("(0)", "default = 0"),
        ("-1.5", "default = -1.5"),
        ("false", "default = 0"),
        ("TRUE", "default = 1"),
        ("CURRENT_TIMESTAMP", ""),
        ("(1 + 1)", ""),
        ("NULL", ""),
        ("x'00'", ""),
    ],
)
def test_a_default_is_suggested_where_a_file_can_say_it(default: str, line: str) -> None:
    shape = schema_of(f"CREATE TABLE t (a DEFAULT {default})").tables[0]
    found = of_chain(FromChain(), shape, shape.columns[0])
    assert (found.line if found else "") == line


@pytest.mark.parametrize("column", ["a TEXT UNIQUE DEFAULT 'x'", "a TEXT PRIMARY KEY DEFAULT 'x'"])
def test_one_value_is_never_suggested_where_no_two_rows_may_have_it(column: str) -> None:
    shape = schema_of(f"CREATE TABLE t ({column})").tables[0]
    assert of_chain(FromChain(), shape, shape.columns[0]) is None


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE t SET a = 'x'", {("t", "a"): ("", "'x'")}),
        ("UPDATE T SET \"A\" = 'x', b=-1;", {("t", "a"): ("", "'x'"), ("t", "b"): ("", "-1")}),
        ("UPDATE t SET a = b WHERE a IS NULL", {("t", "a"): ("b", "")}),
        ("UPDATE t SET a = false WHERE a is null", {("t", "a"): ("", "false")}),
        ("UPDATE t SET a = 'x' WHERE id = 1", {}),
        ("UPDATE t SET a = NULL", {}),
        ("UPDATE t SET a = lower(b), c = 1", {("t", "c"): ("", "1")}),
        ("UPDATE t SET (a, b) = (1, 2)", {}),
        ("INSERT INTO t VALUES (1)", {}),
    ],
)
def test_an_update_tells_what_it_gives_every_row(sql: str, found: dict[tuple[str, str], tuple[str, str]]) -> None:
    assert filled([sql]) == found


def test_defaults_that_the_chain_took_away_again_and_all_columns_are_known() -> None:
    chain = from_chain(
        line_of(
            "CREATE TABLE t (a INTEGER DEFAULT 3, old TEXT)",
            "DROP TABLE t; CREATE TABLE t (a INTEGER NOT NULL)",
        )
    )
    assert chain.literals == {("t", "a"): "3"}
    assert chain.once == {("t", "a"), ("t", "old")}
