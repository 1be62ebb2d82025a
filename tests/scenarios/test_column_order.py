"""Columns in another order than the chain has them, and revisions that go by this order: no value lands elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import ColumnOrderError
from architect_migrate.model.environment import RowAnswer
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import preview, reconcile
from support.scenarios import Home, ask, batch, code, come_home, digest, gone, own_chain, revision, script, stamp, stays

if TYPE_CHECKING:
    from pathlib import Path

FIRST = (
    "CREATE TABLE src (id INTEGER PRIMARY KEY, a TEXT)",
    "CREATE TABLE arch (id INTEGER PRIMARY KEY, a TEXT, c TEXT, d TEXT)",
)
SECOND = ("ALTER TABLE src ADD COLUMN c TEXT", "ALTER TABLE src ADD COLUMN d TEXT")
NEW = "(id INTEGER PRIMARY KEY, a TEXT, c TEXT, d TEXT)"
NAMED = "id, a, c, d"
# Without it the schema would not show that r3 did not run.
LAST = "CREATE TABLE last (id)"
# A column that a person added to a database at r1, with its value; and both in another order, in one at r2.
HOT_FIX = (*FIRST, "ALTER TABLE src ADD COLUMN d TEXT", "INSERT INTO src VALUES (1, 'a1', 'd1')", *stamp("r1"))
SWAPPED = (
    "CREATE TABLE src (id INTEGER PRIMARY KEY, a TEXT, d TEXT, c TEXT)",
    *FIRST[1:],
    "INSERT INTO src VALUES (1, 'a1', 'd1', 'c1')",
    *stamp("r2"),
)
BY_PLACE = {
    "all columns": "INSERT INTO arch SELECT * FROM src",
    "values": "INSERT INTO src VALUES (900, 'A', 'C', 'D')",
    "terms": "INSERT INTO src SELECT id + 10, a, c, d FROM arch",
    "with": "WITH w AS (SELECT * FROM src) INSERT INTO arch SELECT * FROM w",
    "view": "CREATE VIEW seen AS SELECT * FROM src; INSERT INTO arch SELECT * FROM seen",
    "several values": "UPDATE arch SET (id, a, c, d) = (SELECT * FROM src)",
    "union": "CREATE TABLE u AS SELECT * FROM arch UNION ALL SELECT * FROM src",
    "nested union": f"INSERT INTO arch ({NAMED}) SELECT {NAMED} FROM (SELECT * FROM arch UNION SELECT * FROM src)",
}
# A table made anew by hand, in the usual three ways.
ANEW = {
    "new one": (f"CREATE TABLE n {NEW}", "INSERT INTO n SELECT * FROM src", "DROP TABLE src"),
    "old one aside": ("ALTER TABLE src RENAME TO o", f"CREATE TABLE src {NEW}", "INSERT INTO src SELECT * FROM o"),
    "copy": (
        "CREATE TABLE o AS SELECT * FROM src",
        "DROP TABLE src",
        f"CREATE TABLE src {NEW}",
        "INSERT INTO src SELECT * FROM o",
        "DROP TABLE o",
    ),
}
BY_NAME = {
    "named columns": f"INSERT INTO arch ({NAMED}) SELECT {NAMED} FROM src",
    "another table": "INSERT INTO arch VALUES (900, 'A', 'C', 'D')",
    "defaults": "INSERT INTO src DEFAULT VALUES",
    "copy that is read by names": f"INSERT INTO arch SELECT {NAMED} FROM (SELECT * FROM src)",
    "whether there are rows": "DELETE FROM arch WHERE EXISTS (SELECT * FROM src WHERE src.id = arch.id)",
    "a copy": "CREATE TABLE u AS SELECT * FROM src",
    "a count": "INSERT INTO arch (id) SELECT count(*) FROM src",
}


def before_r3(folder: Path, rows: tuple[str, ...], *third: str, text: str = "") -> Home:
    chain = {"r1": revision(None, *FIRST), "r2": revision("r1", *SECOND), "r3": text or revision("r2", *third, LAST)}
    home = own_chain(folder, chain)
    script(home.database, *rows)
    return home


@pytest.mark.parametrize("rows", [HOT_FIX, SWAPPED], ids=["hot fix", "swapped"])
@pytest.mark.parametrize("kind", [*BY_PLACE, *ANEW])
def test_a_revision_that_goes_by_another_order_is_a_blocker(tmp_path: Path, kind: str, rows: tuple[str, ...]) -> None:
    home = before_r3(tmp_path, rows, *(ANEW[kind] if kind in ANEW else BY_PLACE[kind].split("; ")))
    (found,) = stays(home)
    assert (found.code, found.revision) == ("blocked-column-order", "r3")
    assert "has d where the chain has c" in found.found


@pytest.mark.parametrize("rows", [HOT_FIX, SWAPPED], ids=["hot fix", "swapped"])
@pytest.mark.parametrize("kind", BY_NAME)
def test_a_revision_that_names_columns_runs_on_another_order(tmp_path: Path, kind: str, rows: tuple[str, ...]) -> None:
    home = before_r3(tmp_path, rows, BY_NAME[kind])
    assert come_home(home)[-1] == "stamp r3"
    assert ask(home.database, "SELECT a, d FROM src WHERE id = 1") == [("a1", "d1")]


def test_a_blocker_names_table_revision_statement_and_way_out(tmp_path: Path) -> None:
    home = before_r3(tmp_path, HOT_FIX, "INSERT INTO arch SELECT * FROM src WHERE a <> 'secret'")
    (found,) = stays(home)
    assert found.subject == "table src"
    assert found.found == (
        "r3 would take one column for another: `INSERT INTO arch SELECT * FROM src WHERE a <> '…'` goes by the order "
        "of columns, and src has d where the chain has c"
    )
    assert found.advice == (
        "name the columns in that statement of r3, or make src again by hand with its columns in the chain's order"
    )
    ordered = (f"CREATE TABLE n {NEW}", "INSERT INTO n (id, a, d) SELECT id, a, d FROM src", "DROP TABLE src")
    script(home.database, *ordered, "ALTER TABLE n RENAME TO src")
    come_home(home)
    assert ask(home.database, "SELECT * FROM arch") == [(1, "a1", None, "d1")]


def test_columns_of_the_application_at_the_end_are_no_other_order(tmp_path: Path) -> None:
    fixed = (*FIRST, *SECOND, "ALTER TABLE src ADD COLUMN mine TEXT", "ALTER TABLE arch ADD COLUMN mine TEXT")
    rows = (*fixed, "INSERT INTO src VALUES (1, 'a1', 'c1', 'd1', 'm1')", *stamp("r2"))
    home = before_r3(tmp_path, rows, "INSERT INTO arch SELECT * FROM src")
    come_home(home)
    assert ask(home.database, "SELECT * FROM arch") == [(1, "a1", "c1", "d1", "m1")]


def test_a_column_of_the_application_before_another_term_moves_it(tmp_path: Path) -> None:
    fixed = (*FIRST, *SECOND, "ALTER TABLE src ADD COLUMN mine TEXT", "ALTER TABLE u ADD COLUMN mine TEXT")
    second = revision("r1", *SECOND, "CREATE TABLE u (id, a, c, d, e)")
    chain = {"r1": revision(None, *FIRST), "r2": second, "r3": revision("r2", "INSERT INTO u SELECT *, 'e' FROM src")}
    home = own_chain(tmp_path, chain)
    script(home.database, *fixed[:4], "CREATE TABLE u (id, a, c, d, e)", *fixed[4:], *stamp("r2"))
    (found,) = stays(home)
    assert "src has mine where the chain has no column" in found.found


def test_a_batch_operation_lists_its_columns(tmp_path: Path) -> None:
    home = before_r3(tmp_path, SWAPPED, text=code("r2", *batch("src", "alter_column('a', nullable=False)")))
    come_home(home)
    assert ask(home.database, "SELECT id, a, c, d FROM src") == [(1, "a1", "c1", "d1")]


def test_an_order_matters_no_more_when_the_statement_has_run(tmp_path: Path) -> None:
    ran = (*SWAPPED[:-1], LAST, "INSERT INTO alembic_version VALUES ('r3')")
    home = before_r3(tmp_path, ran, BY_PLACE["values"])
    assert stays(home, Outcome.NOTHING) == ()


def test_a_table_that_a_batch_operation_copied_keeps_its_order_for_the_next_revision(tmp_path: Path) -> None:
    home = before_r3(tmp_path, SWAPPED, text=code("r2", *batch("src", "alter_column('a', nullable=False)")))
    fourth = f"from alembic import op\n\nrevision = 'r4'\n{revision('r3', BY_PLACE['values'])}"
    (tmp_path / "alembic" / "versions" / "r4.py").write_text(fourth, encoding="utf-8")
    (found,) = stays(home)
    assert (found.code, found.revision) == ("blocked-column-order", "r4")


LOOPS = {
    "writes": (
        "for row in c.exec_driver_sql('SELECT id, a FROM arch').fetchall():",
        "    c.exec_driver_sql('INSERT INTO src VALUES (?, ?, ?, ?)', (row[0], row[1], 'C', 'D'))",
    ),
    "reads": (
        "for row in c.exec_driver_sql('SELECT * FROM src').fetchall():",
        "    c.exec_driver_sql('INSERT INTO arch (id, c) VALUES (?, ?)', (row[0] + 10, row[2]))",
    ),
}


@pytest.mark.parametrize("kind", LOOPS)
def test_what_only_shows_on_rows_is_refused_in_the_run(tmp_path: Path, kind: str) -> None:
    home = before_r3(
        tmp_path,
        (*SWAPPED, "INSERT INTO arch VALUES (7, 'a', 'c', 'd')"),
        text=code("r2", "c = op.get_bind()", *LOOPS[kind]),
    )
    shown, before = home.preview(), digest(home.database)
    if kind == "reads":
        assert [found.code for found in stays(home)] == ["blocked-column-order"]
        return
    assert shown.plan is not None
    with pytest.raises(ColumnOrderError, match="src has d where the chain has c"):
        reconcile(home.context(), shown.plan, lambda *_: None)
    assert digest(home.database) == before


def test_a_data_step_and_row_statements_go_by_an_order_too(tmp_path: Path) -> None:
    home = before_r3(tmp_path / "step", SWAPPED, text=revision("r2", data=[BY_PLACE["values"]]))
    assert [found.code for found in stays(home)] == ["blocked-column-order"]
    (tmp_path / "rows").mkdir()
    third = ("CREATE TABLE k (id)", BY_PLACE["values"], "CREATE TABLE m (id)")
    home = before_r3(tmp_path / "rows", (*SWAPPED, third[0]), *third)
    shown = preview(home.context(), rows=[("r3", RowAnswer.RUN)])
    assert shown.plan is not None
    assert [found.code for found in shown.plan.blockers] == ["blocked-column-order"]
    come_home(before_r3_in_order(tmp_path / "order"), gone())


def before_r3_in_order(folder: Path) -> Home:
    """The same chain on a database that has the chain's order, beside a difference of another kind."""
    folder.mkdir()
    rows = (*FIRST, *SECOND, "INSERT INTO src VALUES (1, 'a1', 'c1', 'd1')", *stamp("r2"))
    return before_r3(folder, rows, BY_PLACE["values"], BY_PLACE["all columns"])


FIRES = "CREATE TRIGGER tr AFTER INSERT ON arch BEGIN INSERT INTO src VALUES (NULL, new.a, new.c, new.d); END"


def test_a_trigger_of_the_chain_that_a_revision_fires_goes_by_an_order(tmp_path: Path) -> None:
    chain = {"r1": revision(None, *FIRST), "r2": revision("r1", *SECOND, FIRES)}
    home = own_chain(tmp_path, chain | {"r3": revision("r2", f"INSERT INTO arch ({NAMED}) VALUES (1, 'A', 'C', 'D')")})
    script(home.database, *SWAPPED[:-1], FIRES, "INSERT INTO alembic_version VALUES ('r2')")
    (found,) = stays(home)
    assert (found.code, found.subject, found.revision) == ("blocked-column-order", "table src", "r3")


def test_a_trigger_that_goes_by_another_order_is_not_made(tmp_path: Path) -> None:
    (found,) = stays(before_r3(tmp_path, SWAPPED, FIRES))
    assert (found.code, found.subject, found.revision) == ("blocked-column-order", "table src", "r3")


@pytest.mark.parametrize(
    "text", [FIRES, "CREATE VIEW both AS SELECT * FROM arch UNION ALL SELECT * FROM src"], ids=["trigger", "view"]
)
def test_a_column_is_not_added_out_of_place_where_the_application_goes_by_the_order(tmp_path: Path, text: str) -> None:
    home = own_chain(tmp_path, {"r1": revision(None, *FIRST), "r2": revision("r1", *SECOND, text)})
    script(home.database, *HOT_FIX[:-1], text, "INSERT INTO alembic_version VALUES ('r2')")
    (found,) = stays(home)
    assert (found.code, found.subject) == ("blocked-column-order", "src.c")
    assert found.found.startswith("it would come after d, which the chain has after it, and ")
    script(home.database, "DROP TABLE src", FIRST[0], SECOND[0])
    come_home(home)
