"""The databases of one chain on a server that is thrown away: each is a copy of another one."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

Raw = psycopg.Connection[Any]
EMPTY = "template0"


@dataclass(slots=True)
class Cluster:
    """A server, reached by its URL; `names` are the databases that were made on it."""

    url: str
    admin: Raw
    names: set[str] = field(default_factory=set)

    def copy(self, template: str, name: str) -> str:
        """A database that begins as another one, in place of one of the same name."""
        self.drop(name)
        self.admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        self.names.add(name)
        return name

    def drop(self, name: str) -> None:
        if name in self.names:
            self.admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            self.names.discard(name)

    def url_of(self, name: str, driver: str = "") -> str:
        before, _, after = self.url.partition("@/postgres?")
        return f"{before.replace('postgresql:', f'postgresql{driver}:', 1)}@/{name}?{after}"

    @contextmanager
    def opened(self, name: str) -> Iterator[Raw]:
        """A connection to a database, in a transaction that is committed at the end of the block."""
        with psycopg.connect(self.url_of(name)) as raw:
            yield raw

    @contextmanager
    def alchemy(self, name: str, **options: Any) -> Iterator[sa.Connection]:
        """An SQLAlchemy connection as a project's env.py would make it."""
        engine = sa.create_engine(self.url_of(name, "+psycopg"), poolclass=sa.pool.NullPool, **options)
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def cluster(url: str) -> Iterator[Cluster]:
    """The databases of a chain on a server, which are dropped at the end."""
    with psycopg.connect(url, autocommit=True) as admin:
        made = Cluster(url, admin)
        yield made
        for name in tuple(made.names):
            made.drop(name)


def restored(cluster: Cluster, name: str) -> None:
    """Put a dump of a database in its place."""
    from architect_migrate.databases.postgresql.programs import programs

    folder = programs(cluster.admin.info.server_version // 10_000).folder
    dump = [str(folder / "pg_dump"), "--format=custom", "--no-owner", cluster.url_of(name)]
    text = subprocess.run(dump, check=True, capture_output=True).stdout
    cluster.copy(EMPTY, name)
    restore = [str(folder / "pg_restore"), "--no-owner", f"--dbname={cluster.url_of(name)}"]
    subprocess.run(restore, input=text, check=True, capture_output=True)
