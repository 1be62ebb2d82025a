"""From zero bytes to head, 24 databases in one run, and that it gives what the revisions themselves make."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from rivals import (
    alembic_loop,
    dbmate,
    dbmate_loop,
    dbmate_migrations,
    raw_sql,
    sqlite_loop,
    stock_alembic,
)
from scene import archmig, databases, emptied, environments
from timing import Row, beside, once, within

from architect_migrate.databases.sqlite.fingerprint import digest
from architect_migrate.databases.sqlite.rows.exact import exact, own_key, row_tables, select

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNT = 24
RAW = "sqlite3, the whole chain in one transaction each"


def run(scratch: Path, runs: int) -> list[Row]:
    folder = environments(scratch / "create", COUNT)
    works: dict[str, Callable[[], object]] = {
        "archmig upgrade --all --yes": partial(archmig, folder, "upgrade", "--all", "--yes"),
        "archmig reconcile --all --yes": partial(archmig, folder, "reconcile", "--all", "--yes"),
    }
    if shutil.which("sqlite3"):
        works[RAW] = partial(sqlite_loop, folder, raw_sql(scratch))
    if binary := dbmate(scratch):
        works["a loop of dbmate"] = partial(dbmate_loop, folder, binary, dbmate_migrations(scratch))
    found = _medians(folder, works, runs)
    stock_alembic(folder, COUNT)
    emptied(folder, COUNT)
    found["a loop of alembic, run once"] = once(partial(alembic_loop, folder))
    by_revisions = _contents(databases(folder, 1)[0])
    emptied(folder, COUNT)
    archmig(folder, "upgrade", "--all", "--yes")
    same = all(_contents(database) == by_revisions for database in databases(folder, COUNT))
    fastest = found["archmig upgrade --all --yes"]
    rows = [within(one, found[one], 3) for one in found if one.startswith("archmig")]
    rows += [beside(one, found[one], "archmig upgrade", fastest) for one in found if not one.startswith("archmig")]
    said = f"{COUNT} databases: schema digest and every row of {len(by_revisions[1])} tables as the revisions make them"
    return [*rows, Row(said, 0, target="equal", met=same)]


def _medians(folder: Path, works: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """As `timing.medians`, with new empty files before each, which does not count."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in range(runs + 1):
        for name, work in works.items():
            emptied(folder, COUNT)
            seconds = once(work)
            if number:
                found[name].append(seconds)
            time.sleep(0.05)
    return {name: sorted(times)[len(times) // 2] for name, times in found.items()}


def _contents(path: Path) -> tuple[str, dict[str, list[Any]]]:
    """The digest of the schema and every row with its key; a moment of today counts as any other of today."""
    today = datetime.now(UTC).date().isoformat()
    with closing(sqlite3.connect(path)) as connection, exact(connection):
        rows = {
            name: [
                tuple("today" if isinstance(value, str) and value.startswith(today) else value for value in row)
                for row in connection.execute(select(one, own_key(one), one.columns, "utf-8"))
            ]
            for name, one in row_tables(connection).items()
        }
        return digest(connection, ["alembic_version"]), rows
