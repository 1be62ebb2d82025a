"""A plan made through an open connection: the survey, the rows, the policies of the environment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.plan import headline
from architect_migrate.planning.results import State
from architect_migrate.runs.prepare import empty, from_nothing, prepare
from support.small import opened, small

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Prepared
    from support.scenarios import Home

HEAD = frozenset({"r1", "r2", "r3"})
SYNCED = ("sync = true", 'table = "told"')
KEEP = '[[resolve]]\ntable = "a"\ncolumn = "v"\nkeep = true'
DROP = '[[resolve]]\ntable = "a"\ncolumn = "mine"\ndrop = true'


def prepared(home: Home, target: frozenset[str] = HEAD) -> Prepared:
    with opened(home.database) as connection:
        return prepare(home.context(), connection, target)


def words(plan: Plan) -> list[str]:
    return [headline(step) for step in plan.steps]


@pytest.mark.parametrize(
    ("statements", "steps"),
    [
        pytest.param((), ["run revision r3", "stamp r3"], id="nothing to repair"),
        pytest.param(("DROP TABLE b",), ["create table b", "run revision r3", "stamp r3"], id="a table"),
        pytest.param(
            ("ALTER TABLE a DROP COLUMN x",), ["add column a.x", "run revision r3", "stamp r3"], id="a column"
        ),
        pytest.param(
            ("CREATE UNIQUE INDEX mine ON b (w)",),
            ["drop index mine", "create index mine", "run revision r3", "stamp r3"],
            id="an extra index",
        ),
        pytest.param(("DELETE FROM alembic_version",), ["stamp r2", "run revision r3", "stamp r3"], id="the stamp"),
    ],
)
def test_repair_goes_by_what_is_there_and_the_chain_is_run_on_from_it(
    tmp_path: Path, statements: tuple[str, ...], steps: list[str]
) -> None:
    found = prepared(small(tmp_path, *statements, at="r2"))
    assert (words(found.plan), found.plan.blockers) == (steps, ())
    assert (found.plan.before, found.plan.after) == ({"r1", "r2"}, HEAD)
    assert found.survey.position == {"r1", "r2"}


def test_rows_are_asked_whether_they_allow_a_repair(tmp_path: Path) -> None:
    shape = ("DROP TABLE a", "CREATE TABLE a (id INTEGER, v TEXT, x TEXT)")
    assert prepared(small(tmp_path / "one", *shape, "INSERT INTO a (id) VALUES (1)", at="r2")).plan.blockers == ()
    found = prepared(small(tmp_path / "two", *shape, "INSERT INTO a (id) VALUES (1), (1)", at="r2"))
    assert [blocker.code for blocker in found.plan.blockers] == ["blocked-duplicates"]


def test_entries_of_resolve_are_followed(tmp_path: Path) -> None:
    other = ("DROP TABLE a", "CREATE TABLE a (id INTEGER PRIMARY KEY, v BLOB, x TEXT, mine TEXT)")
    home = small(tmp_path, *other, at="r2")
    assert words(prepared(home).plan)[0] == "rebuild table a: set type v TEXT"
    settled = prepared(home.settled(KEEP, DROP)).plan
    assert words(settled) == ["drop column a.mine", "run revision r3", "stamp r3"]
    assert len(settled.kept) == 1


def test_a_stamp_that_cannot_be_followed_blocks_and_nothing_else_is_planned(tmp_path: Path) -> None:
    found = prepared(small(tmp_path, "DROP TABLE b", at="r2", stamped="r9"))
    assert (found.survey.state, found.plan.steps) == (State.UNKNOWN_STAMP, ())
    assert [blocker.code for blocker in found.plan.blockers] == ["stamp-unknown"]
    assert found.plan.before == found.plan.after == found.survey.position


@pytest.mark.parametrize(
    ("policy", "statements", "found"),
    [
        ("none", ("DROP TABLE b",), ["1 repair step is needed, and this environment's policy allows none"]),
        (
            "none",
            ("DROP TABLE b", "ALTER TABLE a DROP COLUMN x", "CREATE TABLE c (k)"),
            ["2 repair steps are needed, and this environment's policy allows none"],
        ),
        ("none", (), []),
        ("none", ("DELETE FROM alembic_version",), []),
        ("additive", ("DROP TABLE b",), []),
        ("full", ("DROP TABLE b",), []),
    ],
)
def test_a_policy_against_repairs_blocks_them_and_lets_the_chain_be_run(
    tmp_path: Path, policy: str, statements: tuple[str, ...], found: list[str]
) -> None:
    keep = "CREATE TABLE b (id INTEGER PRIMARY KEY)" if len(statements) == 3 else "SELECT 1"
    plan = prepared(small(tmp_path, *statements, keep, at="r2").under(f'repair = "{policy}"')).plan
    said = [blocker for blocker in plan.blockers if blocker.code == "blocked-policy"]
    assert [one.found for one in said] == found
    assert {(one.subject, one.advice) for one in said} <= {("it", 'set repair = "full" or "additive" for it')}
    assert words(plan)[-2:] == ["run revision r3", "stamp r3"]


def test_a_database_that_defines_nothing_is_built_without_a_diagnosis(tmp_path: Path) -> None:
    home = small(tmp_path)
    with opened(home.database) as connection:
        found = empty(home.context(), connection, "r2")
    assert found is not None
    assert (found.survey.state, found.survey.pending, found.survey.diagnosis) == (
        State.UNINITIALISED,
        ("r1", "r2"),
        None,
    )
    assert words(found.plan) == ["run revision r1", "run revision r2", "stamp r2"]


def test_a_database_that_defines_anything_is_not_empty(tmp_path: Path) -> None:
    home = small(tmp_path, "CREATE VIEW mine AS SELECT 1")
    with opened(home.database) as connection:
        assert empty(home.context(), connection, None) is None


@pytest.mark.parametrize(("target", "after"), [(None, "r1 r2 r3"), ("r2", "r1 r2"), ("r1", "r1")])
def test_a_plan_from_nothing_runs_the_chain_up_to_its_target(tmp_path: Path, target: str | None, after: str) -> None:
    plan = from_nothing(small(tmp_path).context(), target)
    assert words(plan) == [*(f"run revision {word}" for word in after.split()), f"stamp {after.rsplit(maxsplit=1)[-1]}"]
    assert (plan.blockers, plan.kept, plan.before, plan.after) == ((), (), frozenset(), set(after.split()))


def test_a_required_environment_must_have_had_what_is_planned(tmp_path: Path) -> None:
    qa = small(tmp_path / "qa", at="r2").context()
    prod = small(tmp_path / "prod", at="r1")
    its = replace(prod.context(), required=(qa,))
    assert [blocker.found for blocker in from_nothing(its, None).blockers] == ["it has not had r3"]
    assert from_nothing(its, "r2").blockers == ()
    with opened(prod.database) as connection:
        assert [blocker.found for blocker in prepare(its, connection, HEAD).plan.blockers] == ["it has not had r3"]


def test_the_legacy_tracker_is_corrected_in_the_end_where_it_is_to_be_kept_true(tmp_path: Path) -> None:
    home = replace(
        small(tmp_path, "CREATE TABLE told (version TEXT)", "INSERT INTO told VALUES ('001')", at="r2"), tracker=SYNCED
    )
    assert words(prepared(home).plan)[-1] == "make the tracker told true: add 002, 003"
    assert words(from_nothing(home.context(), "r2"))[-1] == "make the tracker told: add 001, 002"
    with_policy = home.under('repair = "none"')
    assert prepared(with_policy).plan.blockers == ()
