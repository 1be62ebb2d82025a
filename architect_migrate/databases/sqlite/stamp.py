"""Writes Alembic's stamp without Alembic: the version table holds one row for each head, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote

if TYPE_CHECKING:
    import sqlite3


def write_stamp(connection: sqlite3.Connection, version_table: str, revisions: tuple[str, ...]) -> None:
    """Record exactly these heads; the table is made as Alembic makes it. Whoever owns the transaction commits."""
    table = quote(version_table)
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ? COLLATE NOCASE", (version_table,)).fetchone()
    if found is None:
        key = quote(f"{version_table}_pkc")
        columns = f"version_num VARCHAR(32) NOT NULL, CONSTRAINT {key} PRIMARY KEY (version_num)"
        connection.execute(f"CREATE TABLE {table} ({columns})")
    connection.execute(f"DELETE FROM {table}")
    connection.executemany(f"INSERT INTO {table} (version_num) VALUES (?)", [(it,) for it in revisions])
