"""A hundred environments at head: looking at them, and an upgrade that has nothing to do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rivals import alembic_loop, dbmate, dbmate_loop, dbmate_migrations, python_loop, stock_alembic
from scene import archmig, at_head, databases, emptied, environments
from timing import Row, at_most, beside, faster, medians, once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNT = 100
LOOP = "a Python loop that reads alembic_version"


def run(scratch: Path, runs: int) -> list[Row]:
    folder = at_head(scratch / "noop", COUNT)
    works: dict[str, Callable[[], object]] = {
        LOOP: partial(python_loop, folder),
        "archmig status": partial(archmig, folder, "status"),
        "archmig check": partial(archmig, folder, "check"),
        "archmig upgrade --all --yes": partial(archmig, folder, "upgrade", "--all", "--yes"),
        "archmig reconcile --all --yes": partial(archmig, folder, "reconcile", "--all", "--yes"),
    }
    loop = _dbmate_at_head(scratch)
    if loop:
        works["a loop of dbmate"] = loop
    found = medians(runs, works)
    stock_alembic(folder, COUNT)
    found["a loop of alembic, run once"] = once(partial(alembic_loop, folder))
    return _rows(found)


def _dbmate_at_head(scratch: Path) -> Callable[[], object] | None:
    binary = dbmate(scratch)
    if binary is None:
        return None
    folder = environments(scratch / "noop-dbmate", COUNT)
    emptied(folder, COUNT)
    loop = partial(dbmate_loop, folder, binary, dbmate_migrations(scratch))
    loop()
    assert all(database.stat().st_size for database in databases(folder, COUNT))
    return loop


def _rows(found: dict[str, float]) -> list[Row]:
    base = found[LOOP]
    rows = [beside(LOOP, base)]
    for name in [one for one in found if one.startswith("archmig")]:
        rows.append(at_most(name, found[name], "the Python loop", base, 3))
        rows.append(faster(name, found[name], "a loop of alembic", found["a loop of alembic, run once"], 100))
        if "a loop of dbmate" in found:
            rows.append(faster(name, found[name], "a loop of dbmate", found["a loop of dbmate"], 4))
    rows += [beside(one, found[one], LOOP, base) for one in found if one.startswith("a loop")]
    if "a loop of dbmate" not in found:
        rows.append(beside("a loop of dbmate: not measured, no npm", 0))
    return rows
