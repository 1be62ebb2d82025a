"""Row statements that a person wants run although later revisions have worked on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.environment import RowAnswer
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import preview, reconcile
from support.scenarios import ask, headlines, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = "CREATE TABLE events (id INTEGER PRIMARY KEY, name TEXT, kind TEXT)"
FILL = "UPDATE events SET kind = lower(name)"
ROW = "INSERT INTO events VALUES (9, 'New', 'x')"
LOG = "CREATE TABLE log (id INTEGER PRIMARY KEY, name TEXT)"
MARK = "CREATE TABLE mark (id INTEGER PRIMARY KEY)"
CHANGED = "c3, which ran, changed rows of events"
# What a revision runs, what a later one that ran does, what that did to the database; and why the first is refused.
ORDERS = {
    "changed the same column": (FILL, "UPDATE events SET kind = kind || '!'", (), CHANGED),
    "changed what it reads": (FILL, "UPDATE events SET name = 'other'", (), CHANGED),
    "inserted rows": (FILL, ROW, (), CHANGED),
    "would have deleted its rows": (ROW, "DELETE FROM events WHERE id = 9", (), CHANGED),
    "copied its rows": (ROW, "INSERT INTO log SELECT id, name FROM events", (), "c3, which ran, read events"),
    "renamed a column": (
        FILL,
        "ALTER TABLE events RENAME COLUMN name TO title",
        ("ALTER TABLE events RENAME COLUMN name TO title",),
        "c3 changed events",
    ),
}


@pytest.mark.parametrize(("runs", "later", "did", "why"), ORDERS.values(), ids=list(ORDERS))
def test_statements_are_not_run_after_later_ones_that_ran(
    tmp_path: Path, runs: str, later: str, did: tuple[str, ...], why: str
) -> None:
    chain = {"a1": revision(None, EVENTS, LOG), "b2": revision("a1", runs), "c3": revision("b2", later, MARK)}
    home = own_chain(tmp_path, chain)
    script(home.database, EVENTS, LOG, MARK, "INSERT INTO events VALUES (1, 'A', 'b')", *did, *stamp("a1"))
    answers = [("b2", RowAnswer.RUN), ("c3", RowAnswer.DONE)]
    shown = preview(home.context(), rows=answers)
    assert shown.plan is not None
    assert shown.outcome is Outcome.BLOCKED
    assert f"its row statements cannot be run by themselves: {why} (" in shown.plan.blockers[0].found


def test_statements_on_other_columns_do_not_stop_them(tmp_path: Path) -> None:
    chain = {
        "a1": revision(None, EVENTS),
        "b2": revision("a1", "UPDATE events SET kind = 'k'"),
        "c3": revision("b2", "UPDATE events SET name = upper(name)", MARK),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, EVENTS, MARK, "INSERT INTO events VALUES (1, 'A', 'b')", *stamp("a1"))
    answers = [("b2", RowAnswer.RUN), ("c3", RowAnswer.DONE)]
    assert headlines(preview(home.context(), rows=answers).plan) == ["run revision b2", "stamp c3"]


def test_rows_of_constants_are_inserted_after_others(tmp_path: Path) -> None:
    other = "INSERT INTO events VALUES (8, 'Other', 'y')"
    chain = {"a1": revision(None, EVENTS), "b2": revision("a1", ROW), "c3": revision("b2", other, MARK)}
    home = own_chain(tmp_path, chain)
    script(home.database, EVENTS, MARK, other, *stamp("a1"))
    assert headlines(preview(home.context(), rows=[("b2", RowAnswer.RUN)]).plan) == ["run revision b2", "stamp c3"]


def test_both_are_run_in_the_order_of_the_chain(tmp_path: Path) -> None:
    copies = "INSERT INTO log SELECT id, name FROM events"
    chain = {"a1": revision(None, EVENTS, LOG), "b2": revision("a1", ROW), "c3": revision("b2", copies, MARK)}
    home = own_chain(tmp_path, chain)
    script(home.database, EVENTS, LOG, MARK, *stamp("a1"))
    answers = [("b2", RowAnswer.RUN), ("c3", RowAnswer.RUN)]
    shown = preview(home.context(), rows=answers)
    assert shown.plan is not None
    assert reconcile(home.context(), shown.plan, lambda *_: None, rows=answers).outcome is Outcome.DONE
    assert ask(home.database, "SELECT * FROM log") == [(9, "New")]
