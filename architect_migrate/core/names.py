"""Names of tables and columns, and texts in SQL: folding, quoting, and use in file names."""

from __future__ import annotations

import re
from functools import lru_cache
from zlib import crc32

# The prefix of the table that Alembic's batch operations fill before they rename it to the table that it replaces.
BATCH_COPY = "_alembic_tmp_"
# The name of a backup's file, which begins with that of its environment as `file_safe` has it.
BACKUP_NAME = re.compile(
    r"(?P<name>.+)-(?P<moment>\d{8}T\d{6}Z)-(?P<number>\d{1,9})(?P<damaged>-damaged)?\.(?:db|dump)"
)
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


def fits(pattern: str, name: str) -> bool:
    """Return whether a name is that of a pattern in which `*` stands for any characters."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL) is not None


def file_safe(name: str) -> str:
    """Convert an environment's name to the beginning of a backup's file name: ASCII, up to 80 characters.

    Names that need a conversion get a checksum. Why: a backup without its record is recognised by this name, and two
    databases whose names differ only in such characters must not have each other's backups.
    """
    safe = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII).lstrip(".")
    if name and safe == name and len(name) <= 80:
        return name
    return f"{safe[:71] or 'database'}-{crc32(name.encode('utf-8', 'surrogatepass')):08x}"
