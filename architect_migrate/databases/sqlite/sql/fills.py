"""Reads from UPDATE statements which value the rows of a column get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.lexer import canonical, significant, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.sqlite.sql.lexer import Token


def filled(statements: Iterable[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return by folded table and column what an UPDATE writes: (column that it copies, literal), one of them empty.

    Only statements that update all rows, or those where the column is NULL, are read. The last one wins.
    """
    return {(table, column): way for sql in statements for table, column, way in _updates(sql)}


def _updates(sql: str) -> Iterator[tuple[str, str, tuple[str, str]]]:
    tokens = [token for token in significant(sql) if token.text != ";"]
    words = [fold(token.text) for token in tokens]
    if len(words) < 6 or words[0] != "update" or words[2] != "set":
        return
    where = words.index("where") if "where" in words else len(words)
    table, condition = fold(unquote(tokens[1].text)), tokens[where + 1 :]
    for start, end in _terms(words, 3, where):
        column, value = fold(unquote(tokens[start].text)), tokens[start + 2 : end]
        is_of_nulls = not condition or [fold(unquote(token.text)) for token in condition] == [column, "is", "null"]
        if is_of_nulls and words[start + 1 : start + 2] == ["="] and (way := _way(value)):
            yield table, column, way


def _terms(words: list[str], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each term of a comma-separated list."""
    depth, first = 0, start
    for at in range(start, end):
        depth += (words[at] == "(") - (words[at] == ")")
        if depth == 0 and words[at] == ",":
            yield first, at
            first = at + 1
    yield first, end


def _way(value: list[Token]) -> tuple[str, str] | None:
    """Return (column, "") or ("", literal); None for any other expression."""
    text = "".join(token.text for token in value)
    kinds = [token.kind for token in value]
    if kinds in (["string"], ["number"]) or (kinds == ["operator", "number"] and text[0] in "+-"):
        return "", text
    if kinds in (["word"], ["quoted"]) and canonical(text) not in {"null", "true", "false"}:
        return fold(unquote(text)), ""
    return ("", canonical(text)) if canonical(text) in {"true", "false"} else None
