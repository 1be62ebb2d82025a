"""One run at a time on a database, whoever was killed before, and whoever waits is told for whom."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import (
    DatabaseError,
    DatabaseLockedError,
    DatabaseMissingError,
    LockedByRunError,
    NotADatabaseError,
    NotWritableError,
)
from architect_migrate.databases.sqlite.connection import reading, transaction
from architect_migrate.databases.sqlite.run_lock import held, lock_file, openers
from support.cli import ask, build, execute, forked

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLD = """
import sys, time
from pathlib import Path
from architect_migrate.databases.sqlite.connection import transaction
sys.argv = ["/usr/bin/archmig", "reconcile", "postgresql://me:hunter2@host/db", "--yes"]
with transaction(Path({path!r}), 5) as connection:
    connection.execute("CREATE TABLE half (id)")
    connection.execute("INSERT INTO notes VALUES (77, 'half')")
    print("held", flush=True)
    time.sleep(60)
"""
WRITE = """
import sqlite3, sys, time
connection = sqlite3.connect({path!r}, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep({seconds})
connection.execute("ROLLBACK")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    execute(tmp_path / "it.db", "CREATE TABLE notes (id INTEGER, word TEXT); INSERT INTO notes VALUES (1, 'one')")
    return tmp_path / "it.db"


@contextmanager
def another(script: str) -> Iterator[subprocess.Popen[str]]:
    """Another process, which has said that it holds the database; killed at the end."""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            assert running.stdout.readline() == "held\n"
            yield running
        finally:
            running.kill()


def test_a_second_run_waits_and_is_then_told_who_holds_the_lock(path: Path) -> None:
    with another(HOLD.format(path=str(path))) as holder:
        told = json.loads(lock_file(path).read_text())
        start = time.monotonic()
        with pytest.raises(LockedByRunError) as refused, transaction(path, 0.4):
            pytest.fail("two runs at once")
        assert 0.4 <= time.monotonic() - start < 3
    assert str(refused.value) == (
        f"{path}: locked by another run, process {holder.pid} of {told['user']} on {told['host']} since "
        f"{told['since']} (archmig reconcile postgresql://***@host/db --yes), for more than 0.4 s; "
        "nothing was written: wait for it to end, or raise lock_timeout"
    )


def test_a_killed_holder_leaves_nothing_that_the_next_run_would_wait_for(path: Path) -> None:
    with another(HOLD.format(path=str(path))) as holder:
        holder.kill()
        holder.wait()
        assert "hunter2" not in lock_file(path).read_text()
        start = time.monotonic()
        with transaction(path, 5) as connection:
            assert connection.execute("SELECT * FROM notes").fetchall() == [(1, "one")]
        assert time.monotonic() - start < 1
    assert lock_file(path).read_bytes() == b""


def test_the_lock_file_stays_and_is_not_inherited(path: Path) -> None:
    with transaction(path, 5):
        number = lock_file(path).stat().st_ino
        listed = "import os; print(*[os.readlink(f'/proc/self/fd/{it}') for it in os.listdir('/proc/self/fd')][:-1])"
        child = subprocess.run(
            [sys.executable, "-c", listed], capture_output=True, text=True, close_fds=False, check=False
        )
        assert "archmig-lock" not in child.stdout
    with transaction(path, 5):
        assert lock_file(path).stat().st_ino == number


def test_a_second_run_of_this_very_process_waits_as_well(path: Path) -> None:
    with (
        transaction(path, 5),
        pytest.raises(LockedByRunError, match=f"process {os.getpid()} "),
        transaction(path, 0.1),
    ):
        pytest.fail("two runs at once")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444 | 0o200])
def test_the_lock_file_has_the_modes_of_the_database(path: Path, mode: int) -> None:
    path.chmod(mode)
    with transaction(path, 5):
        assert stat.S_IMODE(lock_file(path).stat().st_mode) == mode


def test_the_lock_is_beside_the_real_file(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    with transaction(link, 5), pytest.raises(LockedByRunError), transaction(path, 0.1):
        pytest.fail("two runs at once")
    assert [each.name for each in link.parent.iterdir()] == ["link.db"]


def planted(path: Path, kind: str) -> Path:
    file, victim = lock_file(path), path.with_name("victim")
    victim.write_text("precious")
    match kind:
        case "link":
            file.symlink_to(victim)
        case "dangling link":
            file.symlink_to(path.with_name("nowhere"))
        case "hard link":
            os.link(victim, file)
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
    return victim


@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "folder", "pipe"])
def test_what_lies_where_the_lock_file_should_be_is_refused_and_left_alone(path: Path, kind: str) -> None:
    victim = planted(path, kind)
    with pytest.raises(DatabaseError) as refused, transaction(path, 5):
        pytest.fail("went on without a lock")
    assert str(refused.value) == (
        f"{path}: it.db.archmig-lock beside it is a link, a folder or another kind of file, not a lock file; "
        "nothing was written: check what it is, and move it away"
    )
    assert victim.read_text() == "precious"
    assert not path.with_name("nowhere").exists()


@pytest.mark.parametrize("text", ["", "{", "[" * 4096, '{"process": 1}', "\x1b[2J" * 9, '"process"', "\xff"])
def test_whatever_the_lock_file_says_its_text_is_no_lock_and_no_error(path: Path, text: str) -> None:
    lock_file(path).write_bytes(text.encode("latin-1"))
    with transaction(path, 5):
        lock_file(path).write_bytes(text.encode("latin-1"))
        with pytest.raises(LockedByRunError, match="which has not recorded its process"), transaction(path, 0):
            pytest.fail("two runs at once")


def test_a_hard_link_to_the_database_is_refused(path: Path) -> None:
    os.link(path, path.with_name("other.db"))
    with pytest.raises(DatabaseError, match="more than one name"), transaction(path, 5):
        pytest.fail("two names, one journal")
    assert not lock_file(path).exists()


def test_no_lock_file_is_made_beside_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database" * 100)
    for name, error in (("text", NotADatabaseError), ("none", DatabaseMissingError)):
        with pytest.raises(error), transaction(tmp_path / name, 5):
            pytest.fail("not a database")
    assert [each.name for each in tmp_path.iterdir()] == ["text"]


def test_readers_take_no_lock_and_make_no_file(path: Path) -> None:
    with reading(path):
        pass
    assert not lock_file(path).exists()
    with held(path, 1), reading(path) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)


def test_a_reader_of_a_wal_database_goes_on_during_a_run(path: Path) -> None:
    execute(path, "PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (1,)
        with transaction(path, 1) as run:
            run.execute("INSERT INTO notes VALUES (2, 'two')")
            assert reader.execute("SELECT count(*) FROM notes").fetchone() == (1,)
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (1,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (2,)


def test_a_writer_of_the_application_is_waited_for(path: Path) -> None:
    with another(WRITE.format(path=str(path), seconds=0.5)), transaction(path, 10) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)


def test_a_long_writer_of_the_application_is_named_when_waiting_ends(path: Path) -> None:
    with another(WRITE.format(path=str(path), seconds=60)) as writer:
        name = openers(path)
        with pytest.raises(DatabaseLockedError) as refused, transaction(path, 0.2):
            pytest.fail("two writers at once")
        assert name[0].endswith(f" (process {writer.pid})")
    assert str(refused.value) == (
        f"{path}: locked by another process for more than 0.2 s (open in {name[0]}); "
        "stop the application or wait for it, or raise lock_timeout"
    )


def test_a_folder_that_cannot_take_a_lock_file_is_refused_before_anything_is_written(path: Path) -> None:
    long = path.with_name("x" * 245)
    path.rename(long)
    with pytest.raises(NotWritableError, match=r"its lock file .*: File name too long"), transaction(long, 5):
        pytest.fail("went on without a lock")
    assert [each.name for each in path.parent.iterdir()] == [long.name]


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_four_runs_at_once_end_as_one_would(tmp_path: Path, journal: str) -> None:
    place = build(tmp_path)
    execute(place / "behind.db", f"PRAGMA journal_mode = {journal}")
    toml = place / "environments.toml"
    toml.write_text(toml.read_text().replace('path = "behind.db"', 'path = "behind.db"\nlock_timeout = 60'))
    assert forked("status", cwd=place).code == 0  # the replay is remembered
    command = [str(Path(sys.executable).with_name("archmig")), "upgrade", "-e", "behind", "--yes"]
    runs = [subprocess.Popen(command, cwd=place, stdout=-1, stderr=-1, text=True) for _ in range(4)]
    told = []
    for run in runs:
        with run:
            told.append((*run.communicate(timeout=60), run.returncode))
    assert {code for _, _, code in told} <= {0, 2}, told
    refused = [err for _, err, code in told if code]
    assert all("the database changed after it was planned; nothing was done" in one for one in refused), refused
    assert ask(place / "behind.db", "SELECT version_num FROM alembic_version") == [("003_due",)]
    assert ask(place / "behind.db", "SELECT id FROM notes") == [(1,), (2,)]
    assert ask(place / "behind.db", "PRAGMA integrity_check") == [("ok",)]


def test_a_run_that_is_killed_leaves_the_state_before_and_the_next_one_succeeds(tmp_path: Path) -> None:
    place = build(tmp_path)
    with another(HOLD.format(path=str(place / "behind.db"))) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        done = forked("upgrade", "-e", "behind", "--yes", cwd=place)
    assert done.code == 0, done.err
    assert ask(place / "behind.db", "SELECT id FROM notes") == [(1,), (2,)]
