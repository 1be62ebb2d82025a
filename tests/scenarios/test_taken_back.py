"""Rows that a revision deletes from a table which it made anew, and what it rolls back to a savepoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import ask, batch, code, come_home, own_chain, revision, script, stamp
from truth.native import script_of, upgraded

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

T = "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, a VARCHAR(9), b INTEGER)"
NO_KEY = "CREATE TABLE t (a VARCHAR(9), b INTEGER)"
U = "CREATE TABLE u (id INTEGER)"
NOT_NULL = "alter_column('a', existing_type=sa.String(9), nullable=False)"
DELETE = "op.execute('DELETE FROM t WHERE b = 2')"
ROWS = "INSERT INTO t (a, b) VALUES ('aa', 1), ('bb', 2), ('bb', 2), ('cc', 3)"


def taken_back(*statements: str) -> tuple[str, ...]:
    """The lines of a revision that runs statements and rolls them back to a savepoint."""
    ran = (f"bind.execute(sa.text({statement!r}))" for statement in statements)
    return ("bind = op.get_bind()", "savepoint = bind.begin_nested()", *ran, "savepoint.rollback()")


def at_r1(folder: Path, *lines: str, first: str = T) -> Home:
    home = own_chain(folder, {"r1": revision(None, first), "r2": code("r1", *lines)})
    script(home.database, first, ROWS, *stamp("r1"))
    return home


def as_plain_alembic_does(home: Home) -> str:
    """Run the plan, compare the rows with those after plain Alembic, and return what was done in words."""
    native = home.folder / "native.db"
    native.write_bytes(upgraded(script_of(home.ini), home.database.read_bytes(), "head"))
    plan = home.preview().plan
    assert plan is not None
    done = reconcile(home.context(), plan, lambda *_: None)
    assert done.outcome is Outcome.DONE
    for table in ("t", "alembic_version"):
        assert ask(home.database, f"SELECT * FROM {table}") == ask(native, f"SELECT * FROM {table}")
    assert (home.survey().state, home.preview().outcome) == (State.UP_TO_DATE, Outcome.NOTHING)
    return done.detail


@pytest.mark.parametrize(
    ("first", "lines"),
    [
        (T, (*batch("t", NOT_NULL), DELETE)),
        (T, (*batch("t", "drop_column('a')"), DELETE)),
        (T, (*batch("t", NOT_NULL), *batch("t", NOT_NULL.replace("False", "True")), DELETE)),
        (T, (DELETE, *batch("t", NOT_NULL))),
        (NO_KEY, (*batch("t", NOT_NULL), DELETE)),
    ],
    ids=["a batch", "a batch that drops a column", "two batches", "before a batch", "without a key"],
)
def test_rows_that_a_revision_deletes_from_a_table_made_anew_are_its_own_doing(
    tmp_path: Path, first: str, lines: tuple[str, ...]
) -> None:
    assert "2 rows gone (2 of t)" in as_plain_alembic_does(at_r1(tmp_path, *lines, first=first))


@pytest.mark.parametrize(
    "lines",
    [
        taken_back("INSERT INTO t VALUES (9, 'x', 1)", "DELETE FROM t WHERE id = 1"),
        taken_back("UPDATE t SET b = b * 100", "ALTER TABLE t RENAME TO t_old", "CREATE TABLE t (id INTEGER)"),
        (
            "op.execute('SAVEPOINT \"Mine\"')",
            "op.execute('DELETE FROM t')",
            "op.execute('SAVEPOINT mine')",
            "op.execute('RELEASE SAVEPOINT MINE')",
            "op.execute('ROLLBACK TRANSACTION TO SAVEPOINT mine')",
            "op.execute('RELEASE mine;')",
        ),
    ],
    ids=["rows", "a table", "by its own statements"],
)
def test_what_is_rolled_back_to_a_savepoint_was_not_done(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert "5 rows in 2 tables kept, 0" in as_plain_alembic_does(at_r1(tmp_path, *lines))


def test_what_is_released_stays(tmp_path: Path) -> None:
    kept = tuple(line.replace("rollback", "commit") for line in taken_back("DELETE FROM t WHERE b = 2"))
    home = at_r1(tmp_path, *taken_back("DELETE FROM t"), *kept)
    assert "2 rows gone (2 of t)" in as_plain_alembic_does(home)


def test_a_row_that_is_rolled_back_takes_no_key(tmp_path: Path) -> None:
    lines = taken_back("INSERT INTO t VALUES (1, 'x', 1)")
    caught = (*lines[:2], "try:", f"    {lines[2]}", "except sa.exc.IntegrityError:", "    pass", lines[3])
    as_plain_alembic_does(at_r1(tmp_path, *caught))


@pytest.mark.parametrize("statement", ["INSERT INTO t VALUES (9, 'x', 1)", "DELETE FROM t"])
def test_no_row_is_looked_for_or_brought_that_a_revision_rolled_back(tmp_path: Path, statement: str) -> None:
    chain = {"r1": revision(None, T), "r2": code("r1", *taken_back(statement)), "r3": revision("r2", U)}
    home = own_chain(tmp_path, chain)
    script(home.database, T, ROWS, U)
    assert home.survey().state is State.UNSTAMPED
    assert come_home(home) == ["stamp r3"]
