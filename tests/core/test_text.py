"""How lists of words are shortened in messages."""

from __future__ import annotations

import pytest

from architect_migrate.cli.report.layout import shortened
from architect_migrate.core.text import shortlist


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
