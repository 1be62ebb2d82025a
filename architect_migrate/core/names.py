"""Names of tables and columns, and texts in SQL: folding, quoting, and use in file names."""

from __future__ import annotations

import re
from functools import lru_cache

# The prefix of the table that Alembic's batch operations fill before they rename it to the table that it replaces.
BATCH_COPY = "_alembic_tmp_"
# Why ASCII only: to SQLite, É and é are two names.
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ASCII_LOWER = str.maketrans(_UPPER, _UPPER.lower())


# Why a cache: a schema has few names, and each is folded many times.
@lru_cache(maxsize=16384)
def fold(name: str) -> str:
    """Fold a name to lower case as SQLite compares names (ASCII letters only)."""
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)


def quote(name: str) -> str:
    """Quote a name as an SQL identifier, in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a text as an SQL literal, in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def file_safe(name: str) -> str:
    """Convert an environment's name to the beginning of a backup's file name: ASCII, up to 80 characters."""
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[:80].lstrip(".") or "database"
