"""What PostgreSQL says of itself."""

from __future__ import annotations

# No file is a database.
SUFFIXES: frozenset[str] = frozenset()

# How a transaction begins that writes.
BEGIN = "BEGIN"
# What is said of a revision whose autocommit_block runs inside the transaction of a run.
INSIDE = "CONCURRENTLY is left out, so others wait to write to the table while its index is built"


def fold(name: str) -> str:
    """Return a name as PostgreSQL compares it: as it is, since the catalogs have it without quotes."""
    return name


def version() -> tuple[str, str]:
    """Return the name and the version of the client library that statements are sent by."""
    import psycopg

    return "postgresql", str(psycopg.pq.version_pretty(psycopg.pq.version()))
