"""Runs single revisions of the chain on a SQLite file, without env.py: the tests' way to stop between two of them."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.script import Script

ALEMBIC = PROJECT / "alembic"


@cache
def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(ALEMBIC))


@cache
def revisions() -> tuple[Script, ...]:
    """The chain, base first."""
    return tuple(reversed(list(scripts().walk_revisions())))


@contextmanager
def operations(database: Path) -> Iterator[sa.Connection]:
    """A connection on which the functions of a revision can be called; foreign keys are enforced."""
    engine = sa.create_engine(f"sqlite:///{database}", isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        connection.exec_driver_sql("PRAGMA journal_mode = MEMORY")
        with Operations.context(MigrationContext.configure(connection)):
            yield connection


def upgrade_to_head(database: Path) -> Path:
    database.write_bytes(_head())
    return database


@cache
def _head() -> bytes:
    """The file of a database at head. Why cached: to make it takes two seconds, and several modules read one."""
    with TemporaryDirectory() as folder:
        database = Path(folder, "head.db")
        with operations(database):
            for revision in revisions():
                revision.module.upgrade()
        return database.read_bytes()
