"""Which revision brought a thing and which changed it: what every page of `docs` says beside each object."""

from __future__ import annotations

import pytest

from architect_migrate.authoring.provenance import Origin, provenance
from architect_migrate.model.facts import describe
from architect_migrate.model.revision_graph import ancestry
from support.schemas import chain_of, line_of

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT)"
CHANGED = "DROP TABLE a; CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT NOT NULL)"
AGAIN = "CREATE INDEX ix ON a (v DESC)"
LINE = line_of(A, "CREATE INDEX ix ON a (v)", CHANGED, AGAIN, "DROP INDEX ix", "CREATE VIEW seen AS SELECT v FROM a")


@pytest.mark.parametrize(
    ("revisions", "key", "expected"),
    [
        ("1", ("table", "a"), Origin("1")),
        ("12", ("column", "a", "v"), Origin("1")),
        ("123", ("column", "a", "v"), Origin("1", ("3",))),
        ("12", ("index", "ix"), Origin("2")),
        ("123", ("index", "ix"), None),
        ("1234", ("index", "ix"), Origin("4")),
        ("12345", ("index", "ix"), None),
        ("123456", ("view", "seen"), Origin("6")),
        ("", ("table", "a"), None),
    ],
)
def test_a_thing_is_of_the_revision_that_brought_it_last(
    revisions: str, key: tuple[str, ...], expected: Origin | None
) -> None:
    assert provenance(LINE, frozenset(revisions)).origins.get(key) == expected


def test_what_befell_a_table_is_told_in_the_order_of_the_chain() -> None:
    told = [
        (event.revision, [f"{deed.value} {describe(fact)}" for deed, fact in event.deeds])
        for event in provenance(LINE, frozenset("12345")).events["a"]
    ]
    assert told == [
        ("1", ["brings table a", "brings column a.id", "brings column a.v", "brings primary key of a"]),
        ("2", ["brings index ix on a"]),
        ("3", ["changes column a.v", "removes index ix on a"]),
        ("4", ["brings index ix on a"]),
        ("5", ["removes index ix on a"]),
    ]


def test_a_branch_that_is_not_at_the_position_has_brought_nothing() -> None:
    more = "ALTER TABLE a ADD COLUMN w"
    forked = chain_of({"root": (A, ()), "left": (more, ("root",)), "right": (AGAIN, ("root",))})
    found = provenance(forked, ancestry(forked.graph, ["right"]))
    assert ("column", "a", "w") not in found.origins
    assert [event.revision for event in found.events["a"]] == ["root", "right"]
