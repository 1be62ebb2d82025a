"""Rows of revisions that were interrupted in a copy of a table, or of whose tables some went missing since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.environment import RowAnswer
from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import preview, reconcile
from support.scenarios import Allowed, ask, codes, come_home, own_chain, revision, script, stamp, stays

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

T = "CREATE TABLE t (id INTEGER NOT NULL, n INTEGER, w VARCHAR(9), PRIMARY KEY (id))"
ROWS = "INSERT INTO t VALUES (1, 1, 'one'), (2, 2, 'two')"
TIMES = "UPDATE t SET n = n * 10"
COPIES = "INSERT INTO t (n, w) SELECT n, 'copy' FROM t"
COPY = (
    "CREATE TABLE _alembic_tmp_t (id INTEGER NOT NULL, n INTEGER, w VARCHAR(9) NOT NULL, PRIMARY KEY (id))",
    "INSERT INTO _alembic_tmp_t (id, n, w) SELECT id, n, w FROM t",
)
SWAP = ("DROP TABLE t", "ALTER TABLE _alembic_tmp_t RENAME TO t")
K = revision("b2", "CREATE TABLE k (id INTEGER PRIMARY KEY)")
MULTIPLIED = Allowed(written=frozenset({("t", "n")}), gone=frozenset({"_alembic_tmp_t"}))


@pytest.mark.parametrize("first", [TIMES, COPIES], ids=["values", "rows"])
def test_what_a_revision_wrote_before_it_was_interrupted_is_not_written_again(tmp_path: Path, first: str) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", first, *COPY, *SWAP), "c3": K})
    script(home.database, T, ROWS, first, *COPY, *stamp("a1"))
    (finding,) = stays(home)
    assert (finding.code, finding.subject, finding.entry) == ("interrupted-undecided", "table _alembic_tmp_t", "")
    assert finding.found == (
        f"an interrupted run of b2 left it: t has every one of its {2 if first == TIMES else 4} rows; b2 changes rows "
        "before that (1 statement), and would change them again"
    )


def batches(folder: Path, *stamped: str) -> Home:
    """Two revisions that copy the table, with other columns each; an interrupted run left the first one's copy."""
    default = COPY[0].replace("NOT NULL, PRIMARY", "DEFAULT 'w', PRIMARY")
    later = (COPY[0].replace("n INTEGER", "n BIGINT").replace(" NOT NULL, PRIMARY", " DEFAULT 'v', PRIMARY"), *COPY[1:])
    chain = {
        "a1": revision(None, T),
        "b2": revision("a1", TIMES),
        "c3": revision("b2", TIMES, default, *COPY[1:], *SWAP),
    }
    home = own_chain(folder, {**chain, "d4": revision("c3", *later, *SWAP)})
    script(home.database, T, ROWS, TIMES, TIMES, default, *stamped)
    return home


def test_a_copy_is_of_the_next_revision_that_makes_one_and_not_of_a_later_one(tmp_path: Path) -> None:
    (finding,) = stays(batches(tmp_path, *stamp("b2")))
    assert finding.found.startswith("an interrupted run of c3 left it, and it is empty; c3 changes rows before that")


def test_a_copy_says_that_the_revisions_before_ran(tmp_path: Path) -> None:
    home = batches(tmp_path, *stamp("a1"))
    assert ("rows-undecided", "b2") in codes(home)
    assert home.preview().outcome is Outcome.BLOCKED


# Rows of the same table are changed, and then a column is filled from the one that goes.
MOVED = ("ALTER TABLE t ADD COLUMN v TEXT", "UPDATE t SET v = w", "ALTER TABLE t DROP COLUMN w")
BOTH = "UPDATE t SET v = w, n = n * 10"


def test_a_statement_on_the_table_of_a_column_that_moves_is_not_taken_for_the_move(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", TIMES, *MOVED), "c3": K})
    script(home.database, T, ROWS, TIMES, MOVED[0], *stamp("a1"))
    finding, rows = stays(home)
    assert (finding.code, finding.subject, rows.code) == ("interrupted-undecided", "column t.v", "rows-undecided")
    assert "b2 changes rows before that (1 statement), and would change them again" in finding.found


def test_a_statement_that_moves_a_column_and_changes_another_is_not_left_out(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", MOVED[0], BOTH, MOVED[2]), "c3": K})
    script(home.database, T, ROWS, MOVED[0], BOTH, *stamp("a1"))
    assert ("rows-undecided", "b2") in codes(home)
    assert home.preview().outcome is Outcome.BLOCKED


def test_what_changes_nothing_a_second_time_is_run_again(tmp_path: Path) -> None:
    first = "UPDATE t SET n = 0 WHERE n IS NULL"
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", first, *COPY, *SWAP), "c3": K})
    script(home.database, T, ROWS, *COPY, *stamp("a1"))
    come_home(home, MULTIPLIED)


def test_a_revision_that_was_interrupted_before_its_rows_is_run(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", *COPY, *SWAP, TIMES), "c3": K})
    script(home.database, T, ROWS, *COPY, *stamp("a1"))
    come_home(home, MULTIPLIED)
    assert ask(home.database, "SELECT n FROM t ORDER BY id") == [(10,), (20,)]


def test_rows_that_an_interruption_shows_not_to_be_written_are_written_without_a_stamp_too(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", *COPY, *SWAP, TIMES), "c3": K})
    script(home.database, T, ROWS, *COPY, "DROP TABLE t")
    assert "run the 1 row statement of b2" in come_home(home, MULTIPLIED)
    assert ask(home.database, "SELECT n FROM t ORDER BY id") == [(10,), (20,)]


def test_an_empty_copy_beside_all_that_a_revision_makes_does_not_say_that_its_rows_are_to_come(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", *COPY, *SWAP, TIMES)})
    script(home.database, T, ROWS, *COPY, *SWAP, TIMES, COPY[0])
    assert [code for code, _ in codes(home)] == ["rows-undecided"]
    assert ask(home.database, "SELECT n FROM t ORDER BY id") == [(10,), (20,)]


S = "CREATE TABLE s (id INTEGER PRIMARY KEY, v VARCHAR(9))"
FILL = "INSERT INTO s SELECT id, w FROM t"


def test_a_table_that_went_missing_is_not_made_empty_where_a_later_revision_filled_it(tmp_path: Path) -> None:
    chain = {"a1": revision(None, T), "b2": revision("a1", S), "c3": revision("b2", FILL, "CREATE INDEX ix ON t (n)")}
    home = own_chain(tmp_path, chain)
    script(home.database, T, ROWS, "CREATE INDEX ix ON t (n)", *stamp("c3"))
    assert home.survey().state is State.UNDECIDED
    assert codes(home) == [("rows-undecided", "c3")]
    shown = preview(home.context(), rows={"c3": RowAnswer.RUN}.items())
    assert shown.plan is not None
    done = reconcile(home.context(), shown.plan, lambda *_: None, rows={"c3": RowAnswer.RUN}.items())
    assert done.outcome is Outcome.DONE
    assert ask(home.database, "SELECT * FROM s") == [(1, "one"), (2, "two")]


def test_a_column_that_went_missing_is_not_made_empty_where_a_later_revision_filled_it(tmp_path: Path) -> None:
    chain = {
        "a1": revision(None, T),
        "b2": revision("a1", "ALTER TABLE t ADD COLUMN v TEXT"),
        "c3": revision("b2", "UPDATE t SET v = w", "CREATE INDEX ix ON t (n)"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, T, ROWS, "CREATE INDEX ix ON t (n)", *stamp("c3"))
    assert codes(home) == [("rows-undecided", "c3")]


@pytest.mark.parametrize(
    ("third", "found"),
    [
        ("UPDATE t SET w = 'later'", "c3, which ran, changed rows of t, which it reads"),
        ("CREATE TRIGGER g AFTER INSERT ON s BEGIN UPDATE t SET n = 0; END", None),
        ("CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END", None),
    ],
    ids=["its source changed", "a trigger that goes with it", "a trigger elsewhere"],
)
def test_a_revision_that_is_missing_is_not_run_late_where_it_would_find_something_else(
    tmp_path: Path, third: str, found: str | None
) -> None:
    chain = {"a1": revision(None, T), "b2": revision("a1", S, FILL), "c3": revision("b2", third, "CREATE TABLE k (n)")}
    home = own_chain(tmp_path, chain)
    script(home.database, T, ROWS, *([third] if " ON t " in third else []), "CREATE TABLE k (n)", *stamp("c3"))
    told = [one.found for one in home.survey().findings if one.code == "rows-undecided"]
    assert [found in each for each in told if found] == ([True] if found else [])
    assert bool(told) == bool(found)


def test_a_revision_that_is_missing_is_not_run_again_on_tables_that_it_does_not_make(tmp_path: Path) -> None:
    seed = "INSERT INTO t VALUES (50, 5, 'seed')"
    logs = "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.w); END"
    chain = {"a1": revision(None, T), "b2": revision("a1", S, seed), "c3": revision("b2", "CREATE TABLE log (x)", logs)}
    home = own_chain(tmp_path, chain)
    script(home.database, T, ROWS, "CREATE TABLE log (x)", logs, *stamp("c3"))
    (told,) = [one.found for one in home.survey().findings if one.code == "rows-undecided"]
    assert "it also changes rows of t, which it does not make" in told


@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "unstamped"])
def test_a_revision_that_changed_rows_and_dropped_a_column_is_not_begun_again(
    tmp_path: Path, stamped: tuple[str, ...]
) -> None:
    last = "CREATE TABLE k (id INTEGER PRIMARY KEY)"
    chain = {"a1": revision(None, T), "b2": revision("a1", TIMES, "ALTER TABLE t DROP COLUMN w", last)}
    home = own_chain(tmp_path, chain)
    script(home.database, T, ROWS, TIMES, "ALTER TABLE t DROP COLUMN w", *stamped)
    assert [finding.code for finding in stays(home)] == ["may-have-begun"]


# A table as it is only between two statements of a revision.

REQUIRED = T.replace("w VARCHAR(9)", "w VARCHAR(9) NOT NULL")
AWAY = ("CREATE TABLE s (id INTEGER PRIMARY KEY, n INTEGER, w TEXT)", "INSERT INTO s SELECT * FROM t", "DROP TABLE t")
INDEX = "CREATE INDEX ix ON t (n)"


@pytest.mark.parametrize(
    ("second", "there"),
    [
        ((*COPY, *SWAP, TIMES, *AWAY), (REQUIRED, ROWS, TIMES)),
        (
            (*COPY, *SWAP, TIMES, *AWAY),
            (REQUIRED, ROWS, TIMES, "CREATE INDEX i ON t (w)", "ALTER TABLE t ADD m"),
        ),
        ((TIMES, f"{INDEX} WHERE n > 0", *AWAY), (T, ROWS, TIMES, f"{INDEX} WHERE n > 0")),
        ((INDEX, TIMES, "DROP INDEX ix", *AWAY), (T, ROWS, INDEX, TIMES)),
    ],
    ids=["a column", "a column beside what is the application's", "an index", "an index before the rows"],
)
@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "unstamped"])
def test_a_revision_that_changed_rows_is_not_begun_again_where_only_it_gives_a_table_its_shape(
    tmp_path: Path, second: tuple[str, ...], there: tuple[str, ...], stamped: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", *second), "c3": K})
    script(home.database, *there, *stamped)
    (finding,) = stays(home)
    assert (finding.code, finding.subject, finding.entry) == ("may-have-begun", "table t", "")
    assert finding.found == (
        "it is as b2, which is pending, leaves it between two of its statements: a run that was interrupted may have "
        "changed rows already"
    )
    assert finding.advice == "finish b2 by hand and stamp it, or take its changes back"


def test_an_index_that_a_revision_takes_away_for_a_while_may_be_lost_with_its_run(tmp_path: Path) -> None:
    second = revision("a1", TIMES, "DROP INDEX ix", "UPDATE t SET w = 'x'", INDEX, "CREATE TABLE s (n)")
    home = own_chain(tmp_path, {"a1": revision(None, T, INDEX), "b2": second, "c3": K})
    script(home.database, T, ROWS, TIMES, *stamp("a1"))
    assert codes(home) == [("may-have-begun", "table t")]


@pytest.mark.parametrize(
    "second",
    [
        (*COPY, *SWAP, *AWAY, "UPDATE s SET n = n * 10"),
        (*COPY, *SWAP, "UPDATE t SET n = 0 WHERE n IS NULL", *AWAY),
    ],
    ids=["before its rows", "after what acts once"],
)
def test_a_revision_is_begun_again_where_its_rows_are_not_changed_twice(
    tmp_path: Path, second: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": revision("a1", *second), "c3": K})
    script(home.database, REQUIRED, ROWS, *stamp("a1"))
    come_home(home, Allowed(gone=frozenset({"t"})))
