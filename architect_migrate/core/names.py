"""Names of tables and columns: the case in which they are compared, and how they are quoted."""

from __future__ import annotations

from functools import lru_cache

# Case folds in ASCII only: to SQLite, É and é are two names.
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ASCII_LOWER = str.maketrans(_UPPER, _UPPER.lower())


# A schema is made of few names, each of which is asked for again and again.
@lru_cache(maxsize=16384)
def fold(name: str) -> str:
    """A name in the one case in which SQLite compares names (ASCII letters only)."""
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)


def quote(name: str) -> str:
    """A name as an SQL identifier, in double quotes."""
    return '"' + name.replace('"', '""') + '"'
