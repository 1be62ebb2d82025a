"""Columns that a revision drops and makes again in another shape: the values of the old one are not the new one's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import ask, batch, code, codes, come_home, nothing_to_do, own_chain, script, stamp
from support.scenarios import revision as raw

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)"
ROWS = "INSERT INTO t VALUES (1, 'one'), (2, NULL)"
DROP = "ALTER TABLE t DROP COLUMN n"
ADD = "ALTER TABLE t ADD COLUMN n INTEGER DEFAULT 0"
K = "CREATE TABLE k (id INTEGER PRIMARY KEY)"
CHAINS = {
    "two revisions": {"a1": raw(None, T), "b2": raw("a1", DROP), "c3": raw("b2", ADD, K)},
    "one revision": {"a1": raw(None, T), "b2": raw("a1"), "c3": raw("b2", DROP, ADD, K)},
    "batches": {
        "a1": raw(None, T),
        "b2": code("a1", *batch("t", "drop_column('n')")),
        "c3": code(
            "b2",
            *batch("t", "add_column(sa.Column('n', sa.Integer, server_default='0'))"),
            "op.create_table('k', sa.Column('id', sa.Integer, primary_key=True))",
        ),
    },
    "batches of one revision": {
        "a1": raw(None, T),
        "b2": raw("a1"),
        "c3": code(
            "b2",
            *batch("t", "drop_column('n')"),
            *batch("t", "add_column(sa.Column('n', sa.Integer, server_default='0'))"),
            "op.create_table('k', sa.Column('id', sa.Integer, primary_key=True))",
        ),
    },
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("stamped", ["a1", "c3"])
def test_the_old_column_does_not_become_the_new_one(tmp_path: Path, chain: dict[str, str], stamped: str) -> None:
    """A table of the last revision, made by hand, or a stamp that is too high, brings the position past it."""
    home = own_chain(tmp_path, chain)
    script(home.database, T, ROWS, K, *stamp(stamped))
    assert codes(home) == [("interrupted-undecided", "column t.n")]


@pytest.mark.parametrize(
    ("shape", "asked"),
    [("TEXT DEFAULT 5", ["column t.n"]), ("INTEGER DEFAULT 5", [])],
    ids=["nearer to the old", "nearer to the new"],
)
def test_a_column_in_a_shape_of_its_own_is_the_one_that_it_is_nearest_to(
    tmp_path: Path, shape: str, asked: list[str]
) -> None:
    home = own_chain(tmp_path, CHAINS["two revisions"])
    script(home.database, T.replace("TEXT", shape), "INSERT INTO t VALUES (1, 7)", K, *stamp("c3"))
    found = home.preview().plan
    assert found is not None
    assert [each.subject for each in found.blockers if each.code == "interrupted-undecided"] == asked


def test_a_column_of_a_table_that_gets_another_name_between_is_still_the_old_one(tmp_path: Path) -> None:
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, T),
            "b2": raw("a1", DROP),
            "c3": raw("b2", "ALTER TABLE t RENAME TO u", ADD.replace(" t ", " u "), K),
        },
    )
    script(home.database, T, ROWS, K, *stamp("a1"))
    assert codes(home) == [("interrupted-undecided", "column u.n")]


@pytest.mark.parametrize(
    ("shape", "stamped", "asked"),
    [("VARCHAR(40)", (), True), ("TEXT", (), False), ("VARCHAR(9)", (), False), ("VARCHAR(40)", ("c3",), False)],
    ids=["as the old", "as the new", "as neither", "a stamp that fits"],
)
def test_a_difference_that_does_not_matter_tells_the_old_column_from_the_new_one(
    tmp_path: Path, shape: str, stamped: tuple[str, ...], asked: bool
) -> None:
    old = T.replace("TEXT", "VARCHAR(40)")
    chain = {
        "a1": raw(None, old),
        "b2": raw(
            "a1",
            DROP,
        ),
        "c3": raw("b2", "ALTER TABLE t ADD COLUMN n TEXT", K),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, T.replace("TEXT", shape), ROWS, K, *(stamp(*stamped) if stamped else ()))
    found = home.survey().findings
    assert [each.subject for each in found if each.code == "interrupted-undecided"] == ["column t.n"] * asked


def test_a_column_made_again_by_the_same_revision_does_not_get_the_default_of_the_old_one(tmp_path: Path) -> None:
    """Only something of the last revision is there, so the column is added by repair."""
    again = ("ALTER TABLE t DROP COLUMN m", "ALTER TABLE t ADD COLUMN m TEXT")
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, T),
            "b2": raw("a1", "ALTER TABLE t ADD COLUMN m INTEGER NOT NULL DEFAULT 7"),
            "c3": raw("b2", *again, K),
        },
    )
    script(home.database, T, ROWS, K, *stamp("a1"))
    come_home(home)
    assert ask(home.database, "SELECT DISTINCT m FROM t") == [(None,)]


def test_a_column_that_a_revision_makes_and_takes_away_itself_does_not_become_the_later_one(tmp_path: Path) -> None:
    """The revision was interrupted before it takes the column away."""
    second = (
        "CREATE TABLE u (id INTEGER PRIMARY KEY, n VARCHAR(20))",
        "INSERT INTO u SELECT * FROM t",
        "DROP TABLE t",
        "ALTER TABLE u ADD COLUMN m VARCHAR(20)",
        "UPDATE u SET m = n",
        "ALTER TABLE u DROP COLUMN n",
    )
    third = "ALTER TABLE u ADD COLUMN n DATETIME"
    home = own_chain(tmp_path, {"a1": raw(None, T), "b2": raw("a1", *second), "c3": raw("b2", third)})
    script(home.database, T, "INSERT INTO t VALUES (1, 'one')", *second[:5])
    assert codes(home) == [("interrupted-undecided", "column u.n")]


def test_an_old_column_without_values_becomes_the_new_one(tmp_path: Path) -> None:
    home = own_chain(tmp_path, CHAINS["two revisions"])
    script(home.database, T, "INSERT INTO t VALUES (1, NULL)", K, *stamp("c3"))
    assert codes(home) == [("interrupted-undecided", "column t.n")]  # NULL is not the default
    script(home.database, "DELETE FROM t")
    come_home(home)


def test_the_new_column_is_no_question(tmp_path: Path) -> None:
    home = own_chain(tmp_path, CHAINS["one revision"])
    script(home.database, T, ROWS, DROP, ADD, K, "UPDATE t SET n = 5", *stamp("c3"))
    nothing_to_do(home)


def test_a_person_settles_it(tmp_path: Path) -> None:
    home = own_chain(tmp_path, CHAINS["one revision"])
    script(home.database, T, ROWS, K, *stamp("a1"))
    script(home.database, DROP)
    come_home(home)
    assert ask(home.database, "SELECT id, n FROM t ORDER BY id") == [(1, 0), (2, 0)]


@pytest.mark.parametrize("more", [(), ("ALTER TABLE u RENAME COLUMN kind TO sort",)], ids=["alone", "beside a rename"])
def test_a_column_of_a_table_that_was_renamed_is_made_again(tmp_path: Path, more: tuple[str, ...]) -> None:
    """The database is sound, and only the values of the column that the chain drops are gone."""
    rename, kind = "ALTER TABLE t RENAME TO u", "ALTER TABLE t ADD COLUMN kind TEXT"
    in_u = [line.replace("TABLE t", "TABLE u") for line in (DROP, ADD)]
    chain = {"a1": raw(None, T, kind), "b2": raw("a1", rename), "c3": raw("b2", *in_u, *more)}
    home = own_chain(tmp_path, chain)
    script(home.database, T, ROWS, kind, "UPDATE t SET kind = 'k'", *stamp("a1"))
    shown = home.preview()
    assert shown.plan is not None
    assert reconcile(home.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert ask(home.database, "SELECT * FROM u ORDER BY id") == [(1, "k", 0), (2, "k", 0)]


TAKEN_TO = (
    *batch("t", "alter_column('n', existing_type=sa.Text(), new_column_name='made')"),
    "op.add_column('t', sa.Column('n', sa.Text(), server_default='new'))",
    *batch("t", "alter_column('made', existing_type=sa.Text(), nullable=False)"),
)
FULL = "INSERT INTO t VALUES (1, 'one'), (2, 'two')"


def _taken(folder: Path, before: str) -> Home:
    """A chain whose batch operation renames a column, the name of which it then gives to another one."""
    home = own_chain(folder, {"a1": raw(None, T), "b2": code("a1", *TAKEN_TO)})
    script(home.database, T, before, *stamp("a1"))
    return home


def test_a_column_gets_the_name_that_a_batch_operation_took_from_another(tmp_path: Path) -> None:
    home = _taken(tmp_path, FULL)
    shown = home.preview()
    assert shown.plan is not None
    assert shown.plan.blockers == ()
    assert reconcile(home.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert ask(home.database, "SELECT id, made, n FROM t ORDER BY id") == [(1, "one", "new"), (2, "two", "new")]


def test_such_a_run_that_was_interrupted_is_asked_about(tmp_path: Path) -> None:
    """The column has its new name, and none has the old one yet."""
    home = _taken(tmp_path, FULL)
    script(home.database, "ALTER TABLE t RENAME COLUMN n TO made")
    assert codes(home) == [("interrupted-undecided", "table t")]
