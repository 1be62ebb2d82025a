"""`make bench`: archmig beside what a user would do instead, in one run on one machine. See README.md here."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
import time
from compileall import compile_dir
from functools import partial
from pathlib import Path

import part_chain
import part_create
import part_large
import part_noop
import part_postgresql
import part_schema
from scene import PROJECT
from timing import Row, table

PARTS = {
    "noop": ("100 environments at head, nothing to do (whole processes)", part_noop.run),
    "schema": ("One schema of 105 tables (in one process), and 100 judged in full (whole processes)", part_schema.run),
    "create": ("From zero bytes to head, 24 databases (whole processes)", part_create.run),
    "postgresql": ("PostgreSQL: one schema, and 100 databases (in one process; status whole)", part_postgresql.run),
    "chain": ("A long chain, many environments, processes (whole processes)", part_chain.run),
}
LARGE = "large"


def main() -> int:
    options = _options()
    scratch = Path(tempfile.mkdtemp(prefix="archmig-bench-", dir=options.scratch))
    os.environ["ARCHMIG_CACHE"] = str(scratch / "cache")
    # Why: pip compiles what it installs, and where the environment forbids byte code nothing else would.
    compile_dir(PROJECT / "architect_migrate", quiet=2)
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores, {_load()}")
    missed = 0
    try:
        for name in options.part or [*PARTS, LARGE]:
            began = time.perf_counter()
            title, rows = _measured(name, scratch, options)
            seconds = time.perf_counter() - began
            print(f"\n{table(title, rows)}\n  [{seconds:.0f} s, {_load()}]", flush=True)
            missed += sum(row.met is False for row in rows)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"\n{missed} targets missed" if missed else "\nevery target met")
    return 1 if missed and options.strict else 0


def _measured(name: str, scratch: Path, options: argparse.Namespace) -> tuple[str, list[Row]]:
    if name == LARGE:
        return "A column added to a large table (run once)", part_large.run(scratch, options.large)
    title, part = PARTS[name]
    return title, partial(part, scratch, options.runs)()


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument("--part", action="append", choices=[*PARTS, LARGE], help="only this one; repeatable")
    parser.add_argument("--runs", type=int, default=5, help="runs that a median is taken of (default 5)")
    parser.add_argument("--large", type=int, default=10_000_000, metavar="ROWS", help="rows of the large table")
    parser.add_argument("--scratch", help="a folder on the disk to measure (default: the system's for temporary files)")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a target is missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
