"""Digests and counters that identify a database's state cheaply, without its rows."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent

from architect_migrate.core.names import quote
from architect_migrate.databases.sqlite.presence import odd_journal
from architect_migrate.planning.results import Fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


_COUNTER = "SELECT NULL, schema_version FROM pragma_schema_version"
_BOTH = f"{_COUNTER} UNION ALL SELECT name, seq FROM main.sqlite_sequence"


def fingerprint_of(connection: sqlite3.Connection, hidden: Iterable[str], known: str = "") -> Fingerprint:
    """The fingerprint of what the connection's transaction sees, without the tables in `hidden`.

    `known` is the schema's digest if it was computed before.
    """
    without = tuple(sorted({name.lower() for name in hidden}))
    return Fingerprint(known or digest(connection, without), without, *_counted(connection))


def _counted(connection: sqlite3.Connection) -> tuple[int, tuple[tuple[str, int], ...]]:
    """SQLite's schema change counter, and the highest id that each AUTOINCREMENT table has given out."""
    try:
        (_, counter), *highest = connection.execute(_BOTH).fetchall()
    except sqlite3.OperationalError:  # no table counts, so there is no sqlite_sequence
        ((_, counter),), highest = connection.execute(_COUNTER).fetchall(), []
    return int(counter), tuple(sorted(one for one in highest if isinstance(one[0], str) and isinstance(one[1], int)))


_TEXTS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"


def digest(connection: sqlite3.Connection, without: Iterable[str] = ()) -> str:
    """Digest the schema's texts, without the tables in `without` and their objects; equal digests mean equal texts."""
    return _digest_of(tuple(connection.execute(_TEXTS)), frozenset(name.lower() for name in without))


# Why cached: the databases of a fleet have the same texts in the same order, and comparing them is faster.
@lru_cache(maxsize=4)
def _digest_of(texts: tuple[tuple[str, str, str, str], ...], without: frozenset[str]) -> str:
    hidden = without | {"sqlite_sequence"}
    rows = sorted(row for row in texts if row[2].lower() not in hidden)
    return _hashed("\x1e".join(["\x1f".join(row) for row in rows]))


def stored_digest(path: Path, tables: Iterable[str]) -> str:
    """Digest a schema's texts and all rows of some tables, read in one transaction without waiting for a lock.

    Raises ValueError where the database cannot be read.
    """
    try:
        if odd_journal(path):
            raise ValueError(path)
        uri = f"file:{percent(os.fsencode(path))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            rows = [_rows(connection, table) for table in tables]
            return _hashed(f"{digest(connection)}{rows!r}")
    except sqlite3.Error as error:
        raise ValueError(type(error).__name__) from error


def _rows(connection: sqlite3.Connection, table: str) -> list[Any] | None:
    exists = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ? COLLATE NOCASE", (table,)).fetchone()
    return connection.execute(f"SELECT * FROM {quote(table)}").fetchall() if exists else None


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
