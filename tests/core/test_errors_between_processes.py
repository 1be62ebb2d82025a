"""An error of one worker reaches the command whole: with `--jobs` it travels from process to process."""

from __future__ import annotations

import os
import pickle
import signal
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.core.chain_errors import NotProvenError, RevisionLosesError, UnknownRevisionError
from architect_migrate.core.database_errors import (
    BackupFolderError,
    DamagedError,
    DatabaseMissingError,
    Holder,
    LockedByRunError,
    NotADatabaseError,
    NotWritableError,
)
from architect_migrate.core.errors import WorkerDiedError
from architect_migrate.runs.fan_out import attempts
from support.cli import archmig, build

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.core.errors import ArchmigError

ERRORS: tuple[ArchmigError, ...] = (
    NotADatabaseError("a.db"),
    DatabaseMissingError("a.db"),
    DamagedError("a.db", "row 1 missing"),
    NotWritableError("a.db", "read-only"),
    BackupFolderError("backups", "cannot be read"),
    LockedByRunError("a.db", 5.0, Holder("since", "12", "user", "host", "command")),
    RevisionLosesError("001", ("trigger t",), "why"),
    UnknownRevisionError("x", (), ("001",)),
    NotProvenError(("a problem",), 3),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: type(one).__name__)
def test_an_error_is_the_same_after_a_journey(error: ArchmigError) -> None:
    there = pickle.loads(pickle.dumps(error))
    assert (type(there), str(there), there.__dict__) == (type(error), str(error), error.__dict__)


def test_one_unreadable_database_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(build(tmp_path))
    (tmp_path / "behind.db").write_bytes(b"no database " * 100)
    done = archmig("status", "-e", "home", "-e", "behind", "--jobs", "2")
    assert (done.code, "home         up to date" in done.out) == (2, True)
    assert "behind.db: not an SQLite database" in done.err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_debug_shows_where_the_error_of_an_environment_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    monkeypatch.chdir(build(tmp_path))
    (tmp_path / "behind.db").write_bytes(b"no database " * 100)
    words = ("status", "-e", "home", "-e", "behind", "--jobs", jobs)
    assert "Traceback" not in archmig(*words).err
    shown = archmig(*words, "--debug").err
    assert "in translated" in shown
    assert "raise NotADatabaseError" in shown


def ended(dying: str, kept: str, context: Any) -> str:
    """A service: what it is given the name of; one kills its process, one is at work until then."""
    name: str = context.environment.name
    if name == dying:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    if name == kept:
        time.sleep(30)
    return name


@pytest.mark.parametrize("at", range(6))
def test_a_worker_that_dies_takes_with_it_what_was_worked_on_and_nothing_else(at: int) -> None:
    names = [f"env{number}" for number in range(6)]
    beside = f"env{at + 1 if at % 2 == 0 else at - 1}"
    contexts: list[Any] = [SimpleNamespace(environment=SimpleNamespace(name=name)) for name in names]
    found = dict(zip(names, attempts(contexts, partial(ended, f"env{at}", beside), 2), strict=True))
    lost = {name for name, one in found.items() if isinstance(one, WorkerDiedError)}
    assert lost == {f"env{at}", beside}
    assert [one for name, one in found.items() if name not in lost] == [name for name in names if name not in lost]
    assert str(found[f"env{at}"]).startswith(f"env{at}: a process of --jobs was killed")
