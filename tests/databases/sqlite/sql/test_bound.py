"""Values in the texts of statements: all digits of those floats of which SQLite shows fifteen."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from architect_migrate.databases.sqlite.sql.bound import is_exact, with_all_digits


def shown(value: float) -> str:
    """A value in the text of a statement, as SQLite gives it."""
    texts: list[str] = []
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.set_trace_callback(texts.append)
        connection.execute("SELECT ?", (value,))
    return texts[-1]


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(7783014494123015.0)  # Python rounds its last digit up, SQLite down
def test_a_float_is_shown_with_all_its_digits(value: float) -> None:
    text = shown(value) if is_exact(value) else with_all_digits(shown(value), [value])
    assert float(text.removeprefix("SELECT ")) == value


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), "a\0b"])
def test_what_has_no_digits_is_not_exact_and_stays_as_it_is_shown(value: object) -> None:
    assert not is_exact(value)
    assert with_all_digits("SELECT 9e999, 0.3", [value]) == "SELECT 9e999, 0.3"


def test_names_texts_and_other_numbers_stay_as_they_are() -> None:
    sql = "INSERT INTO \"0.3\" VALUES ('0.3', 0.3, 0.31, 0x3, -0.3)"
    assert with_all_digits(sql, [0.1 + 0.2]) == sql.replace(" 0.3,", " 0.30000000000000004,").replace(
        "-0.3", "-0.30000000000000004"
    )
