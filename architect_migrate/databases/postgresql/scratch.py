"""Empty databases for replays: on the server of an environment, on one that is named, or on one that is thrown away."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psycopg

from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.server_errors import NoScratchError
from architect_migrate.databases.postgresql.server import throwaway
from architect_migrate.databases.postgresql.urls import libpq_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

# The variable that names a server on which scratch databases may be made.
NAMED = "ARCHMIG_POSTGRESQL_SCRATCH"
_CONNECT_SECONDS = 5


@contextmanager
def scratch_database(release: str, server: str, cache: Path | None) -> Iterator[str]:
    """Make an empty database on a server of a major version, and drop it at the end; yields its connection string.

    Any version will do if `release` is empty.

    A server that is named comes first, then one that is thrown away, then that of `server`, where the role may make
    databases. Why that one last: it may be the production server. `cache` is a folder in which a new cluster is kept.
    Raises NoScratchError.
    """
    named = os.environ.get(NAMED)
    ways: dict[str, Callable[[], AbstractContextManager[str]]] = {}
    if named:
        ways[f"the server of {NAMED}"] = lambda: _made_on(libpq_uri(named), release)
    ways["a temporary server"] = lambda: _thrown_away(release, cache)
    ways["the database's own server"] = lambda: _made_on(libpq_uri(server), release)
    tried: list[str] = []
    with ExitStack() as stack:
        for name, way in ways.items():
            try:
                url = stack.enter_context(way())
            except (ArchmigError, psycopg.Error) as error:
                tried.append(f"{name}: {_line(error)}")
            else:
                yield url
                return
        raise NoScratchError(release, tuple(tried))


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


@contextmanager
def _thrown_away(release: str, cache: Path | None) -> Iterator[str]:
    with throwaway(int(release) if release else None, cache) as url, _made_on(libpq_uri(url), release) as scratch:
        yield scratch


@contextmanager
def _made_on(server: str, release: str) -> Iterator[str]:
    """Make a database on a server and drop it at the end. Raises psycopg.Error, ServerVersionError."""
    name = f"archmig_scratch_{os.getpid()}_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
        there = str(connection.info.server_version // 10_000)
        if release and there != release:
            raise psycopg.OperationalError(f"it is version {there}")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield psycopg.conninfo.make_conninfo(server, dbname=name)
    finally:
        with psycopg.connect(server, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
