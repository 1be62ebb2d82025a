"""Revisions killed between two statements that wrote rows before: their row statements never run for a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.environment import RowAnswer
from support.scenarios import ask, codes, own_chain, script, stamp, stays
from support.scenarios import revision as raw
from support.settled import answered, undecided

if TYPE_CHECKING:
    from pathlib import Path

STAMPS = pytest.mark.parametrize("stamped", [stamp("001"), ()], ids=["stamped", "stamp lost"])
Q = "CREATE TABLE q (id INTEGER PRIMARY KEY, a TEXT)"


@STAMPS
def test_a_row_inserted_before_a_table_is_made_anew_is_not_inserted_twice(
    tmp_path: Path, stamped: tuple[str, ...]
) -> None:
    second = (
        "ALTER TABLE q RENAME TO w",
        "ALTER TABLE w ADD COLUMN g TEXT",
        "INSERT INTO w (a) VALUES ('new')",
        "ALTER TABLE w RENAME TO w_old",
        "CREATE TABLE w (id INTEGER PRIMARY KEY, a TEXT, g TEXT, f INTEGER)",
        "INSERT INTO w (id, a, g) SELECT id, a, g FROM w_old",
        "DROP TABLE w_old",
    )
    home = own_chain(tmp_path, {"001": raw(None, Q), "002": raw("001", *second)})
    script(home.database, Q, "INSERT INTO q VALUES (1, 'old')", *second[:5], *stamped)
    assert ("interrupted-undecided", "table w_old") in codes(home)
    assert ask(home.database, "SELECT a FROM w_old") == [("old",), ("new",)]


@STAMPS
def test_a_row_inserted_before_an_empty_successor_is_not_inserted_twice(
    tmp_path: Path, stamped: tuple[str, ...]
) -> None:
    second = (
        "INSERT INTO q (a) VALUES ('new')",
        "CREATE TABLE v (id INTEGER PRIMARY KEY, a TEXT)",
        "INSERT INTO v (id, a) SELECT id, a FROM q",
        "DROP TABLE q",
    )
    home = own_chain(tmp_path, {"001": raw(None, Q), "002": raw("001", *second)})
    script(home.database, Q, "INSERT INTO q VALUES (1, 'old')", *second[:2], *stamped)
    (found,) = stays(home)
    assert (found.code, found.subject) == ("interrupted-undecided", "table v")
    assert found.found == (
        "it holds nothing, and 2 rows of q that 002 brings to it are there alone; 002 changes rows before that "
        "(1 statement), and would change them again"
    )
    assert found.advice.startswith("take back by hand what these changed, or finish the revision by hand")


def test_a_copy_beside_a_table_that_newer_models_made_is_asked_about(tmp_path: Path) -> None:
    """They make the table in its newest shape, so the schema is that of a later revision than the interrupted one."""
    second = (
        "CREATE TABLE q_new (id INTEGER PRIMARY KEY, a VARCHAR(9) DEFAULT 'new')",
        "INSERT INTO q_new SELECT * FROM q",
        "DROP TABLE q",
        "ALTER TABLE q_new RENAME TO q",
    )
    chain = {"001": raw(None, Q), "002": raw("001", *second), "003": raw("002", "CREATE TABLE z (x DEFAULT 1)")}
    home = own_chain(tmp_path, chain)
    newer = (second[0].replace("q_new", "q"), "INSERT INTO q VALUES (9, 'newer')", "CREATE TABLE z (x)")
    script(home.database, Q, "INSERT INTO q VALUES (1, 'old')", *second[:3], *newer, *stamp("001"))
    assert ("interrupted-undecided", "table q_new") in codes(home)


def test_a_revision_after_an_interrupted_one_did_not_run(tmp_path: Path) -> None:
    second = (
        "CREATE TABLE q_new (id INTEGER PRIMARY KEY, a TEXT, f INTEGER)",
        "INSERT INTO q_new (id, a) SELECT id, a FROM q",
        "DROP TABLE q",
        "ALTER TABLE q_new RENAME TO q",
        "CREATE INDEX ix ON q (a)",
    )
    third = raw("002", "DROP INDEX ix", "DELETE FROM p WHERE id = 1")
    p = "CREATE TABLE p (id INTEGER PRIMARY KEY)"
    home = own_chain(tmp_path, {"001": raw(None, Q, p), "002": raw("001", *second), "003": third})
    rows = ("INSERT INTO q VALUES (1, 'x')", "INSERT INTO p VALUES (1), (2)")
    script(home.database, Q, p, *rows, *second[:3])
    (found,) = stays(home)
    assert (found.code, found.subject) == ("rows-undecided", "003")


ANEW = (
    "ALTER TABLE q RENAME TO q_old",
    "CREATE TABLE q (id INTEGER PRIMARY KEY, a TEXT, g INTEGER)",
    "INSERT INTO q (id, a) SELECT id, a FROM q_old",
    "DROP TABLE q_old",
)


@STAMPS
def test_rows_put_aside_with_columns_of_no_revision_as_a_whole_are_asked_about(
    tmp_path: Path, stamped: tuple[str, ...]
) -> None:
    wide = "CREATE TABLE q (id INTEGER PRIMARY KEY, a TEXT, b TEXT)"
    second = ("ALTER TABLE q DROP COLUMN b", *ANEW)
    home = own_chain(
        tmp_path, {"001": raw(None, wide), "002": raw("001", *second), "003": raw("002", "CREATE TABLE z (x)")}
    )
    script(home.database, wide, "INSERT INTO q VALUES (1, 'x', 'y')", *second[:3], *stamped)
    assert ("interrupted-undecided", "table q_old") in codes(home)
    assert ask(home.database, "SELECT a FROM q_old") == [("x",)]


def test_a_table_left_on_its_way_speaks_against_the_statements_after_it(tmp_path: Path) -> None:
    second = (*ANEW, "DELETE FROM q WHERE id = 1")
    home = own_chain(tmp_path, {"001": raw(None, Q), "002": raw("001", *second)})
    script(home.database, Q, "INSERT INTO q VALUES (1, 'x')", *second[:3])
    (found,) = stays(home)
    assert (found.code, found.subject) == ("rows-undecided", "002")


@pytest.mark.parametrize("columns", ["(id, a) SELECT id, a", "SELECT *"])
def test_rows_that_are_not_in_the_copy_are_asked_about_though_it_has_as_many(tmp_path: Path, columns: str) -> None:
    """Newer models made the copy, and somebody wrote into it."""
    copied = Q.replace("TABLE q", "TABLE r")
    second = (copied, f"INSERT INTO r {columns} FROM q", "DROP TABLE q")
    home = own_chain(tmp_path, {"001": raw(None, Q), "002": raw("001", *second)})
    script(
        home.database, Q, "INSERT INTO q VALUES (1, 'old')", copied, "INSERT INTO r VALUES (7, 'new')", *stamp("001")
    )
    (found,) = stays(home)
    assert (found.code, found.subject) == ("interrupted-undecided", "table q")
    assert found.found.startswith("002 brings 1 row of it to r, which lacks them")


COUNTING = "CREATE TABLE c (id INTEGER PRIMARY KEY AUTOINCREMENT)"


@pytest.mark.parametrize(
    "sets",
    ["UPDATE sqlite_sequence SET seq = 1000 WHERE name = 'c'", "INSERT INTO sqlite_sequence VALUES ('c', 1000)"],
)
def test_the_number_that_a_table_goes_on_with_is_not_left_out(tmp_path: Path, sets: str) -> None:
    """SQLite keeps it in a table of its own."""
    home = own_chain(tmp_path, {"001": raw(None, COUNTING), "002": raw("001", Q, sets, "CREATE TABLE w (id INTEGER)")})
    script(home.database, COUNTING, "INSERT INTO c VALUES (1)", Q, *stamp("001"))
    (told,) = undecided(home)
    assert told.startswith("002: cannot tell whether its rows are there: the stamp stops before it")
    assert "run the 1 row statement of 002" in answered(home, **{"002": RowAnswer.RUN})
    assert ask(home.database, "SELECT max(seq) FROM sqlite_sequence") == [(1000,)]


def test_the_number_that_a_table_goes_on_with_is_not_set_again_where_it_is_that_one(tmp_path: Path) -> None:
    sets = "UPDATE sqlite_sequence SET seq = 1000 WHERE name = 'c'"
    home = own_chain(tmp_path, {"001": raw(None, COUNTING), "002": raw("001", Q, sets, "CREATE TABLE w (id INTEGER)")})
    script(home.database, COUNTING, "INSERT INTO c VALUES (1000)", Q, *stamp("001"))
    assert undecided(home) == []
