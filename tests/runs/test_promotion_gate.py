"""Revisions that a required environment has not had are not run in the one that requires it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.planning.plan import Plan, RunRevision, Stamp
from architect_migrate.runs.promotion_gate import Lacking, as_promoted, lacking, reached
from support.scenarios import script
from support.small import small

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext

WAITING = Finding(Level.BLOCKING, "blocked-shape", "table a", "it is stuck")


def named(folder: Path, name: str, at: str) -> EnvironmentContext:
    its = small(folder / name, at=at).context()
    return replace(its, environment=replace(its.environment, name=name))


def requiring(folder: Path, **others: str) -> EnvironmentContext:
    """The setting of prod, which requires other environments; each is at a revision."""
    return replace(named(folder, "prod", "r1"), required=tuple(named(folder, name, at) for name, at in others.items()))


@pytest.mark.parametrize(
    ("lack", "said"),
    [
        (Lacking("qa", ("r1",)), "qa has not had r1"),
        (Lacking("qa", ("r1", "r2")), "qa has not had r1 and 1 more"),
        (Lacking("qa", ("r1", "r2", "r3"), "there is no file"), "qa has not had r1 and 2 more (there is no file)"),
    ],
)
def test_what_is_lacking_is_said_with_the_first_revision(lack: Lacking, said: str) -> None:
    assert str(lack) == said


def test_each_required_environment_lacks_what_its_database_has_not_had_in_the_order_of_the_chain(
    tmp_path: Path,
) -> None:
    its = requiring(tmp_path, qa="r1", dev="r3", test="r2")
    assert lacking(its, ["r3", "r2", "r1"]) == (Lacking("qa", ("r2", "r3")), Lacking("test", ("r3",)))


def test_where_nothing_is_to_be_run_no_database_is_looked_at(tmp_path: Path) -> None:
    its = requiring(tmp_path, qa="r1")
    (tmp_path / "qa" / "it.db").write_bytes(b"junk" * 1000)
    assert lacking(its, []) == ()


def test_a_revision_that_the_other_chain_does_not_have_is_not_asked_of_it(tmp_path: Path) -> None:
    assert lacking(requiring(tmp_path, qa="r1"), ["other"]) == ()


@pytest.mark.parametrize(
    ("change", "position", "why"),
    [
        ("nothing", {"r1", "r2"}, ""),
        ("drift", {"r1", "r2"}, ""),
        ("empty", set(), "nothing of the chain is in it"),
        ("gone", set(), "there is no file"),
        ("junk", set(), "not a"),
    ],
)
def test_a_database_has_had_what_is_in_it(tmp_path: Path, change: str, position: set[str], why: str) -> None:
    its = named(tmp_path, "qa", "r2")
    database = tmp_path / "qa" / "it.db"
    match change:
        case "drift":
            script(database, "ALTER TABLE a DROP COLUMN v", "DROP TABLE alembic_version")
        case "empty":
            database.write_bytes(b"")
        case "gone":
            database.unlink()
        case "junk":
            database.write_bytes(b"junk" * 1000)
    found, said = reached(its)
    assert (found, why in said, bool(said)) == (position, True, bool(why))


def plan(*steps: RunRevision | Stamp) -> Plan:
    return Plan(steps, (WAITING,), (), frozenset({"r1"}), frozenset({"r1", "r2", "r3"}))


def test_a_plan_is_blocked_by_each_environment_that_lacks_what_it_runs(tmp_path: Path) -> None:
    its = requiring(tmp_path, qa="r1", dev="r3", test="r2")
    made = plan(RunRevision("r2"), RunRevision("r3"), Stamp(("r3",)))
    found = as_promoted(its, made)
    assert replace(found, blockers=(WAITING,)) == made
    assert found.blockers == (
        WAITING,
        Finding(
            Level.BLOCKING,
            "not-promoted",
            "prod",
            "qa has not had r2 and 1 more",
            "archmig upgrade -e qa first, or archmig promote --to prod, which stops before it",
            "r2",
        ),
        Finding(
            Level.BLOCKING,
            "not-promoted",
            "prod",
            "test has not had r3",
            "archmig upgrade -e test first, or archmig promote --to prod, which stops before it",
            "r3",
        ),
    )


def test_a_plan_that_runs_what_all_have_had_is_as_it_was(tmp_path: Path) -> None:
    made = plan(RunRevision("r2"), Stamp(("r3",)))
    assert as_promoted(requiring(tmp_path, qa="r2"), made) is made
