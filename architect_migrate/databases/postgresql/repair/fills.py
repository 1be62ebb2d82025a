"""Reads from UPDATE statements which value the rows of a column get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.repair.context import is_constant
from architect_migrate.databases.postgresql.statements import significant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.postgresql.statements import Token


def filled(statements: Iterable[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return by table and column what an UPDATE writes: (column that it copies, literal), one of them empty.

    Only statements that update all rows, or those where the column is NULL, are read. The last one wins.
    """
    return {(table, column): way for sql in statements for table, column, way in _updates(sql)}


def _updates(sql: str) -> Iterator[tuple[str, str, tuple[str, str]]]:
    tokens = [token for token in significant(sql) if token.text != ";"]
    words = [token.name if token.kind == "word" else token.text for token in tokens]
    if len(words) < 6 or words[0] != "update" or words[2] != "set" or {"from", "returning"} & {*words}:
        return
    where = words.index("where") if "where" in words else len(words)
    condition = [token.name for token in tokens[where + 1 :]]
    for term in _terms(tokens[3:where]):
        column = term[0].name
        is_of_nulls = where == len(words) or condition == [column, "is", "null"]
        if is_of_nulls and len(term) > 2 and term[1].text == "=" and (way := _way(sql, term[2:])):
            yield tokens[1].name, column, way


def _terms(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield the terms of a comma-separated list."""
    term: list[Token] = []
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.text == ",":
            yield term
            term = []
        else:
            term.append(token)
    yield term


def _way(sql: str, value: list[Token]) -> tuple[str, str] | None:
    """Return (column, "") or ("", literal); None for any other expression."""
    text = sql[value[0].start : value[-1].end]
    if len(value) == 1 and value[0].kind in {"word", "quoted"} and value[0].name not in {"null", "true", "false"}:
        return value[0].name, ""
    if value[0].kind in {"word", "quoted"} and value[0].name not in {"true", "false"}:
        return None
    return ("", text) if is_constant(text) else None
