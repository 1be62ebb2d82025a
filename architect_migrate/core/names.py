"""Names of tables and columns, how they are compared and quoted; names as parts of file names."""

from __future__ import annotations

import re
from functools import lru_cache

# The prefix of the table that Alembic's batch operations fill before they rename it to the table that it replaces.
BATCH_COPY = "_alembic_tmp_"
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


def file_safe(name: str) -> str:
    """An environment's name as a backup's file begins with it."""
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[:80].lstrip(".") or "database"
