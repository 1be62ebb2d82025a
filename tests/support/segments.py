"""Chains for runs in segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.cli import archmig
from support.postgresql import written

if TYPE_CHECKING:
    from pathlib import Path


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
    written(folder, {f"r{number}": body for number, body in enumerate(bodies, 1)})
