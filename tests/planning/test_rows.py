"""Whether row statements of revisions ran: each rule of docs/truth.md, on histories and databases in memory."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.sqlite.recorder import Recording
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.rows.questions import ask
from architect_migrate.diagnosis.claims import Claims, TrackerRow
from architect_migrate.diagnosis.data_steps import wants_data_step
from architect_migrate.diagnosis.diagnose import diagnose
from architect_migrate.model.environment import RowAnswer
from architect_migrate.model.history import History
from architect_migrate.model.revision_graph import Revision, RevisionGraph
from architect_migrate.planning.row_findings import findings_of, lacking_of, unsettled
from architect_migrate.planning.row_judgement import Ran, RowBasis, RowJudgement, not_to_run, to_run
from architect_migrate.planning.rows import row_judgements, stamped_rows, with_lacking

if TYPE_CHECKING:
    from architect_migrate.planning.cut import Cut

# No interrupted run left anything.
NOTHING_LEFT: tuple[frozenset[str], dict[str, Cut]] = (frozenset(), {})
A = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT, n INTEGER)"
ROWS = "INSERT INTO a VALUES (100, 'old', 1)"
MORE = "CREATE TABLE more (id INTEGER PRIMARY KEY)"
SLUG = "ALTER TABLE a ADD COLUMN slug TEXT"
FILL = "UPDATE a SET slug = x"
UPDATE = "UPDATE a SET n = n * 100"
SEEDS = "INSERT INTO a (id, x) VALUES (1, 'admin'), (2, 'guest')"


@dataclass(frozen=True)
class Step:
    """What a revision of a line runs: statements of upgrade(), and those of its data step after them."""

    statements: tuple[str, ...]
    data: tuple[str, ...] = ()


def line(*steps: tuple[str, ...] | Step) -> History:
    """The history of revisions 1, 2, ..., recorded as a replay does."""
    recording, revisions = Recording("alembic_version"), []
    with closing(sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)) as scratch:
        for number, step in enumerate(steps, 1):
            its = step if isinstance(step, Step) else Step(step)
            parents = (str(number - 1),) if number > 1 else ()
            revisions.append(Revision(str(number), parents, legacy_version=str(number), data_step=bool(its.data)))
            with recording.of(scratch, str(number)):
                for statement in its.statements:
                    scratch.execute(statement).fetchall()
                recording.in_data_step = True
                for statement in its.data:
                    scratch.execute(statement)
                recording.in_data_step = False
    return History(RevisionGraph(tuple(revisions)), tuple(recording.found))


@dataclass(frozen=True)
class Found:
    """What was judged of a database, and the findings that say so."""

    judgements: tuple[RowJudgement, ...]
    findings: tuple[str, ...]
    wanted: frozenset[str]

    def of(self, revision: str) -> RowJudgement:
        return next(judgement for judgement in self.judgements if judgement.revision == revision)


def found(
    history: History, *script: str, stamp: tuple[str, ...] | None = None, tracker: tuple[TrackerRow, ...] = ()
) -> Found:
    """Judge a database that a script makes. `wanted` are the revisions whose data step would be run."""
    claims = Claims(stamp, tracker)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in script:
            connection.execute(statement)
        schema = read_schema(connection)
        diagnosis = diagnose(history, schema, claims, ())
        judgements = row_judgements(history, schema, (diagnosis, (frozenset(), {})), (), partial(ask, connection))
        judgements = with_lacking(history, diagnosis.position, judgements, partial(ask, connection))
    findings = [*findings_of(history, diagnosis.position, frozenset(), judgements, str), *lacking_of(judgements)]
    wanted = frozenset(each.revision.id for each in diagnosis.judgements if wants_data_step(each))
    return Found(judgements, tuple(f"{one.code}: {one.found}" for one in findings), wanted)


def executed(*versions: str) -> tuple[TrackerRow, ...]:
    return tuple(TrackerRow(version) for version in versions)


def test_a_revision_that_does_nothing_to_rows_is_not_judged() -> None:
    assert found(line((A,), (MORE,)), A, MORE).judgements == ()


def test_a_stamp_that_the_schema_supports_covers_it() -> None:
    seen = found(line((A,), (UPDATE,)), A, ROWS, stamp=("2",))
    assert (seen.of("2").ran, seen.of("2").basis, seen.findings) == (Ran.YES, RowBasis.COVERED, ())
    assert (to_run(seen.judgements), not_to_run(seen.judgements)) == (frozenset(), {"2"})


def test_rows_of_constants_that_a_covered_revision_lacks_are_a_note_alone() -> None:
    """People delete seeds on purpose."""
    history = line((A,), (SEEDS,), (MORE,))
    seen = found(history, A, MORE, "INSERT INTO a (id, x) VALUES (1, 'admin')", stamp=("3",))
    told = (
        "1 of the 2 rows that it inserts are there, though its stamp or tracker says that it ran: they may have been "
    )
    assert seen.findings == (f"rows-lacking: {told}deleted since",)
    assert seen.of("2").ran is Ran.YES


@pytest.mark.parametrize("tracker", [(), executed("2")], ids=["no tracker", "a tracker says that it ran"])
def test_one_that_is_wholly_missing_did_not_run(tracker: tuple[TrackerRow, ...]) -> None:
    history = line((A,), ("CREATE TABLE b (id INTEGER PRIMARY KEY)", UPDATE), (MORE,))
    seen = found(history, A, MORE, tracker=tracker)
    assert (seen.of("2").ran, to_run(seen.judgements)) == (Ran.NO, {"2"})


def test_one_that_is_wholly_missing_may_have_run_where_it_changes_rows_of_others() -> None:
    history = line((A,), ("CREATE TABLE b (id INTEGER PRIMARY KEY)", UPDATE), (MORE,))
    seen = found(history, A, MORE, ROWS)
    assert (seen.of("2").ran, to_run(seen.judgements)) == (Ran.UNKNOWN, frozenset())
    assert seen.of("2").evidence == (
        "nothing of it is in the schema, but it also changes rows of a, which it does not make"
    )


def test_one_that_is_wholly_missing_and_fills_what_it_makes_did_not_run() -> None:
    history = line((A,), ("CREATE TABLE b (id INTEGER PRIMARY KEY)", "INSERT INTO b SELECT id FROM a"), (MORE,))
    seen = found(history, A, MORE, ROWS)
    assert (seen.of("2").ran, to_run(seen.judgements)) == (Ran.NO, {"2"})


def test_a_row_that_is_found_by_its_key_contradicts_that() -> None:
    history = line((A,), ("CREATE TABLE b (id INTEGER PRIMARY KEY)", SEEDS), (MORE,))
    seen = found(history, A, MORE, "INSERT INTO a (id, x) VALUES (2, 'renamed')")
    assert seen.of("2").ran is Ran.UNKNOWN
    assert seen.of("2").evidence == (
        "nothing of it is in the schema, but 0 of the 2 rows that it inserts are there, 1 with other values"
    )


def test_beyond_a_stamp_that_fits_it_is_pending_as_for_alembic() -> None:
    seen = found(line((A,), (UPDATE,)), A, ROWS, stamp=("1",))
    assert (seen.of("2").ran, seen.of("2").basis, seen.findings) == (Ran.NO, RowBasis.PENDING, ())
    assert to_run(seen.judgements) == frozenset()


@pytest.mark.parametrize(
    ("seeds", "there", "ran"),
    [
        (SEEDS, "INSERT INTO a VALUES (1, 'admin', 5), (2, 'renamed', 6)", Ran.YES),
        (SEEDS, "INSERT INTO a VALUES (1, 'admin', 5)", Ran.UNKNOWN),
        (SEEDS, ROWS, Ran.UNKNOWN),
        ("INSERT INTO a (x, n) VALUES ('admin', 7)", "INSERT INTO a VALUES (9, 'admin', 7)", Ran.YES),
        ("INSERT INTO a (x, n) VALUES ('admin', 7)", "INSERT INTO a VALUES (9, 'admin', 8)", Ran.UNKNOWN),
        ("INSERT INTO a (x, n) VALUES ('admin', NULL)", "INSERT INTO a VALUES (9, 'admin', NULL)", Ran.YES),
    ],
    ids=["all by key", "one by key", "none", "by all values", "with another value", "with a NULL"],
)
def test_rows_of_constants_are_looked_for_by_their_key_or_by_all_values(seeds: str, there: str, ran: Ran) -> None:
    assert found(line((A,), (seeds,), (MORE,)), A, MORE, there).of("2").ran is ran


def test_rows_that_a_later_revision_takes_away_are_not_looked_for() -> None:
    history = line((A,), (SEEDS,), ("DELETE FROM a WHERE id = 1", MORE))
    assert found(history, A, MORE, "INSERT INTO a (id, x) VALUES (2, 'guest')").of("2").ran is Ran.YES


def test_what_a_revision_runs_after_its_constants_may_have_been_interrupted() -> None:
    history = line((A,), (SEEDS, "INSERT INTO a (x) SELECT x || '!' FROM a"))
    seen = found(history, A, SEEDS)
    assert (
        seen.of("2").evidence
        == "2 of the 2 rows that it inserts are there, but what it runs after these may not have run"
    )
    ended = line((A,), ("UPDATE a SET n = 0", SEEDS))
    assert found(ended, A, SEEDS).of("2").ran is Ran.YES
    followed = line((A,), (SEEDS, "INSERT INTO a (x) SELECT x || '!' FROM a"), (MORE,))
    assert found(followed, A, MORE, SEEDS).of("2").ran is Ran.YES


def test_one_that_every_fitting_position_contains_ran() -> None:
    seen = found(line((A,), (UPDATE,), (MORE,)), A, MORE, ROWS)
    assert (seen.of("2").ran, seen.of("2").evidence) == (Ran.YES, "no position without it fits the schema")


def test_a_known_stamp_that_stops_before_it_leaves_doubt() -> None:
    seen = found(line((A,), (UPDATE,), (MORE,)), A, MORE, ROWS, stamp=("1",))
    assert seen.of("2").evidence == (
        "the stamp stops before it, but the schema has what it makes or what comes after it"
    )


def test_where_no_position_fits_objects_say_nothing_of_rows() -> None:
    """The application's newer models made a table, and an older one was left without a column."""
    history = line((A,), (SLUG, MORE), ("CREATE TABLE b (x)", "INSERT INTO b SELECT id FROM a"))
    seen = found(history, A, MORE, "CREATE TABLE b (x)", ROWS)
    assert seen.of("3").ran is Ran.UNKNOWN
    assert (
        seen.of("3").evidence == "the schema is that of no position, so that its objects may be there without its rows"
    )
    assert seen.of("3").unfilled == "b is empty"


@pytest.mark.parametrize(
    ("column", "unfilled"),
    [
        ("slug TEXT", "a.slug holds nothing but NULL"),
        ("slug TEXT DEFAULT 'none'", "a.slug holds nothing but NULL or 'none'"),
    ],
)
def test_a_column_of_its_own_that_holds_nothing_suggests_run(column: str, unfilled: str) -> None:
    """Killed after the last statement on the schema, without a stamp: the position fits all the same."""
    add = f"ALTER TABLE a ADD COLUMN {column}"
    seen = found(line((A,), (add, FILL)), A, ROWS, add)
    assert (seen.of("2").ran, seen.of("2").unfilled) == (Ran.UNKNOWN, unfilled)
    assert seen.of("2").suggestion is RowAnswer.RUN
    assert seen.findings[0].startswith("rows-undecided: cannot tell")
    assert f"; {unfilled}, which suggests run ({FILL})" in seen.findings[0]


def test_a_column_that_is_filled_or_that_it_does_not_set_suggests_nothing() -> None:
    filled = found(line((A,), (SLUG, FILL)), A, ROWS, SLUG, FILL)
    assert (filled.of("2").ran, filled.of("2").unfilled) == (Ran.YES, "")
    other = found(line((A,), (SLUG, UPDATE)), A, ROWS, SLUG)
    assert (other.of("2").ran, other.of("2").unfilled) == (Ran.UNKNOWN, "")


INDEX = "CREATE INDEX ix_slug ON a (slug)"


@pytest.mark.parametrize(
    ("revisions", "ran"),
    [
        (((SLUG, UPDATE),), Ran.UNKNOWN),
        (((UPDATE, SLUG),), Ran.YES),
        (((SLUG, UPDATE, INDEX),), Ran.YES),
        (((SLUG, UPDATE), (INDEX,)), Ran.YES),
        (((SLUG, INDEX, UPDATE), ("DROP INDEX ix_slug",)), Ran.YES),
    ],
    ids=["at its end", "before its end", "between", "with a later revision", "with a later one that removes"],
)
def test_without_a_stamp_a_row_statement_ran_if_something_after_it_is_in_the_schema(
    revisions: tuple[tuple[str, ...], ...], ran: Ran
) -> None:
    schema = [each for statements in revisions for each in statements if each != UPDATE]
    assert found(line((A,), *revisions), A, ROWS, *schema).of("2").ran is ran


@pytest.mark.parametrize(
    "statements",
    [("UPDATE a SET x = 'new' WHERE x = 'gone'",), ("SELECT id FROM more",), ("DELETE FROM more",)],
    ids=["an update of no row", "a loop over an empty table", "a delete from an empty table"],
)
def test_statements_that_would_change_no_value_now_settle_themselves(statements: tuple[str, ...]) -> None:
    assert found(line((A, MORE), statements), A, MORE, ROWS).of("2").ran is Ran.SETTLED


def test_what_an_earlier_step_will_write_settles_nothing() -> None:
    """The rows that the data step brings would be updated by an uninterrupted run."""
    data = Step((), ("INSERT INTO a SELECT 1, 'x', 5 WHERE NOT EXISTS (SELECT 1 FROM a WHERE id = 1)",))
    seen = found(line((A,), data, (UPDATE,)), A)
    assert (seen.wanted, seen.of("3").ran) == ({"2"}, Ran.UNKNOWN)
    assert found(line((A,), (UPDATE,)), A).of("2").ran is Ran.SETTLED


def test_rows_of_tables_that_later_revisions_drop_make_no_difference() -> None:
    history = line((A, "CREATE TABLE old (x)"), ("UPDATE old SET x = 1",), ("DROP TABLE old",), (MORE,))
    assert found(history, A, MORE).of("2").ran is Ran.SETTLED


@pytest.mark.parametrize(
    ("history", "script", "evidence"),
    [
        (
            line((A,), (SLUG, FILL, "CREATE INDEX i ON a (slug)")),
            (A, SLUG, "INSERT INTO a VALUES (1, 'x', 1, 'y')"),
            "a part of it is in the schema, and no stamp says that the rest ran",
        ),
        (
            line((A,), (UPDATE,)),
            (A, ROWS),
            "the schema looks the same with and without it, and no stamp says that it ran",
        ),
    ],
    ids=["partly there", "traceless beyond the smallest member"],
)
def test_of_anything_else_archmig_cannot_tell(history: History, script: tuple[str, ...], evidence: str) -> None:
    seen = found(history, *script)
    assert (seen.of("2").ran, seen.of("2").evidence) == (Ran.UNKNOWN, evidence)


def test_a_data_step_is_run_unless_a_claim_covers_it() -> None:
    data = Step(
        ("CREATE TABLE b (id INTEGER PRIMARY KEY)",), ("INSERT INTO b SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM b)",)
    )
    script = (A, "CREATE TABLE b (id INTEGER PRIMARY KEY)")
    history = line((A,), data)
    assert history.replayed[1].seeds == ()
    assert found(history, *script).wanted == {"2"}
    assert found(history, *script, stamp=("2",)).wanted == frozenset()
    assert found(history, *script, tracker=executed("1", "2")).wanted == frozenset()
    assert found(history, *script).judgements == ()


def test_a_row_of_the_tracker_counts_where_the_schema_supports_it() -> None:
    history = line((A,), (SLUG, UPDATE))
    seen = found(history, A, SLUG, ROWS_SLUG, tracker=executed("1", "2"))
    assert (seen.of("2").ran, seen.of("2").basis) == (Ran.YES, RowBasis.COVERED)


ROWS_SLUG = "INSERT INTO a VALUES (100, 'old', 1, 'old')"


def test_one_that_the_tracker_has_as_skipped_did_not_run_unless_rows_show_otherwise() -> None:
    history, skipped = line((A,), (SEEDS,), (MORE,)), (TrackerRow("2", skipped=True),)
    assert found(history, A, MORE, tracker=skipped).of("2").evidence == "the tracker says that it was skipped"
    assert found(history, A, MORE, tracker=skipped).of("2").ran is Ran.NO
    assert found(history, A, MORE, SEEDS, tracker=skipped).of("2").ran is Ran.YES
    some = found(history, A, MORE, "INSERT INTO a (id) VALUES (1)", tracker=skipped)
    assert some.of("2").ran is Ran.UNKNOWN


@pytest.mark.parametrize(
    ("statements", "later", "script", "obstacle"),
    [
        (
            (UPDATE,),
            ("ALTER TABLE a RENAME COLUMN n TO m",),
            ("CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT, m INTEGER)", ROWS),
            "3 changed a",
        ),
        (
            ("INSERT INTO a (n) SELECT count(*) FROM a",),
            ("CREATE TABLE c (id INTEGER PRIMARY KEY, x TEXT, n TEXT)", "DROP TABLE a", "ALTER TABLE c RENAME TO a"),
            ('CREATE TABLE "a" (id INTEGER PRIMARY KEY, x TEXT, n TEXT)', ROWS),
            "3 changed a",
        ),
        (
            (SLUG, "SELECT x FROM a"),
            (MORE,),
            (A, SLUG, MORE, ROWS_SLUG),
            "its code writes what it finds in tables, and cannot be run apart from the rest of upgrade()",
        ),
    ],
    ids=["a column is renamed", "a type is changed", "a loop of a revision that makes objects"],
)
def test_what_cannot_be_run_by_itself_is_not_offered(
    statements: tuple[str, ...], later: tuple[str, ...], script: tuple[str, ...], obstacle: str
) -> None:
    history = line((A,), statements, later)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in script:
            connection.execute(statement)
        claims, schema = Claims(("1",)), read_schema(connection)
        diagnosis = diagnose(history, schema, claims, ())
        judged = row_judgements(history, schema, (diagnosis, NOTHING_LEFT), (), partial(ask, connection))
    (question,) = unsettled(history, diagnosis.position, frozenset(), judged)
    assert question.answers == (RowAnswer.DONE, RowAnswer.SKIP)
    assert question.why.endswith(f"; its row statements cannot be run by themselves: {obstacle}")


def test_of_a_schema_that_a_digest_knows_the_stamp_covers_all_but_the_pending() -> None:
    history = line((A,), (SEEDS,), (UPDATE,))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(A)
        position = frozenset({"1", "2"})
        judged = with_lacking(history, position, stamped_rows(history, position), partial(ask, connection))
    covered, pending = judged
    assert (covered.ran, covered.basis, covered.lacking) == (
        Ran.YES,
        RowBasis.COVERED,
        "0 of the 2 rows that it inserts are there",
    )
    assert (pending.ran, pending.basis) == (Ran.NO, RowBasis.PENDING)
