"""Refuses batch operations of Alembic whose type casts would lose values: 2024 from a date, 0 from a word.

Why: a batch operation copies rows with a CAST for each column of another type, and CAST reports no loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import BATCH_COPY
from architect_migrate.core.sql_errors import CastLosesError
from architect_migrate.databases.sqlite.rows.exact import exact
from architect_migrate.databases.sqlite.rows.examples import shown
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from architect_migrate.databases.sqlite.sql.lexer import Token

_EXAMPLES = 3


def refuse_lossy_casts(connection: sqlite3.Connection, statement: str) -> None:
    """Raise CastLosesError for a batch operation's INSERT that would change a value (see `kept`)."""
    for value, declared, source in batch_casts(statement):
        _refuse_loss(connection, value, declared, source)


def batch_casts(statement: str) -> Iterator[tuple[str, str, str]]:
    """Each value that a batch operation's INSERT casts, the type, and where it reads from, in the statement's words."""
    if BATCH_COPY not in statement:
        return
    tokens = significant(statement)
    words = [token.text.upper() for token in tokens]
    if words[:2] != ["INSERT", "INTO"] or not unquote(tokens[2].text).startswith(BATCH_COPY) or "FROM" not in words:
        return
    source = statement[tokens[len(words) - 1 - words[::-1].index("FROM")].start :]
    yield from ((value, declared, source) for value, declared in _casts(statement, tokens, words))


def kept(value: str, declared: str) -> str:
    """SQL that is true where a cast keeps a value: cast back, it is the same, or it is NULL.

    5, 5.0 and '5' become each other; '007' does not become 7, and '2.50' not 2.5.
    """
    cast = f"CAST({value} AS {declared})"
    return (
        f"CASE typeof({value}) WHEN 'null' THEN 1 "
        f"WHEN 'text' THEN CAST({cast} AS TEXT) COLLATE BINARY IN ({value}, {value} || '.0') "
        f"WHEN 'blob' THEN CAST({cast} AS BLOB) = {value} "
        f"WHEN 'real' THEN CAST({cast} AS REAL) = {value} "
        f"ELSE CAST({cast} AS INTEGER) = {value} END"
    )


def _casts(statement: str, tokens: Sequence[Token], words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each value that the statement casts, with the type."""
    for at, word in enumerate(words):
        if word == "CAST" and tokens[at].kind == "word":
            depth, end = 1, at + 2
            while depth:
                depth += (words[end] == "(") - (words[end] == ")")
                end += 1
            middle = words.index("AS", at)
            value = statement[tokens[at + 2].start : tokens[middle - 1].end]
            yield value, statement[tokens[middle + 1].start : tokens[end - 2].end]


def _refuse_loss(connection: sqlite3.Connection, value: str, declared: str, source: str) -> None:
    cast = f"CAST({value} AS {declared})"
    lost = f"{source} WHERE NOT ({kept(value, declared)})"
    (count,) = tuple(connection.execute(f"SELECT count(*) {lost}").fetchone())
    if count:
        with exact(connection):
            pairs = connection.execute(f"SELECT {value}, {cast} {lost} LIMIT {_EXAMPLES}").fetchall()
        raise CastLosesError(value, declared, count, tuple(f"{shown(old)} as {shown(new)}" for old, new in pairs))
