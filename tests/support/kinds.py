"""Databases of each kind, made of statements that every kind understands."""

from __future__ import annotations

from contextlib import closing, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Protocol

from architect_migrate.core.urls import parse_url, sqlite_url
from architect_migrate.databases.capabilities import Capability
from architect_migrate.databases.registry import access, kind_of, lacking
from support.postgresql import connected, database_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection

PEOPLE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL)",
    "CREATE INDEX by_name ON people (name)",
    "INSERT INTO people (id, name) VALUES (1, 'Ada')",
    "INSERT INTO people (id, name) VALUES (2, 'Bob')",
)
ADD = "INSERT INTO people (id, name) VALUES (3, 'Cy')"
_NUMBERS = count()


class Places(Protocol):
    """Places for the databases of a test."""

    def new(self) -> DatabaseUrl:
        """The place of a database that does not exist."""


class Files:
    """Databases that are files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self) -> DatabaseUrl:
        return sqlite_url(self._folder / f"{next(_NUMBERS)}.db")


class Served:
    """Databases of a PostgreSQL server; `made` are those that a test has to drop."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._made: list[str] = []

    def new(self) -> DatabaseUrl:
        self._made.append(f"suite_{next(_NUMBERS)}")
        return parse_url(database_at(self._server, self._made[-1]))

    def drop(self) -> None:
        with closing(connected(self._server)) as connection:
            for name in self._made:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def run(place: DatabaseUrl, *statements: str) -> None:
    """Execute statements in one transaction on a database, which is created if it does not exist."""
    if Capability.MAKES in lacking(kind_of(place)):
        _run_by_driver(place, statements)
        return
    with access.created(place):
        if statements:
            with access.transaction(place, 1.0) as connection:
                for statement in statements:
                    connection.execute(statement)


@contextmanager
def writing(place: DatabaseUrl) -> Iterator[Connection]:
    """A connection in a transaction, which is committed."""
    with access.transaction(place, 1.0) as connection:
        yield connection


def _run_by_driver(place: DatabaseUrl, statements: tuple[str, ...]) -> None:
    server, name = _server_of(place.raw)
    if not access.exists(place):
        with closing(connected(server)) as connection:
            connection.execute(f"CREATE DATABASE {name}")
    with closing(connected(place.raw)) as connection, connection.transaction():
        for statement in statements:
            connection.execute(statement)


def _server_of(url: str) -> tuple[str, str]:
    """The URL of a server's first database, and the name of the one that a URL names."""
    before, _, after = url.partition("@/")
    name, _, parameters = after.partition("?")
    return f"{before}@/postgres?{parameters}", name
