"""Constraints that a [[resolve]] entry keeps or drops, by name and by columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import ask, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

PARENT = "CREATE TABLE p (id INTEGER PRIMARY KEY)"
CHAIN = "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL, b TEXT)"
KEY = "CONSTRAINT fk_a FOREIGN KEY (a) REFERENCES p (id)"
MINE = "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER{}, b TEXT, own TEXT, {}, CONSTRAINT uq_own UNIQUE (own))"


def entry(constraint: str, doing: str) -> str:
    return f'[[resolve]]\ntable = "t"\nconstraint = {constraint}\n{doing} = true'


def home_of(folder: Path, chain: str, database: str) -> Home:
    home = own_chain(folder, {"001_t": revision(None, PARENT, chain)})
    script(home.database, PARENT, database, "INSERT INTO p VALUES (1)", "INSERT INTO t (id, a) VALUES (1, 1)")
    script(home.database, *stamp("001_t"))
    return home


def done(home: Home) -> list[str]:
    """Reconcile, and the constraints of t that are left; a second run finds nothing to do."""
    shown = home.preview()
    assert shown.plan is not None
    assert (shown.outcome, shown.plan.blockers) == (Outcome.PLANNED, ())
    assert [type(step).__name__ for step in shown.plan.steps] == ["RebuildTable"]
    assert reconcile(home.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert home.preview().outcome is Outcome.NOTHING
    assert ask(home.database, "SELECT id, a FROM t") == [(1, 1)]
    [(text,)] = ask(home.database, "SELECT sql FROM sqlite_schema WHERE name = 't'")
    return [name for name in ("fk_a", "uq_own") if name in text]


@pytest.mark.parametrize("key", ['"FK_a"', '["a"]'])
def test_an_extra_foreign_key_goes_and_nothing_else_does(tmp_path: Path, key: str) -> None:
    home = home_of(tmp_path, CHAIN, MINE.format(" NOT NULL", KEY))
    assert home.preview().outcome is Outcome.NOTHING
    assert done(home.settled(entry(key, "drop"))) == ["uq_own"]


def test_what_goes_and_what_is_repaired_takes_one_rebuild(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, MINE.format("", KEY))
    assert done(home.settled(entry('["a"]', "drop"), entry('"uq_own"', "drop"))) == []


def test_what_one_policy_forbids_is_not_done_by_an_entry(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, MINE.format(" NOT NULL", KEY)).under('repair = "additive"')
    shown = home.settled(entry('"fk_a"', "drop")).preview()
    assert shown.plan is not None
    assert [blocker.code for blocker in shown.plan.blockers] == ["blocked-policy"]


@pytest.mark.parametrize("key", ['"fk_a"', '["a"]'])
@pytest.mark.parametrize("there", ["CHECK (1)", KEY + " ON DELETE CASCADE", KEY.replace("fk_a", "fk_mine")])
def test_a_foreign_key_that_is_missing_or_of_another_kind_or_name_stands(tmp_path: Path, key: str, there: str) -> None:
    chain = CHAIN.replace("b TEXT)", f"b TEXT, CHECK (1), {KEY})")
    database = CHAIN.replace("b TEXT)", f"b TEXT, CHECK (1), {there})")
    home = home_of(tmp_path, chain, database)
    assert home.preview().outcome is Outcome.PLANNED
    assert home.settled(entry(key, "keep")).preview().outcome is Outcome.NOTHING
