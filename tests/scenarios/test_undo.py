"""Undo straight after a run: nothing has written since, whatever the run did to tables and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.backups.undo import preview_undo
from architect_migrate.model.environment import RowAnswer
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import preview, reconcile
from support.plain_alembic import alembic
from support.scenarios import Home, ask, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

FIRST = (
    "CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT)",
    'CREATE TABLE "b" (id INTEGER PRIMARY KEY, name TEXT)',
    "CREATE TABLE seen (n INTEGER)",
    "CREATE TRIGGER told AFTER INSERT ON seen BEGIN UPDATE a SET name = 'told' WHERE id = 3; END",
)
ROWS = ("INSERT INTO a VALUES (1, 'x'), (2, 'y'), (3, 'z')", "INSERT INTO b VALUES (1, 'p'), (2, 'q'), (3, 'r')")
# What the second revision does, and what of it an interrupted run left.
KINDS = {
    "made again and filled": (
        ("CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO n SELECT id, name FROM a", "DROP TABLE a"),
        1,
    ),
    "dropped and made again": (("DROP TABLE b", 'CREATE TABLE "b" (id INTEGER PRIMARY KEY, name TEXT)'), 0),
    "exchanged": (
        (
            "DROP TRIGGER told",
            'ALTER TABLE a RENAME TO "t"',
            'ALTER TABLE b RENAME TO "a"',
            'ALTER TABLE t RENAME TO "b"',
            "CREATE TABLE c (id)",
        ),
        0,
    ),
    "given the name of another": (("DROP TABLE b", 'ALTER TABLE a RENAME TO "b"'), 0),
    "to and fro": (
        (
            'ALTER TABLE b RENAME TO "t"',
            "UPDATE t SET name = 'w'",
            'ALTER TABLE t RENAME TO "b"',
            "CREATE TABLE c (id)",
        ),
        0,
    ),
    "written by a trigger": (("INSERT INTO seen VALUES (1)", "CREATE TABLE c (id)"), 0),
    "nothing but a column": (("ALTER TABLE a ADD COLUMN k TEXT DEFAULT 'd'",), 0),
}


def between(folder: Path, second: str, *left: str) -> Home:
    home = own_chain(folder, {"r1": revision(None, *FIRST), "r2": second})
    script(home.database, *FIRST, *ROWS, *left, *stamp("r1"))
    return home


def nothing_since(home: Home, rows: list[tuple[str, str]]) -> None:
    """The undo is planned, and would bring the rows of before."""
    undoing = preview_undo(home.context())
    assert undoing.since == ()
    assert undoing.planned
    assert undoing.copy is not None
    assert ask(undoing.copy.path, "SELECT name, id FROM a") == rows


BEFORE = [("x", 1), ("y", 2), ("z", 3)]


@pytest.mark.parametrize("kind", KINDS)
def test_undo_after_reconcile_finds_what_the_run_left(tmp_path: Path, kind: str) -> None:
    statements, done = KINDS[kind]
    home = between(tmp_path, revision("r1", *statements), *statements[:done])
    plan = home.preview().plan
    assert reconcile(home.context(), plan, lambda *_: None).outcome is Outcome.DONE
    nothing_since(home, BEFORE)


@pytest.mark.parametrize("kind", [kind for kind, (_, done) in KINDS.items() if not done])
def test_undo_after_plain_alembic_finds_what_the_run_left(tmp_path: Path, kind: str) -> None:
    home = between(tmp_path, revision("r1", *KINDS[kind][0]))
    home.context()
    ran = alembic("-x", "env=it", "upgrade", "head", ini=home.ini)
    assert ran.code == 0, ran.out + ran.err
    nothing_since(home, BEFORE)


def test_undo_after_row_statements_and_a_data_step_finds_what_the_run_left(tmp_path: Path) -> None:
    column = "ALTER TABLE a ADD COLUMN k TEXT"
    second = revision("r1", column, "UPDATE a SET k = name", data=["UPDATE b SET name = 's'"])
    home = between(tmp_path, second, column)
    plan = preview(home.context(), rows=[("r2", RowAnswer.RUN)]).plan
    done = reconcile(home.context(), plan, lambda *_: None, rows=[("r2", RowAnswer.RUN)])
    assert done.outcome is Outcome.DONE
    assert ask(home.database, "SELECT a.k, b.name FROM a JOIN b USING (id) LIMIT 1") == [("x", "s")]
    nothing_since(home, BEFORE)
