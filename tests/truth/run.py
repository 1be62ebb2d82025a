"""`make truth`: random chains, random histories, and every word of archmig held against plain Alembic."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import count
from typing import TYPE_CHECKING

from truth.histories import KINDS
from truth.shrink import shrunk
from truth.table import table
from truth.trial import Asked, Tried, try_chain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(arguments: Sequence[str]) -> int:
    asked = _asked(arguments)
    if asked.only:
        chain, database = asked.only.split(":")[1].split(".")
        seed = int(asked.only.split(":")[0])
        one = Asked(seed, int(chain), (int(database),), asked.rows, asked.keep, asked.history)
        results = [shrunk(one, asked.shrink) if asked.shrink else try_chain(one)]
    else:
        _say(f"truth for {asked.minutes} minutes in {asked.jobs} processes, seed {asked.seed}")
        results = _tried(asked)
    _say(table(results, examples=asked.examples))
    return int(any(result.found for result in results))


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make truth", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for chains to begin (10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="at the same time (2)")
    parser.add_argument("--databases", type=int, default=40, help="of each chain (40)")
    parser.add_argument("--rows", action="store_true", help="revisions write rows too")
    parser.add_argument("--history", default="", choices=["", *KINDS], help="of this kind alone")
    parser.add_argument("--keep", default="", metavar="DIR", help="a folder there for each case with a finding")
    parser.add_argument("--only", default="", metavar="SEED:CHAIN.DATABASE", help="one case again")
    parser.add_argument("--shrink", default="", metavar="KIND", help="with --only: the smallest case that has it")
    parser.add_argument("--examples", type=int, default=2, help="shown of each kind (2)")
    return parser.parse_args(arguments)


def _tried(asked: argparse.Namespace) -> list[Tried]:
    """Chain after chain until the time is up; each process gets the next one when it is free."""
    end = time.monotonic() + asked.minutes * 60
    results: list[Tried] = []
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.jobs, mp_context=spawned, max_tasks_per_child=20) as pool:
        wanted = _chains(asked)
        running = {pool.submit(try_chain, next(wanted)) for _ in range(asked.jobs)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            results += [future.result() for future in done]
            databases, found = (sum(len(getattr(one, part)) for one in results) for part in ("cases", "found"))
            sys.stderr.write(f"{len(results)} chains, {databases} databases, {found} false words so far\n")
            if time.monotonic() < end:
                running |= {pool.submit(try_chain, next(wanted)) for _ in done}
    return results


def _chains(asked: argparse.Namespace) -> Iterator[Asked]:
    for number in count():
        yield Asked(asked.seed, number, tuple(range(asked.databases)), asked.rows, asked.keep, asked.history)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
