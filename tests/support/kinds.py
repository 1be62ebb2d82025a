"""Databases of each kind, made of statements that every kind understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.urls import sqlite_url
from architect_migrate.databases.registry import access

if TYPE_CHECKING:
    from architect_migrate.core.urls import DatabaseUrl

# Where a kind has a place for a database that does not exist yet.
PLACES = {"sqlite": lambda folder, name: sqlite_url(folder / f"{name}.db")}
PEOPLE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL)",
    "CREATE INDEX by_name ON people (name)",
    "INSERT INTO people (id, name) VALUES (1, 'Ada')",
    "INSERT INTO people (id, name) VALUES (2, 'Bob')",
)
ADD = "INSERT INTO people (id, name) VALUES (3, 'Cy')"


def run(place: DatabaseUrl, *statements: str) -> None:
    """Execute statements in one transaction on a database, which is created if it does not exist."""
    with access.created(place), access.transaction(place, 1.0) as connection:
        for statement in statements:
            connection.execute(statement)
