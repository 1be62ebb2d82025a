"""What a database says of itself that cannot be followed: it is named, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import RevisionFailedError, StampError, UnknownRevisionError
from architect_migrate.core.database_errors import DamagedError, NotADatabaseError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import preview, reconcile
from support.scenarios import ask, come_home, digest, headlines, own_chain, revision, script, stamp, stays
from support.shop import CHAIN, shop

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

# Rows of alembic_version that cannot be followed, and what is said of them.
STAMPS = {
    "a revision of another chain": (
        ("999_future",),
        "the database is stamped 999_future, which the chain does not have",
    ),
    "one known, one not": (
        ("004_kinds", "999_future"),
        "the database is stamped 999_future, which the chain does not have",
    ),
}


@pytest.mark.parametrize(("rows", "found"), STAMPS.values(), ids=STAMPS)
def test_a_stamp_that_cannot_be_followed_is_named_and_nothing_is_written(
    tmp_path: Path, rows: tuple[str, ...], found: str
) -> None:
    home = shop(tmp_path, {"ix_orders_code": ""}, at="")
    script(home.database, *stamp(*rows))
    (finding,) = stays(home)
    assert (finding.code, finding.found) == ("stamp-unknown", found)
    assert home.survey().state is State.UNKNOWN_STAMP


WAYS = {
    "a stamp that the chain does not have": (
        ("999_future",),
        (
            "if it is another application's, give one of the two applications a version_table of its own; if it is "
            "this chain's, archmig reconcile --replace-stamp 999_future stamps what the schema shows: 004_kinds"
        ),
    ),
}


@pytest.mark.parametrize(("rows", "way"), WAYS.values(), ids=WAYS)
def test_the_way_out_of_a_stamp_that_cannot_be_followed_leads_out(
    tmp_path: Path, rows: tuple[str, ...], way: str
) -> None:
    home = shop(tmp_path, {"ix_orders_code": ""}, at="")
    script(home.database, *stamp(*rows))
    (finding,) = stays(home)
    assert finding.advice == way
    script(home.database, f"DELETE FROM alembic_version WHERE version_num = '{rows[0]}'")
    come_home(home)


# Things under the name alembic_version that are no stamp.
VERSIONS = {
    "a view": "CREATE VIEW alembic_version AS SELECT '004_kinds' AS version_num",
    "another table": "CREATE TABLE alembic_version (version_nr TEXT)",
    "a table with NULL": "CREATE TABLE alembic_version AS SELECT NULL AS version_num",
    "a table with a number": "CREATE TABLE alembic_version AS SELECT 4 AS version_num",
}


@pytest.mark.parametrize("made", VERSIONS.values(), ids=VERSIONS)
def test_a_version_table_that_is_none_is_an_error_and_nothing_is_written(tmp_path: Path, made: str) -> None:
    home = shop(tmp_path, at="")
    script(home.database, made)
    refused(home, StampError)


def refused(home: Home, error: type[ArchmigError]) -> ArchmigError:
    before = home.database.read_bytes()
    with pytest.raises(error) as raised:
        home.survey()
    with pytest.raises(error):
        home.preview()
    assert home.database.read_bytes() == before
    assert home.backups() == []
    assert [path.name for path in home.folder.iterdir() if path.name.startswith("it.db-")] == []
    return raised.value


def test_an_empty_version_table_says_nothing_and_the_evidence_is_followed(tmp_path: Path) -> None:
    home = shop(tmp_path, at="")
    script(home.database, *stamp())
    assert come_home(home) == [
        "insert the rows of 004_kinds that are missing",
        "stamp 004_kinds",
        "run revision 005_tags",
        "stamp 005_tags",
    ]


def test_a_stamp_behind_the_evidence_is_put_right(tmp_path: Path) -> None:
    assert "stamp 004_kinds" in come_home(shop(tmp_path, at="001_people"))


def test_a_stamp_ahead_of_the_evidence_is_not_believed(tmp_path: Path) -> None:
    assert come_home(shop(tmp_path, at="005_tags")) == ["stamp 004_kinds", "run revision 005_tags", "stamp 005_tags"]


def test_a_file_that_is_no_database_is_an_error_and_stays(tmp_path: Path) -> None:
    home = own_chain(tmp_path, CHAIN)
    home.database.write_bytes(b"this is no database" * 100)
    refused(home, NotADatabaseError)


def test_a_damaged_database_is_not_touched(tmp_path: Path) -> None:
    home = shop(
        tmp_path,
        {"ix_orders_code": ""},
        tuple(f"INSERT INTO kinds VALUES ('{number:0900}', 1)" for number in range(40)),
    )
    shown = home.preview()
    content = bytearray(home.database.read_bytes())
    (page,) = ask(home.database, "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_kinds_1'")[0]
    content[(page - 1) * 4096 + 100 : page * 4096] = bytes(4096 - 100)
    home.database.write_bytes(content)
    with pytest.raises(DamagedError):
        reconcile(home.context(), shown.plan, lambda *_: None)
    assert home.database.read_bytes() == bytes(content)


def test_a_target_that_the_chain_does_not_have_is_an_error(tmp_path: Path) -> None:
    assert isinstance(refused(shop(tmp_path).under('target = "0044"'), UnknownRevisionError), UnknownRevisionError)


def test_an_earlier_target_is_gone_to_and_no_further(tmp_path: Path) -> None:
    home = shop(tmp_path, {"ix_orders_code": "", "kinds": ""}, at="002_orders").under('target = "003"')
    plan = home.preview().plan
    assert headlines(plan) == ["create index ix_orders_code", "stamp 003_nicks"]
    assert reconcile(home.context(), plan, lambda *_: None).outcome is Outcome.DONE
    assert ask(home.database, "SELECT version_num FROM alembic_version") == [("003_nicks",)]
    assert home.survey().state is State.UP_TO_DATE
    assert home.preview().outcome is Outcome.NOTHING


def test_a_database_ahead_of_its_target_is_repaired_where_it_is_and_not_taken_back(tmp_path: Path) -> None:
    home = shop(tmp_path, {"ix_orders_code": ""}).under('target = "002_orders"')
    assert headlines(home.preview().plan) == ["create index ix_orders_code"]
    assert reconcile(home.context(), home.preview().plan, lambda *_: None).outcome is Outcome.DONE
    assert ask(home.database, "SELECT version_num FROM alembic_version") == [("004_kinds",)]
    assert home.preview().outcome is Outcome.NOTHING


def test_a_target_in_the_call_goes_before_the_environments_own(tmp_path: Path) -> None:
    home = shop(tmp_path).under('target = "head"')
    assert preview(home.context(), "004").outcome is Outcome.NOTHING


# Revisions that fail half way, and what is said.
FAILING = {
    "a statement fails": ('    op.execute("INSERT INTO nowhere VALUES (1)")', "no such table: nowhere"),
    "Python fails": ("    op.execute('CREATE TABLE half (x)')\n    raise RuntimeError('by design')", "by design"),
    "a rollback of its own": ("    op.execute('CREATE TABLE half (x)')\n    op.get_bind().rollback()", "roll back"),
}


@pytest.mark.parametrize(("body", "cause"), FAILING.values(), ids=FAILING)
def test_a_run_that_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path, body: str, cause: str) -> None:
    # The replay has to succeed, so the revision fails only where there are rows.
    guard = "    if not op.get_bind().exec_driver_sql('SELECT count(*) FROM t').scalar():\n        return"
    text = f"down_revision = '001_t'\n\ndef upgrade():\n    op.execute('CREATE TABLE u (x)')\n{guard}\n{body}\n"
    home = own_chain(tmp_path, {"001_t": revision(None, "CREATE TABLE t (x)"), "002_fails": text})
    script(home.database, "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)", *stamp("001_t"))
    before, plan = digest(home.database), home.preview().plan
    with pytest.raises(ArchmigError, match=cause) as raised:
        reconcile(home.context(), plan, lambda *_: None)
    assert isinstance(raised.value, RevisionFailedError)
    assert digest(home.database) == before
    assert ask(home.database, "SELECT name FROM sqlite_master") == [
        ("t",),
        ("alembic_version",),
        ("sqlite_autoindex_alembic_version_1",),
    ]
