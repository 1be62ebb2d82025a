"""Verdicts, anchors, positions and classes: where a database really is, whatever it claims."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.diagnosis.claims import Claims, TrackerRow
from architect_migrate.diagnosis.diagnose import Diagnosis, diagnose
from architect_migrate.model.facts import describe
from architect_migrate.model.revision_graph import heads
from support.schemas import chain_of, line_of, schema_of

if TYPE_CHECKING:
    from architect_migrate.model.history import History

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT)"
B = "CREATE TABLE b (id INTEGER PRIMARY KEY, w TEXT); CREATE INDEX b_w ON b (w)"
WIDER = "ALTER TABLE a ADD COLUMN x INTEGER DEFAULT 1; ALTER TABLE a ADD COLUMN y TEXT"
RELAXED = "DROP TABLE b; " + B.replace("w TEXT", "w TEXT, z TEXT")
ROWS = ""
LESS = "DROP INDEX b_w"
LINE = line_of(A, B, WIDER, RELAXED, ROWS, LESS)
NOTHING = Claims()


def seen(script: str, claims: Claims = NOTHING, history: History = LINE) -> Diagnosis:
    return diagnose(history, schema_of(script), claims, ())


def newest(found: Diagnosis, history: History = LINE) -> str:
    return " ".join(heads(history.graph, found.position))


def verdicts(found: Diagnosis) -> str:
    return " ".join(judgement.verdict.value for judgement in found.judgements)


@pytest.mark.parametrize(
    ("script", "expected", "anchor"),
    [
        ("", "missing missing missing missing unknown missing", ""),
        (A, "applied missing missing missing unknown missing", "1"),
        (A + ";" + B, "applied applied missing missing unknown missing", "2"),
        # Of 4 nothing but z is to be seen, and 2's own column is as 4 left it.
        ("; ".join((A, B, WIDER, RELAXED)), "applied applied applied applied unknown missing", "5"),
        ("; ".join((A, B, WIDER, RELAXED, LESS)), "applied applied applied applied unknown applied", "6"),
        # 4 before 3: what comes before the anchor and is not there is missing.
        ("; ".join((A, B, RELAXED)), "applied applied missing applied unknown missing", "4"),
        (B, "missing applied missing missing unknown missing", "2"),
        # Half of 3.
        (A + "; ALTER TABLE a ADD COLUMN x INTEGER DEFAULT 1", "applied missing partial missing unknown missing", "3"),
        # In another shape.
        (A.replace("v TEXT", "v INTEGER"), "conflicting missing missing missing unknown missing", "1"),
        (
            "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT NOT NULL)",
            "conflicting missing missing missing unknown missing",
            "1",
        ),
        (
            A + "; ALTER TABLE a ADD COLUMN x INTEGER DEFAULT 2",
            "applied missing conflicting missing unknown missing",
            "3",
        ),
        ("CREATE TABLE unknown_to_the_chain (a)", "missing missing missing missing unknown missing", ""),
    ],
)
def test_a_revision_is_judged_by_what_of_it_is_there(script: str, expected: str, anchor: str) -> None:
    found = seen(script)
    assert (verdicts(found), newest(found)) == (expected, anchor)


def test_a_revision_of_which_nothing_is_left_to_see_is_superseded() -> None:
    passing = line_of(A, "CREATE TABLE t (v)", "DROP TABLE t; CREATE TABLE u (v)")
    assert verdicts(seen(A + "; CREATE TABLE u (v)", history=passing)) == "applied superseded applied"


def test_what_a_revision_takes_away_and_is_still_there_lingers() -> None:
    passing = line_of(A, "CREATE TABLE t (v)", "DROP TABLE t; CREATE TABLE u (v)")
    found = seen(A + "; CREATE TABLE t (v); CREATE TABLE u (v)", history=passing)
    assert [sorted(map(describe, judgement.left_over)) for judgement in found.judgements] == [
        [],
        [],
        ["column t.v", "table t"],
    ]
    assert verdicts(found) == "applied superseded partial"


def test_evidence_names_what_is_there_and_what_is_not() -> None:
    half = seen(A + "; ALTER TABLE a ADD COLUMN x INTEGER DEFAULT 1").judgements[2]
    assert ([*map(describe, half.present)], [*map(describe, half.absent)]) == (["column a.x"], ["column a.y"])


def test_the_name_of_a_constraint_is_not_there_where_its_constraint_is_not() -> None:
    named = "CREATE TABLE c (v TEXT CONSTRAINT some_v NOT NULL ON CONFLICT IGNORE, CONSTRAINT uq_v UNIQUE (v))"
    (_, there), (_, missing) = (seen(script, history=line_of(A, named, B)).judgements[:2] for script in (named, B))
    assert "name uq_v of unique c(v)" in map(describe, there.present)
    assert (missing.verdict.value, missing.present) == ("missing", ())


def tracked(*versions: str, skipped: bool = False) -> Claims:
    return Claims(None, tuple(TrackerRow(version, skipped=skipped) for version in versions), tracker=True)


TO_FOUR = "; ".join((A, B, WIDER, RELAXED))


@pytest.mark.parametrize(
    ("script", "claims", "position", "surely"),
    [
        # 5 does nothing at all: by the schema, 4 and 5 are one place, and the larger one has nothing left to do.
        (TO_FOUR, NOTHING, "12345", "1234"),
        (TO_FOUR, Claims(stamp=("4",)), "1234", "1234"),
        (TO_FOUR, Claims(stamp=("5",)), "12345", "12345"),
        (TO_FOUR, tracked("5"), "12345", "1234"),
        (TO_FOUR, tracked("5", skipped=True), "12345", "1234"),
        # A claim is never taken as truth where the schema speaks.
        (A, Claims(stamp=("6",)), "1", "1"),
        (A, tracked("1", "2", "3"), "1", "1"),
        (TO_FOUR, Claims(stamp=("1",)), "12345", "1234"),
        ("", Claims(stamp=("4",)), "", ""),
        (TO_FOUR, Claims(stamp=("unknown",)), "12345", "1234"),
    ],
)
def test_claims_settle_only_what_the_schema_leaves_open(
    script: str, claims: Claims, position: str, surely: str
) -> None:
    found = seen(script, claims)
    assert ("".join(sorted(found.position)), "".join(sorted(found.surely))) == (position, surely)


FORKED = chain_of(
    {
        "root": (A, ()),
        "left": ("ALTER TABLE a ADD COLUMN l", ("root",)),
        "right": ("CREATE TABLE r (v)", ("root",)),
        "further": ("CREATE TABLE f (v)", ("right",)),
        "both": ("CREATE TABLE m (v)", ("left", "further")),
    }
)


@pytest.mark.parametrize(
    ("script", "anchors", "position"),
    [
        (A, "root", "root"),
        (A + "; ALTER TABLE a ADD COLUMN l", "left", "left root"),
        (A + "; CREATE TABLE f (v)", "further", "further right root"),
        (A + "; ALTER TABLE a ADD COLUMN l; CREATE TABLE r (v)", "left right", "left right root"),
        (A + "; CREATE TABLE m (v)", "both", "both further left right root"),
    ],
)
def test_in_a_branched_chain_the_anchor_is_a_set_closed_under_ancestry(
    script: str, anchors: str, position: str
) -> None:
    found = seen(script, history=FORKED)
    assert (newest(found, FORKED), " ".join(sorted(found.position))) == (anchors, position)


def test_differences_are_those_from_the_chain_at_the_position_not_at_head() -> None:
    assert seen("; ".join((A, B))).changes == ()


def test_judging_does_not_depend_on_the_spelling_of_names() -> None:
    plain, loud = seen(TO_FOUR), seen(TO_FOUR.upper().replace("DEFAULT 1", "default 1"))
    assert [replace(judgement, present=(), differing=()) for judgement in loud.judgements] == [
        replace(judgement, present=(), differing=()) for judgement in plain.judgements
    ]
