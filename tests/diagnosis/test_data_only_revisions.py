"""Revisions that only write rows, on a database that says of none whether it ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import ask, headlines, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT)"
MORE = "ALTER TABLE a ADD COLUMN more TEXT"
ANEW = (
    "CREATE TABLE b (id INTEGER PRIMARY KEY, x TEXT)",
    "INSERT INTO b SELECT id, x FROM a",
    "DROP TABLE a",
    "ALTER TABLE b RENAME TO a",
)
UNTOLD = (
    "2_rows: nothing tells whether it ran; taken as run, since it does more than bring rows: {statement} "
    "(run its statements by hand if the rows show that it never did)"
)
# What the second of three revisions runs, whether it is run on a database that has the third, what is told.
CASES = {
    "inserts": (("INSERT INTO a (x) SELECT 'new' WHERE NOT EXISTS (SELECT 1 FROM a WHERE x = 'new')",), True, ""),
    "updates": (("UPDATE a SET x = 'set' WHERE x = 'old'",), True, ""),
    "updates by a common table": (("WITH w AS (SELECT 'old' AS x) UPDATE a SET x = 'set' WHERE x IN w",), True, ""),
    "deletes": (("DELETE FROM a",), False, "DELETE FROM a"),
    "deletes by a common table": (
        ("WITH w AS (SELECT 'old' AS x) DELETE FROM a WHERE x IN w",),
        False,
        "WITH w AS (SELECT 'old' AS x) DELETE FROM a WHERE x IN w",
    ),
    "makes its table anew": (ANEW, False, ANEW[0]),
    "writes, and deletes elsewhere": (
        ("UPDATE a SET x = x", "DELETE FROM a WHERE x = 'no'"),
        False,
        "DELETE FROM a WHERE x = 'no'",
    ),
}


@pytest.mark.parametrize(("statements", "run", "told"), CASES.values(), ids=list(CASES))
def test_only_what_brings_rows_is_run_again(tmp_path: Path, statements: tuple[str, ...], run: bool, told: str) -> None:
    chain = {"1_a": revision(None, A), "2_rows": revision("1_a", *statements), "3_more": revision("2_rows", MORE)}
    home = own_chain(tmp_path, chain)
    script(home.database, A, MORE, "INSERT INTO a VALUES (1, 'old', 'later')")
    shown = home.preview()
    assert shown.plan is not None
    assert ("run revision 2_rows" in headlines(shown.plan)) == run
    assert shown.warnings == ((UNTOLD.format(statement=told),) if told else ())
    assert reconcile(home.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert ask(home.database, "SELECT count(*) FROM a WHERE id = 1 AND more = 'later'") == [(1,)]
    assert home.preview().outcome is Outcome.NOTHING


def test_rows_of_a_table_that_is_gone_by_now_are_not_written_again(tmp_path: Path) -> None:
    """Found with Airflow's chain, whose table has another name by now."""
    chain = {
        "1_old": revision(None, A, "CREATE TABLE old (id INTEGER PRIMARY KEY, x TEXT)"),
        "2_rows": revision("1_old", "UPDATE old SET x = 1"),
        "3_new": revision("2_rows", "ALTER TABLE old RENAME TO new"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, A, "CREATE TABLE new (id INTEGER PRIMARY KEY, x TEXT)", "INSERT INTO new VALUES (1, 'x')")
    shown = home.preview()
    assert (headlines(shown.plan), shown.warnings) == (["stamp 3_new"], ())


def test_a_stamp_says_that_they_ran(tmp_path: Path) -> None:
    chain = {"1_a": revision(None, A), "2_rows": revision("1_a", "DELETE FROM a"), "3_more": revision("2_rows", MORE)}
    home = own_chain(tmp_path, chain)
    script(home.database, A, MORE, *stamp("3_more"))
    assert (home.preview().outcome, home.preview().warnings) == (Outcome.NOTHING, ())
