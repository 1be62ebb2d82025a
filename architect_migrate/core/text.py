"""Text of messages: counts with their nouns, shortened lists, and foreign text made safe to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def pluralize(number: int, word: str, plural: str = "") -> str:
    """Format a count with its noun: `1 row`, `1,105 rows`."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def joined(words: Iterable[str]) -> str:
    """Join words with commas, the last one with `and`: `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def shortlist(words: Sequence[str], most: int, between: str = ", ") -> str:
    """Join the first `most` words and count the others: `a, b, c and 2 more`."""
    shown = between.join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


def first_line_of(text: str) -> str:
    """Return the first line of an error's text: others may have the values of a row, or the statement."""
    return text.strip().partition("\n")[0]


def clean(text: str) -> str:
    """Escape control characters and line ends, so that a text stays on one line and cannot control a terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def escaped_json(document: str) -> str:
    """Write the control characters in a JSON document's strings as escapes, those included that JSON allows.

    Why: a terminal obeys some of them (U+009B begins a command, U+202E turns the line round), and some readers end a
    line at U+2028.
    """
    if all(line.isprintable() for line in document.split("\n")):
        return document
    return "".join(letter if letter.isprintable() or letter == "\n" else _json_escape(letter) for letter in document)


def _json_escape(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def harmless(text: str) -> str:
    """Mask the secrets of URLs in a foreign text, for example an error's, and escape its control characters."""
    return clean(mask(text))
