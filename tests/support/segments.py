"""Chains for runs in segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.cli import archmig
from support.postgresql import connected

if TYPE_CHECKING:
    from pathlib import Path

ENV = """from alembic import context
import sqlalchemy as sa

engine = sa.engine_from_config(context.config.get_section("alembic"), prefix="sqlalchemy.", poolclass=sa.pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

A1 = """def upgrade():
    op.execute("CREATE TYPE mood AS ENUM ('sad')")
    op.execute("CREATE TABLE t (id int PRIMARY KEY, m mood, note text)")
"""
ROWS = "INSERT INTO t SELECT i, 'sad', 'n' || i FROM generate_series(1, 3) i"


def upgraded() -> tuple[int, str]:
    """The exit code of an upgrade, and what it says."""
    done = archmig("upgrade", "-e", "app", "--yes")
    return done.code, done.err + done.out


def chain_of(folder: Path, *bodies: str) -> None:
    """Write a chain of the revisions r1, r2, ..., whose files have these functions."""
    versions = folder / "chain" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (folder / "chain" / "env.py").write_text(ENV)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/chain\nsqlalchemy.url = driver://x/y\n")
    before = None
    for number, body in enumerate(bodies, 1):
        ids = f'revision = "r{number}"\ndown_revision = {before!r}\n'
        (versions / f"r{number}.py").write_text(f"import sqlalchemy as sa\nfrom alembic import op\n\n{ids}\n\n{body}")
        before = f"r{number}"


def rows_of(database: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements one by one; return the rows of the last."""
    rows: list[tuple[object, ...]] = []
    with connected(database) as connection:
        for statement in statements:
            found = connection.execute(statement)
            rows = found.fetchall() if found.description else []
    return rows
