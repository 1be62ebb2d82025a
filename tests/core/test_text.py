"""How lists of words are shortened in messages."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architect_migrate.cli.report.layout import shortened
from architect_migrate.core.text import escaped_json, shortlist


@pytest.mark.parametrize(
    ("words", "most", "between", "shown"),
    [
        ((), 3, ", ", ""),
        (("a",), 3, ", ", "a"),
        (("a", "b", "c"), 3, ", ", "a, b, c"),
        (("a", "b", "c", "d", "e"), 3, "; ", "a; b; c and 2 more"),
        (("a", "b"), 1, ", ", "a and 1 more"),
    ],
)
def test_a_shortlist_counts_what_it_does_not_show(words: tuple[str, ...], most: int, between: str, shown: str) -> None:
    assert shortlist(words, most, between) == shown


def test_in_a_report_the_count_is_one_of_the_parts() -> None:
    assert shortened(["a", "b", "c"], 3) == "a, b, c"
    assert shortened(["a", "b", "c", "d"], 3) == "a, b and 2 more"


@given(st.text())
def test_a_json_document_has_no_control_character_raw_and_means_the_same(text: str) -> None:
    document = escaped_json(json.dumps({"name": text}, ensure_ascii=False, indent=2))
    assert json.loads(document) == {"name": text}
    assert all(letter.isprintable() or letter == "\n" for letter in document)


@pytest.mark.parametrize(
    ("letter", "written"), [("\x9b", "\\u009b"), ("\u2028", "\\u2028"), ("\u202e", "\\u202e"), ("\ud800", "\\ud800")]
)
def test_what_a_terminal_or_a_reader_would_obey_is_escaped(letter: str, written: str) -> None:
    assert escaped_json(f'"{letter}"') == f'"{written}"'
