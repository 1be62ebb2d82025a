"""What is asked about rows, in words that go after "cannot tell"."""

from __future__ import annotations

from typing import get_args

import pytest

from architect_migrate.planning.row_questions import (
    Alters,
    Changing,
    DuplicatesOf,
    KeysTaken,
    LeftOut,
    NullsIn,
    NullsOf,
    Orphaned,
    Orphans,
    Question,
    RowsBeyond,
    RowsIn,
    RowsLike,
    ValuesBesides,
    ValuesLacking,
    Violating,
    describe,
)

SAID = [
    (RowsIn("t"), "how many rows there are"),
    (RowsBeyond("t", "t_old"), "which rows are not in t_old"),
    (NullsIn("t", "name"), "where name is NULL"),
    (NullsOf("t", "coalesce(a, b)"), "where coalesce(a, b) is NULL"),
    (DuplicatesOf("t", ("a",)), "which rows have the same a"),
    (DuplicatesOf("t", ("a", "b"), ("nocase", "binary"), "a > 1"), "which rows have the same a, b"),
    (Violating("t", "n > 0"), "which rows break CHECK (n > 0)"),
    (ValuesBesides("t", "n", ("NULL", "0")), "which values of n are others than NULL, 0"),
    (ValuesLacking("t", "n", "m"), "which values of n are not in m"),
    (Changing("t", "n", "INTEGER"), "which values of n would change as INTEGER"),
    (Changing("t", "n", ""), "which values of n would change as a column without a type"),
    (RowsLike("t", ("id", "x"), (("1a", "2b"),), "00"), "which rows are there by their id, x"),
    (KeysTaken("t", ("id",), (("1a",),), "00"), "which rows are there by their id"),
    (LeftOut("t", ("SELECT * FROM t WHERE n > 0",)), "which rows its copy leaves out"),
    (Alters("t", lambda: ("DELETE FROM t",)), "whether statements of a revision would change a value"),
    (Orphaned("t", ("DELETE FROM parent",)), "which rows refer to nothing after a revision"),
    (Orphans("t", ("a", "b"), "parent", ("x", "y")), "which a, b refer to nothing in parent"),
]


@pytest.mark.parametrize(("question", "said"), SAID)
def test_every_question_is_said_in_words(question: Question, said: str) -> None:
    assert describe(question) == said


def test_no_kind_of_question_is_left_out() -> None:
    assert {type(question) for question, _ in SAID} == set(get_args(Question))
