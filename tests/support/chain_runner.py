"""Runs single revisions of the chain on a SQLite file, without env.py: the tests' way to stop between two of them."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
        with Operations.context(MigrationContext.configure(connection)):
            yield connection


def upgrade_to_head(database: Path) -> Path:
    with operations(database):
        for revision in revisions():
            revision.module.upgrade()
    return database
