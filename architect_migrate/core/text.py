"""Numbers with their words, in whatever is told: one row, two rows."""

from __future__ import annotations


def count(number: int, word: str, plural: str = "") -> str:
    """A number with its word: `1 row`, `1,105 rows`."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"
