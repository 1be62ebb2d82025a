"""A restore leaves the old content or the new, loses nothing that it replaces, and disturbs no reader."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import stat
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from architect_migrate.backups.record import remove
from architect_migrate.backups.restore import choose, preview, restore
from architect_migrate.backups.service import catalogue, create, take_for
from architect_migrate.backups.undo import preview_undo
from architect_migrate.core.chain_errors import ChangedMeanwhileError
from architect_migrate.core.database_errors import DatabaseLockedError, RestoreError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.sqlite.connection import locked, reading, transaction
from architect_migrate.databases.sqlite.files import overwrite as overwriting
from architect_migrate.databases.sqlite.rows.content import content_of
from architect_migrate.databases.values import differences
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import preview as preview_reconcile
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import ask, moment, script
from support.shop import shop

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

    from architect_migrate.backups.restore_plan import Restored
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.sqlite.files.overwrite import HeldDatabase
    from support.scenarios import Home

JOURNALS = pytest.mark.parametrize("journal", ["DELETE", "WAL"])
# How many restores are killed, in each journal mode: a sample, of which `make torture` takes more.
KILLS = int(os.environ.get("ARCHMIG_EXAMPLES", "4"))
WRITTEN = "UPDATE people SET age = 99, nick = 'Z' WHERE id = 1"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return shop(tmp_path)


def journaled(home: Home, journal: str) -> EnvironmentContext:
    script(home.database, f"PRAGMA journal_mode = {journal}")
    return home.context()


def backed_up(context: EnvironmentContext) -> None:
    assert create(context) is not None


def back(context: EnvironmentContext) -> Restored:
    """To the oldest backup."""
    return restore(context, preview(context, catalogue(context)[0]), "backup restore")


@JOURNALS
def test_the_database_is_what_the_backup_holds_in_the_same_file_and_mode(home: Home, journal: str) -> None:
    context = journaled(home, journal)
    home.database.chmod(0o640)
    before, inode = moment(home.database), home.database.stat().st_ino
    backed_up(context)
    script(home.database, WRITTEN, "DROP VIEW v_people", "CREATE TABLE more (a)", "PRAGMA user_version = 7")
    changed = moment(home.database)
    done = back(context)
    assert done.kept is not None
    assert (moment(home.database), moment(done.kept)) == (before, changed)
    found = home.database.stat()
    assert (found.st_ino, stat.S_IMODE(found.st_mode)) == (inode, 0o640)
    assert ask(home.database, "PRAGMA journal_mode") == [(journal.lower(),)]
    assert ask(home.database, "PRAGMA user_version") == [(0,)]
    assert ask(home.database, "PRAGMA integrity_check") == [("ok",)]


@JOURNALS
def test_an_application_that_has_it_open_goes_on_with_what_was_restored(home: Home, journal: str) -> None:
    context = journaled(home, journal)
    backed_up(context)
    script(home.database, WRITTEN)
    with closing(sqlite3.connect(home.database, isolation_level=None)) as application:
        assert application.execute("SELECT age FROM people WHERE id = 1").fetchone() == (99,)
        back(context)
        assert application.execute("SELECT age FROM people WHERE id = 1").fetchone() == (36,)
        application.execute("UPDATE people SET age = 1 WHERE id = 1")
    assert ask(home.database, "SELECT age FROM people WHERE id = 1") == [(1,)]


def test_a_reader_in_wal_mode_reads_on_while_it_is_restored(home: Home) -> None:
    context = journaled(home, "WAL")
    backed_up(context)
    script(home.database, WRITTEN)
    with closing(sqlite3.connect(home.database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT age FROM people WHERE id = 1").fetchone() == (99,)
        back(context)
        assert reader.execute("SELECT age FROM people WHERE id = 1").fetchone() == (99,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT age FROM people WHERE id = 1").fetchone() == (36,)


@JOURNALS
def test_what_changed_since_the_preview_is_not_overwritten(home: Home, journal: str) -> None:
    context = journaled(home, journal)
    backed_up(context)
    script(home.database, WRITTEN)
    shown = preview(context, catalogue(context)[0])
    script(home.database, "UPDATE people SET age = 100 WHERE id = 1")
    with pytest.raises(ChangedMeanwhileError):
        restore(context, shown, "backup restore")
    assert ask(home.database, "SELECT age FROM people WHERE id = 1") == [(100,)]
    assert len(catalogue(context)) == 1
    assert len(list(context.backups.iterdir())) == 2


def test_a_commit_between_the_backup_and_the_write_in_wal_mode_stops_the_restore(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = journaled(home, "WAL")
    backed_up(context)
    script(home.database, WRITTEN)
    right = overwriting.overwrite

    def later(held: HeldDatabase, source: sqlite3.Connection, _then: object, timeout: float, _hold: object) -> None:
        script(home.database, "UPDATE people SET age = 100 WHERE id = 1")
        right(source, held, timeout)

    monkeypatch.setattr(overwriting.HeldDatabase, "overwrite", later)
    with pytest.raises(ChangedMeanwhileError):
        back(context)
    assert ask(home.database, "SELECT age FROM people WHERE id = 1") == [(100,)]
    assert ask(home.database, "PRAGMA integrity_check") == [("ok",)]
    assert len(catalogue(context)) == 2, "the backup of what was to be replaced stays"
    assert preview_undo(context).copy is None


def test_with_a_rollback_journal_nobody_writes_between_the_backup_and_the_write(home: Home) -> None:
    with (
        overwriting.hold_unchanged(home.database, 1.0),
        closing(sqlite3.connect(home.database, timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute(WRITTEN)
    script(home.database, WRITTEN)


@JOURNALS
def test_a_writer_of_the_application_is_waited_for_and_then_named(home: Home, journal: str) -> None:
    home = home.under("lock_timeout = 0.3")
    context = journaled(home, journal)
    backed_up(context)
    script(home.database, WRITTEN)
    shown = preview(context, catalogue(context)[0])
    with closing(sqlite3.connect(home.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(DatabaseLockedError):
            restore(context, shown, "backup restore")
        assert time.monotonic() - began < 5
    assert ask(home.database, "SELECT age FROM people WHERE id = 1") == [(99,)]


def test_another_run_is_waited_for(home: Home) -> None:
    home = home.under("lock_timeout = 0.2")
    context = home.context()
    backed_up(context)
    script(home.database, WRITTEN)
    shown = preview(context, catalogue(context)[0])
    with locked(home.database, 1.0), pytest.raises(ArchmigError, match="locked by another run"):
        restore(context, shown, "backup restore")


def test_a_missing_database_is_made_anew_with_the_backups_permissions(home: Home) -> None:
    context = home.context()
    home.database.chmod(0o600)
    before = moment(home.database)
    backed_up(context)
    home.database.unlink()
    done = back(context)
    assert (done.kept, moment(home.database)) == (None, before)
    assert stat.S_IMODE(home.database.stat().st_mode) == 0o600


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_what_a_lost_database_left_beside_it_is_not_mixed_in(home: Home, ending: str) -> None:
    context = home.context()
    backed_up(context)
    home.database.unlink()
    left = home.database.with_name(home.database.name + ending)
    left.write_bytes(b"old")
    with pytest.raises(RestoreError, match="belongs to a database that no longer exists"):
        back(context)
    assert (left.read_bytes(), home.database.exists()) == (b"old", False)


def test_what_is_no_database_is_left_alone(home: Home) -> None:
    context = home.context()
    backed_up(context)
    home.database.write_bytes(b"something else" * 100)
    with pytest.raises(RestoreError) as raised:
        back(context)
    assert str(raised.value) == (
        f"{home.database}: the file is not a database; "
        "nothing was changed: move it away, then restore creates the database"
    )
    assert home.database.read_bytes() == b"something else" * 100


def test_a_damaged_database_is_kept_as_it_is_and_replaced(home: Home) -> None:
    context = home.context()
    before = moment(home.database)
    backed_up(context)
    content = home.database.read_bytes()
    place = content.rindex(b"c1")
    home.database.write_bytes(content[:place] + b"zz" + content[place + 2 :])
    assert ask(home.database, "PRAGMA integrity_check") != [("ok",)]
    done = back(context)
    assert moment(home.database) == before
    assert ask(home.database, "PRAGMA integrity_check") == [("ok",)]
    assert done.kept is not None
    assert done.kept.name.endswith("-damaged.db")
    assert b"zz" in done.kept.read_bytes()
    assert choose(context, None) == catalogue(context)[0], "what is damaged is never chosen"


def test_a_name_that_was_given_again_counts_from_its_last_entry(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one second: two backups, of which only the second is in the ledger, are removed, and two are taken."""
    context = home.context()

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(2026, 11, 30, 12, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr("architect_migrate.core.backup_files.datetime", Stopped)
    take_for(context, "upgrade")
    backed_up(context)
    for copy in catalogue(context):
        remove(copy)
    backed_up(context)
    backed_up(context)
    assert [copy.number for copy in catalogue(context)] == [1, 2]


def test_pages_of_another_size_are_refused_in_wal_mode_and_restored_without(home: Home) -> None:
    backed_up(home.context())
    script(home.database, "PRAGMA page_size = 1024", "VACUUM", WRITTEN, "PRAGMA journal_mode = WAL")
    with pytest.raises(RestoreError, match="its page size is 1024 bytes, the backup's 4096"):
        back(home.context())
    script(home.database, "PRAGMA journal_mode = DELETE")
    back(home.context())
    assert ask(home.database, "SELECT age FROM people WHERE id = 1") == [(36,)]


def test_a_run_that_was_killed_before_it_committed_does_not_count_for_undo(home: Home) -> None:
    context = home.context()
    shown = preview_reconcile(context)
    assert shown.plan is not None
    before = moment(home.database)
    assert reconcile(context, shown.plan, lambda *_: None).outcome is Outcome.DONE
    after = moment(home.database)
    found = preview_undo(context)
    assert found.restoration is not None
    restore(context, found.restoration, "undo")
    # As if the run had never got through: its backup is what is there.
    for one in catalogue(context)[1:]:
        one.path.unlink()
    again = preview_undo(context)
    assert (again.restoration, again.since) == (None, ())
    assert moment(home.database) == before != after


def test_an_undo_takes_back_every_kind_of_change(tmp_path: Path) -> None:
    home = shop(tmp_path, {"ix_orders_code": "", "kinds": "", "touch": ""})
    context = home.context()
    before = moment(home.database)
    shown = preview_reconcile(context)
    assert shown.plan is not None
    reconcile(context, shown.plan, lambda *_: None)
    found = preview_undo(context)
    assert found.since == ()
    assert found.restoration is not None
    restore(context, found.restoration, "undo")
    assert moment(home.database) == before


def _restoring(context: EnvironmentContext) -> None:
    back(context)
    os._exit(0)


def _contents(path: Path) -> object:
    with reading(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return content_of(connection)


@JOURNALS
def test_a_restore_that_is_killed_leaves_the_old_or_the_new_whole(home: Home, journal: str) -> None:
    """Kills at random moments of the write itself, and each is followed by one that gets through."""
    context = journaled(home, journal)
    script(home.database, "CREATE TABLE bulk (a, b)")
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
    script(home.database, f"INSERT INTO bulk {many} SELECT i, hex(randomblob(40)) FROM n")
    backed_up(context)
    new = _contents(home.database)
    script(home.database, "UPDATE bulk SET b = 'other' || a")
    old = _contents(home.database)
    began = time.monotonic()
    assert _run(context, None) == 0
    whole = time.monotonic() - began
    chance = random.Random(journal)
    for _ in range(KILLS):
        script(home.database, "UPDATE bulk SET b = 'other' || a")
        assert _contents(home.database) == old
        _run(context, chance.uniform(0.2, 1.0) * whole)
        assert _contents(home.database) in (old, new)
        assert _run(context, None) == 0
        assert _contents(home.database) == new
    assert not list(context.backups.glob("*.db-journal"))


def _run(context: EnvironmentContext, seconds: float | None) -> int | None:
    """A restore in a process of its own, killed after so many seconds; its exit code."""
    process = multiprocessing.get_context("fork").Process(target=_restoring, args=(context,))
    process.start()
    process.join(seconds)
    if process.is_alive():
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    code = process.exitcode
    process.close()
    return code


def test_a_plain_transaction_goes_on_after_a_killed_writer(tmp_path: Path) -> None:
    home = shop(tmp_path)
    before = moment(home.database)
    process = multiprocessing.get_context("fork").Process(target=_dying, args=(home.database,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    process.close()
    assert home.database.with_name("it.db-journal").exists()
    with transaction(home.database, 1.0) as connection:
        assert connection.execute("SELECT count(*) FROM people").fetchone() == (3,)
    assert moment(home.database) == before


def _dying(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM people")
    connection.execute("CREATE TABLE bulk AS SELECT hex(zeroblob(100000)) FROM orders")
    os.kill(os.getpid(), signal.SIGKILL)


def test_contents_tell_every_kind_of_difference(home: Home) -> None:
    with reading(home.database) as connection:
        then = content_of(connection)
    script(
        home.database,
        "DELETE FROM kinds",
        "INSERT INTO people (id, name) VALUES (50, 'new')",
        "UPDATE orders SET note = x'6e' WHERE id = 7",
        "CREATE TABLE more (a)",
        "DROP VIEW v_people",
        "DROP INDEX ix_orders_code",
        "CREATE INDEX ix_orders_code ON orders(note)",
        "PRAGMA user_version = 3",
    )
    with reading(home.database) as connection:
        now = content_of(connection)
    assert tuple(map(str, differences(then, now))) == (
        "table kinds: has 0 rows, had 2",
        "table more: is new, with 0 rows",
        "table orders: other values in its 2 rows",
        "table people: has 4 rows, had 3",
        "index ix_orders_code: is defined differently",
        "view v_people: is gone",
        "user_version: is 3, was 0",
    )
    assert differences(now, now) == ()
