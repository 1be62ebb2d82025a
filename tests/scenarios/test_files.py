"""The file itself: WAL, an application that reads meanwhile, a lock, zero bytes, no file, other tables only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import DatabaseLockedError, DatabaseMissingError
from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import ask, come_home, digest, headlines, is_home, moment, own_chain, script, stays
from support.shop import CHAIN, shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.scenarios import Home

    Build = Callable[[Path], Home]

LATER = ["run revision 005_tags", "stamp 005_tags"]
WHOLE = [*(f"run revision {one}" for one in CHAIN), "stamp 005_tags"]


def test_a_wal_database_comes_home_and_stays_one(tmp_path: Path) -> None:
    home = shop(tmp_path, {"ix_orders_code": ""})
    script(home.database, "PRAGMA journal_mode = WAL", "INSERT INTO kinds VALUES ('last', 3)")
    assert come_home(home) == ["create index ix_orders_code", *LATER]
    assert ask(home.database, "PRAGMA journal_mode") == [("wal",)]


def test_what_is_only_in_the_wal_is_read_backed_up_and_kept_beside_an_open_reader(tmp_path: Path) -> None:
    home = shop(tmp_path, {"ix_orders_code": ""})
    script(home.database, "PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(home.database, isolation_level=None)) as application:
        application.execute("PRAGMA wal_autocheckpoint = 0")
        application.execute("INSERT INTO kinds VALUES ('only in the wal', 3)")
        application.execute("BEGIN")
        assert application.execute("SELECT count(*) FROM kinds").fetchone() == (3,)
        before = moment(home.database)
        plan = home.preview().plan
        assert plan is not None
        assert reconcile(home.context(), plan, lambda *_: None).outcome is Outcome.DONE
        assert application.execute("SELECT count(*) FROM sqlite_master WHERE name = 'tags'").fetchone() == (0,)
        application.execute("COMMIT")
        assert application.execute("SELECT count(*) FROM sqlite_master WHERE name = 'tags'").fetchone() == (1,)
        is_home(home, before)
    assert ("only in the wal",) in ask(home.database, "SELECT name FROM kinds")


def test_a_database_that_another_writes_to_is_waited_for_and_then_left(tmp_path: Path) -> None:
    home = shop(tmp_path, {"ix_orders_code": ""}).under("lock_timeout = 0.1")
    plan, before = home.preview().plan, digest(home.database)
    assert plan is not None
    with closing(sqlite3.connect(home.database, isolation_level=None)) as application:
        application.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLockedError):
            reconcile(home.context(), plan, lambda *_: None)
        application.execute("ROLLBACK")
    assert (digest(home.database), home.backups()) == (before, [])


def zero_bytes(folder: Path) -> Home:
    home = own_chain(folder, CHAIN)
    home.database.touch()
    return home


def only_other_tables(folder: Path) -> Home:
    home = own_chain(folder, CHAIN)
    script(home.database, "CREATE TABLE ui_state (key TEXT PRIMARY KEY, value)", "INSERT INTO ui_state VALUES ('a', 1)")
    return home


def no_tables(folder: Path) -> Home:
    home = own_chain(folder, CHAIN)
    script(home.database, "CREATE TABLE gone (x)", "DROP TABLE gone")
    return home


EMPTY = (zero_bytes, only_other_tables, no_tables)


@pytest.mark.parametrize("build", EMPTY, ids=lambda one: one.__name__)
def test_nothing_of_the_chain_is_skipped_where_the_policy_says_so(tmp_path: Path, build: Build) -> None:
    home = build(tmp_path).under('uninitialised = "skip"')
    assert stays(home, Outcome.SKIPPED) == ()
    assert home.survey().state is State.UNINITIALISED


@pytest.mark.parametrize("build", EMPTY, ids=lambda one: one.__name__)
def test_nothing_of_the_chain_blocks_where_the_policy_calls_it_an_error(tmp_path: Path, build: Build) -> None:
    home = build(tmp_path).under('uninitialised = "error"')
    stays(home)
    assert home.preview().detail == (
        'nothing of the chain is in it; to build it, set uninitialised = "create" for it, or "skip"'
    )


@pytest.mark.parametrize("build", EMPTY, ids=lambda one: one.__name__)
def test_nothing_of_the_chain_is_built_where_the_policy_says_so(tmp_path: Path, build: Build) -> None:
    home = build(tmp_path).under('uninitialised = "create"')
    before = moment(home.database)
    plan = home.preview().plan
    assert headlines(plan) == WHOLE
    assert plan is not None
    assert reconcile(home.context(), plan, lambda *_: None).outcome is Outcome.DONE
    if before.objects:
        is_home(home, before)
    assert home.preview().outcome is Outcome.NOTHING
    assert bool(home.backups()) is bool(before.objects)
    assert ask(home.database, "SELECT name, rank FROM kinds") == [("big", 1), ("small", 2)]


def test_a_missing_file_is_made_only_where_the_policy_says_so(tmp_path: Path) -> None:
    home = own_chain(tmp_path, CHAIN)
    assert home.survey().state is State.MISSING
    assert home.under('uninitialised = "skip"').preview().outcome is Outcome.SKIPPED
    with pytest.raises(DatabaseMissingError):
        home.under('uninitialised = "error"').preview()
    assert not home.database.exists()
    home = home.under('uninitialised = "create"')
    plan = home.preview().plan
    assert not home.database.exists()
    assert plan is not None
    reconcile(home.context(), plan, lambda *_: None)
    assert home.survey().state is State.UP_TO_DATE


def test_a_tracker_of_another_name_is_read_and_is_no_part_of_the_schema(tmp_path: Path) -> None:
    home = shop(tmp_path, at="")
    tracker = "CREATE TABLE history (nr TEXT, at TEXT, what TEXT, sum TEXT)"
    script(home.database, tracker, "INSERT INTO history VALUES ('004_kinds', '', 'kinds', ''), ('77', '', '?', '')")
    named = {"table": "history", "version": "nr", "applied_at": "at", "description": "what", "checksum": "sum"}
    home = replace(home, tracker=tuple(f'{key} = "{value}"' for key, value in named.items()))
    seen = home.survey()
    assert [row.version for row in seen.claims.rows] == ["004_kinds", "77"]
    assert ("tracker-unknown", "tracker row 77") in {(finding.code, finding.subject) for finding in seen.findings}
    assert not any("history" in finding.subject for finding in seen.findings)
    assert come_home(home) == ["stamp 004_kinds", *LATER]


def test_a_run_with_nothing_to_do_takes_no_backup_and_changes_no_byte(tmp_path: Path) -> None:
    home = shop(tmp_path)
    come_home(home)
    before = digest(home.database)
    assert home.preview().outcome is Outcome.NOTHING
    assert (digest(home.database), len(home.backups())) == (before, 1)
    assert not (tmp_path / "it.db-wal").exists()


def test_two_previews_of_one_database_are_equal(tmp_path: Path) -> None:
    home = shop(tmp_path, {"ix_orders_code": "", "touch": ""})
    assert home.preview() == home.preview()
