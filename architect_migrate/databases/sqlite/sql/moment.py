"""Statements that ask SQLite for the date, the time or a random value."""

from __future__ import annotations

from itertools import pairwise

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.sql.lexer import significant

_WRITING = frozenset({"insert", "replace", "update", "with"})
_WORDS = frozenset({"current_date", "current_time", "current_timestamp"})
# Why quotes too: SQLite takes a name that no column has for a text.
_NOW = frozenset({"'now'", '"now"'})
_FUNCTIONS = frozenset({"date", "time", "datetime", "julianday", "unixepoch"})
_RANDOM = frozenset({"random", "randomblob"})


def writes_the_moment(sql: str) -> bool:
    """Return whether a statement that writes rows asks for the date, the time or a random value."""
    tokens = [(token.kind, fold(token.text)) for token in significant(sql)]
    if not tokens or tokens[0][1] not in _WRITING:
        return False
    if any(text in _NOW for _, text in tokens) or any(kind == "word" and text in _WORDS for kind, text in tokens):
        return True
    words = [text for _, text in tokens]
    if any(text in _RANDOM and after == "(" for text, after in pairwise(words)):
        return True
    # Without an argument, the functions of time are about now.
    calls = zip(words, pairwise(words[1:]), strict=False)
    return any(text in _FUNCTIONS and after == ("(", ")") for text, after in calls)
