"""Plans that run the chain up or down on databases that are where they claim to be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from architect_migrate.diagnosis.claims import Claims
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.planning.plan import headline
from architect_migrate.planning.results import Loss, Survey
from architect_migrate.runs.native_plan import downgrading, losses, mismatch_plan, plan_of_alembic_run, upgrading
from support.schemas import chain_of
from support.small import ROWS, opened, small

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Prepare, Prepared
    from support.scenarios import Home

DRIFT = "DROP TABLE b"


def prepared(home: Home, make: Prepare) -> Prepared:
    with opened(home.database) as connection:
        return make(home.context(), connection)


def words(plan: Plan) -> list[str]:
    return [headline(step) for step in plan.steps]


def blockers(plan: Plan) -> list[tuple[str, str, str]]:
    return [(blocker.code, blocker.subject, blocker.found) for blocker in plan.blockers]


@pytest.mark.parametrize(
    ("at", "target", "steps", "after"),
    [
        ("r1", None, ["run revision r2", "run revision r3", "stamp r3"], "r1 r2 r3"),
        ("r1", "r2", ["run revision r2", "stamp r2"], "r1 r2"),
        ("r3", None, [], "r1 r2 r3"),
        ("r2", "r1", [], "r1 r2"),
        ("", None, ["run revision r1", "run revision r2", "run revision r3", "stamp r3"], "r1 r2 r3"),
        ("", "r1", ["run revision r1", "stamp r1"], "r1"),
    ],
)
def test_an_upgrade_runs_what_is_pending_and_stamps_it(
    tmp_path: Path, at: str, target: str | None, steps: list[str], after: str
) -> None:
    found = prepared(small(tmp_path, at=at), upgrading(target))
    assert (words(found.plan), found.plan.blockers, found.plan.after) == (steps, (), set(after.split()))
    assert found.plan.before == found.survey.position == {one for one in ("r1", "r2", "r3") if at and one <= at}


@pytest.mark.parametrize(
    ("at", "target", "steps", "after"),
    [
        ("r3", "r1", ["take back revision r3", "take back revision r2", "stamp r1"], "r1"),
        ("r2", "base", ["take back revision r2", "take back revision r1", "stamp base"], ""),
        ("r2", "r2", [], "r1 r2"),
        ("r1", "r3", [], "r1"),
    ],
)
def test_a_downgrade_takes_back_what_comes_after_its_target_newest_first(
    tmp_path: Path, at: str, target: str, steps: list[str], after: str
) -> None:
    found = prepared(small(tmp_path, at=at), downgrading(target))
    assert (words(found.plan), found.plan.blockers, found.plan.after) == (steps, (), set(after.split()))
    assert found.plan.before == {one for one in ("r1", "r2", "r3") if one <= at}


@pytest.mark.parametrize("make", [upgrading(None), downgrading("base")], ids=["up", "down"])
def test_a_database_that_has_drifted_gets_no_step(tmp_path: Path, make: Prepare) -> None:
    found = prepared(small(tmp_path, DRIFT, at="r2"), make)
    assert found.plan.steps == ()
    assert blockers(found.plan) == [("not-where-it-claims", "stamp r2", "4 differences from the chain matter")]
    assert found.plan.before == found.plan.after == {"r1", "r2"}


@pytest.mark.parametrize("make", [upgrading(None), downgrading("base")], ids=["up", "down"])
def test_a_stamp_that_cannot_be_followed_stops_it_in_its_own_words(tmp_path: Path, make: Prepare) -> None:
    found = prepared(small(tmp_path, at="r2", stamped="r9"), make)
    assert (found.plan.steps, [blocker.code for blocker in found.plan.blockers]) == ((), ["stamp-unknown"])


NOTE = Finding(Level.WARNING, "claim-missing", "r1", "not recorded anywhere")
STOP = Finding(Level.BLOCKING, "stamp-unknown", "it", "is stamped r9, which the chain does not have")


@pytest.mark.parametrize(
    ("stamp", "drift", "findings", "expected"),
    [
        (
            ("r1", "r2"),
            {"breaking": 1, "behavioural": 2, "cosmetic": 4},
            (NOTE,),
            "stamp r1, r2: 3 differences from the chain matter",
        ),
        (("r1",), {"breaking": 1}, (), "stamp r1: 1 difference from the chain matters"),
        (("r1",), {"behavioural": 1, "extra": 3}, (), "stamp r1: 1 difference from the chain matters"),
        ((), {}, (), "stamp base: the schema shows another position"),
        (None, {"cosmetic": 1}, (), "no stamp: the schema shows another position"),
        (None, {"breaking": 1}, (NOTE, STOP), "it: is stamped r9, which the chain does not have"),
    ],
)
def test_why_the_chain_cannot_be_run_is_told_with_what_differs(
    stamp: tuple[str, ...] | None, drift: dict[str, int], findings: tuple[Finding, ...], expected: str
) -> None:
    seen = Survey(True, Claims(stamp), frozenset({"r1"}), ("r2",), Counter(drift), findings)
    plan = mismatch_plan(seen)
    assert [f"{blocker.subject}: {blocker.found}" for blocker in plan.blockers] == [expected]
    assert {blocker.level for blocker in plan.blockers} == {Level.BLOCKING}
    assert (plan.steps, plan.before, plan.after) == ((), {"r1"}, {"r1"})


FORKED = chain_of(
    {"root": ("", ()), "left": ("", ("root",)), "right": ("", ("root",)), "both": ("", ("left", "right"))}
)


@pytest.mark.parametrize(
    ("up", "down", "stamped", "steps", "after"),
    [
        ("left right", "", "root", ["run revision left", "run revision right", "stamp left, right"], "root left right"),
        (
            "",
            "both right",
            "both",
            ["take back revision both", "take back revision right", "stamp left"],
            "root left",
        ),
        ("", "root", "root", ["take back revision root", "stamp base"], ""),
        ("right", "left", "left", ["take back revision left", "run revision right", "stamp right"], "root right"),
    ],
)
def test_a_run_of_alembics_own_takes_the_same_steps_from_its_stamp(
    up: str, down: str, stamped: str, steps: list[str], after: str
) -> None:
    plan = plan_of_alembic_run(FORKED.graph, up.split(), down.split(), stamped.split())
    assert (words(plan), plan.after) == (steps, set(after.split()))
    assert plan.before == set(stamped.split()) | ({"root"} if stamped != "both" else {"root", "left", "right"})


@pytest.mark.parametrize(
    ("target", "rows", "expected"),
    [
        (
            "r1",
            ("UPDATE a SET x = 'kept' WHERE id = 1", "INSERT INTO b VALUES (1, 'w')"),
            (Loss("a", 1, "x"), Loss("b", 1)),
        ),
        ("r1", (), ()),
        ("r2", ("INSERT INTO b VALUES (1, 'w')",), ()),
        ("base", ("UPDATE a SET x = 'gone'",), (Loss("a", 2),)),
    ],
)
def test_a_downgrade_tells_the_rows_and_values_that_it_takes_away(
    tmp_path: Path, target: str, rows: tuple[str, ...], expected: tuple[Loss, ...]
) -> None:
    home = small(tmp_path, *ROWS, *rows, at="r3")
    with opened(home.database) as connection:
        plan = downgrading(target)(home.context(), connection).plan
        assert set(losses(home.context(), plan, connection)) == set(expected)
