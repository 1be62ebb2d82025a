"""Several runs at once on one database, beside a reader and a writer of the application: right at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.context import context_for
from architect_migrate.config.loader import read_project
from architect_migrate.revisions.replay import cache_folder
from architect_migrate.runs.reconcile import preview
from support.paths import PROJECT
from support.scenarios import ask, script
from torture.application import reader, writer
from torture.cases import drifted_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRITTEN = "CREATE TABLE app_log (id INTEGER PRIMARY KEY, at TEXT)"


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def crowd(folder: Path, runs: int, mode: str = "WAL") -> Iterator[str]:
    """A line that tells how they ended; raises AssertionError where anything is wrong at the end."""
    folder.mkdir(parents=True)
    drifted_shop(folder)
    # Replay and trial are remembered, so that the runs come to the database at the same time.
    project = read_project(folder / "environments.toml", {})
    preview(context_for(project, project.environments[0], cache_folder(os.environ)))
    script(folder / "it.db", f"PRAGMA journal_mode = {mode}", _WRITTEN)
    ended, wrote, errors = _together(folder, runs)
    assert errors == [], errors
    for one in ended:
        assert one.code in {0, 2}, one
        assert one.code == 0 or "unexpected" not in one.err, one
        assert "Traceback" not in one.err, one
    again = _ended(_started(folder))
    assert again.code == 0, again
    assert "nothing" in again.out, again
    assert ask(folder / "it.db", "SELECT version_num FROM alembic_version") == [("006_grown",)]
    assert ask(folder / "it.db", "PRAGMA integrity_check") == [("ok",)]
    assert ask(folder / "it.db", "SELECT count(*) FROM app_log") == [(wrote,)]
    done, refused = (sum(item.code == code for item in ended) for code in (0, 2))
    assert done
    yield f"{runs} runs at once, {mode}: {done} done, {refused} refused; {wrote} rows of the application, no error"


def _together(folder: Path, runs: int) -> tuple[list[Ended], int, list[str]]:
    """How the runs ended, how many rows the application wrote meanwhile, and what it complained of."""
    context = get_context("spawn")
    stop, queue = context.Event(), context.Queue()
    application = [context.Process(target=one, args=(folder / "it.db", stop, queue)) for one in (reader, writer)]
    for item in application:
        item.start()
    started = [_started(folder) for _ in range(runs)]
    ended = [_ended(one) for one in started]
    stop.set()
    told = [queue.get(timeout=60) for _ in application]
    for item in application:
        item.join()
    queue.close()
    queue.join_thread()
    return ended, sum(count for count, _ in told), [error for _, error in told if error]


def matrix_crowd(folder: Path, runs: int) -> Iterator[str]:
    """The same of the demo's matrix: all of its databases are home when everybody has gone."""
    program = str(Path(sys.executable).with_name("archmig"))
    subprocess.run([program, "demo", str(folder)], cwd=PROJECT, check=True, capture_output=True)
    words = ("reconcile", "--all", "--yes")
    ended = [_ended(one) for one in [_started(folder, *words, "--jobs", str(1 + at % 2)) for at in range(runs)]]
    for item in ended:
        assert item.code in {0, 2}, item
        assert "unexpected" not in item.err, item
        assert "Traceback" not in item.err, item
    again = _ended(_started(folder, *words))
    assert again.code == 0, again
    assert " done " not in again.out, again
    done, refused = (sum(one.code == code for one in ended) for code in (0, 2))
    yield f"{runs} runs at once on the demo's 12 environments: {done} without a refusal, {refused} with; all are home"


def _started(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("archmig")), *(words or ("reconcile", "-e", "it", "--yes"))]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )


def _ended(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out, err)
