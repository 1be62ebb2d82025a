"""PostgreSQL servers and databases for tests."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from architect_migrate.core.server_errors import ServerProgramsMissingError
from architect_migrate.databases.postgresql.programs import clients, programs
from architect_migrate.databases.postgresql.server import throwaway
from support.paths import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import psycopg

# An object of every kind that archmig reads.
EVERYTHING = (DATA / "postgresql_everything.sql").read_text(encoding="utf-8")
# The versions that tests run on, where they are installed: the oldest with every clause of the above, and the newest.
VERSIONS = (15, 18)
# An env.py as people have it.
ENV = """from alembic import context
import sqlalchemy as sa

engine = sa.engine_from_config(context.config.get_section("alembic"), prefix="sqlalchemy.", poolclass=sa.pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


@contextmanager
def server(folder: Path, major: int | None = None) -> Iterator[str]:
    """The URL of a server; the test is skipped if none of this version is installed.

    `folder` is where the clusters are kept that were made.
    """
    try:
        programs(major)
    except ServerProgramsMissingError as error:
        pytest.skip(str(error))
    with throwaway(major, folder) as url:
        yield url


def database_at(url: str, name: str) -> str:
    """The URL of another database of a server."""
    before, _, after = url.partition("@/postgres?")
    return f"{before}@/{quote(name)}?{after}"


def needs_extension(connection: psycopg.Connection[Any], name: str) -> None:
    """Skip the test if the server's packages do not bring an extension."""
    found = connection.execute("SELECT count(*) FROM pg_available_extensions WHERE name = %s", [name]).fetchone()
    if found != (1,):
        pytest.skip(f"the extension {name} is not installed")


def connected(url: str) -> psycopg.Connection[Any]:
    """Open a connection that commits each statement."""
    import psycopg

    return psycopg.connect(url, autocommit=True)


def run(database: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements one by one; return the rows of the last."""
    rows: list[tuple[object, ...]] = []
    with connected(database) as connection:
        for statement in statements:
            found = connection.execute(statement)
            rows = found.fetchall() if found.description else []
    return rows


def written(folder: Path, revisions: Mapping[str, str]) -> None:
    """Write a chain to a folder: revisions by their names, each with the text of its functions."""
    versions = folder / "chain" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (folder / "chain" / "env.py").write_text(ENV)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/chain\nsqlalchemy.url = driver://x/y\n")
    before = None
    for name, text in revisions.items():
        ids = f'revision = "{name}"\ndown_revision = {before!r}\n'
        head = f"import sqlalchemy as sa\nfrom alembic import op\n\n{ids}\n\n"
        (versions / f"{name}.py").write_text(head + text)
        before = name


def dumped(database: str, *options: str) -> str:
    """All of a database as pg_dump writes it, without what differs from one call to the next."""
    with connected(database) as connection:
        folder = clients(connection.info.server_version // 10_000)
    assert folder is not None
    command = [str(folder / "pg_dump"), "--no-owner", "--no-privileges", "--inserts", *options, "--dbname", database]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # A schema that was restored is no longer the one that each database has at first.
    left_out = ("--", "\\", "CREATE SCHEMA public")
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(left_out))
