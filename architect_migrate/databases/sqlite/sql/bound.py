"""Texts of statements with their values filled in, as SQLite gives them: of a float it shows fifteen digits."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.sql.lexer import tokenize

if TYPE_CHECKING:
    from collections.abc import Iterable


def is_exact(value: object) -> bool:
    """Whether SQLite shows a value in the text of a statement as it is."""
    if isinstance(value, float):
        return isfinite(value) and _shown(value) == value
    return not (isinstance(value, str) and "\0" in value)


def with_all_digits(sql: str, values: Iterable[object]) -> str:
    """Return a text with the digits of those of its values of which SQLite shows only the first fifteen.

    Why it is for people alone: SQLite does not read every such number as the same float again.
    """
    floats = (abs(value) for value in values if isinstance(value, float) and isfinite(value))
    numbers = {_shown(value): repr(value) for value in floats}
    if not numbers:
        return sql
    return "".join(
        numbers.get(float(token.text), token.text) if _is_float(token.text, token.kind) else token.text
        for token in tokenize(sql)
    )


def _shown(value: float) -> float:
    return float(f"{value:.15g}")


def _is_float(text: str, kind: str) -> bool:
    return kind == "number" and text[:2].lower() != "0x" and "_" not in text
