"""Text for terminals: columns that line up, nothing that a terminal would obey, lists cut with their count."""

from __future__ import annotations

import pytest

from architect_migrate.cli.report.chain import place, ranges, short_names
from architect_migrate.cli.report.layout import Cell, Style, ansi, columns_of, plain, shortened, table
from architect_migrate.core.text import clean, pluralize
from architect_migrate.model.revision_graph import Revision, RevisionGraph

CHAIN = RevisionGraph(tuple(Revision(one, ()) for one in ("001_a", "002_b", "017_x", "017_y", "ae1027a6", "beef")))
NAMES = short_names(CHAIN)


def test_a_short_name_is_the_part_before_the_underscore_where_that_is_enough() -> None:
    assert list(NAMES.values()) == ["001", "002", "017_x", "017_y", "ae1027a6", "beef"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ((), ""),
        (("001_a",), "001"),
        (("001_a", "002_b", "017_x"), "001..017_x"),
        (("001_a", "017_x", "017_y", "beef"), "001, 017_x..017_y, beef"),
    ],
)
def test_neighbours_are_drawn_together(chosen: tuple[str, ...], expected: str) -> None:
    assert ranges(CHAIN, frozenset(chosen), NAMES) == expected


def test_nothing_applied_is_base() -> None:
    assert place(CHAIN, frozenset(), NAMES) == "base"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("grün 日本", "grün 日本"),
        ("\u202eback", "\\u202eback"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_by_its_code(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("grün", 4), ("日本", 4), ("e\u0301", 1)])
def test_columns_are_counted_as_a_terminal_shows_them(text: str, columns: int) -> None:
    assert columns_of(text) == columns


def test_a_table_lines_up_whatever_its_letters_and_colours() -> None:
    rows = [[Cell("日本", Style.GOOD), Cell("x")], [Cell("a"), Cell("y", Style.BAD)]]
    assert list(table(("name", "it"), rows, plain, 120)) == ["name  it", "日本  x", "a     y"]
    assert list(table(("name", "it"), rows, ansi, 120)) == [
        "\x1b[1mname\x1b[0m  \x1b[1mit\x1b[0m",
        "\x1b[32m日本\x1b[0m  x",
        "a     \x1b[31my\x1b[0m",
    ]


def test_a_table_without_rows_is_its_headers() -> None:
    assert list(table(("a", "b"), [], plain, 120)) == ["a  b"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d"], "a, b and 2 more"), ([], "")],
)
def test_a_long_list_says_how_much_it_leaves_out(words: list[str], expected: str) -> None:
    assert shortened(words, 3) == expected


def test_numbers_agree_with_their_words() -> None:
    assert [pluralize(n, "row") for n in (0, 1, 1105)] == ["0 rows", "1 row", "1,105 rows"]
