"""Interrupted work: what is found, what is done about it, and what a person decides."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.rows.questions import ask
from architect_migrate.diagnosis.claims import Claims
from architect_migrate.diagnosis.diagnose import Diagnosis, diagnose
from architect_migrate.diagnosis.findings import Level
from architect_migrate.model.environment import Keep, Kind, Origin, Resolution, Subject
from architect_migrate.model.history import History, Passing, Rename, Role
from architect_migrate.planning.interruptions import as_it_is_now, finding_of, interruptions, steps_of
from architect_migrate.planning.plan import DropColumn, DropObject, RenameColumn, RenameTable, headline
from architect_migrate.planning.row_questions import NullsIn, RowsIn
from support.schemas import line_of

if TYPE_CHECKING:
    from architect_migrate.model.schema import Schema

T, OTHER = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", "CREATE TABLE other (x)"
TMP = T.replace("TABLE t", "TABLE _alembic_tmp_t")
ROW, TMP_ROW = "INSERT INTO t VALUES (1, 'x')", "INSERT INTO _alembic_tmp_t VALUES (1, 'x')"


def judged(history: History, schema: Schema, stamped: str) -> Diagnosis:
    return diagnose(history, schema, Claims(stamp=(max(stamped),) if stamped else None), ())


def way(
    history: History, revision: int, *, passing: tuple[Passing, ...] = (), renames: tuple[Rename, ...] = ()
) -> History:
    """The history, with what one revision makes on its way."""
    replayed = list(history.replayed)
    replayed[revision - 1] = replace(replayed[revision - 1], passing=passing, renames=renames)
    return History(history.graph, tuple(replayed))


BATCH = way(line_of(T, OTHER), 2, passing=(Passing("_alembic_tmp_t", "t", Role.COPY),))
RENAMED = way(line_of(T, "ALTER TABLE t RENAME TO u"), 2, renames=(Rename("t", "u"),))
COLUMN = way(line_of(T, "ALTER TABLE t RENAME a TO b"), 2, renames=(Rename("a", "b", "t"),))
U = T.replace("TABLE t", "TABLE u")
BOTH = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)"
OLD = T.replace("TABLE t", "TABLE t_old")
OLD_ROW = "INSERT INTO t_old VALUES (1, 'x')"


def found(
    history: History, *statements: str, stamped: str = "1", resolutions: tuple[Resolution, ...] = ()
) -> list[str]:
    """What is found, each as its table and column with its steps."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        schema = read_schema(connection)
        its = interruptions(
            history, schema, judged(history, schema, stamped), resolutions, lambda asked: ask(connection, asked)
        )
    return [": ".join([f"{one.table} {one.column}".strip(), *map(headline, one.steps)]) for one in its]


DROPPED = "_alembic_tmp_t: drop table _alembic_tmp_t"
CASES = {
    "nothing": (BATCH, (T, ROW), []),
    "an empty copy": (BATCH, (T, ROW, TMP), [DROPPED]),
    "two empty tables": (BATCH, (T, TMP), [DROPPED]),
    "a copy with the same rows": (BATCH, (T, ROW, TMP, TMP_ROW), [DROPPED]),
    "a copy with other rows": (BATCH, (T, ROW, TMP, TMP_ROW.replace("1, 'x'", "1, 'X'")), ["_alembic_tmp_t"]),
    "a copy with the same row twice over": (
        BATCH,
        (T, ROW, TMP, TMP_ROW, TMP_ROW.replace("1", "2")),
        ["_alembic_tmp_t"],
    ),
    "a copy alone": (BATCH, (TMP, TMP_ROW), ["_alembic_tmp_t: rename table _alembic_tmp_t to t"]),
    "a copy that no revision is known to make": (line_of(T), (T, ROW, TMP), [DROPPED]),
    "a copy of a table of the application": (line_of(OTHER), (OTHER, TMP, TMP_ROW), []),
    "a copy in place of an empty table": (
        BATCH,
        (T, "CREATE INDEX mine ON t (a)", TMP, TMP_ROW),
        ["_alembic_tmp_t: drop table t: rename table _alembic_tmp_t to t: create index mine"],
    ),
    "an empty table under the new name": (RENAMED, (T, ROW, U), ["u: drop table u"]),
    "the same with an index of the application": (RENAMED, (T, ROW, U, "CREATE INDEX mine ON u (a)"), ["u"]),
    "the same rows under both names": (RENAMED, (T, ROW, U, "INSERT INTO u VALUES (1, 'x')"), []),
    "rows under both names": (RENAMED, (T, ROW, U, "INSERT INTO u VALUES (2, 'x')"), ["t"]),
    "an empty table under the old name": (RENAMED, (T, U), []),
    "an empty column under the new name": (
        COLUMN,
        (BOTH, "INSERT INTO t VALUES (1, 'x', NULL)"),
        ["t b: drop column t.b"],
    ),
    "the same values under both names": (COLUMN, (BOTH, "INSERT INTO t VALUES (1, 'x', 'x')"), []),
    "values that the new column lacks": (
        COLUMN,
        (BOTH, "INSERT INTO t VALUES (1, 'x', 'y'), (2, 'x', NULL)"),
        ["t a"],
    ),
    "a table put aside": (line_of(T), (OLD, OLD_ROW), ["t_old: rename table t_old to t"]),
    "a table put aside without rows": (line_of(T), (OLD,), []),
    "a table put aside beside an empty one": (line_of(T), (T, OLD, OLD_ROW), ["t_old"]),
    "a table put aside beside a full one": (line_of(T), (T, ROW, OLD, OLD_ROW), []),
    "a table of another shape called so": (
        line_of(T),
        ("CREATE TABLE t_old (x, y)", "INSERT INTO t_old VALUES (1, 2)"),
        [],
    ),
}


@pytest.mark.parametrize(("history", "statements", "expected"), CASES.values(), ids=CASES)
def test_rows_on_both_sides_decide(history: History, statements: tuple[str, ...], expected: list[str]) -> None:
    assert found(history, *statements) == expected


def test_an_empty_table_of_a_rename_that_the_stamp_covers_is_asked_about() -> None:
    assert found(RENAMED, T, ROW, U, stamped="12") == ["t"]


def test_a_table_of_the_old_name_with_other_columns_is_the_applications_own_under_a_stamp_that_fits() -> None:
    other = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, why TEXT)"
    rows = ("INSERT INTO t VALUES (1, 'x', 'y')", "INSERT INTO u VALUES (2, 'x')")
    assert found(RENAMED, other, U, *rows, stamped="12") == []


@pytest.mark.parametrize("name", ["t_old", "old_t", "t_bak", "backup_t", "T_Copy", "tmp_t"])
def test_a_table_is_put_aside_under_many_names(name: str) -> None:
    aside = T.replace("TABLE t", f"TABLE {name}")
    assert found(line_of(T), aside, f"INSERT INTO {name} VALUES (1, 'x')") == [f"{name}: rename table {name} to t"]


def test_an_entry_for_the_table_settles_it() -> None:
    keep = Keep(Subject(Kind.TABLE, "T_OLD").folded(fold), Origin(Path("environments.toml"), 1))
    assert found(line_of(T), T, OLD, OLD_ROW, resolutions=(keep,)) == []


def test_a_question_is_asked_under_the_names_of_today() -> None:
    steps = (RenameTable("t_old", "t"), RenameColumn("t", "a", "b"))
    assert as_it_is_now(NullsIn("T", "b"), steps) == NullsIn("t_old", "a")
    assert as_it_is_now(RowsIn("u"), steps) == RowsIn("u")
    assert as_it_is_now(NullsIn("t", "b"), (DropColumn("t", "c"), DropObject("table", "x"))) == NullsIn("t", "b")


def test_what_can_be_repaired_is_a_repair_and_the_rest_blocks_with_its_entry() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in (T, ROW, TMP, TMP_ROW):
            connection.execute(statement)
        schema = read_schema(connection)
        (repaired,) = interruptions(BATCH, schema, judged(BATCH, schema, "1"), (), lambda asked: ask(connection, asked))
        connection.execute("UPDATE _alembic_tmp_t SET a = 'other'")
        (undecided,) = interruptions(
            BATCH, schema, judged(BATCH, schema, "1"), (), lambda asked: ask(connection, asked)
        )
    first, second = finding_of(repaired), finding_of(undecided)
    assert (first.level, first.code, first.subject) == (Level.REPAIR, "interrupted", "table _alembic_tmp_t")
    assert (second.level, second.code, first.entry) == (Level.BLOCKING, "interrupted-undecided", "")
    assert '"_alembic_tmp_t"' in second.entry
    assert "keep = true" in second.entry
    assert steps_of((undecided, repaired)) == repaired.steps
