"""One thing is not as the chain makes it: reconcile does the least that makes it so, and keeps all else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.sqlite.files import backup
from architect_migrate.databases.sqlite.repair import rebuild_rows
from architect_migrate.planning.results import State
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import Allowed, ask, come_home, headlines, own_chain, script, stamp
from support.scenarios import revision as raw
from support.shop import KINDS, ORDERS, PEOPLE, STANDARD, shop

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

LATER = ["run revision 005_tags", "stamp 005_tags"]

# What is wrong: the other shape of the objects, statements beside them, and the steps that put it right.
WRONG: dict[str, tuple[dict[str, str], tuple[str, ...], list[str]]] = {
    "nothing": ({}, (), []),
    "a column is missing": (
        {"people": PEOPLE.replace("    age INTEGER,\n", "")},
        (),
        ["add column people.age"],
    ),
    "a column with a default is missing": (
        {"people": PEOPLE.replace("    score REAL DEFAULT 0.5,\n", "")},
        (),
        ["add column people.score"],
    ),
    "a column with a check is missing": (
        {
            "people": PEOPLE.replace("    state TEXT DEFAULT 'new' CHECK (state IN ('new', 'old')),\n", ""),
            "v_people": "",
        },
        (),
        ["add column people.state", "create view v_people"],
    ),
    "a column with a unique is missing": (
        {"people": PEOPLE.replace("    email TEXT UNIQUE,\n", "")},
        (),
        ["rebuild table people: add column email TEXT, add constraint UNIQUE (email)"],
    ),
    "an index is missing": ({"ix_orders_code": ""}, (), ["create index ix_orders_code"]),
    "a trigger is missing": ({"touch": ""}, (), ["create trigger touch"]),
    "a view is missing": ({"v_people": ""}, (), ["create view v_people"]),
    "a unique is missing": (
        {"people": PEOPLE.replace("email TEXT UNIQUE", "email TEXT")},
        (),
        ["rebuild table people: add constraint UNIQUE (email)"],
    ),
    "a check is missing": (
        {"people": PEOPLE.replace(" CHECK (state IN ('new', 'old'))", "")},
        (),
        ["rebuild table people: add constraint CHECK (state IN ('new', 'old'))"],
    ),
    "a foreign key is missing": (
        {"orders": ORDERS.replace(" REFERENCES people(id) ON DELETE CASCADE", "")},
        (),
        ["rebuild table orders: add constraint FOREIGN KEY (person_id) REFERENCES people (id) ON DELETE CASCADE"],
    ),
    "a foreign key has another action": (
        {"orders": ORDERS.replace("CASCADE", "SET NULL")},
        (),
        [
            (
                "rebuild table orders: drop foreign key person_id people, "
                "add constraint FOREIGN KEY (person_id) REFERENCES people (id) ON DELETE CASCADE"
            )
        ],
    ),
    "a column is NOT NULL": (
        {"orders": ORDERS.replace("amount NUMERIC", "amount NUMERIC NOT NULL")},
        (),
        ["rebuild table orders: drop not null amount"],
    ),
    "a column takes NULL": (
        {"orders": ORDERS.replace("code TEXT NOT NULL", "code TEXT")},
        (),
        ["rebuild table orders: set not null code"],
    ),
    "a default is missing": (
        {"people": PEOPLE.replace(" DEFAULT 0.5", "")},
        (),
        ["rebuild table people: set default score 0.5"],
    ),
    "a default is another": (
        {"people": PEOPLE.replace("0.5", "1")},
        (),
        ["rebuild table people: set default score 0.5"],
    ),
    "a default is too many": (
        {"orders": ORDERS.replace("note TEXT", "note TEXT DEFAULT ''")},
        (),
        ["rebuild table orders: drop default note"],
    ),
    "a column has another affinity": (
        {"people": PEOPLE.replace("age INTEGER", "age")},
        (),
        ["rebuild table people: set type age INTEGER"],
    ),
    "a declared type differs, its affinity does not": (
        {"people": PEOPLE.replace("age INTEGER", "age BIGINT").replace("name TEXT", "name VARCHAR(80)")},
        (),
        [],
    ),
    "a column has another collation": (
        {"orders": ORDERS.replace("note TEXT", "note TEXT COLLATE NOCASE")},
        (),
        ["rebuild table orders: set collation note binary"],
    ),
    "AUTOINCREMENT where the chain has none": (
        {"people": PEOPLE.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT")},
        (),
        [],
    ),
    "an extra column": ({}, ("ALTER TABLE people ADD COLUMN deleted_at TEXT",), []),
    "an extra NOT NULL column without default": (
        {"people": PEOPLE.replace("nick TEXT", "nick TEXT, title TEXT NOT NULL")},
        (),
        ["rebuild table people: drop not null title"],
    ),
    "an extra unique constraint": (
        {"orders": ORDERS.replace("code TEXT NOT NULL", "code TEXT NOT NULL UNIQUE")},
        (),
        ["rebuild table orders: drop unique code"],
    ),
    "an extra unique index": (
        {},
        ("CREATE UNIQUE INDEX one_code ON orders(code)",),
        ["drop index one_code", "create index one_code"],
    ),
    "an extra check": (
        {"orders": ORDERS.replace("amount NUMERIC", "amount NUMERIC CHECK (amount > 0)")},
        (),
        ["rebuild table orders: drop check amount > 0"],
    ),
    "an extra trigger": (
        {},
        ("CREATE TRIGGER mine AFTER INSERT ON orders BEGIN DELETE FROM orders WHERE id < 0; END",),
        [],
    ),
    "an extra view, index and table": (
        {},
        (
            "CREATE TABLE mine (id INTEGER PRIMARY KEY, x)",
            "INSERT INTO mine VALUES (1, x'00')",
            "CREATE INDEX ix_mine ON mine(x)",
            "CREATE VIEW v_mine AS SELECT count(*) AS n FROM mine, orders",
            "CREATE INDEX ix_orders_note ON orders(note) WHERE note IS NOT NULL",
        ),
        [],
    ),
    "an index of the same columns has another name": (
        {"ix_orders_code": "CREATE INDEX by_code ON orders(code)"},
        (),
        [],
    ),
    "an index has other columns": (
        {"ix_orders_code": "CREATE INDEX ix_orders_code ON orders(note)"},
        (),
        ["drop index ix_orders_code", "create index ix_orders_code"],
    ),
    "an index of that name is on another table": (
        {"ix_orders_code": ""},
        ("CREATE TABLE mine (id INTEGER PRIMARY KEY, x)", "CREATE INDEX ix_orders_code ON mine(x)"),
        ["drop index ix_orders_code", "create index ix_orders_code", "create index ix_orders_code_mine"],
    ),
    "a trigger does another thing": (
        {"touch": "CREATE TRIGGER touch AFTER UPDATE OF name ON people BEGIN SELECT 1; END"},
        (),
        ["drop trigger touch", "create trigger touch"],
    ),
    "a view shows another thing": (
        {"v_people": "CREATE VIEW v_people AS SELECT id FROM people"},
        (),
        ["drop view v_people", "create view v_people"],
    ),
    "names in another case": (
        {
            "people": PEOPLE.replace("TABLE people", 'TABLE "People"').replace("name", "NAME"),
            "ix_orders_code": "CREATE INDEX IX_Orders_Code ON ORDERS(CODE)",
        },
        (),
        [],
    ),
    "columns in another order": (
        {"kinds": "CREATE TABLE kinds (rank INTEGER, name TEXT NOT NULL PRIMARY KEY)"},
        (),
        [],
    ),
    "the key is another": (
        {"kinds": KINDS.replace(" PRIMARY KEY", "")},
        (),
        ["rebuild table kinds: set primary key name", "insert the rows of 004_kinds that are missing"],
    ),
    "five things on one table": (
        {
            "people": PEOPLE.replace(" DEFAULT 0.5", "")
            .replace(",\n    nick TEXT", ", title TEXT NOT NULL")
            .replace("name TEXT NOT NULL", "name TEXT")
            .replace(" CHECK (state IN ('new', 'old'))", ""),
            "touch": "",
        },
        (),
        [
            (
                "rebuild table people: add column nick TEXT, set not null name, set default score 0.5, "
                "add constraint CHECK (state IN ('new', 'old')), drop not null title"
            ),
            "create trigger touch",
        ],
    ),
}


@pytest.mark.parametrize(("shapes", "more", "steps"), WRONG.values(), ids=WRONG)
def test_it_comes_home_by_the_least_that_puts_it_right(
    tmp_path: Path, shapes: dict[str, str], more: tuple[str, ...], steps: list[str]
) -> None:
    assert come_home(shop(tmp_path, shapes, more)) == [*steps, *LATER]


@pytest.mark.parametrize("name", STANDARD)
def test_a_thing_that_is_recorded_and_not_there_is_made(tmp_path: Path, name: str) -> None:
    beside = {"people": ("v_people", "touch"), "orders": ("ix_orders_code",)}.get(name, ())
    come_home(shop(tmp_path, dict.fromkeys((name, *beside), "")))


def test_a_run_tells_how_far_it_is_through_backup_copy_and_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild_rows, "_RANGE", 1)
    monkeypatch.setattr(backup, "_SIGN_OF_LIFE", 2)
    monkeypatch.setattr(backup, "BATCH", 1)
    home = shop(tmp_path, {"orders": ORDERS.replace("amount NUMERIC", "amount NUMERIC NOT NULL")})
    told: list[tuple[int, int, str]] = []
    shown = home.preview()
    assert shown.plan is not None
    reconcile(home.context(), shown.plan, lambda *one: told.append(one))
    rebuild = "rebuild table orders: drop not null amount"
    assert told == [
        (0, 3, "backing up"),
        *((0, 3, f"backing up: 2 rows of {table} compared") for table in ("kinds", "orders", "people")),
        (1, 3, rebuild),
        (1, 3, f"1 of 2 rows copied: {rebuild}"),
        (1, 3, f"1 of 2 rows compared: {rebuild}"),
        (2, 3, "run revision 005_tags"),
        (3, 3, "stamp 005_tags"),
        (4, 3, "proving that every row is there"),
    ]


T, BY_HAND = "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)", "CREATE UNIQUE INDEX by_hand ON t (n)"


def _indexed(folder: Path, last: str, by_hand: str = BY_HAND) -> Home:
    """A database of which an index has another name than in the chain; `last` is the chain's next statement."""
    chains = by_hand.replace("by_hand", "ix")
    home = own_chain(folder, {"a1": raw(None, T, chains), "b2": raw("a1", last)})
    script(home.database, T, "INSERT INTO t VALUES (1, 'a')", by_hand, *stamp("a1"))
    return home


def test_an_index_keeps_its_name_where_a_revision_only_renames_its_table(tmp_path: Path) -> None:
    home = _indexed(tmp_path, "ALTER TABLE t RENAME TO u")
    shown = home.preview()
    assert shown.plan is not None
    assert headlines(shown.plan) == ["run revision b2", "stamp b2"]
    reconcile(home.context(), shown.plan, lambda *_: None)
    assert home.survey().state is State.UP_TO_DATE
    indexes = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    assert ask(home.database, indexes) == [("by_hand", "u")]


def test_an_index_is_made_beside_another_one_where_a_revision_drops_it_by_its_name(tmp_path: Path) -> None:
    home = _indexed(tmp_path, "DROP INDEX ix", "CREATE INDEX by_hand ON t (n)")
    assert come_home(home) == ["create index ix", "run revision b2", "stamp b2"]
    assert ask(home.database, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql > ''") == [("by_hand",)]


def test_a_unique_index_gets_the_name_by_which_a_revision_drops_it(tmp_path: Path) -> None:
    home = _indexed(tmp_path, "DROP INDEX ix")
    steps = ["drop index by_hand", "create index ix", "run revision b2", "stamp b2"]
    assert come_home(home, Allowed(gone=frozenset({"by_hand"}))) == steps
