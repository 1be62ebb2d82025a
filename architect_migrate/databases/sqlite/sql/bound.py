"""Texts of statements with their values filled in, as SQLite gives them: of a float it shows fifteen digits."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from math import isfinite
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.sql.lexer import tokenize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def is_exact(value: object) -> bool:
    """Whether SQLite shows a value in the text of a statement as it is."""
    if isinstance(value, float):
        return isfinite(value) and float(f"{value:.15g}") == value
    return not (isinstance(value, str) and "\0" in value)


def with_all_digits(sql: str, values: Iterable[object]) -> str:
    """Return a text with the digits of those of its values of which SQLite shows only the first fifteen.

    Why it is for people alone: SQLite does not read every such number as the same float again.
    """
    floats = [abs(value) for value in values if isinstance(value, float) and isfinite(value)]
    if not floats:
        return sql
    numbers = dict(zip(_as_shown(floats), map(repr, floats), strict=True))
    return "".join(
        numbers.get(float(token.text), token.text) if _is_float(token.text, token.kind) else token.text
        for token in tokenize(sql)
    )


def _as_shown(values: Iterable[float]) -> Iterator[float]:
    """The numbers that SQLite shows for values, by its own rounding: of a sixteenth digit 5 it is not Python's."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for value in values:
            yield float(connection.execute("SELECT printf('%!.15g', ?)", (value,)).fetchone()[0])


def _is_float(text: str, kind: str) -> bool:
    return kind == "number" and text[:2].lower() != "0x" and "_" not in text
