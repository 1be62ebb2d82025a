"""Empty databases for replays: on the server of an environment, on one that is named, or on one that is thrown away."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.names import quote
from architect_migrate.core.server_errors import NoScratchError
from architect_migrate.databases.postgresql.connection import first_line
from architect_migrate.databases.postgresql.server import throwaway
from architect_migrate.databases.postgresql.urls import libpq_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from architect_migrate.model.chain_config import ChainConfig

# The variable that names a server on which scratch databases may be made.
NAMED = "ARCHMIG_POSTGRESQL_SCRATCH"
# The setting of a scratch database on a server that others use too.
SHARED = "archmig.shared"
_CONNECT_SECONDS = 5
# How the names of scratch databases begin.
_NAME = "archmig_scratch_"
_FORGOTTEN = """SELECT d.datname::text FROM pg_database d
                WHERE d.datname LIKE %(like)s AND pg_get_userbyid(d.datdba) = current_user
                AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.application_name = d.datname)"""


@contextmanager
def scratch_database(chain: ChainConfig, cache: Path | None) -> Iterator[str]:
    """Make an empty database for a chain on a server of its version, and drop it at the end.

    Yields its connection string. Any version will do if the chain names none. A server that is named comes first, then
    one that is thrown away, then the database's own, where the role may make databases. Why that one last: it may be
    the production server. `cache` is a folder in which a new cluster is kept. Raises NoScratchError.
    """
    named = os.environ.get(NAMED)
    offered = named or chain.offered
    ways: dict[str, Callable[[], AbstractContextManager[str]]] = {}
    if offered:
        ways[f"the server of {NAMED if named else '[postgresql] scratch'}"] = lambda: _shared(offered, chain)
    ways["a temporary server"] = lambda: _thrown_away(chain, cache)
    ways["the database's own server"] = lambda: _shared(chain.server, chain)
    tried: list[str] = []
    with ExitStack() as stack:
        for name, way in ways.items():
            try:
                url = stack.enter_context(way())
            except (ArchmigError, psycopg.Error) as error:
                tried.append(f"{name}: {first_line(error)}")
            else:
                yield url
                return
        raise NoScratchError(chain.release, tuple(tried))


@contextmanager
def _thrown_away(chain: ChainConfig, cache: Path | None) -> Iterator[str]:
    major = int(chain.release) if chain.release else None
    with throwaway(major, cache) as url, _made_on(libpq_uri(url), chain) as scratch:
        yield scratch


@contextmanager
def _shared(server: str, chain: ChainConfig) -> Iterator[str]:
    """Make a database on a server that is not archmig's alone, and mark it as such (see `recorder`)."""
    with _made_on(libpq_uri(server), chain) as scratch:
        with psycopg.connect(scratch, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {SHARED} = 'on'")
        yield scratch


@contextmanager
def _made_on(server: str, chain: ChainConfig) -> Iterator[str]:
    """Make a database on a server and drop it at the end. Raises psycopg.Error, also for another version.

    Why the connection stays open under the name of the database: without it the database belongs to a process that was
    killed, and the next run drops it.
    """
    name = f"{_NAME}{os.getpid()}_{secrets.token_hex(4)}"
    opened = partial(psycopg.connect, server, autocommit=True, connect_timeout=_CONNECT_SECONDS)
    with opened(application_name=name) as connection:
        there = str(connection.info.server_version // 10_000)
        if chain.release and there != chain.release:
            raise psycopg.OperationalError(f"it is version {there}")
        _drop_forgotten(connection)
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        scratch = psycopg.conninfo.make_conninfo(server, dbname=name, options="")
        try:
            if chain.schema not in {"", "public"}:
                _use_schema(scratch, name, chain.schema)
            yield scratch
        finally:
            # Why another one: the server may have ended the first, which was idle.
            with opened() as last:
                last.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _drop_forgotten(connection: psycopg.Connection[Any]) -> None:
    """Drop the databases of replays whose process was killed."""
    for (name,) in connection.execute(_FORGOTTEN, {"like": f"{_NAME}%"}).fetchall():
        # Another run may be dropping it.
        with suppress(psycopg.Error):
            connection.execute(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")


def _use_schema(scratch: str, name: str, schema: str) -> None:
    """Make a schema the one in which a chain finds and makes things, with `public` after it for extensions."""
    with psycopg.connect(scratch, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        connection.execute(f"ALTER DATABASE {name} SET search_path = {quote(schema)}, public")
