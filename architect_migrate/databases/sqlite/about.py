"""What SQLite says of itself."""

from __future__ import annotations

import sqlite3

from architect_migrate.core import names

# How the files of databases usually end.
SUFFIXES = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})
# How a transaction begins that writes.
BEGIN = "BEGIN IMMEDIATE"
# What is said of a revision whose autocommit_block runs inside the transaction of a run.
INSIDE = "SQLite accepts its statements there"

fold = names.fold


def version() -> tuple[str, str]:
    """Return the name and the version of the library that statements run on."""
    return "sqlite", sqlite3.sqlite_version
