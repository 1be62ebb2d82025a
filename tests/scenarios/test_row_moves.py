"""Revisions whose own statements renumber, replace, move or leave out rows: what is kept and what goes is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import NotProvenError
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import ask, batch, code, come_home, digest, own_chain, revision, script, stamp, stays

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)"
ROWS = "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')"
U = "CREATE TABLE u (id INTEGER PRIMARY KEY, n TEXT)"
SOME = "INSERT INTO u SELECT id, n FROM t WHERE n <> 'b'"
ALL = "INSERT INTO u (id, n) SELECT id, n FROM t"
VIEW = "CREATE VIEW t AS SELECT * FROM u"
DROPPED = "table t: b2 drops it with 3 rows; the backup of the run has them"
LEFT_OUT = "table t: b2 leaves out 1 row of it where it copies the others to u; the backup of the run has them"
# What the revision runs, the table that has the rows afterwards, and them; how many are kept, with the stamp, and what
# the plan warns of.
REVISIONS = {
    "other numbers": (
        ("UPDATE t SET id = id + 1000",),
        "t",
        [(1001, "a"), (1002, "b"), (1003, "c")],
        "4 rows in 2 tables kept",
        (),
    ),
    "another number for one": (
        ("UPDATE t SET id = 50 WHERE id = 2",),
        "t",
        [(1, "a"), (3, "c"), (50, "b")],
        "4 rows in 2 tables kept",
        (),
    ),
    "other numbers and values": (
        ("UPDATE t SET id = id + 1000, n = upper(n)",),
        "t",
        [(1001, "A"), (1002, "B"), (1003, "C")],
        "4 rows in 2 tables kept",
        (),
    ),
    "other rowids": (
        ("UPDATE t SET rowid = rowid + 10",),
        "t",
        [(11, "a"), (12, "b"), (13, "c")],
        "4 rows in 2 tables kept",
        (),
    ),
    "a row deleted and inserted anew": (
        ("DELETE FROM t WHERE id = 2", "INSERT INTO t VALUES (2, 'new')"),
        "t",
        [(1, "a"), (2, "new"), (3, "c")],
        "3 rows in 2 tables kept, 1 row gone (1 of t)",
        (),
    ),
    "a row replaced": (
        ("INSERT OR REPLACE INTO t VALUES (2, 'new')",),
        "t",
        [(1, "a"), (2, "new"), (3, "c")],
        "3 rows in 2 tables kept, 1 row gone (1 of t)",
        (),
    ),
    "all rows inserted anew as they were": (
        ("CREATE TABLE x AS SELECT * FROM t", "DELETE FROM t", "INSERT INTO t SELECT id, n FROM x", "DROP TABLE x"),
        "t",
        [(1, "a"), (2, "b"), (3, "c")],
        "4 rows in 2 tables kept",
        (),
    ),
    "some rows copied": (
        (U, SOME, "DROP TABLE t"),
        "u",
        [(1, "a"), (3, "c")],
        "3 rows in 2 tables kept, 1 row gone (1 of t)",
        (LEFT_OUT,),
    ),
    "some rows copied to what takes the table's place": (
        (U, SOME, "DROP TABLE t", "ALTER TABLE u RENAME TO t"),
        "t",
        [(1, "a"), (3, "c")],
        "3 rows in 2 tables kept, 1 row gone (1 of t)",
        (LEFT_OUT,),
    ),
    "all rows copied, and a view for the others": (
        (U, ALL, "DROP TABLE t", VIEW),
        "t",
        [(1, "a"), (2, "b"), (3, "c")],
        "4 rows in 2 tables kept",
        (),
    ),
    "values computed by a copy that takes the table's place": (
        (
            "CREATE TABLE t_new (id INTEGER PRIMARY KEY, n TEXT, CHECK (n IN ('x', 'b', 'c')))",
            "INSERT INTO t_new (id, n) SELECT id, CASE n WHEN 'a' THEN 'x' ELSE n END FROM t",
            "DROP TABLE t",
            "ALTER TABLE t_new RENAME TO t",
        ),
        "t",
        [(1, "x"), (2, "b"), (3, "c")],
        "4 rows in 2 tables kept",
        (),
    ),
    "renamed": (
        ("ALTER TABLE t RENAME TO u",),
        "u",
        [(1, "a"), (2, "b"), (3, "c")],
        "4 rows in 2 tables kept",
        (),
    ),
    "renamed, and a view for the others": (
        ("ALTER TABLE t RENAME TO u", VIEW),
        "t",
        [(1, "a"), (2, "b"), (3, "c")],
        "4 rows in 2 tables kept",
        (),
    ),
    "renamed, and its columns changed": (
        ("ALTER TABLE t RENAME TO u", "UPDATE u SET n = upper(n)", "ALTER TABLE u RENAME COLUMN n TO m"),
        "u",
        [(1, "A"), (2, "B"), (3, "C")],
        "4 rows in 2 tables kept",
        (),
    ),
    "dropped": (
        ("DROP TABLE t", U),
        "u",
        [],
        "1 row in 1 table kept, 3 rows gone (3 of t with the table)",
        (DROPPED,),
    ),
}


def at_a1(folder: Path, chain: dict[str, str], *statements: str) -> Home:
    home = own_chain(folder, chain)
    script(home.database, *statements, *stamp("a1"))
    return home


@pytest.mark.parametrize(("runs", "table", "rows", "kept", "warnings"), REVISIONS.values(), ids=list(REVISIONS))
def test_what_a_revision_does_to_rows_is_said_as_it_is(
    tmp_path: Path,
    runs: tuple[str, ...],
    table: str,
    rows: list[tuple[int, str]],
    kept: str,
    warnings: tuple[str, ...],
) -> None:
    home = at_a1(tmp_path, {"a1": revision(None, T), "b2": revision("a1", *runs)}, T, ROWS)
    shown = home.preview()
    assert shown.plan is not None
    assert (shown.outcome, shown.warnings) == (Outcome.PLANNED, warnings)
    done = reconcile(home.context(), shown.plan, lambda *_: None)
    assert done.receipt is not None
    assert done.receipt.kept == kept
    assert ask(home.database, f"SELECT * FROM {table} ORDER BY id") == rows


P, R = "CREATE TABLE p (id INTEGER PRIMARY KEY, n TEXT)", "CREATE TABLE r (id INTEGER PRIMARY KEY, n TEXT)"
NAMES = {
    "exchanged": (
        ("ALTER TABLE p RENAME TO x", "ALTER TABLE r RENAME TO p", "ALTER TABLE x RENAME TO r", U),
        "4 rows in 3 tables kept",
    ),
    "one dropped and its name given to the other": (
        ("DROP TABLE r", "ALTER TABLE p RENAME TO r"),
        "3 rows in 2 tables kept, 1 row gone (1 of r with the table)",
    ),
}


@pytest.mark.parametrize(("runs", "kept"), NAMES.values(), ids=list(NAMES))
def test_rows_are_counted_by_the_table_that_they_are_in(tmp_path: Path, runs: tuple[str, ...], kept: str) -> None:
    rows = "INSERT INTO p VALUES (1, 'a'), (2, 'b')", "INSERT INTO r VALUES (1, 'c')"
    home = at_a1(tmp_path, {"a1": revision(None, P, R), "b2": revision("a1", *runs)}, P, R, *rows)
    shown = home.preview()
    assert shown.plan is not None
    done = reconcile(home.context(), shown.plan, lambda *_: None)
    assert done.receipt is not None
    assert done.receipt.kept == kept
    assert ask(home.database, "SELECT * FROM r") == [(1, "a"), (2, "b")]


def test_a_table_that_is_dropped_made_again_and_renamed_has_lost_its_rows(tmp_path: Path) -> None:
    chain = {
        "a1": revision(None, P),
        "b2": revision("a1", "DROP TABLE p"),
        "c3": revision("b2", P),
        "d4": revision("c3", "ALTER TABLE p RENAME TO r"),
    }
    home = at_a1(tmp_path, chain, P, "INSERT INTO p VALUES (1, 'a')")
    shown = home.preview()
    assert shown.plan is not None
    done = reconcile(home.context(), shown.plan, lambda *_: None)
    assert done.receipt is not None
    assert done.receipt.kept == "1 row in 1 table kept, 1 row gone (1 of p with the table)"


UNIQUE = "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, UNIQUE (n) ON CONFLICT REPLACE)"


@pytest.mark.parametrize("runs", ["INSERT INTO t VALUES (9, 'b')", "UPDATE t SET n = 'b' WHERE n = 'a'"])
def test_a_row_that_a_constraint_of_the_chain_replaces_is_not_kept(tmp_path: Path, runs: str) -> None:
    home = at_a1(tmp_path, {"a1": revision(None, UNIQUE), "b2": revision("a1", runs)}, UNIQUE, ROWS)
    shown = home.preview()
    assert shown.plan is not None
    done = reconcile(home.context(), shown.plan, lambda *_: None)
    assert done.receipt is not None
    assert done.receipt.kept == "3 rows in 2 tables kept, 1 row gone (1 of t)"


def test_a_copy_into_such_a_table_that_loses_rows_is_refused(tmp_path: Path) -> None:
    copy = UNIQUE.replace("TABLE t", "TABLE u"), ALL, "DROP TABLE t", "ALTER TABLE u RENAME TO t"
    home = at_a1(tmp_path, {"a1": revision(None, T), "b2": revision("a1", *copy)}, T, ROWS, "UPDATE t SET n = 'b'")
    shown, before = home.preview(), digest(home.database)
    assert shown.plan is not None
    with pytest.raises(NotProvenError, match="t row 1: is gone; t row 2: is gone"):
        reconcile(home.context(), shown.plan, lambda *_: None)
    assert digest(home.database) == before


def test_a_view_that_the_chain_itself_leaves_without_its_table_does_not_refuse_the_run(tmp_path: Path) -> None:
    """A batch operation of the same revision has every view looked at. Found with make truth."""
    view = "CREATE VIEW names AS SELECT n FROM p"
    narrow = batch("t", "alter_column('n', existing_type=sa.Text(), nullable=False)")
    chain = {"a1": revision(None, T, P, view), "b2": code("a1", *narrow, "op.execute('DROP TABLE p')")}
    home = at_a1(tmp_path, chain, T, P, view, ROWS)
    shown = home.preview()
    assert shown.plan is not None
    assert reconcile(home.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE


def test_a_column_filled_from_the_default_of_one_that_is_not_there_is_asked_about(tmp_path: Path) -> None:
    chain = {
        "a1": revision(None, "CREATE TABLE posts (id INTEGER PRIMARY KEY)"),
        "b2": revision("a1", "ALTER TABLE posts ADD COLUMN size TEXT DEFAULT 'new'"),
        "c3": revision(
            "b2",
            "ALTER TABLE posts ADD COLUMN place TEXT",
            "UPDATE posts SET place = size",
            "ALTER TABLE posts DROP COLUMN size",
        ),
        "d4": revision("c3", "ALTER TABLE posts RENAME COLUMN place TO amount", "CREATE TABLE logs (x)"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, "CREATE TABLE posts (id INTEGER PRIMARY KEY)", "INSERT INTO posts VALUES (1), (2)")
    script(home.database, "CREATE TABLE logs (x)", *stamp("d4"))
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("blocked-brought-column", "posts.amount")
    assert finding.found == "2 rows have no value for it, and the chain brings it from size, which it fills with 'new'"
    come_home(home.settled(finding.entry))
    assert ask(home.database, "SELECT * FROM posts") == [(1, "new"), (2, "new")]


def test_a_column_may_get_the_name_of_one_that_it_replaces(tmp_path: Path) -> None:
    """As people change an enum with its values: a new column, an UPDATE, and a batch operation that replaces."""
    replaces = batch("t", "drop_column('n')", "alter_column('m', new_column_name='n', existing_type=sa.Text())")
    lines = ("op.execute('ALTER TABLE t ADD COLUMN m TEXT')", "op.execute('UPDATE t SET m = upper(n)')", *replaces)
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": code("a1", *lines)})
    script(home.database, T, ROWS, *stamp("a1"))
    reconcile(home.context(), home.preview().plan, lambda *_: None)
    assert ask(home.database, "SELECT id, n FROM t ORDER BY id") == [(1, "A"), (2, "B"), (3, "C")]


def test_a_column_goes_after_its_table_was_renamed_in_the_same_run(tmp_path: Path) -> None:
    renames, drops = "ALTER TABLE t RENAME TO u", "ALTER TABLE u DROP COLUMN n"
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", renames), "c3": revision("b2", drops)})
    script(home.database, T, ROWS, *stamp("a1"))
    shown = home.preview().plan
    assert shown is not None
    reconcile(home.context(), shown, lambda *_: None)
    assert ask(home.database, "SELECT * FROM u ORDER BY id") == [(1,), (2,), (3,)]


GROWN = "ALTER TABLE t ADD COLUMN x TEXT"
ANEW = "CREATE TABLE u (id INTEGER PRIMARY KEY, n TEXT, x TEXT)"
PLACE = "DROP TABLE t", "ALTER TABLE u RENAME TO t"
FIRST_ONES = "SELECT min(id) AS id FROM t GROUP BY lower(n)"
NUMBERED = "SELECT *, row_number() OVER (PARTITION BY lower(n) ORDER BY id) AS nr FROM t"
COPIES = {
    "of a column that is new": ((GROWN,), (f"INSERT INTO u SELECT id, n, x FROM t WHERE id IN ({FIRST_ONES})",)),
    "by values that are new": (
        (GROWN, "UPDATE t SET x = 'kept' WHERE id IN (1, 3)"),
        ("INSERT INTO u (id, n) SELECT id, n FROM t WHERE x = 'kept'",),
    ),
    "WITH before INSERT": (
        (),
        (f"WITH f AS ({FIRST_ONES}) INSERT INTO u (id, n) SELECT id, n FROM t WHERE id IN (SELECT id FROM f)",),
    ),
    "WITH after INSERT": ((), (f"INSERT INTO u (id, n) WITH f AS ({NUMBERED}) SELECT id, n FROM f WHERE nr = 1",)),
    "by a join": ((), (f"INSERT INTO u (id, n) SELECT t.id, n FROM t JOIN ({FIRST_ONES}) f ON f.id = t.id",)),
    "by two statements": (
        (),
        (
            "INSERT INTO u (id, n) SELECT id, n FROM t WHERE id = 1",
            "INSERT INTO u (id, n) SELECT id, n FROM t LIMIT 1 OFFSET 2",
        ),
    ),
    "after more rows came": (
        ("INSERT INTO t VALUES (4, 'A'), (5, 'C')",),
        (f"INSERT INTO u (id, n) SELECT id, n FROM t WHERE id IN ({FIRST_ONES})",),
    ),
}


@pytest.mark.parametrize("apart", [False, True], ids=["one revision", "two revisions"])
@pytest.mark.parametrize(("before", "copy"), COPIES.values(), ids=list(COPIES))
def test_a_copy_leaves_out_what_its_select_does_when_it_runs(
    tmp_path: Path, before: tuple[str, ...], copy: tuple[str, ...], *, apart: bool
) -> None:
    chain = {"a1": revision(None, T), "b2": revision("a1", *before, ANEW, *copy, *PLACE)}
    if apart:
        chain |= {"b2": revision("a1", *before), "c3": revision("b2", ANEW, *copy, *PLACE)}
    home = at_a1(tmp_path, chain, T, "INSERT INTO t VALUES (1, 'a'), (2, 'A'), (3, 'c')")
    shown = home.preview()
    assert shown.plan is not None
    done = reconcile(home.context(), shown.plan, lambda *_: None)
    assert done.receipt is not None
    assert done.receipt.kept == "3 rows in 2 tables kept, 1 row gone (1 of t)"
    assert ask(home.database, "SELECT id, n FROM t") == [(1, "a"), (3, "c")]


def test_two_revisions_may_each_leave_out_rows_of_one_table(tmp_path: Path) -> None:
    copies = (f"INSERT INTO u (id, n) SELECT id, n FROM t WHERE id > {number}" for number in (1, 2))
    chain = {"a1": revision(None, T)}
    for name, after, copy in zip(("b2", "c3"), ("a1", "b2"), copies, strict=True):
        chain[name] = revision(after, ANEW, copy, *PLACE)
    home = at_a1(tmp_path, chain, T, ROWS)
    shown = home.preview()
    assert shown.plan is not None
    done = reconcile(home.context(), shown.plan, lambda *_: None)
    assert done.receipt is not None
    assert done.receipt.kept == "2 rows in 2 tables kept, 2 rows gone (2 of t)"


@pytest.mark.parametrize("more", [(), ("INSERT INTO t VALUES (4, 'new')",)], ids=["", "after a row came"])
def test_a_row_that_a_copy_loses_beyond_its_select_is_refused(tmp_path: Path, more: tuple[str, ...]) -> None:
    unique = ANEW.replace("n TEXT", "n TEXT UNIQUE ON CONFLICT REPLACE")
    copy = "INSERT INTO u (id, n) SELECT id, lower(n) FROM t WHERE id <> 3"
    chain = {"a1": revision(None, T), "b2": revision("a1", *more), "c3": revision("b2", unique, copy, *PLACE)}
    home = at_a1(tmp_path, chain, T, ROWS)
    script(home.database, "UPDATE t SET n = 'A' WHERE id = 2")
    shown, before = home.preview(), digest(home.database)
    assert shown.plan is not None
    with pytest.raises(NotProvenError, match="2 rows are gone, its copy leaves out 1"):
        reconcile(home.context(), shown.plan, lambda *_: None)
    assert digest(home.database) == before
