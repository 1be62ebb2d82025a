"""Numbers with their words, in whatever is told: one row, two rows."""

from __future__ import annotations

from architect_migrate.core.urls import mask


def count(number: int, word: str, plural: str = "") -> str:
    """A number with its word: `1 row`, `1,105 rows`."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def clean(text: str) -> str:
    """One line that no terminal obeys: what does not print (escapes, line ends) is shown by its code."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def harmless(text: str) -> str:
    """The same of words that came from elsewhere, as those of an error, without the secrets of URLs."""
    return clean(mask(text))
