"""Which rows newly refer to nothing: what dangled before may go on, whatever its rowid is now."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.databases.sqlite.rows.foreign_keys import new_orphans, violations
from architect_migrate.databases.values import Permitted
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import ask, own_chain, revision, script

if TYPE_CHECKING:
    from pathlib import Path

P = "CREATE TABLE p (id INTEGER PRIMARY KEY, x); INSERT INTO p VALUES (1, 'a'), (2, 'b');"
C = "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id));"
ODD = "CREATE TABLE c (id BOOLEAN PRIMARY KEY, p INTEGER);"
ANEW = f"CREATE TABLE old AS SELECT * FROM c; DROP TABLE c; {C} INSERT INTO c SELECT * FROM old;"
WITHOUT = "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p) WITHOUT ROWID;"
TWO = "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p, q INTEGER REFERENCES p (id));"
CASES = {
    "all is well": (P + C, "INSERT INTO c VALUES (1, 1), (2, NULL);", "", []),
    "it dangled before": (P + C, "INSERT INTO c VALUES (1, 9);", "", []),
    "a parent went": (
        P + C,
        "INSERT INTO c VALUES (1, 1), (2, 9);",
        "DELETE FROM p WHERE id = 1;",
        ["1 row of c (1)"],
    ),
    "a row came that dangles as another did": (
        P + C,
        "INSERT INTO c VALUES (1, 9);",
        "INSERT INTO c VALUES (2, 9);",
        ["1 row of c (9)"],
    ),
    "one mended where another broke": (
        P + C,
        "INSERT INTO c VALUES (1, 1), (2, 9);",
        "DELETE FROM p WHERE id = 1; INSERT INTO p VALUES (9, 'c');",
        ["1 row of c (1)"],
    ),
    "other rowids, one that broke in the place of one that dangled": (
        P + ODD,
        "INSERT INTO c VALUES (2, 9), (1, 2);",
        f"{ANEW} DELETE FROM p WHERE id = 2;",
        ["1 row of c (2)"],
    ),
    "other rowids, all that dangled before": (
        P + ODD,
        "INSERT INTO c VALUES (3, 9), (2, 1), (1, x'ff');",
        ANEW,
        [],
    ),
    "text that is not UTF-8": (P + C, "INSERT INTO c VALUES (1, CAST(x'ff' AS TEXT));", "", []),
    "no rowids": (
        P + WITHOUT,
        "INSERT INTO c VALUES (1, 1), (2, 9);",
        "DELETE FROM p WHERE id = 1;",
        ["1 row of c (1)"],
    ),
    "the second of two keys": (
        P + TWO,
        "INSERT INTO c VALUES (1, 9, 1);",
        "DELETE FROM p WHERE id = 1;",
        ["1 row of c (1)"],
    ),
    "a column that was renamed": (P + C, "INSERT INTO c VALUES (1, 9);", "ALTER TABLE c RENAME COLUMN p TO r;", []),
    "a column that is new": (
        P + "CREATE TABLE c (id INTEGER PRIMARY KEY);",
        "INSERT INTO c VALUES (1), (2);",
        "ALTER TABLE c ADD COLUMN p REFERENCES p; UPDATE c SET p = id * 2;",
        ["1 row of c (4)"],
    ),
    "a parent table that went": (P + C, "INSERT INTO c VALUES (1, 2);", "DROP TABLE p;", ["1 row of c (2)"]),
}


@pytest.mark.parametrize(("schema", "rows", "change", "found"), CASES.values(), ids=list(CASES))
def test_only_what_newly_refers_to_nothing_is_told(schema: str, rows: str, change: str, found: list[str]) -> None:
    with closing(sqlite3.connect(":memory:")) as before, closing(sqlite3.connect(":memory:")) as after:
        before.executescript(schema + rows)
        after.executescript(schema + rows + change)
        told = new_orphans((before, violations(before)), (after, violations(after)), Permitted(frozenset({"c"})))
        assert [re.sub(" newly refers? to nothing in p", "", one) for one in told] == found


UNTOUCHED = {
    "without rowids": (WITHOUT, "INSERT INTO c VALUES (1, 1), (2, 9);"),
    "by another key": (TWO, "INSERT INTO c VALUES (1, 9, 1);"),
}


@pytest.mark.parametrize(("child", "rows"), UNTOUCHED.values(), ids=list(UNTOUCHED))
def test_a_parent_that_went_is_told_though_its_children_dangled_before(child: str, rows: str) -> None:
    with closing(sqlite3.connect(":memory:")) as before, closing(sqlite3.connect(":memory:")) as after:
        before.executescript(P + child + rows)
        after.executescript(P + child + rows + "DELETE FROM p WHERE id = 1;")
        told = new_orphans((before, violations(before)), (after, violations(after)), Permitted(frozenset({"p"})))
        assert told == ["1 row of c newly refers to nothing in p (1)"]


PAIRS = (("id", "id"), ("p", "owner"))
NEW = "CREATE TABLE d (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES p); INSERT INTO d SELECT * FROM c; DROP TABLE c"
CARRIED = {
    "renamed": ("ALTER TABLE c RENAME TO d;", {"renamed": {("c", "d")}}),
    "renamed, and its column": (
        "ALTER TABLE c RENAME TO d; ALTER TABLE d RENAME COLUMN p TO owner;",
        {"renamed": {("c", "d")}, "renamed_columns": {("d", "p", "owner")}},
    ),
    "its parent renamed": ("ALTER TABLE p RENAME TO q;", {"renamed": {("p", "q")}}),
    "both renamed": ("ALTER TABLE c RENAME TO d; ALTER TABLE p RENAME TO q;", {"renamed": {("c", "d"), ("p", "q")}}),
    "the parent's column renamed": (
        "ALTER TABLE p RENAME COLUMN id TO number;",
        {"touched": {"c"}, "renamed_columns": {("p", "id", "number")}},
    ),
    "copied": (f"{NEW};", {"moved": {("c", "d", PAIRS)}, "removed_tables": {"c"}}),
    "copied into a table that was there": (
        f"{NEW}; INSERT INTO d SELECT id + 100, 77 FROM e;",
        {"moved": {("c", "d", PAIRS), ("e", "d", (("id", "id"), ("p", "owner")))}, "removed_tables": {"c"}},
    ),
}


@pytest.mark.parametrize(("change", "names"), CARRIED.values(), ids=list(CARRIED))
@pytest.mark.parametrize("child", [C, WITHOUT], ids=["by rowid", "without rowids"])
def test_what_dangled_before_may_go_on_in_a_table_of_another_name(
    child: str, change: str, names: dict[str, set[Any]]
) -> None:
    rows = "INSERT INTO c VALUES (1, 1), (2, 2), (3, 9), (4, 8);"
    more = "CREATE TABLE e (id INTEGER PRIMARY KEY, p INTEGER); INSERT INTO e VALUES (1, 77), (2, 77), (3, 77);"
    permitted = Permitted(**{"touched": frozenset(), **{name: frozenset(value) for name, value in names.items()}})
    with closing(sqlite3.connect(":memory:")) as before, closing(sqlite3.connect(":memory:")) as after:
        before.executescript(P + child + rows + more)
        after.executescript(P + child + rows + more + change)
        old = before, violations(before)
        assert new_orphans(old, (after, violations(after)), permitted) == []
        table = "d" if "d" in {row[0] for row in after.execute("SELECT name FROM sqlite_master")} else "c"
        after.execute(f"INSERT INTO {table} VALUES (50, 9)")
        (told,) = new_orphans(old, (after, violations(after)), permitted)
        assert told.startswith(f"1 row of {table} newly refers to nothing in ")
        assert told.endswith(" (9)")


def test_a_table_whose_rowids_change_comes_home_with_what_dangled_in_it(tmp_path: Path) -> None:
    """Found with optuna's chain: a key that is BOOLEAN is no rowid, and becomes one."""
    parent = "CREATE TABLE p (id INTEGER PRIMARY KEY, x TEXT)"
    child = "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))"
    home = own_chain(tmp_path, {"1_a": revision(None, parent, child)})
    odd = "CREATE TABLE c (id BOOLEAN PRIMARY KEY, p INTEGER)"
    script(home.database, parent, odd, "INSERT INTO c VALUES (2, NULL), (3, NULL), (1, 'b')")
    shown = home.preview()
    assert shown.plan is not None
    assert reconcile(home.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert ask(home.database, "SELECT * FROM c ORDER BY id") == [(1, "b"), (2, None), (3, None)]
    assert home.preview().outcome is Outcome.NOTHING
