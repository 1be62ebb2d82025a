"""`make truth`: random chains, random histories, and every word of archmig held against plain Alembic."""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from truth.table import table
from truth.trial import Asked, Tried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# The kinds of databases, each with the module that tries a chain on it.
KINDS = {"sqlite": "truth.trial", "postgresql": "truth.postgresql.trial"}


def main(arguments: Sequence[str]) -> int:
    asked = _asked(arguments)
    if asked.only:
        chain, database = asked.only.split(":")[1].split(".")
        seed = int(asked.only.split(":")[0])
        one = replace(_of(asked, int(chain)), seed=seed, databases=(int(database),))
        results = [_shrunk(one, asked) if asked.shrink else _trial(asked.kind)(one)]
    else:
        _say(f"truth for {asked.minutes} minutes in {asked.jobs} processes, seed {asked.seed}")
        results = _tried(asked)
    _say(table(results, examples=asked.examples))
    return int(any(result.found for result in results))


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make truth", description=__doc__)
    parser.add_argument("--kind", default="sqlite", choices=[*KINDS], help="of databases (sqlite)")
    parser.add_argument("--version", type=int, default=0, help="of a server: 15, 18; the newest if none is given")
    parser.add_argument("--minutes", type=float, default=10.0, help="for chains to begin (10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="at the same time (2)")
    parser.add_argument("--databases", type=int, default=40, help="of each chain (40)")
    parser.add_argument("--rows", action="store_true", help="revisions write rows too")
    parser.add_argument("--history", default="", help="of this kind alone, as in the table")
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
        wanted, try_chain = _chains(asked), _trial(asked.kind)
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
        yield _of(asked, number)


def _of(asked: argparse.Namespace, chain: int) -> Asked:
    databases = tuple(range(asked.databases))
    return Asked(asked.seed, chain, databases, asked.rows, asked.keep, asked.history, asked.version)


def _shrunk(one: Asked, asked: argparse.Namespace) -> Tried:
    from truth.shrink import shrunk

    if asked.kind != "sqlite":
        raise SystemExit("only cases of SQLite can be made smaller")
    return shrunk(one, asked.shrink)


def _trial(kind: str) -> Callable[[Asked], Tried]:
    found: Callable[[Asked], Tried] = importlib.import_module(KINDS[kind]).try_chain
    return found


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
