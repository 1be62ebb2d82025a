"""Relative revisions mean one revision from where a database is, or are refused with a reason."""

from __future__ import annotations

import pytest

from architect_migrate.core.chain_errors import RelativeRevisionError, UnknownRevisionError
from architect_migrate.model.relative import moves, relative_of, revision_at
from architect_migrate.model.revision_graph import Revision, RevisionGraph, ancestry


def graph(*rows: tuple[str, tuple[str, ...], str]) -> RevisionGraph:
    """A chain of (id, down revisions, branch label)."""
    return RevisionGraph(
        tuple(Revision(name, down, labels=(label,) if label else (), down=down) for name, down, label in rows)
    )


LINE = graph(("a1", (), ""), ("b2", ("a1",), ""), ("c3", ("b2",), ""))
# a1 - b2 - m5 on the trunk, where m5 merges c3; d4 begins the branch dev on a1, and e6 follows it.
TREE = graph(
    ("a1", (), ""),
    ("b2", ("a1",), ""),
    ("c3", ("a1",), ""),
    ("d4", ("a1",), "dev"),
    ("m5", ("b2", "c3"), ""),
    ("e6", ("d4",), "dev"),
)


def at(chain: RevisionGraph, target: str, *there: str) -> str:
    """What a target means for a database at these heads."""
    relative = relative_of(chain, target)
    assert relative is not None
    return revision_at(chain, relative, ancestry(chain, there))


@pytest.mark.parametrize(
    ("chain", "target", "there", "expected"),
    [
        (LINE, "+1", (), "a1"),
        (LINE, "+2", ("a1",), "c3"),
        (LINE, "+0", ("b2",), "b2"),
        (LINE, "-1", ("c3",), "b2"),
        (LINE, "-3", ("c3",), "base"),
        (LINE, "b2+1", (), "c3"),
        (LINE, "b+1", (), "c3"),
        (LINE, "head-1", (), "b2"),
        (LINE, "base+2", ("c3",), "b2"),
        (TREE, "e6-1", ("b2",), "d4"),
        (TREE, "dev@+1", ("b2", "d4"), "e6"),
        (TREE, "dev@head-1", (), "d4"),
    ],
)
def test_a_relative_revision_means_one(
    chain: RevisionGraph, target: str, there: tuple[str, ...], expected: str
) -> None:
    assert at(chain, target, *there) == expected


@pytest.mark.parametrize(
    ("chain", "target", "there", "message"),
    [
        (LINE, "+1", ("c3",), "+1: no revision after c3 (archmig history lists them)"),
        (LINE, "+3", ("a1",), "+3: only 2 revisions after a1 (archmig history lists them)"),
        (LINE, "-1", (), "-1: no revision to take back from base"),
        (LINE, "-3", ("b2",), "-3: only 2 revisions to take back from b2"),
        (TREE, "+1", ("a1",), "+1: several revisions follow a1: b2, c3, d4 (name the revision in full)"),
        (TREE, "+1", ("b2", "d4"), "+1: there are several heads: b2, d4 (name one of them: d4+1)"),
        (TREE, "+1", ("b2",), "+1: m5 also brings c3 (name the revision in full)"),
        (TREE, "-1", ("m5",), "-1: m5 merges b2, c3 (name the revision in full)"),
        (TREE, "dev@+1", ("b2",), "dev@+1: the branch dev has not begun here (name the revision in full)"),
        (
            TREE,
            "dev@-1",
            ("b2", "e6"),
            (
                "dev@-1: there are several heads: b2, e6 (name the revision that stays, or take one head back: "
                "archmig rollback --head e6)"
            ),
        ),
    ],
)
def test_what_means_none_or_several_is_refused(
    chain: RevisionGraph, target: str, there: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RelativeRevisionError) as caught:
        at(chain, target, *there)
    assert str(caught.value) == message


def test_an_unknown_start_is_an_unknown_revision() -> None:
    with pytest.raises(UnknownRevisionError):
        at(LINE, "zz+1", "a1")


@pytest.mark.parametrize("target", ["a1", "head", "base", "dev", "dev@head", "", "+", "x-", "+1x"])
def test_other_targets_are_not_relative(target: str) -> None:
    assert relative_of(TREE, target) is None


def test_a_revision_whose_id_looks_relative_is_that_revision() -> None:
    chain = graph(("v-1", (), ""), ("v-2", ("v-1",), "fix-3"))
    assert [relative_of(chain, target) for target in ("v-1", "v-2", "fix-3")] == [None, None, None]


@pytest.mark.parametrize(
    ("target", "steps"), [("+1", 1), ("-2", -2), ("dev@-1", -1), ("a1-1", 0), ("head", 0), ("base", 0)]
)
def test_how_far_a_target_goes_from_where_a_database_is(target: str, steps: int) -> None:
    assert moves(target) == steps
