"""To SQLite É and é are two names: what a revision does to a table called Übung is not overlooked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import NotProvenError
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.upgrade import preview_upgrade, upgrade
from support.scenarios import ask, digest, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.planning.results import Result
    from support.scenarios import Home

TABLE = 'CREATE TABLE "Übung" (id INTEGER PRIMARY KEY, "Ähre" TEXT)'
ROWS = """INSERT INTO "Übung" VALUES (1, 'eins'), (2, 'zwei')"""
ANEW = (
    'CREATE TABLE anew (id INTEGER PRIMARY KEY, "Ähre" TEXT)',
    'INSERT INTO anew SELECT id, NULL FROM "Übung"',
    'DROP TABLE "Übung"',
    'ALTER TABLE anew RENAME TO "Übung"',
)


def home(folder: Path, *second: str) -> Home:
    made = own_chain(folder, {"r1": revision(None, TABLE), "r2": revision("r1", *second)})
    script(made.database, TABLE, ROWS, *stamp("r1"))
    return made


def upgraded(its: Home) -> Result:
    shown = preview_upgrade(its.context())
    assert shown.plan is not None
    return upgrade(its.context(), shown.plan, lambda *_: None)


def test_values_that_a_revision_loses_while_it_makes_such_a_table_anew_stop_the_run(tmp_path: Path) -> None:
    its = home(tmp_path, *ANEW)
    before = digest(its.database)
    with pytest.raises(NotProvenError, match="Übung row 1: column \"Ähre\" was 'eins', is NULL"):
        upgraded(its)
    assert digest(its.database) == before


def test_a_revision_may_update_and_delete_the_rows_of_such_a_table(tmp_path: Path) -> None:
    its = home(tmp_path, """UPDATE "Übung" SET "Ähre" = 'drei' WHERE id = 2""", 'DELETE FROM "Übung" WHERE id = 1')
    assert upgraded(its).outcome is Outcome.DONE
    assert ask(its.database, 'SELECT * FROM "Übung"') == [(2, "drei")]


def test_an_entry_settles_a_column_of_such_a_table(tmp_path: Path) -> None:
    its = own_chain(tmp_path, {"r1": revision(None, TABLE.replace('"Ähre" TEXT', '"Ähre" TEXT, "Öl" TEXT NOT NULL'))})
    script(its.database, TABLE, ROWS, *stamp("r1"))
    filled = its.settled('[[resolve]]\ntable = "Übung"\ncolumn = "Öl"\ncopy_from = "Ähre"\n')
    assert its.preview().outcome is Outcome.BLOCKED
    assert filled.preview().outcome is Outcome.PLANNED
    kept = its.settled('[[resolve]]\ntable = "Übung"\nkeep = true\n')
    assert kept.preview().plan is not None
    assert kept.preview().outcome is not Outcome.BLOCKED
