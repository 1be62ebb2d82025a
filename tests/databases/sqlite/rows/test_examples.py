"""How rows are read and shown as examples in messages."""

from __future__ import annotations

import pytest

from architect_migrate.databases.sqlite.connection import in_memory
from architect_migrate.databases.sqlite.rows.examples import MOST, excerpt, labelled, read, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (7, "7"),
        (0.5, "0.5"),
        ("it's", '"it\'s"'),
        ("x" * 41, f"'{'x' * 40}…'"),
        ("a\nb", r"'a\nb'"),
        (b"\x00\xff", "x'00ff'"),
        (b"\x01" * 21, f"x'{'01' * 20}…'"),
    ],
)
def test_a_value_is_shown_as_sql_would_write_it_and_cut(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("key", "values", "text"),
    [
        ((7,), ("a", None), "row 7: 'a', NULL"),
        ((1, "k"), (), "row 1, 'k'"),
        ((), (b"",), "a row: x''"),
        ((), (), "a row"),
    ],
)
def test_a_row_is_named_by_its_key(key: tuple[object, ...], values: tuple[object, ...], text: str) -> None:
    assert labelled(key, values) == text


def test_no_more_rows_are_read_than_are_shown_and_text_that_is_not_utf_8_is_no_error() -> None:
    with in_memory() as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t SELECT CAST(x'ff' AS TEXT) FROM (VALUES (1), (2), (3), (4), (5))")
        found = read(connection, "SELECT a FROM t")
    assert [shown(value) for (value,) in found] == [r"'\udcff'"] * MOST


@pytest.mark.parametrize("made", ["zeroblob(1000000)", "printf('%.*c', 1000000, 'x')"])
def test_of_a_huge_value_only_the_beginning_is_read(made: str) -> None:
    with in_memory() as connection:
        (value,) = connection.execute(f"SELECT {excerpt('v')} FROM (SELECT {made} AS v)").fetchone()
        assert len(value) == 41
        assert connection.execute(f"SELECT {excerpt('v')} FROM (SELECT 'short' AS v)").fetchone() == ("short",)
