"""How a run that has nothing to do grows: with the chain, with the environments, with processes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scene import archmig, at_head, synthetic
from timing import Row, at_most, beside, medians

if TYPE_CHECKING:
    from pathlib import Path

SHORT, LONG, TABLES, ENVIRONMENTS = 49, 2000, 49, 100
COUNTS = (10, 100, 400)


def run(scratch: Path, runs: int) -> list[Row]:
    return [*_chains(scratch, runs), *_environments(scratch, runs)]


def _chains(scratch: Path, runs: int) -> list[Row]:
    """Both chains end in the same schema, so that only their lengths differ."""
    works = {}
    for revisions in (SHORT, LONG):
        ini = synthetic(scratch / f"chain-{revisions}", TABLES, revisions)
        folder = at_head(scratch / f"at-head-of-{revisions}", ENVIRONMENTS, ini)
        for command in ("status", "upgrade --all --yes"):
            works[f"archmig {command}, {revisions:,} revisions"] = partial(archmig, folder, *command.split())
    found = medians(runs, works)
    rows = []
    for command in ("status", "upgrade --all --yes"):
        short, long = (f"archmig {command}, {one:,} revisions" for one in (SHORT, LONG))
        rows.append(beside(short, found[short]))
        rows.append(at_most(long, found[long], f"{SHORT} revisions", found[short], 1.5))
    return rows


def _environments(scratch: Path, runs: int) -> list[Row]:
    """Linear: what each environment costs is the same, however many there are."""
    works = {}
    for count in COUNTS:
        folder = at_head(scratch / f"many-{count}", count)
        works[f"archmig status of {count}"] = partial(archmig, folder, "status")
    most = f"archmig status of {COUNTS[-1]} --jobs 2"
    works[most] = partial(archmig, folder, "status", "--jobs", "2")
    found = medians(runs, works)
    few, some, many = (found[f"archmig status of {one}"] for one in COUNTS)
    first, second = (some - few) / (COUNTS[1] - COUNTS[0]), (many - some) / (COUNTS[2] - COUNTS[1])
    rows = [beside(f"archmig status of {count}", found[f"archmig status of {count}"]) for count in COUNTS]
    rows.append(
        at_most(f"each environment from {COUNTS[1]} to {COUNTS[2]}", second, f"each from {COUNTS[0]}", first, 1.3)
    )
    rows.append(beside(most, found[most], "one process", many))
    return rows
