"""Plain Alembic on PostgreSQL databases: whole upgrades, those that stop between two statements, and single steps."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from psycopg import ClientCursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alembic.script import ScriptDirectory

    from truth.chain import Op, Revision
    from truth.postgresql.cluster import Cluster, Raw

_READS = re.compile(r"\s*(SELECT(?!.*setval)|SHOW|COMMIT|SAVEPOINT|RELEASE|ROLLBACK)", re.IGNORECASE | re.DOTALL)
_ROWS = re.compile(r"\s*(INSERT|UPDATE|DELETE|TRUNCATE|DO|WITH|SELECT setval)\b", re.IGNORECASE)


# What every data step of a generated chain has.
DATA_STEP = "WHERE NOT EXISTS (SELECT 1 FROM"


class Stopped(Exception):
    """The process ends between two statements."""


@dataclass(slots=True)
class Run:
    """The writing statements of an upgrade; `of_rows` are those that write rows of the application.

    Data steps are left out: they may run twice, and archmig says nothing of whether they ran.
    """

    statements: list[str] = field(default_factory=list)

    @property
    def of_rows(self) -> list[str]:
        others = ("alembic_version", DATA_STEP)
        return [text for text in self.statements if _ROWS.match(text) and not any(word in text for word in others)]


def upgrade(cluster: Cluster, name: str, script: ScriptDirectory, to: str) -> None:
    """`alembic upgrade to` with a transaction for each revision. Raises what Alembic raises."""
    with cluster.alchemy(name) as connection, _quiet():
        context = _context(connection, script, to, transaction_per_migration=True)
        with context.begin_transaction(), Operations.context(context):
            context.run_migrations()


def downgrade(cluster: Cluster, name: str, script: ScriptDirectory, to: str) -> None:
    """`alembic downgrade to` with a transaction for each revision. Raises what Alembic raises."""
    with cluster.alchemy(name) as connection, _quiet():
        options: dict[str, Any] = {"fn": lambda heads, _: script._downgrade_revs(to, heads)}
        context = MigrationContext.configure(connection, opts={**options, "transaction_per_migration": True})
        with context.begin_transaction(), Operations.context(context):
            context.run_migrations()


def upgrade_until(cluster: Cluster, name: str, script: ScriptDirectory, to: str, stop: int = 0) -> Run:
    """An upgrade of which each statement is committed, and that stops after so many (0: never).

    What a transaction with commits in it can leave, and `alembic upgrade --sql` run by a client, is one of these.
    """
    run = Run()
    with cluster.alchemy(name, isolation_level="AUTOCOMMIT") as connection, _quiet():

        @sa.event.listens_for(connection, "after_cursor_execute")
        def _told(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            if not _READS.match(statement):
                run.statements.append(statement)
                if len(run.statements) == stop:
                    raise Stopped

        context = _context(connection, script, to)
        context.autocommit_block = nullcontext  # type: ignore[method-assign, assignment]
        with Operations.context(context):
            try:
                context.run_migrations()
            except Stopped:
                return run
    return run


def _context(connection: sa.Connection, script: ScriptDirectory, to: str, **options: Any) -> MigrationContext:
    found = {"fn": lambda heads, _: script._upgrade_revs(to, heads), **options}
    return MigrationContext.configure(connection, opts=found)


@contextmanager
def trying(raw: Raw) -> Iterator[Callable[[Op | Revision], list[str]]]:
    """A function that runs a step in the transaction of a connection, and says which statements it wrote.

    What cannot run in a transaction runs as its like that can.
    """
    engine = sa.create_engine(
        "postgresql+psycopg://", creator=lambda: raw, poolclass=sa.pool.StaticPool, pool_reset_on_return=None
    )
    told: list[str] = []

    def rewritten(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> Any:
        inside = statement.replace("CONCURRENTLY ", "")
        if inside.strip().upper() == "COMMIT":
            inside = "SELECT 1"
        elif not _READS.match(statement):
            told.append(ClientCursor(raw).mogrify(statement, parameters or None))
        return inside, parameters

    connection = engine.connect()
    sa.event.listen(connection, "before_cursor_execute", rewritten, retval=True)

    def run(step: Op | Revision) -> list[str]:
        told.clear()
        context = MigrationContext.configure(connection)
        context.autocommit_block = nullcontext  # type: ignore[method-assign, assignment]
        with Operations.context(context), _quiet():
            _upgrade_of(step)()
        return list(told)

    yield run
    # Not closed, which would roll back; the connection is the caller's.
    engine.dispose(close=False)


def _upgrade_of(step: Op | Revision) -> Callable[[], None]:
    from truth.chain import Op, Revision

    revision = Revision("tried", (), (step,)) if isinstance(step, Op) else step
    module: dict[str, object] = {}
    exec(compile(revision.module, revision.id, "exec"), module)  # the harness wrote it itself
    found = module["upgrade"]
    assert callable(found)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


ERRORS = (psycopg.Error, sa.exc.SQLAlchemyError)
