"""Positions, effects and the schema that a chain makes of any position."""

from __future__ import annotations

import itertools

import pytest

from architect_migrate.core.chain_errors import UnknownRevisionError
from architect_migrate.model.delta import apply, delta
from architect_migrate.model.diff import diff
from architect_migrate.model.facts import describe
from architect_migrate.model.history import effects, facts_at, reference
from architect_migrate.model.revision_graph import Revision, RevisionGraph, ancestry, heads, position_at
from support.schemas import chain_of, line_of, schema_of

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT NOT NULL)"
B = "CREATE TABLE b (id INTEGER PRIMARY KEY, a REFERENCES a); CREATE INDEX b_a ON b (a)"
MORE = "ALTER TABLE a ADD COLUMN w INTEGER DEFAULT 1 CHECK (w > 0)"
VIEW = "CREATE VIEW seen AS SELECT v FROM a; CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END"
SCRIPTS = (A, B, MORE, VIEW, "DROP INDEX b_a; DROP VIEW seen", "DROP TABLE b")
FORKED = chain_of(
    {"root": (A, ()), "left": (B, ("root",)), "right": (MORE, ("root",)), "both": (VIEW, ("left", "right"))}
)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(range(len(SCRIPTS) + 1), repeat=2)))
def test_a_delta_turns_one_schema_into_the_other_with_its_texts(before: int, after: int) -> None:
    one, other = (schema_of(";".join(SCRIPTS[:item])) for item in (before, after))
    found = apply(one, delta(one, other))
    assert found == other
    assert [table.sql for table in found.tables] == [table.sql for table in other.tables]


def test_effects_say_what_each_revision_adds_and_removes() -> None:
    told = {
        revision: (sorted(map(describe, one.added.values())), sorted(map(describe, one.removed.values())))
        for revision, one in effects(line_of(*SCRIPTS)).items()
    }
    assert told == {
        "1": (["column a.id", "column a.v", "primary key of a", "table a"], []),
        "2": (
            ["column b.a", "column b.id", "foreign key b(a) to a", "index b_a on b", "primary key of b", "table b"],
            [],
        ),
        "3": (["check on a: w > 0", "column a.w"], []),
        "4": (["trigger t on a", "view seen"], []),
        "5": ([], ["index b_a on b", "view seen"]),
        "6": ([], ["column b.a", "column b.id", "foreign key b(a) to a", "primary key of b", "table b"]),
    }


def test_a_fact_in_another_shape_is_both_added_and_removed() -> None:
    found = effects(line_of(A, "DROP TABLE a; " + A.replace("TEXT NOT NULL", "TEXT")))["2"]
    assert list(found.added) == list(found.removed) == [("column", "a", "v")]
    assert [one.column.not_null for one in (*found.removed.values(), *found.added.values())] == [True, False]  # type: ignore[union-attr]  # both are columns


@pytest.mark.parametrize(
    ("position", "scripts"),
    [
        ((), ()),
        (("root",), (A,)),
        (("root", "left"), (A, B)),
        (("root", "right"), (A, MORE)),
        (("root", "left", "right"), (A, B, MORE)),
        (("root", "left", "right", "both"), (A, B, MORE, VIEW)),
    ],
)
def test_a_position_has_the_schema_that_its_revisions_make(position: tuple[str, ...], scripts: tuple[str, ...]) -> None:
    made = schema_of(";".join(scripts))
    found = reference(FORKED, frozenset(position))
    assert diff(made, found) == ()
    assert diff(found, made) == ()
    assert facts_at(FORKED, frozenset(position)).keys() == set(facts_at(line_of(*scripts), all_of(len(scripts))))


def test_a_table_that_became_another_one_beside_another_branch_has_its_columns() -> None:
    strict = "DROP TABLE a; " + A + " STRICT"
    forked = chain_of({"root": (A, ()), "left": (B, ("root",)), "right": (strict, ("root",))})
    found = reference(forked, frozenset({"root", "right"}))
    assert diff(schema_of(f"{A}; {strict}"), found) == ()


def all_of(count: int) -> frozenset[str]:
    return frozenset(str(number + 1) for number in range(count))


OUTLINE = RevisionGraph(
    (
        Revision("001_a", ()),
        Revision("002_b", ("001_a",)),
        Revision("002_c", ("001_a",)),
        Revision("003", ("002_b", "002_c")),
    )
)


@pytest.mark.parametrize(
    ("ids", "closed", "ends"),
    [
        ([], "", ""),
        (["unknown"], "", ""),
        (["001_a"], "001_a", "001_a"),
        (["002_c"], "001_a 002_c", "002_c"),
        (["002_b", "002_c"], "001_a 002_b 002_c", "002_b 002_c"),
        (["003"], "001_a 002_b 002_c 003", "003"),
        (["001_a", "002_b"], "001_a 002_b", "002_b"),
    ],
)
def test_a_position_is_closed_under_ancestry_and_stamped_by_its_heads(ids: list[str], closed: str, ends: str) -> None:
    position = ancestry(OUTLINE, ids)
    assert (" ".join(sorted(position)), " ".join(heads(OUTLINE, position))) == (closed, ends)


@pytest.mark.parametrize(
    ("target", "ends"),
    [
        ("head", "003"),
        ("heads", "003"),
        ("base", ""),
        ("001", "001_a"),
        ("002_b", "002_b"),
        ("003", "003"),
        ("00", None),
        ("002", None),
        ("9", None),
        ("", None),
    ],
)
def test_a_target_names_one_position(target: str, ends: str | None) -> None:
    if ends is None:
        with pytest.raises(UnknownRevisionError):
            position_at(OUTLINE, target)
    else:
        assert " ".join(heads(OUTLINE, position_at(OUTLINE, target))) == ends


def test_a_chain_of_thousands_is_followed_without_recursion() -> None:
    many = RevisionGraph(tuple(Revision(str(number), (str(number - 1),) if number else ()) for number in range(5000)))
    assert len(ancestry(many, ["4999"])) == 5000
