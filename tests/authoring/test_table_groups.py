"""Which tables are drawn together: each rule on a small schema, and that a diagram is never too large to be read."""

from __future__ import annotations

from string import ascii_lowercase

import pytest

from architect_migrate.authoring.table_groups import HUB, MOST, groups
from support.schemas import schema_of


def table(name: str, *parents: str) -> str:
    keys = "".join(f", {parent}_id REFERENCES {parent}" for parent in parents)
    return f"CREATE TABLE {name} (id INTEGER PRIMARY KEY{keys});"


LETTERS = ascii_lowercase
HUBBED = [table("hub"), *(table(f"{one}x", "hub") for one in LETTERS[:HUB])]


@pytest.mark.parametrize(
    ("script", "brought", "expected"),
    [
        ([], {}, {}),
        ([table("a")], {}, {"others": "a"}),
        ([table("a"), table("b", "a"), table("c", "b"), table("d")], {}, {"a": "a b c", "others": "d"}),
        ([table("tree", "tree"), table("b")], {}, {"others": "b tree"}),
        ([table("a", "nowhere"), table("b")], {}, {"others": "a b"}),
        ([table("a"), table("b"), table("c")], {"a": 1, "b": 1, "c": 2}, {"a": "a b", "others": "c"}),
        ([table("task_a"), table("tasks"), table("tax")], {}, {"task_a": "task_a tasks", "others": "tax"}),
        # The oldest group comes first, and of those that nothing refers to the oldest gives its name.
        ([table("a"), table("b"), table("y"), table("z")], {"a": 2, "b": 2, "y": 1, "z": 1}, {"y": "y z", "a": "a b"}),
        # A hub binds nobody, but who is alone joins it.
        (HUBBED, {}, {"hub": "ax bx cx dx hub"}),
        (
            [*HUBBED, table("a_child", "ax"), table("b_child", "bx")],
            {},
            {"ax": "a_child ax", "bx": "b_child bx", "hub": "cx dx hub"},
        ),
    ],
)
def test_tables_stand_with_those_that_they_belong_to(
    script: list[str], brought: dict[str, int], expected: dict[str, str]
) -> None:
    found = groups(schema_of("".join(script)), brought)
    assert {one.name: " ".join(one.tables) for one in found} == expected
    assert list(expected) == [one.name for one in found]


@pytest.mark.parametrize(
    "script",
    [
        [table("t0"), *(table(f"t{number}", f"t{number - 1}") for number in range(1, 100))],
        [table("same"), *(table(f"same_{number:03}", "same") for number in range(100))],
        [table(f"x{one}{other}") for one in LETTERS for other in LETTERS[:4]],
    ],
    ids=["chained", "alike", "alone"],
)
def test_no_group_is_too_large_and_every_table_is_in_one(script: list[str]) -> None:
    schema = schema_of("".join(script))
    found = groups(schema, {})
    assert sorted(name for one in found for name in one.tables) == [each.name for each in schema.tables]
    assert max(len(one.tables) for one in found) <= MOST
    assert len({one.name for one in found}) == len(found)
