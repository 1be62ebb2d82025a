"""Times things: medians of several runs, rivals in turn, so that a noisy moment hits all of them."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line of the table: `ratio` is how many times as long it takes as `against` (whose own is empty)."""

    what: str
    seconds: float
    against: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None


def once(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(runs: int, works: Mapping[str, Callable[[], object]], warm: int = 1) -> dict[str, float]:
    """The median seconds of each, after `warm` runs that do not count, one after the other in every round."""
    for _ in range(warm):
        for work in works.values():
            work()
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            found[name].append(once(work))
    return {name: statistics.median(times) for name, times in found.items()}


def process(*command: str | Path, cwd: Path, expected: int = 0, extra: Mapping[str, str] | None = None) -> None:
    """Run a command to its end; raises with what it said where it ends otherwise than expected."""
    environ = {**os.environ, **(extra or {})}
    done = subprocess.run(
        [str(one) for one in command], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode != expected:
        said = f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{said}")


def at_most(what: str, seconds: float, against: str, base: float, limit: float) -> Row:
    """A row whose target is to take at most `limit` times as long as something else."""
    ratio = seconds / base
    return Row(what, seconds, against, ratio, f"<= {limit:g} x", ratio <= limit)


def faster(what: str, seconds: float, against: str, base: float, factor: float) -> Row:
    """A row whose target is to be `factor` times as fast as something else."""
    ratio = seconds / base
    return Row(what, seconds, against, ratio, f"<= 1/{factor:g}", ratio <= 1 / factor)


def within(what: str, seconds: float, limit: float) -> Row:
    """A row whose target is a number of seconds."""
    return Row(what, seconds, target=f"< {limit:g} s", met=seconds < limit)


def beside(what: str, seconds: float, against: str = "", base: float | None = None) -> Row:
    """A row without a target, for comparison."""
    return Row(what, seconds, against, seconds / base if base else None)


def table(title: str, rows: list[Row]) -> str:
    """The rows as text, ratios first."""
    lines = [title, f"  {'ratio':>8}  {'median':>10}  {'target':>8}      what"]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.3g} x"
        met = {None: "", True: "ok", False: "MISS"}[row.met]
        what = row.what + (f"  (against {row.against})" if row.against else "")
        lines.append(f"  {ratio:>8}  {_shown(row.seconds):>10}  {row.target:>8} {met:4} {what}")
    return "\n".join(lines)


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
