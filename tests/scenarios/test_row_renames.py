"""Revisions whose rows a person settles: what they rename and move goes along with its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.environment import RowAnswer
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import preview
from support.scenarios import ask, come_home, gone, own_chain, script, stamp
from support.scenarios import revision as raw
from support.settled import answered, undecided

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

P, P_ROWS = "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO p VALUES (1, 'Ada')"
LOUD, MORE = "UPDATE p SET name = name || '!'", "CREATE TABLE k (id INTEGER PRIMARY KEY)"
COLUMN, TABLE = "ALTER TABLE p RENAME COLUMN name TO title", "ALTER TABLE p RENAME TO q"
LIKE_C = "CREATE TABLE d (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))"
STAMPS = pytest.mark.parametrize("stamped", [stamp("c3"), ()], ids=["stamped", "stamp lost"])


def restored(folder: Path, stamped: tuple[str, ...], *changes: str) -> Home:
    """The table is from a backup of before b2, and what comes after b2 is there."""
    home = own_chain(folder, {"a1": raw(None, P), "b2": raw("a1", LOUD, *changes), "c3": raw("b2", MORE)})
    script(home.database, P, P_ROWS, MORE, *stamped)
    return home


@STAMPS
@pytest.mark.parametrize("answer", [RowAnswer.DONE, RowAnswer.SKIP])
def test_a_column_of_settled_rows_is_renamed_with_its_values(
    tmp_path: Path, stamped: tuple[str, ...], answer: RowAnswer
) -> None:
    home = restored(tmp_path, stamped, COLUMN)
    assert [told[:2] for told in undecided(home)] == ["b2"]
    assert answered(home, b2=answer)[0] == "rename column p.name to title"
    assert ask(home.database, "SELECT title FROM p") == [("Ada",)]


@STAMPS
def test_a_table_of_settled_rows_is_renamed_with_them(tmp_path: Path, stamped: tuple[str, ...]) -> None:
    home = restored(tmp_path, stamped, TABLE, "ALTER TABLE q RENAME COLUMN name TO title")
    assert [told[:2] for told in undecided(home)] == ["b2"]
    assert answered(home, b2=RowAnswer.DONE)[:2] == ["rename table p to q", "rename column q.name to title"]
    assert ask(home.database, "SELECT title FROM q") == [("Ada",)]


@STAMPS
def test_a_revision_whose_rows_are_to_be_run_renames_by_itself(tmp_path: Path, stamped: tuple[str, ...]) -> None:
    home = restored(tmp_path, stamped, COLUMN)
    assert "run revision b2" in answered(home, b2=RowAnswer.RUN)
    assert ask(home.database, "SELECT title FROM p") == [("Ada!",)]


@STAMPS
def test_what_a_revision_of_settled_rows_moves_is_not_left_beside_an_empty_place(
    tmp_path: Path, stamped: tuple[str, ...]
) -> None:
    move = ("ALTER TABLE p ADD COLUMN title TEXT", "UPDATE p SET title = name", "ALTER TABLE p DROP COLUMN name")
    home = restored(tmp_path, stamped, *move)
    assert [told[:2] for told in undecided(home)] == ["b2"]
    shown = preview(home.context(), rows={"b2": RowAnswer.DONE}.items())
    assert shown.outcome is Outcome.BLOCKED
    assert shown.plan is not None
    assert [(each.code, each.subject) for each in shown.plan.blockers] == [("interrupted-undecided", "column p.name")]


@pytest.mark.parametrize(
    "changes",
    [
        ("ALTER TABLE c RENAME TO d",),
        ("ALTER TABLE p RENAME TO q", "ALTER TABLE c RENAME TO d", "ALTER TABLE d RENAME COLUMN p TO owner"),
        (LIKE_C, "INSERT INTO d SELECT id, p FROM c", "DROP TABLE c"),
    ],
    ids=["renamed", "with its parent and column", "copied"],
)
def test_a_row_that_referred_to_nothing_goes_along_with_its_table(tmp_path: Path, changes: tuple[str, ...]) -> None:
    child = "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))"
    home = own_chain(tmp_path, {"a1": raw(None, P, child), "b2": raw("a1", *changes)})
    script(home.database, P, child, P_ROWS, "INSERT INTO c VALUES (1, 1), (2, 77)", *stamp("a1"))
    come_home(home, gone("p", "c"))
    assert ask(home.database, "SELECT * FROM d") == [(1, 1), (2, 77)]
