"""Revisions that bring rows, that take things away, that rename: nothing is stamped past in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import preview
from support.scenarios import Allowed, ask, come_home, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, old TEXT)"
SEED = "INSERT INTO t (name) SELECT 'seed' WHERE NOT EXISTS (SELECT 1 FROM t WHERE name = 'seed')"
NAMES = "SELECT name FROM t ORDER BY id"
TRACKER = "CREATE TABLE schema_versions (version TEXT, applied_at TEXT, description TEXT, checksum TEXT)"


def tracked(*versions: str, skipped: bool = False) -> tuple[str, ...]:
    said = "skipped" if skipped else "ran"
    return (TRACKER, *(f"INSERT INTO schema_versions VALUES ('{version}', '', '{said}', '')" for version in versions))


WITH_STEP = {
    "001_t": revision(None, T),
    "002_rows": revision("001_t", data=[SEED]),
    "003_u": revision("002_rows", "CREATE TABLE u (x)"),
}
INLINE = WITH_STEP | {"002_rows": revision("001_t", "INSERT INTO t (name) VALUES ('seed')")}
U = "CREATE TABLE u (x)"
ROWS_OF_002 = "insert the rows of 002_rows that are missing"
RUN_002, RUN_003 = "run revision 002_rows", "run revision 003_u"

# What the claims are, what else is there, and the steps: for a data step, and for rows that upgrade() itself inserts.
# None: there is nothing to do; no steps: a person has to say whether the rows are there.
CLAIMS = {
    "at head, stamped": ((*stamp("003_u"), U), None, None),
    "at head, recorded": ((*tracked("001_t", "002_rows", "003_u"), U), [ROWS_OF_002, "stamp 003_u"], ["stamp 003_u"]),
    "at head, no claim": ((U,), [ROWS_OF_002, "stamp 003_u"], []),
    "at head, recorded as skipped": (
        (*tracked("002_rows", skipped=True), U),
        [ROWS_OF_002, "stamp 003_u"],
        [RUN_002, "stamp 003_u"],
    ),
    "before it, no claim": (
        (),
        ["stamp 001_t", RUN_002, RUN_003, "stamp 003_u"],
        [],
    ),
    "just at it, stamped": (stamp("002_rows"), [RUN_003, "stamp 003_u"], [RUN_003, "stamp 003_u"]),
    "just at it, recorded": (
        tracked("001_t", "002_rows"),
        [ROWS_OF_002, "stamp 002_rows", RUN_003, "stamp 003_u"],
        ["stamp 002_rows", RUN_003, "stamp 003_u"],
    ),
}


@pytest.mark.parametrize(("statements", "steps", "_"), CLAIMS.values(), ids=CLAIMS)
def test_the_rows_of_a_data_step_come_unless_alembic_brought_them(
    tmp_path: Path, statements: tuple[str, ...], steps: list[str] | None, _: list[str] | None
) -> None:
    home = own_chain(tmp_path, WITH_STEP)
    script(home.database, T, "INSERT INTO t VALUES (7, 'mine', NULL)", *statements)
    if steps is None:
        assert home.preview().outcome is Outcome.NOTHING
        return
    assert come_home(home) == steps
    assert ask(home.database, NAMES) == [("mine",), *([("seed",)] if {ROWS_OF_002, RUN_002} & set(steps) else [])]


@pytest.mark.parametrize(("statements", "_", "steps"), CLAIMS.values(), ids=CLAIMS)
def test_rows_that_only_upgrade_inserts_come_where_a_claim_says_that_they_did_not(
    tmp_path: Path, statements: tuple[str, ...], _: list[str] | None, steps: list[str] | None
) -> None:
    home = own_chain(tmp_path, INLINE)
    script(home.database, T, "INSERT INTO t VALUES (7, 'mine', NULL)", *statements)
    if steps is None:
        assert home.preview().outcome is Outcome.NOTHING
        return
    if not steps:
        assert [finding.code for finding in home.preview().plan.blockers] == ["rows-undecided"]  # type: ignore[union-attr]
        return
    assert come_home(home) == steps
    assert ask(home.database, NAMES) == [("mine",), *([("seed",)] if RUN_002 in steps else [])]


def test_a_data_step_never_doubles_its_rows_nor_touches_one_that_was_edited(tmp_path: Path) -> None:
    home = own_chain(tmp_path, WITH_STEP)
    script(home.database, T, U, "INSERT INTO t VALUES (7, 'seed', 'edited by a person')")
    assert come_home(home) == [ROWS_OF_002, "stamp 003_u"]
    assert ask(home.database, "SELECT * FROM t") == [(7, "seed", "edited by a person")]


WIDE = "CREATE TABLE w (id INTEGER PRIMARY KEY, keep TEXT, gone TEXT)"
REMOVING = {
    "001_t": revision(None, T, WIDE, "CREATE TABLE x (y TEXT)", "CREATE INDEX ix_x ON x(y)"),
    "002_out": revision("001_t", "ALTER TABLE w DROP COLUMN gone", "DROP TABLE x"),
    "003_u": revision("002_out", "CREATE TABLE u (x)"),
}


def test_a_revision_that_removes_things_is_run_where_it_is_pending(tmp_path: Path) -> None:
    home = own_chain(tmp_path, REMOVING)
    rows = ("INSERT INTO w VALUES (1, 'k', 'g')", "INSERT INTO x VALUES ('y')", "INSERT INTO t VALUES (1, 'a', 'b')")
    script(home.database, T, WIDE, "CREATE TABLE x (y TEXT)", "CREATE INDEX ix_x ON x(y)", *rows, *stamp("001_t"))
    steps = come_home(home, Allowed(gone=frozenset({"x", "ix_x", "w.gone"})))
    assert steps == ["run revision 002_out", "run revision 003_u", "stamp 003_u"]


@pytest.mark.parametrize("claims", [(), tracked("001_t", "002_out")], ids=["unclaimed", "recorded"])
def test_a_column_that_is_gone_from_a_table_with_all_the_rest_shows_that_its_revision_ran(
    tmp_path: Path, claims: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, {one: text for one, text in REMOVING.items() if one != "003_u"})
    script(home.database, T, WIDE.replace(", gone TEXT", ""), *claims)
    assert come_home(home) == ["stamp 002_out"]


DROPPING = {
    "001_t": revision(None, T, "CREATE TABLE x (y TEXT)", "CREATE VIEW v AS SELECT 1 AS one"),
    "002_out": revision("001_t", "DROP VIEW v", "DROP TABLE x"),
}


@pytest.mark.parametrize("claims", [stamp("002_out"), tracked("001_t", "002_out")], ids=["stamped", "recorded"])
def test_that_a_dropped_table_is_gone_counts_where_a_claim_says_so(tmp_path: Path, claims: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, DROPPING)
    script(home.database, T, "CREATE TABLE mine (x)", *claims)
    if claims == stamp("002_out"):
        assert home.preview().outcome is Outcome.NOTHING
    else:
        assert come_home(home) == ["stamp 002_out"]


def test_a_dropped_table_that_is_gone_is_no_reason_to_make_and_drop_it_again(tmp_path: Path) -> None:
    home = own_chain(tmp_path, DROPPING)
    script(home.database, T, "CREATE TABLE mine (x)")
    assert come_home(home) == ["stamp 002_out"]


def test_what_a_passed_revision_removes_is_kept_where_it_lingers(tmp_path: Path) -> None:
    home = own_chain(tmp_path, REMOVING)
    rows = ("INSERT INTO w VALUES (1, 'k', 'g')", "INSERT INTO x VALUES ('y')")
    script(home.database, T, WIDE, "CREATE TABLE x (y TEXT)", *rows, "CREATE TABLE u (x)", *stamp("003_u"))
    findings = {(finding.code, finding.subject) for finding in home.survey().findings}
    assert {("lingering", "table x"), ("lingering", "column w.gone")} <= findings
    assert home.preview().outcome is Outcome.NOTHING


RENAMING = {
    "001_t": revision(None, T),
    "002_named": revision("001_t", "ALTER TABLE t RENAME COLUMN name TO title"),
    "003_moved": revision("002_named", "ALTER TABLE t RENAME TO things"),
    "004_u": revision("003_moved", "CREATE TABLE u (x)"),
}
ROW = "INSERT INTO t (id, name) VALUES (7, 'a')"
RENAMED = ("ALTER TABLE t RENAME COLUMN name TO title", "ALTER TABLE t RENAME TO things")


def test_a_rename_that_is_pending_is_run_and_takes_the_rows_along(tmp_path: Path) -> None:
    home = own_chain(tmp_path, RENAMING)
    script(home.database, T, ROW, *stamp("001_t"))
    come_home(home, Allowed(gone=frozenset({"t"})))
    assert ask(home.database, "SELECT id, title FROM things") == [(7, "a")]


def test_a_rename_that_was_done_is_seen(tmp_path: Path) -> None:
    home = own_chain(tmp_path, RENAMING)
    script(home.database, T, ROW, *RENAMED)
    assert come_home(home) == ["stamp 003_moved", "run revision 004_u", "stamp 004_u"]


def test_a_renamed_column_of_a_table_that_was_not_renamed_yet_is_seen(tmp_path: Path) -> None:
    home = own_chain(tmp_path, RENAMING)
    script(home.database, T, ROW, RENAMED[0])
    steps = come_home(home, Allowed(gone=frozenset({"t"})))
    assert steps == ["stamp 002_named", "run revision 003_moved", "run revision 004_u", "stamp 004_u"]


def test_under_a_name_that_was_changed_again_nothing_is_missed(tmp_path: Path) -> None:
    assert preview(own_chain(tmp_path, RENAMING).under('uninitialised = "create"').context()).outcome is Outcome.PLANNED
