"""A digest of the texts that an SQLite database stores for its schema: cheap, and enough where it is a known one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_TEXTS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"


def digest(connection: sqlite3.Connection, without: Iterable[str] = ()) -> str:
    """Equal digests mean equal schemas, to the letter; tables in `without` and what belongs to them do not count."""
    hidden = {name.lower() for name in without} | {"sqlite_sequence"}
    rows = [row for row in connection.execute(_TEXTS) if row[2].lower() not in hidden]
    rows.sort()
    text = "\x1e".join(["\x1f".join(row) for row in rows])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
