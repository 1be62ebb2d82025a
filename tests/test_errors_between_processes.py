"""An error of one worker reaches the command whole: with `--jobs` it travels from process to process."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from cli_support import archmig, build

from architect_migrate.chain_errors import NotProvenError, RevisionLosesError, UnknownRevisionError
from architect_migrate.database_errors import (
    DamagedError,
    DatabaseMissingError,
    Holder,
    LockedByRunError,
    NotADatabaseError,
    NotWritableError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.errors import ArchmigError

ERRORS: tuple[ArchmigError, ...] = (
    NotADatabaseError("a.db"),
    DatabaseMissingError("a.db"),
    DamagedError("a.db", "row 1 missing"),
    NotWritableError("a.db", "read-only"),
    LockedByRunError("a.db", 5.0, Holder("since", "12", "user", "host", "command")),
    RevisionLosesError("001", ("trigger t",), "why"),
    UnknownRevisionError("x", (), ("001",)),
    NotProvenError(("a problem",), 3),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda it: type(it).__name__)
def test_an_error_is_the_same_after_a_journey(error: ArchmigError) -> None:
    there = pickle.loads(pickle.dumps(error))
    assert (type(there), str(there), there.__dict__) == (type(error), str(error), error.__dict__)


def test_one_unreadable_database_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(build(tmp_path))
    (tmp_path / "behind.db").write_bytes(b"no database " * 100)
    done = archmig("status", "-e", "home", "-e", "behind", "--jobs", "2")
    assert (done.code, "home         003 (head)" in done.out) == (2, True)
    assert "behind.db: not an SQLite database" in done.err
