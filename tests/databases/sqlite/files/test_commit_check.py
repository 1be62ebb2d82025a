"""A commit that SQLite calls failed: what archmig says of it is what the file holds, never what was hoped for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.core.database_errors import CommitFailedError, DatabaseError
from architect_migrate.databases.sqlite import connection as database
from architect_migrate.databases.sqlite.files import commit_check, overwrite
from support.cli import archmig, ask, build, execute
from support.plain_alembic import alembic

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    Commit = Callable[[Any, Path], None]

UNSURE = "either the whole run is there or none of it: check the disk, then run `archmig status` to see which"
NOTHING = "home.db: disk I/O error; nothing was changed: free some space or check the disk, then run it again"
ALL = "home.db: disk I/O error at the commit, but the whole run is there when read again: check the disk"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where home is one revision behind."""
    build(tmp_path)
    (tmp_path / "home.db").write_bytes((tmp_path / "behind.db").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def failing(statement: str) -> Commit:
    """A commit that does something and then says that it failed."""

    def commit(connection: Any, path: Path) -> None:
        connection.execute(statement)
        raise CommitFailedError(str(path), "disk I/O error")

    return commit


def unreadable(*_: object) -> AbstractContextManager[sqlite3.Connection]:
    raise DatabaseError("home.db", "unable to open database file", "nothing was written")


def version(place: Path) -> object:
    return ask(place / "home.db", "SELECT version_num FROM alembic_version")[0][0]


def last_entry(name: str = "home") -> str:
    return archmig("log", "-e", name).out.splitlines()[1]


def test_a_failed_commit_of_which_all_is_there_is_done_with_a_warning(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_commit", failing("COMMIT"))
    done = archmig("upgrade", "-e", "home", "--yes")
    assert (done.code, version(place)) == (0, "003_due")
    assert f"{place}/{ALL}" in done.err
    monkeypatch.undo()
    monkeypatch.chdir(place)
    # Nobody is accused of having changed it since.
    assert archmig("status", "-e", "home").err == ""


def test_a_failed_commit_of_which_nothing_is_there_says_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (place / "home.db").read_bytes()
    monkeypatch.setattr(database, "_commit", failing("ROLLBACK"))
    done = archmig("upgrade", "-e", "home", "--yes")
    assert (done.code, f"{place}/{NOTHING}" in done.err) == (2, True)
    assert (place / "home.db").read_bytes() == before


def test_where_nobody_can_tell_it_says_that(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_commit", failing("COMMIT"))
    monkeypatch.setattr(commit_check, "reading", unreadable)
    done = archmig("upgrade", "-e", "home", "--yes")
    assert done.code == 2
    assert UNSURE in done.err
    assert "nothing was changed" not in done.err


def test_a_repair_that_leaves_the_stamp_alone_is_told_by_its_rows_and_tables(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(place / "home.db", "DROP INDEX ix_tags_name")
    for statement, code in (("ROLLBACK", 2), ("COMMIT", 0)):
        monkeypatch.setattr(database, "_commit", failing(statement))
        done = archmig("reconcile", "002_tags", "-e", "home", "--yes")
        assert done.code == code, done.err
        assert (NOTHING in done.err, ALL in done.err) == (code == 2, code == 0), done.err


@pytest.mark.parametrize(("statement", "code"), [("ROLLBACK", 2), ("COMMIT", 0)])
def test_of_what_is_built_from_nothing_the_stamp_tells(
    place: Path, monkeypatch: pytest.MonkeyPatch, statement: str, code: int
) -> None:
    toml = place / "environments.toml"
    toml.write_text(toml.read_text().replace('uninitialised = "skip"', 'uninitialised = "create"'))
    monkeypatch.setattr(database, "_commit", failing(statement))
    done = archmig("upgrade", "-e", "gone", "--yes")
    assert done.code == code, done.err
    # What was made for a run of which nothing came is gone again.
    assert (place / "gone.db").exists() == (code == 0)


def test_what_is_committed_and_cannot_be_read_back_is_not_said_to_be_as_it_was(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = iter((unreadable,))

    def reading(*words: Any) -> Any:
        return next(once, database.reading)(*words)

    monkeypatch.setattr(commit_check, "reading", reading)
    done = archmig("upgrade", "-e", "home", "--yes")
    assert done.code == 2
    said = "the run is committed, but could not be read back: unable to open database file; correct that, then"
    assert f"{place}/home.db: {said} check with `archmig status`" in done.err
    assert (version(place), " failed " in last_entry()) == ("003_due", True)
    assert archmig("status", "-e", "home").err == ""


@pytest.mark.parametrize(
    ("statement", "version_", "said"), [("COMMIT", "003_due", ALL), ("ROLLBACK", "002_tags", NOTHING)]
)
def test_plain_alembic_says_the_same(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    statement: str,
    version_: str,
    said: str,
) -> None:
    monkeypatch.setattr(database, "_commit", failing(statement))
    done = alembic("-x", "env=home", "upgrade", "head", ini=place / "alembic.ini")
    assert version(place) == version_
    assert (done.code == 0, said in done.out + caplog.text) == (version_ == "003_due", True)


@pytest.fixture
def restored(place: Path) -> Path:
    """The same with a backup that the database has left behind."""
    assert archmig("backup", "create", "-e", "home").code == 0
    execute(place / "home.db", "DELETE FROM notes")
    return place


@pytest.mark.parametrize(("comes", "code", "rows"), [(True, 0, 2), (False, 2, 0)])
def test_a_restore_that_fails_at_its_commit_says_which_content_is_there(
    restored: Path, monkeypatch: pytest.MonkeyPatch, comes: bool, code: int, rows: int
) -> None:
    def overwritten(
        held: overwrite.HeldDatabase, source: sqlite3.Connection, _then: object, timeout: float, _from_here: object
    ) -> None:
        if comes:
            overwrite.overwrite(source, held, timeout)
        raise CommitFailedError(str(held.path), "disk I/O error")

    monkeypatch.setattr(overwrite.HeldDatabase, "overwrite", overwritten)
    done = archmig("backup", "restore", "-e", "home", "--yes")
    assert done.code == code, done.err
    assert (ALL if comes else NOTHING) in done.err
    assert ask(restored / "home.db", "SELECT count(*) FROM notes") == [(rows,)]
    monkeypatch.undo()
    monkeypatch.chdir(restored)
    # What was undone in spite of the error can be undone itself; of what was not, no run is seen.
    back = archmig("undo", "-e", "home", "--yes")
    assert ("nothing" in back.out.lower()) != comes, back.out
