"""What rows or policies forbid is refused whole; the entry that the finding prints, pasted as it is, settles it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import BlockedError, ChangedMeanwhileError
from architect_migrate.diagnosis.findings import Level
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import Allowed, ask, come_home, digest, own_chain, revision, script, stamp, stays
from support.shop import ORDERS, PEOPLE, shop

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

LATER = ["run revision 005_tags", "stamp 005_tags"]

# What forbids the repair: shapes, statements, then the finding's code, the entry that it prints, and the steps after.
FORBIDDEN: dict[str, tuple[dict[str, str], tuple[str, ...], str, str, list[str]]] = {
    "text in a column that becomes INTEGER": (
        {"people": PEOPLE.replace("age INTEGER", "age TEXT")},
        ("INSERT INTO people (id, name, age) VALUES (5, 'E', 'old')",),
        "blocked-values",
        '[[resolve]]\ntable = "people"\ncolumn = "age"\nkeep = true',
        [],
    ),
    "a required column is missing, another looks like it": (
        {"orders": ORDERS.replace("code TEXT NOT NULL", "codes TEXT NOT NULL"), "ix_orders_code": ""},
        (),
        "blocked-required-column",
        '[[resolve]]\ntable = "orders"\ncolumn = "code"\ncopy_from = "codes"',
        [
            "rebuild table orders: add column code TEXT NOT NULL, drop not null codes",
            "create index ix_orders_code",
        ],
    ),
    "a required column is missing, nothing looks like it": (
        {"orders": ORDERS.replace("    code TEXT NOT NULL,\n", ""), "ix_orders_code": ""},
        (),
        "blocked-required-column",
        '[[resolve]]\ntable = "orders"\ncolumn = "code"\ndefault = ""',
        ["rebuild table orders: add column code TEXT NOT NULL", "create index ix_orders_code"],
    ),
    "rows hold NULL where the chain says NOT NULL": (
        {"orders": ORDERS.replace("code TEXT NOT NULL", "code TEXT")},
        ("INSERT INTO orders (id) VALUES (3), (4)",),
        "blocked-null",
        '[[resolve]]\ntable = "orders"\ncolumn = "code"\nallow_null = true',
        [],
    ),
    "rows are alike where the chain says unique": (
        {"people": PEOPLE.replace("email TEXT UNIQUE", "email TEXT")},
        ("INSERT INTO people (id, name, email) VALUES (5, 'E', 'same'), (6, 'F', 'same')",),
        "blocked-duplicates",
        '[[resolve]]\ntable = "people"\ncolumn = "email"\nkeep = true',
        [],
    ),
    "rows break a check": (
        {"people": PEOPLE.replace(" CHECK (state IN ('new', 'old'))", "")},
        ("INSERT INTO people (id, name, state) VALUES (5, 'E', 'odd')",),
        "blocked-check",
        '[[resolve]]\ntable = "people"\ncolumn = "state"\nkeep = true',
        [],
    ),
    "an extra column is generated, the chain's is not": (
        {"orders": ORDERS.replace("note TEXT", "note TEXT AS (code || '!')")},
        (),
        "blocked-shape",
        '[[resolve]]\ntable = "orders"\ncolumn = "note"\nkeep = true',
        [],
    ),
}


@pytest.mark.parametrize(("shapes", "more", "code", "entry", "steps"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_it_is_blocked_until_the_printed_entry_is_pasted(
    tmp_path: Path, shapes: dict[str, str], more: tuple[str, ...], code: str, entry: str, steps: list[str]
) -> None:
    home = shop(tmp_path, shapes, more)
    (finding,) = stays(home)
    assert (finding.level, finding.code, finding.entry) == (Level.BLOCKING, code, entry)
    assert come_home(home.settled(finding.entry)) == [*steps, *LATER]


BOUND = {
    "TEXT": 'default = ""',
    "INTEGER": "default = 0",
    "NUMERIC": "default = 0",
    "TEXT UNIQUE": "allow_null = true",
    "INTEGER REFERENCES t(id)": "allow_null = true",
    "TEXT CHECK (x <> '')": "allow_null = true",
}


@pytest.mark.parametrize(("declared", "line"), BOUND.items())
def test_what_is_proposed_for_a_required_column_can_be_kept_by_its_rows(
    tmp_path: Path, declared: str, line: str
) -> None:
    made = "CREATE TABLE t (id INTEGER PRIMARY KEY{})"
    home = own_chain(tmp_path, {"001_t": revision(None, made.format(f", x {declared} NOT NULL"))})
    script(home.database, made.format(""), "INSERT INTO t VALUES (1), (2)", *stamp("001_t"))
    (finding,) = stays(home)
    assert finding.entry == f'[[resolve]]\ntable = "t"\ncolumn = "x"\n{line}'
    come_home(home.settled(finding.entry))


def test_two_things_that_block_one_column_print_one_entry_that_settles_both(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"001_t": revision(None, "CREATE TABLE t (a INTEGER NOT NULL, b TEXT)")})
    script(
        home.database, "CREATE TABLE t (a TEXT, b TEXT)", "INSERT INTO t VALUES ('1', ''), (NULL, '')", *stamp("001_t")
    )
    found = stays(home)
    assert [one.code for one in found] == ["blocked-values", "blocked-null"]
    assert {one.entry for one in found} == {'[[resolve]]\ntable = "t"\ncolumn = "a"\nkeep = true'}
    assert home.settled(found[0].entry).preview().outcome is Outcome.NOTHING


def test_everything_that_blocks_is_told_at_once(tmp_path: Path) -> None:
    home = shop(
        tmp_path,
        {
            "people": PEOPLE.replace("age INTEGER", "age TEXT").replace("email TEXT UNIQUE", "email TEXT"),
            "orders": ORDERS.replace("code TEXT NOT NULL", "title TEXT NOT NULL"),
            "ix_orders_code": "",
        },
        ("INSERT INTO people (id, name, age, email) VALUES (5, 'E', 'old', 'ada@x')",),
    )
    found = stays(home)
    assert [one.subject for one in found] == ["people.age", "people(email)", "orders.code"]
    come_home(home.settled(*(one.entry for one in found)))


def without_code(tmp_path: Path) -> Home:
    shapes = {"orders": ORDERS.replace("code TEXT NOT NULL", "title TEXT"), "ix_orders_code": ""}
    return shop(tmp_path, shapes, ("INSERT INTO orders (id, title) VALUES (1000, 'first'), (1001, NULL)",))


CODES = "SELECT code FROM orders WHERE id >= 1000 ORDER BY id"
COPY = '[[resolve]]\ntable = "orders"\ncolumn = "code"\ncopy_from = "title"\n'
# An entry for orders.code, what rows of it hold then, and whether NULL is taken.
FILLS = {
    "copied, with a default": (f'{COPY}default = "?"', [("first",), ("?",)], False),
    "copied, NULL allowed": (f"{COPY}allow_null = true", [("first",), (None,)], True),
    "copied with a default, NULL allowed": (f'{COPY}default = "?"\nallow_null = true', [("first",), ("?",)], True),
    "a default alone": ('[[resolve]]\ntable = "orders"\ncolumn = "code"\ndefault = 7', [("7",), ("7",)], False),
    "NULL allowed alone": ('[[resolve]]\ntable = "ORDERS"\ncolumn = "Code"\nallow_null = true', [(None,)] * 2, True),
    "left out": (('[[resolve]]\ntable = "orders"\ncolumn = "code"\nkeep = true\n'
                 '[[resolve]]\nindex = "ix_orders_code"\nkeep = true'), None, None),
}  # fmt: skip


@pytest.mark.parametrize(("entry", "held", "nullable"), FILLS.values(), ids=FILLS)
def test_an_entry_fills_a_required_column_as_it_says(
    tmp_path: Path, entry: str, held: list[tuple[str | None]] | None, nullable: bool | None
) -> None:
    home = without_code(tmp_path).settled(entry)
    come_home(home)
    columns = dict(ask(home.database, "SELECT name, \"notnull\" FROM pragma_table_info('orders')"))
    if held is None:
        assert "code" not in columns
        return
    assert ask(home.database, CODES) == held
    assert columns["code"] == (0 if nullable else 1)


def test_a_copy_that_leaves_rows_without_a_value_is_blocked_and_names_them(tmp_path: Path) -> None:
    (finding,) = stays(without_code(tmp_path).settled(COPY))
    assert (finding.code, finding.found) == (
        "blocked-null",
        "3 rows have no value to fill it with (row 1, row 7, row 1001)",
    )


def test_a_copy_from_a_column_that_is_not_there_is_blocked(tmp_path: Path) -> None:
    (finding,) = stays(without_code(tmp_path).settled(COPY.replace("title", "titel")))
    assert finding.found == (
        f"{tmp_path}/environments.toml: resolve[1] copies from titel, which the table does not have"
    )


def test_an_existing_nullable_column_is_filled_where_rows_hold_null(tmp_path: Path) -> None:
    shapes = {"orders": ORDERS.replace("code TEXT NOT NULL", "code TEXT")}
    home = shop(tmp_path, shapes, ("INSERT INTO orders (id, code) VALUES (1000, 'own'), (1001, NULL)",))
    home = home.settled('[[resolve]]\ntable = "orders"\ncolumn = "code"\ndefault = "?"')
    come_home(home, Allowed(written=frozenset({("orders", "code")})))
    assert ask(home.database, CODES) == [("own",), ("?",)]


EXTRAS = (
    "ALTER TABLE people ADD COLUMN deleted_at TEXT",
    "CREATE TABLE mine (id INTEGER PRIMARY KEY)",
    "CREATE INDEX ix_mine ON orders(note)",
    "CREATE VIEW v_mine AS SELECT 1 AS one",
    "CREATE TRIGGER t_mine AFTER INSERT ON orders BEGIN SELECT 1; END",
)
# What an entry names, the step that takes it away, and what is gone then.
DROPS = {
    "a column": ('table = "people"\ncolumn = "deleted_at"', "drop column people.deleted_at", "people.deleted_at"),
    "a table": ('table = "mine"', "drop table mine", "mine"),
    "an index": ('index = "ix_mine"', "drop index ix_mine", "ix_mine"),
    "a view": ('view = "v_mine"', "drop view v_mine", "v_mine"),
    "a trigger": ('trigger = "t_mine"', "drop trigger t_mine", "t_mine"),
}


@pytest.mark.parametrize(("subject", "step", "gone"), DROPS.values(), ids=DROPS)
def test_an_extra_that_an_entry_tells_to_go_goes_and_nothing_else(
    tmp_path: Path, subject: str, step: str, gone: str
) -> None:
    home = shop(tmp_path, more=EXTRAS).settled(f"[[resolve]]\n{subject}\ndrop = true")
    assert come_home(home, Allowed(gone=frozenset({gone}))) == [step, *LATER]


def test_neither_what_the_chain_makes_is_dropped_nor_the_extras_of_a_table_of_that_name(tmp_path: Path) -> None:
    home = shop(tmp_path, more=EXTRAS).settled('[[resolve]]\ntable = "people"\ndrop = true')
    assert come_home(home) == LATER


def test_a_kept_table_is_left_as_it_is(tmp_path: Path) -> None:
    other = "CREATE TABLE orders (code, id TEXT PRIMARY KEY, amount TEXT CHECK (amount <> ''), gone NOT NULL)"
    home = shop(tmp_path, {"orders": other}).settled('[[resolve]]\ntable = "orders"\nkeep = true')
    assert come_home(home) == LATER
    assert ask(home.database, "SELECT sql FROM sqlite_master WHERE name = 'orders'") == [(other,)]


def test_additive_repair_adds_natively_and_never_rebuilds(tmp_path: Path) -> None:
    home = shop(tmp_path, {"people": PEOPLE.replace("    age INTEGER,\n", ""), "ix_orders_code": ""})
    assert come_home(home.under('repair = "additive"')) == [
        "add column people.age",
        "create index ix_orders_code",
        *LATER,
    ]


def test_additive_repair_is_blocked_by_what_takes_a_rebuild(tmp_path: Path) -> None:
    home = shop(tmp_path, {"people": PEOPLE.replace(" DEFAULT 0.5", "")}).under('repair = "additive"')
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("blocked-policy", "table people")
    come_home(home.settled(finding.entry))


def test_with_no_repair_allowed_the_chain_still_runs(tmp_path: Path) -> None:
    assert come_home(shop(tmp_path).under('repair = "none"')) == LATER


def test_with_no_repair_allowed_a_missing_index_blocks(tmp_path: Path) -> None:
    (finding,) = stays(shop(tmp_path, {"ix_orders_code": ""}).under('repair = "none"'))
    assert (finding.code, finding.found) == (
        "blocked-policy",
        "1 repair step is needed, and this environment's policy allows none",
    )


def test_a_database_that_changed_since_the_preview_is_not_touched(tmp_path: Path) -> None:
    home = shop(tmp_path, {"ix_orders_code": ""})
    shown = home.preview()
    script(home.database, "CREATE INDEX ix_orders_code ON orders(code)")
    before = digest(home.database)
    with pytest.raises(ChangedMeanwhileError):
        reconcile(home.context(), shown.plan, lambda *_: None)
    assert (digest(home.database), home.backups()) == (before, [])


def test_a_blocked_plan_is_carried_out_by_nobody(tmp_path: Path) -> None:
    home = shop(tmp_path, {"ix_orders_code": ""}).under('repair = "none"')
    shown = home.preview()
    before = digest(home.database)
    assert shown.plan is not None
    assert shown.outcome is Outcome.BLOCKED
    with pytest.raises(BlockedError) as refused:
        reconcile(home.context(), shown.plan, lambda *_: None)
    assert str(refused.value).endswith("; nothing was done: resolve that, then plan again")
    assert (digest(home.database), home.backups()) == (before, [])


PINNED = {
    "a1": revision(None, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)"),
    "b2": revision("a1", "ALTER TABLE notes ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT 0"),
    "c3": revision(
        "b2",
        "UPDATE notes SET body = '' WHERE body IS NULL",
        "CREATE TABLE again (id INTEGER PRIMARY KEY, body TEXT NOT NULL, pinned BOOLEAN NOT NULL DEFAULT 0)",
        "INSERT INTO again SELECT id, body, pinned FROM notes",
        "DROP TABLE notes",
        "ALTER TABLE again RENAME TO notes",
        "CREATE INDEX by_pinned ON notes (pinned)",
    ),
}


@pytest.mark.parametrize(
    ("table", "row", "column", "line"),
    [
        ("body TEXT NOT NULL, pinned BOOLEAN", "1, 'a', NULL", "pinned", "default = 0"),
        ("body TEXT, pinned BOOLEAN NOT NULL DEFAULT 0", "1, NULL, 1", "body", 'default = ""'),
        ("bodies INTEGER, pinned BOOLEAN NOT NULL DEFAULT 0", "1, 2, 1", "body", 'default = ""'),
    ],
    ids=["its default", "its UPDATE", "a missing column"],
)
def test_what_the_chain_itself_gives_rows_is_suggested(
    tmp_path: Path, table: str, row: str, column: str, line: str
) -> None:
    home = own_chain(tmp_path, PINNED)
    made = f"CREATE TABLE notes (id INTEGER PRIMARY KEY, {table})"
    index = "CREATE INDEX by_pinned ON notes (pinned)"
    script(home.database, made, index, f"INSERT INTO notes VALUES ({row})", *stamp("c3"))
    (blocker,) = stays(home)
    entry = f'[[resolve]]\ntable = "notes"\ncolumn = "{column}"\n{line}'
    assert (blocker.subject, blocker.entry) == (f"notes.{column}", entry)
    come_home(home.settled(entry), Allowed(written=frozenset({("notes", column)})))


def test_rows_that_share_an_expression_of_a_missing_unique_index_are_told(tmp_path: Path) -> None:
    table, index = "CREATE TABLE m (id INTEGER PRIMARY KEY, mail TEXT)", "CREATE UNIQUE INDEX ux ON m (lower(mail))"
    home = own_chain(tmp_path, {"a1": revision(None, table, index)})
    script(home.database, table, "INSERT INTO m VALUES (1, 'a'), (2, 'A'), (3, 'b')", *stamp("a1"))
    (found,) = stays(home)
    assert (found.code, found.subject) == ("blocked-duplicates", "index ux")
    assert found.found == "must be unique, but 1 value occurs more than once ('a' in 2 rows)"
    assert home.settled(found.entry).preview().outcome is Outcome.NOTHING
