"""Text of messages: counts with their words, shortlists, and words from elsewhere made harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Sequence


def pluralize(number: int, word: str, plural: str = "") -> str:
    """A number with its word: `1 row`, `1,105 rows`."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def shortlist(words: Sequence[str], most: int, between: str = ", ") -> str:
    """Join the first `most` words and count the others: `a, b, c and 2 more`."""
    shown = between.join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


def clean(text: str) -> str:
    """One line that no terminal obeys: what does not print (escapes, line ends) is shown by its code."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def harmless(text: str) -> str:
    """The same of words that came from elsewhere, as those of an error, without the secrets of URLs."""
    return clean(mask(text))
