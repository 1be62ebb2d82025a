"""`make torture`: thousands of kills and faults for so many minutes, then a table of what was counted.

Every stage gets its turn again and again, so that whatever the time, all have had their share.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from torture.befall import CALLS, calls, can_mount, fail_call, fill, first, kill_after, kill_at, limit, points, weight
from torture.cases import DEMO, MODES, SHOP, Case, stage
from torture.client import COMPILER, serving
from torture.crowd import crowd, matrix_crowd
from torture.large import large
from torture.tally import Tally, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torture.cases import TrialEnvironment

_TURN = 4.0
Row = tuple[str, str, str]


@dataclass(slots=True)
class Counted:
    """The rows of the table; workers add to them at the same time."""

    rows: dict[Row, Tally] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, on: TrialEnvironment, what: str) -> Tally:
        with self.lock:
            return self.rows.setdefault((on.case.name, on.mode, what), Tally())


def main(arguments: Sequence[str]) -> int:
    asked = _asked(arguments)
    with tempfile.TemporaryDirectory(prefix="archmig-torture-") as folder:
        base = Path(folder)
        os.environ["ARCHMIG_CACHE"] = str(base / "replays")
        _say(f"torture for {asked.minutes} minutes in {asked.jobs} processes, seed {asked.seed}")
        if COMPILER is None:
            _say("no C compiler: no call can be made to fail, only kills and full disks")
        counted = Counted()
        end = time.monotonic() + asked.minutes * 60
        kinds = [(case, mode) for case in (*SHOP, *DEMO) for mode in MODES]
        shares = [kinds[number :: asked.jobs] for number in range(asked.jobs)]
        with ThreadPoolExecutor(asked.jobs) as pool:
            workers = [
                pool.submit(_torture, counted, share, base / f"worker{number}", end, random.Random(asked.seed + number))
                for number, share in enumerate(shares)
            ]
            for worker in workers:
                worker.result()
        if counted.rows:
            _say(table(counted.rows))
        wrong = _told(counted)
        for number in range(asked.crowds):
            for line in crowd(base / f"crowd{number}", 2 + number % 7, MODES[number % 2]):
                _say(line)
        if asked.crowds:
            for line in matrix_crowd(base / "matrix", 4):
                _say(line)
        if asked.rows:
            for line in large(base / "large", asked.rows):
                _say(line)
    return 1 if wrong else 0


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for the kills and faults (10)")
    parser.add_argument("--jobs", type=int, default=2, help="at the same time (2)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crowds", type=int, default=7, help="rounds of two to eight runs at once (7)")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the large database; 0 leaves it out")
    return parser.parse_args(arguments)


def _torture(counted: Counted, kinds: list[tuple[Case, str]], base: Path, end: float, chance: random.Random) -> None:
    """Give every stage its turns until the time is up."""
    with serving(base / "server") as server:
        stages = [stage(case, mode, base / str(at), server) for at, (case, mode) in enumerate(kinds)]
        turns = [_turns(counted, each, chance) for each in stages]
        for turn in cycle(turns):
            until = min(end, time.monotonic() + _TURN)
            while time.monotonic() < until:
                next(turn)()
            if time.monotonic() >= end:
                return


def _turns(counted: Counted, on: TrialEnvironment, chance: random.Random) -> Iterator[Callable[[], None]]:
    """For ever: kills at statements (each once, then again) and at random, and faults between them."""
    statements = cycle(points(on, chance))
    known = {call: calls(on, call) for call in CALLS} if COMPILER else {}
    reach = 2 * max(on.database.stat().st_size, 200_000)
    while True:
        for _ in range(6):
            yield lambda: kill_at(on, counted.at(on, "killed at a statement"), next(statements))
        for _ in range(2):
            yield lambda: kill_after(on, counted.at(on, "killed at any time"), chance.uniform(0.02, on.seconds))
        for call, number in known.items():
            if number:
                at, lasting = chance.randint(first(on, call), number), chance.random() < 0.5
                yield partial(fail_call, on, counted.at(on, f"{call} fails"), call, at, lasting=lasting)
        if can_mount():
            held = weight(on)
            size = chance.randint(held + 200, 3 * held + 3000)
            yield partial(fill, on, counted.at(on, "small tmpfs"), size)
        yield lambda: limit(on, counted.at(on, "disk full"), chance.randrange(1, reach))


def _told(counted: Counted) -> bool:
    """Say what went wrong; whether anything did."""
    for names, tally in counted.rows.items():
        for line in tally.told[:5]:
            _say(f"{', '.join(names)}: {line}")
    return any(row.wrong for row in counted.rows.values())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
