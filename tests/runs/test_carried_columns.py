"""Which column the values of another are in after a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.plan import DropColumn, Plan, RenameColumn, RunRevision
from architect_migrate.runs.carried_columns import carried_columns
from support.scenarios import own_chain, revision

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.planning.plan import Step

P = "CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT, b TEXT)"


def _column(old: str, new: str) -> str:
    return f"ALTER TABLE p RENAME COLUMN {old} TO {new}"


CHAIN = {
    "a1": revision(None, P),
    "b2": revision("a1", _column("b", "c"), _column("a", "b")),
    "c3": revision("b2", _column("c", "a")),
    "d4": revision("c3", "ALTER TABLE p DROP COLUMN a", _column("b", "a")),
    "e5": revision("d4", "ALTER TABLE p DROP COLUMN a"),
}
UNDONE = RenameColumn("p", "x", "a")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((RunRevision("b2"),), {"a": "b", "b": "c"}),
        ((RunRevision("b2"), RunRevision("c3")), {"a": "b", "b": "a"}),
        ((RunRevision("b2"), RunRevision("c3"), RunRevision("d4")), {"b": ""}),
        ((UNDONE, RunRevision("b2")), {"x": "b", "b": "c"}),
        (tuple(map(RunRevision, ("b2", "c3", "d4", "e5"))), {"a": "", "b": ""}),
        ((RunRevision("b2"), DropColumn("p", "c")), {"a": "b", "b": ""}),
    ],
    ids=["turned", "exchanged by two", "one dropped", "after a repair", "dropped by the next", "dropped by a repair"],
)
def test_columns_are_followed_through_a_plan(tmp_path: Path, steps: tuple[Step, ...], expected: dict[str, str]) -> None:
    history = own_chain(tmp_path, CHAIN).context().history
    found = carried_columns(history, Plan(steps, (), (), frozenset(), frozenset()))
    assert {place[1]: to[1] if to else "" for place, to in found.items()} == expected


def test_a_column_that_is_dropped_and_made_again_loses_its_values(tmp_path: Path) -> None:
    """The table got its name in an earlier revision; a column that a table without it was made with is no such one."""
    drop, add = "ALTER TABLE q DROP COLUMN a", "ALTER TABLE q ADD COLUMN a INTEGER"
    chain = {
        "a1": revision(None, P),
        "b2": revision("a1", "ALTER TABLE p RENAME TO q"),
        "c3": revision("b2", drop, add),
        "d4": revision("c3", drop, add, "ALTER TABLE q RENAME COLUMN b TO c"),
    }
    history = own_chain(tmp_path, chain).context().history
    dropped = frozenset({("q", "a")})
    for last in ("c3", "d4"):
        steps = tuple(map(RunRevision, ("b2", last)))
        plan = Plan(steps, (), (), frozenset(), frozenset())
        assert carried_columns(history, plan, dropped)["p", "a"] is None
        assert carried_columns(history, plan)["p", "a"] == ("q", "a")


def test_a_column_that_a_revision_makes_under_a_name_of_before_is_another_one(tmp_path: Path) -> None:
    """The old one is dropped, whatever becomes of the new one."""
    moved = ("ALTER TABLE p ADD COLUMN c TEXT", "UPDATE p SET c = a", "ALTER TABLE p DROP COLUMN a")
    chain = {
        "a1": revision(None, P),
        "b2": revision("a1", *moved),
        "c3": revision("b2", "ALTER TABLE p ADD COLUMN a INTEGER"),
        "d4": revision("c3", "ALTER TABLE p RENAME TO q"),
    }
    history = own_chain(tmp_path, chain).context().history
    plan = Plan(tuple(map(RunRevision, ("b2", "c3", "d4"))), (), (), frozenset(), frozenset())
    assert carried_columns(history, plan)["p", "a"] is None
