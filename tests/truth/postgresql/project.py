"""An Alembic project on disk whose databases are PostgreSQL's, with the ways in which env.py files are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truth.chain import write_chain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truth.chain import Chain

_URL = "driver://user:pass@localhost/dbname"
_PLAIN = """from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config


def run_migrations_online():
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}), prefix="sqlalchemy.", poolclass=pool.NullPool
    )
    with connectable.connect() as connection:
        context.configure(connection=connection, target_metadata=None%s)
        with context.begin_transaction():
            context.run_migrations()


run_migrations_online()
"""
_ASYNC = """import asyncio

from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import async_engine_from_config

config = context.config


def do_run_migrations(connection):
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()


async def run_async_migrations():
    connectable = async_engine_from_config(
        config.get_section(config.config_ini_section, {}), prefix="sqlalchemy.", poolclass=pool.NullPool
    )
    async with connectable.connect() as connection:
        await connection.run_sync(do_run_migrations)
    await connectable.dispose()


asyncio.run(run_async_migrations())
"""
_TEXTS = {
    "Alembic's template": _PLAIN % "",
    "a transaction for each revision": _PLAIN % ", transaction_per_migration=True",
    "Alembic's asynchronous template": _ASYNC,
}
ENVS = tuple(_TEXTS)


def write(chain: Chain, folder: Path) -> Path:
    """The project on disk; the answer is its alembic.ini."""
    url = _URL.replace("driver", "postgresql+asyncpg" if "asynchronous" in chain.env else "postgresql+psycopg")
    return write_chain(chain, folder, url, _TEXTS[chain.env])


def write_environments(folder: Path, urls: Mapping[str, str]) -> None:
    lines = ['[alembic]\nconfig = "alembic.ini"\n']
    lines += [f'[env.{name}]\nurl = "{url}"\n' for name, url in urls.items()]
    (folder / "environments.toml").write_text("\n".join(lines))
