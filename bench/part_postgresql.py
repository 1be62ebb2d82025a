"""Reading, judging and changing PostgreSQL databases, beside what others do with them."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import postgresql_runs
import sqlalchemy as sa
from alembic.config import Config
from rivals import compared, inspected
from scene import PROJECT, archmig
from timing import Row, beside, medians, within

from alembic import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

COUNT = 100
_ENV = """from alembic import context
import sqlalchemy as sa

engine = sa.engine_from_config(context.config.get_section("alembic"), prefix="sqlalchemy.", poolclass=sa.pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
_STAMP = "SELECT version_num FROM alembic_version"


def run(scratch: Path, runs: int) -> list[Row]:
    from architect_migrate.databases.postgresql.server import throwaway

    with throwaway(None, scratch / "clusters") as url:
        os.environ["ARCHMIG_POSTGRESQL_SCRATCH"] = url
        folder = _project(scratch / "postgresql", url)
        looks = [*_one(url, runs), *_many(folder, url, runs), *_start(folder, url, runs)]
        return [*looks, *postgresql_runs.chain(folder, url, runs), *postgresql_runs.rows(scratch / "rows", url, _at)]


def _project(folder: Path, url: str) -> Path:
    """The demo's chain, and databases that plain Alembic has brought to its head."""
    import psycopg

    folder.mkdir()
    shutil.copytree(PROJECT / "alembic" / "versions", folder / "chain" / "versions")
    (folder / "chain" / "env.py").write_text(_ENV, encoding="utf-8")
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/chain\n", encoding="utf-8")
    config = Config(attributes={"configure_logger": False})
    config.set_main_option("script_location", str(folder / "chain"))
    config.set_main_option("sqlalchemy.url", _engine_url(_at(url, "e000")).replace("%", "%%"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE e000")
        command.upgrade(config, "head")
        for number in range(1, COUNT):
            connection.execute(f"CREATE DATABASE e{number:03} TEMPLATE e000 STRATEGY file_copy")
    names = [f"e{number:03}" for number in range(COUNT)]
    listed = "".join(f'[env.{name}]\nurl = "{_at(url, name)}"\n' for name in names)
    listed += f'[env.empty]\nurl = "{_at(url, "empty")}"\nuninitialised = "create"\n'
    (folder / "environments.toml").write_text(f'[alembic]\nconfig = "alembic.ini"\n{listed}', encoding="utf-8")
    return folder


def _at(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?")


def _engine_url(url: str) -> str:
    return url.replace("postgresql:", "postgresql+psycopg:")


def _one(url: str, runs: int) -> list[Row]:
    """One database, on connections that are open, and on new ones."""
    from architect_migrate.databases.postgresql.fingerprint import digest
    from architect_migrate.databases.postgresql.reflect import read_schema

    place = _at(url, "e000")
    engine, metadata = sa.create_engine(_engine_url(place)), sa.MetaData()
    metadata.reflect(engine)
    with _connected(place) as held:
        found = medians(
            max(runs, 5),
            {
                "SQLAlchemy's Inspector": partial(inspected, engine),
                "Alembic's compare_metadata": partial(compared, engine, metadata),
                "archmig's complete read": partial(read_schema, held),
                "archmig's digest": partial(digest, held),
                "the same on a new connection": partial(_digest_anew, place),
            },
        )
    tables = len(metadata.tables)
    engine.dispose()
    base = found["SQLAlchemy's Inspector"]
    rows = [beside(f"SQLAlchemy's Inspector, {tables} tables", base)]
    rows.append(beside("Alembic's compare_metadata", found["Alembic's compare_metadata"], "the Inspector", base))
    rows += [beside(one, found[one], "the Inspector", base) for one in ("archmig's complete read", "archmig's digest")]
    anew = "the same on a new connection"
    return [*rows, beside(f"archmig's digest, {anew}", found[anew], "the Inspector", base)]


@contextmanager
def _connected(place: str) -> Iterator[psycopg.Connection[Any]]:
    import psycopg

    with psycopg.connect(place) as held:
        yield held
        held.rollback()


def _digest_anew(place: str) -> None:
    from architect_migrate.databases.postgresql.fingerprint import digest

    with _connected(place) as held:
        digest(held)


def _many(folder: Path, url: str, runs: int) -> list[Row]:
    places = [_at(url, f"e{number:03}") for number in range(COUNT)]
    alone, loop = f"archmig status of {COUNT} databases at head", "a Python loop that reads alembic_version"
    found = medians(
        runs,
        {
            loop: partial(_stamps, places),
            alone: partial(archmig, folder, "status", *(f"e{number:03}" for number in range(COUNT))),
        },
    )
    return [beside(loop, found[loop]), beside(alone, found[alone], "the loop", found[loop])]


def _stamps(places: list[str]) -> None:
    for place in places:
        with _connected(place) as held:
            held.execute(_STAMP).fetchall()


def _start(folder: Path, url: str, runs: int) -> list[Row]:
    """The look at the start of an application whose database is as at the last look."""
    from architect_migrate import startup

    look, stamp = "startup() where nothing has changed", "a new connection that reads alembic_version"
    found = medians(
        max(runs, 5),
        {stamp: partial(_stamps, [_at(url, "e000")]), look: partial(startup, "e000", folder / "environments.toml")},
        warm=2,
    )
    return [beside(stamp, found[stamp]), within(look, found[look], 0.05)]
