"""Plain Alembic on databases in memory: whole upgrades, and those that stop between two statements."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.pool import StaticPool

from truth.reader import opened

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from truth.chain import Revision

_READS = re.compile(r"\s*(SELECT|PRAGMA|WITH\b(?!.*\b(INSERT|UPDATE|DELETE)\b))", re.IGNORECASE | re.DOTALL)


def script_of(ini: Path) -> ScriptDirectory:
    return ScriptDirectory.from_config(Config(str(ini)))


def upgraded(script: ScriptDirectory, image: bytes, to: str) -> bytes:
    """The database after `alembic upgrade to`. Raises what Alembic raises."""
    with opened(image) as raw:
        _upgrade(script, raw, to, lambda _: None)
        return raw.serialize()


def between_statements(script: ScriptDirectory, image: bytes, to: str) -> list[bytes]:
    """What lies there after each writing statement of an upgrade, when nothing but that is known of it."""
    images: list[bytes] = []
    with opened(image) as raw:
        _upgrade(script, raw, to, lambda raw: images.append(raw.serialize()))
    return images


def run_alone(revision: Revision, raw: sqlite3.Connection) -> None:
    """Run `upgrade()` of one revision, without a stamp."""
    with _engine(raw) as connection, Operations.context(MigrationContext.configure(connection)):
        module: dict[str, object] = {}
        exec(compile(revision.module, revision.id, "exec"), module)  # the harness wrote it itself
        upgrade = module["upgrade"]
        assert callable(upgrade)
        upgrade()


def _upgrade(
    script: ScriptDirectory, raw: sqlite3.Connection, to: str, wrote: Callable[[sqlite3.Connection], None]
) -> None:
    with _engine(raw) as connection:

        @sa.event.listens_for(connection, "after_cursor_execute")
        def _told(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            if not _READS.match(statement):
                wrote(raw)

        context = MigrationContext.configure(
            connection,
            opts={"fn": lambda heads, _: script._upgrade_revs(to, heads)},
        )
        with Operations.context(context):
            context.run_migrations()


@contextmanager
def _engine(raw: sqlite3.Connection) -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool, isolation_level="AUTOCOMMIT")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy's about reflected expressions: the chain's own business
        with engine.connect() as connection:
            yield connection
