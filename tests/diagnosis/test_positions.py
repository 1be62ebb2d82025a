"""Positions held against a database: which fit, how well, and what a stamp rests on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.diagnosis.positions import borne_out, database_of, fitting, held_against, surviving_effects
from architect_migrate.model.diff import change_key
from architect_migrate.model.environment import Keep, Kind, Origin, Subject
from architect_migrate.model.facts import describe
from support.schemas import chain_of, line_of, schema_of

if TYPE_CHECKING:
    from architect_migrate.diagnosis.positions import Comparison
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.history import History

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT)"
B = "CREATE TABLE b (w TEXT)"
INDEX = "CREATE INDEX a_v ON a (v)"
# 3 takes back what 2 makes; 4 does nothing; 5 adds an index.
LINE = line_of(A, B, "DROP TABLE b", "", INDEX)


def against(script: str, position: str, *resolutions: Resolution, history: History = LINE) -> Comparison:
    return held_against(history, frozenset(position), database_of(schema_of(script), resolutions))


def fits(script: str, history: History = LINE) -> list[str]:
    return ["".join(sorted(one.position)) for one in fitting(history, database_of(schema_of(script)))]


def told(found: Comparison) -> tuple[list[str], list[str], list[str]]:
    lacking = sorted(" ".join(change_key(revision)) for revision in found.lacking)
    return lacking, sorted(map(describe, found.beyond)), sorted(map(describe, found.leftovers))


B_PARTS = ["column b.w", "table b"]
A_V = "index a_v on a"


@pytest.mark.parametrize(
    ("script", "position", "expected"),
    [
        ("", "", ([], [], [])),
        (A, "1", ([], [], [])),
        (f"{A}; {B}", "1", ([], B_PARTS, [])),
        (f"{A}; {B}", "12", ([], [], [])),
        (f"{A}; {B}", "123", ([], [], B_PARTS)),
        (A, "12", (["column b w", "table b"], [], [])),
        (f"{A}; {INDEX}", "1234", ([], [A_V], [])),
        # What no revision ever makes is no difference.
        (f"{A}; CREATE TABLE mine (x)", "1", ([], [], [])),
    ],
)
def test_a_position_is_compared_with_all_that_the_chain_ever_makes(
    script: str, position: str, expected: tuple[list[str], list[str], list[str]]
) -> None:
    found = against(script, position)
    assert told(found) == expected
    assert found.fits == (not expected[0] and not expected[1])


def test_a_thing_in_the_shape_of_a_later_revision_is_beyond_and_one_in_no_shape_is_not() -> None:
    typed = line_of("CREATE TABLE a (v INTEGER)", "DROP TABLE a; CREATE TABLE a (v TEXT)")
    later = against("CREATE TABLE a (v TEXT)", "1", history=typed)
    other = against("CREATE TABLE a (v BLOB)", "1", history=typed)
    assert told(later) == (["column a v"], ["column a.v"], [])
    assert told(other) == (["column a v"], [], [])


def test_a_difference_that_an_entry_keeps_does_not_count_against_a_position() -> None:
    keep = Keep(Subject(Kind.INDEX, "a_v"), Origin(Path("environments.toml"), 1))
    assert [change_key(one) for one in against(A, "12345").lost] == [("index", "a_v")]
    assert against(A, "12345", keep).lost == ()


def test_a_lost_index_does_not_keep_a_position_from_fitting_but_ranks_it_behind_the_others() -> None:
    whole, lost = against(f"{A}; {INDEX}", "12345"), against(A, "12345")
    assert (whole.fits, lost.fits) == (True, True)
    assert whole.rank < lost.rank < against(f"{A}; {B}; {INDEX}", "12345").rank


def test_a_position_with_a_lost_index_is_found_where_nothing_fits_better() -> None:
    later = line_of(A, INDEX, B, "DROP TABLE a")
    assert fits(f"{A}; {B}", later) == ["123"]


def test_leftovers_rank_before_cosmetic_differences() -> None:
    typed = line_of("CREATE TABLE a (v VARCHAR(10))", B, "DROP TABLE b")
    longer = against("CREATE TABLE a (v VARCHAR(20))", "1", history=typed)
    left = against(f"CREATE TABLE a (v VARCHAR(10)); {B}", "123", history=typed)
    assert (longer.rank, left.rank) == ((0, 1), (2, 0))
    assert longer.fits
    assert left.fits
    assert longer.rank < left.rank


@pytest.mark.parametrize(
    ("script", "positions"),
    [
        ("", [""]),
        # 3 leaves the schema of 1, and 4 does nothing.
        (A, ["1", "123", "1234"]),
        (f"{A}; {B}", ["12"]),
        (f"{A}; {INDEX}", ["12345"]),
        # Exact fits come first; where there are none, those with leftovers.
        (f"{A}; {B}; {INDEX}", ["12345"]),
        ("CREATE TABLE mine (x)", [""]),
        (B, []),
        (A.replace("v TEXT", "v INTEGER"), []),
    ],
)
def test_every_position_that_fits_best_is_found_smallest_first(script: str, positions: list[str]) -> None:
    assert fits(script) == positions


def test_of_types_within_one_kind_the_fewest_cosmetic_differences_win() -> None:
    typed = line_of("CREATE TABLE a (v VARCHAR(10))", "DROP TABLE a; CREATE TABLE a (v VARCHAR(20))")
    assert fits("CREATE TABLE a (v VARCHAR(20))", typed) == ["12"]
    assert fits("CREATE TABLE a (v VARCHAR(10))", typed) == ["1"]
    assert fits("CREATE TABLE a (v VARCHAR(30))", typed) == ["1", "12"]


FORKED = chain_of(
    {
        "r": (A, ()),
        "s": ("CREATE TABLE s (v)", ("r",)),
        "t": ("CREATE TABLE t (v)", ("r",)),
        "u": ("CREATE TABLE u (v)", ("t",)),
        "m": ("", ("s", "u")),
        "n": ("CREATE TABLE n (v)", ("m",)),
    }
)


@pytest.mark.parametrize(
    ("tables", "positions"),
    [
        ("", ["r"]),
        ("s", ["rs"]),
        ("t", ["rt"]),
        ("st", ["rst"]),
        # The merge does nothing: with and without it are one place.
        ("stu", ["rstu", "mrstu"]),
        ("stun", ["mnrstu"]),
        # u without t before it, and n without one branch, are at no position.
        ("u", []),
        ("sn", []),
    ],
)
def test_each_branch_is_at_its_own_place_and_a_merge_needs_both(tables: str, positions: list[str]) -> None:
    script = "; ".join([A, *(f"CREATE TABLE {table} (v)" for table in tables)])
    assert fits(script, FORKED) == positions


def test_many_branches_that_leave_nothing_to_see_are_no_endless_search() -> None:
    steps = {"root": (A, ())} | {f"b{number}": ("", ("root",)) for number in range(24)}
    found = fitting(chain_of(steps), database_of(schema_of(A)))
    assert found
    assert all(one.fits and "root" in one.position for one in found)


@pytest.mark.parametrize(
    ("script", "position", "revision", "expected"),
    [
        (A, "1", "1", True),
        ("CREATE TABLE a (id INTEGER PRIMARY KEY)", "1", "1", True),
        ("", "1", "1", False),
        # 2 leaves nothing at 123: its ancestor bears it out.
        (A, "123", "2", True),
        ("", "123", "3", False),
        (A, "1234", "4", True),
        (A, "12345", "5", False),
        (f"{A}; {INDEX}", "12345", "5", True),
        # An index in another shape is not what 5 makes.
        (f"{A}; CREATE UNIQUE INDEX a_v ON a (v)", "12345", "5", False),
    ],
)
def test_a_revision_is_borne_out_by_what_it_leaves_or_by_its_ancestors(
    script: str, position: str, revision: str, expected: bool
) -> None:
    found = database_of(schema_of(script)).found
    assert borne_out(LINE, frozenset(position), revision, found) is expected


# 2 widens v and adds a table; 3 takes the width back.
WIDER = line_of(
    "CREATE TABLE a (v VARCHAR(10), w)",
    "DROP TABLE a; CREATE TABLE a (v VARCHAR(20), w); CREATE TABLE n (x)",
    "DROP TABLE a; CREATE TABLE a (v VARCHAR(10), w)",
)


@pytest.mark.parametrize(
    ("script", "position", "revision", "expected"),
    [
        ("CREATE TABLE a (v VARCHAR(10))", "12", "2", False),
        ("CREATE TABLE a (v VARCHAR(20))", "12", "2", True),
        ("CREATE TABLE a (v VARCHAR(15))", "12", "2", False),
        ("CREATE TABLE a (v VARCHAR(15)); CREATE TABLE n (x)", "12", "2", True),
        # As 3 leaves it, and as 1 did: 2 has to say whether 3 can have run.
        ("CREATE TABLE a (v VARCHAR(10))", "123", "3", False),
        ("CREATE TABLE a (v VARCHAR(10)); CREATE TABLE n (x)", "123", "3", True),
        ("CREATE TABLE a (v VARCHAR(20)); CREATE TABLE n (x)", "123", "3", False),
    ],
)
def test_a_shape_that_an_earlier_revision_explains_bears_no_later_one_out(
    script: str, position: str, revision: str, expected: bool
) -> None:
    found = database_of(schema_of(script)).found
    assert borne_out(WIDER, frozenset(position), revision, found) is expected


def test_a_chain_that_leaves_nothing_bears_itself_out() -> None:
    assert borne_out(line_of("", ""), frozenset("12"), "2", {})


@pytest.mark.parametrize(("tables", "expected"), [("stu", True), ("st", False), ("tu", False)])
def test_a_merge_is_borne_out_by_every_branch(tables: str, expected: bool) -> None:
    found = database_of(schema_of("; ".join([A, *(f"CREATE TABLE {table} (v)" for table in tables)]))).found
    assert borne_out(FORKED, frozenset("rstum"), "m", found) is expected


def test_an_effect_belongs_to_the_last_revision_that_gave_it_its_shape() -> None:
    typed = line_of("CREATE TABLE a (v INTEGER, w)", "DROP TABLE a; CREATE TABLE a (v TEXT, w)")
    survive = surviving_effects(typed, frozenset("12"))
    assert {revision: [*map(describe, one.values())] for revision, one in survive.items()} == {
        "1": ["table a", "column a.w"],
        "2": ["column a.v"],
    }
