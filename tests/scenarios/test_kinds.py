"""Tables of every sort that SQLite has, names that bite, and things that hang on a table that must be rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import State
from support.scenarios import ask, come_home, nothing_to_do, own_chain, revision, script, stamp, stays
from support.shop import ORDERS, PEOPLE, shop

if TYPE_CHECKING:
    from pathlib import Path

LATER = ["run revision 005_tags", "stamp 005_tags"]
NO_DEFAULT = {"people": PEOPLE.replace(" DEFAULT 0.5", "")}
REBUILT = ["rebuild table people: set default score 0.5", *LATER]


def test_extra_views_triggers_and_indexes_on_a_rebuilt_table_are_there_to_the_letter(tmp_path: Path) -> None:
    hanging = (
        "CREATE VIEW v_deep AS SELECT p.name, o.code FROM v_people p JOIN orders o ON o.person_id = p.id",
        "CREATE TABLE log (what TEXT)",
        "CREATE TRIGGER told AFTER DELETE ON people BEGIN INSERT INTO log VALUES ('gone ' || OLD.name); END",
        "CREATE TRIGGER via INSTEAD OF INSERT ON v_deep BEGIN INSERT INTO people (name) VALUES (NEW.name); END",
        "CREATE TRIGGER other AFTER INSERT ON orders BEGIN UPDATE people SET age = age + 1 WHERE id < 0; END",
        "CREATE INDEX \"odd: 'name'\" ON people(lower(name), age DESC) WHERE state = 'a:b' OR nick IS NOT NULL",
        "CREATE INDEX by_nick ON people(nick COLLATE NOCASE)",
    )
    home = shop(tmp_path, NO_DEFAULT, hanging)
    texts = "SELECT name, sql FROM sqlite_master WHERE name NOT IN ('people', 'tags', 'alembic_version') ORDER BY name"
    before = ask(home.database, texts)
    assert len(before) > len(hanging)
    assert come_home(home) == REBUILT
    assert ask(home.database, texts) == before
    script(
        home.database, "INSERT INTO v_deep (name) VALUES ('by trigger')", "DELETE FROM people WHERE name = 'by trigger'"
    )
    assert ask(home.database, "SELECT what FROM log") == [("gone by trigger",)]


def test_rows_that_refer_to_a_rebuilt_table_stay_even_where_deletes_cascade(tmp_path: Path) -> None:
    home = shop(tmp_path, NO_DEFAULT)
    assert come_home(home) == REBUILT
    assert ask(home.database, "SELECT person_id FROM orders ORDER BY id") == [(1,), (40,)]


def test_a_sequence_goes_on_where_it_was(tmp_path: Path) -> None:
    shapes = {"people": NO_DEFAULT["people"].replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT")}
    home = shop(tmp_path, shapes)
    script(home.database, "UPDATE sqlite_sequence SET seq = 900 WHERE name = 'people'")
    assert come_home(home) == REBUILT
    script(home.database, "INSERT INTO people (name) VALUES ('next')")
    assert ask(home.database, "SELECT max(id) FROM people") == [(901,)]


COUNTED = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT)"


def test_autoincrement_that_the_chain_has_is_added_and_begins_after_the_highest_key(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"001_t": revision(None, COUNTED), "002_u": revision("001_t", "CREATE TABLE u (x)")})
    plain = COUNTED.replace(" AUTOINCREMENT", "")
    script(home.database, plain, "INSERT INTO t VALUES (41, 'a')", *stamp("001_t"))
    assert come_home(home) == ["rebuild table t: set autoincrement id", "run revision 002_u", "stamp 002_u"]
    script(home.database, "DELETE FROM t WHERE id = 41", "INSERT INTO t (x) VALUES ('b')")
    assert ask(home.database, "SELECT id FROM t") == [(42,)]


# A table of the chain, the same with something wrong, its rows, and the first step that puts it right.
SORTS = {
    "WITHOUT ROWID, a column missing": (
        "CREATE TABLE {} (k TEXT PRIMARY KEY, v INTEGER, w TEXT) WITHOUT ROWID",
        "CREATE TABLE {} (k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID",
        "add column {}.w",
    ),
    "WITHOUT ROWID, another default": (
        "CREATE TABLE {} (k TEXT, v INTEGER DEFAULT 7, PRIMARY KEY (k)) WITHOUT ROWID",
        "CREATE TABLE {} (k TEXT, v INTEGER, PRIMARY KEY (k)) WITHOUT ROWID",
        "rebuild table {}: set default v 7",
    ),
    "STRICT, another default": (
        "CREATE TABLE {} (k TEXT PRIMARY KEY, v INTEGER DEFAULT 7) STRICT",
        "CREATE TABLE {} (k TEXT PRIMARY KEY, v INTEGER) STRICT",
        "rebuild table {}: set default v 7",
    ),
    "a composite key": (
        "CREATE TABLE {} (k TEXT, v INTEGER, w TEXT DEFAULT '', PRIMARY KEY (k, v))",
        "CREATE TABLE {} (k TEXT, v INTEGER, w TEXT, PRIMARY KEY (k, v))",
        "rebuild table {}: set default w ''",
    ),
    "no key at all": (
        "CREATE TABLE {} (k TEXT, v INTEGER DEFAULT 7)",
        "CREATE TABLE {} (k TEXT, v INTEGER)",
        "rebuild table {}: set default v 7",
    ),
    "a virtual generated column": (
        "CREATE TABLE {} (k TEXT, v INTEGER, w TEXT AS (k || v))",
        "CREATE TABLE {} (k TEXT, v INTEGER)",
        "add column {}.w",
    ),
    "a stored generated column": (
        "CREATE TABLE {} (k TEXT, v INTEGER, w TEXT AS (k || v) STORED)",
        "CREATE TABLE {} (k TEXT, v INTEGER)",
        "rebuild table {}: add column w TEXT AS (k || v) STORED",
    ),
    "a default that is an expression": (
        "CREATE TABLE {} (k TEXT, v INTEGER, w TEXT DEFAULT (upper('x')))",
        "CREATE TABLE {} (k TEXT, v INTEGER)",
        "rebuild table {}: add column w TEXT DEFAULT (upper('x'))",
    ),
    "a time as default": (
        "CREATE TABLE {} (k TEXT, v INTEGER, w TIMESTAMP DEFAULT CURRENT_TIMESTAMP)",
        "CREATE TABLE {} (k TEXT, v INTEGER)",
        "rebuild table {}: add column w TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
    ),
    "a column that refers to its own table": (
        "CREATE TABLE {} (k TEXT PRIMARY KEY, v INTEGER, up TEXT REFERENCES {}(k))",
        "CREATE TABLE {} (k TEXT PRIMARY KEY, v INTEGER)",
        "add column {}.up",
    ),
}


CHAINS = {f"t{number}": shapes[0].replace("{}", f"t{number}") for number, shapes in enumerate(SORTS.values())}


@pytest.mark.parametrize("name", SORTS)
def test_a_table_of_any_sort_comes_home(tmp_path: Path, name: str) -> None:
    home = own_chain(tmp_path, {"001_t": revision(None, *CHAINS.values())})
    table = f"t{list(SORTS).index(name)}"
    _, wrong, step = (one.replace("{}", table) for one in SORTS[name])
    rows = f"INSERT INTO {table} (k, v) VALUES ('a', 1), ('b', 2)"
    script(home.database, *(CHAINS | {table: wrong}).values(), rows, *stamp("001_t"))
    assert come_home(home) == [step]


@pytest.mark.parametrize("options", ["WITHOUT ROWID", "STRICT"])
def test_a_table_of_another_sort_than_the_chains_is_blocked_or_kept(tmp_path: Path, options: str) -> None:
    home = own_chain(tmp_path, {"001_t": revision(None, "CREATE TABLE t (k TEXT PRIMARY KEY)")})
    script(home.database, f"CREATE TABLE t (k TEXT PRIMARY KEY) {options}", "INSERT INTO t VALUES ('a')")
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("blocked-shape", "t")
    assert come_home(home.settled(finding.entry)) == ["stamp 001_t"]


def test_full_text_tables_and_their_shadows_stay_as_they_are(tmp_path: Path) -> None:
    extras = (
        "CREATE VIRTUAL TABLE found USING fts5(title, body, tokenize = 'porter')",
        "INSERT INTO found VALUES ('first', 'walking'), ('second', 'talks')",
        "CREATE VIRTUAL TABLE boxes USING rtree(id, x1, x2)",
        "INSERT INTO boxes VALUES (1, 0, 1)",
    )
    home = shop(tmp_path, NO_DEFAULT, extras)
    assert come_home(home) == REBUILT
    assert ask(home.database, "SELECT title FROM found WHERE found MATCH 'walk'") == [("first",)]


def test_a_full_text_table_of_the_chain_is_made_with_its_shadows(tmp_path: Path) -> None:
    chain = {
        "001_f": revision(None, "CREATE VIRTUAL TABLE f USING fts5(body)"),
        "002_t": revision("001_f", "CREATE TABLE t (x)"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)", *stamp("002_t"))
    assert come_home(home) == ["run revision 001_f"]
    script(home.database, "INSERT INTO f VALUES ('walking')")


@pytest.mark.parametrize(
    ("text", "part"),
    [("CREATE VIRTUAL TABLE f USING fts5(body)", "f_idx"), ("CREATE VIRTUAL TABLE f USING rtree(id, a, b)", "f_node")],
)
def test_a_virtual_table_of_the_chain_without_its_storage_is_not_clean(tmp_path: Path, text: str, part: str) -> None:
    home = own_chain(tmp_path, {"001_f": revision(None, text)})
    script(home.database, text, *stamp("001_f"))
    nothing_to_do(home)
    script(home.database, f"DROP TABLE {part}")
    assert home.survey().state is State.DRIFTED
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("blocked-shape", "f")


HOSTILE = 'we"ird; DROP TABLE--'
SPELT = '"we""ird; DROP TABLE--"'
HOSTILE_TABLE = (
    f'CREATE TABLE {SPELT} ("select" INTEGER PRIMARY KEY, [a b] TEXT DEFAULT \'x, y\', `ü%s` REAL, "q\'q" TEXT)'
)


def test_names_that_bite_are_only_names(tmp_path: Path) -> None:
    chain = {
        "001_odd": revision(None, HOSTILE_TABLE, f'CREATE INDEX "ix of ""it""" ON {SPELT} ("a b", lower(`ü%s`))'),
        "002_more": revision("001_odd", f'CREATE VIEW "v;" AS SELECT "a b" FROM {SPELT}'),
    }
    home = own_chain(tmp_path, chain)
    wrong = HOSTILE_TABLE.replace(" DEFAULT 'x, y'", "").replace(', "q\'q" TEXT', ', "ex;tra" TEXT NOT NULL')
    script(
        home.database,
        wrong,
        f"INSERT INTO {SPELT} VALUES (1, 'a', 0.5, 'b'), (2, x'00', NULL, '')",
        'CREATE TABLE "ta\nble" ("" TEXT, "col""" TEXT)',
        *stamp("002_more"),
    )
    assert come_home(home) == [
        f"rebuild table {HOSTILE}: add column \"q'q\" TEXT, set default a b 'x, y', drop not null ex;tra",
        'create index ix of "it"',
        "stamp 001_odd",
        "run revision 002_more",
        "stamp 002_more",
    ]


def test_tables_that_are_spelt_in_another_case_keep_their_names(tmp_path: Path) -> None:
    people = PEOPLE.replace("TABLE people", "TABLE PEOPLE").replace("name TEXT", '"Name" TEXT')
    orders = ORDERS.replace("TABLE orders", 'TABLE "Orders"').replace("people(id)", "People(ID)")
    shapes = {
        "people": people.replace("    age INTEGER,\n", ""),
        "orders": orders.replace("code TEXT NOT NULL", "Code TEXT"),
        "ix_orders_code": "",
    }
    home = shop(tmp_path, shapes)
    assert come_home(home) == [
        "add column PEOPLE.age",
        "rebuild table Orders: set not null code",
        "create index ix_orders_code",
        *LATER,
    ]
    assert ask(home.database, "SELECT name FROM sqlite_master WHERE name IN ('PEOPLE', 'Orders') ORDER BY 1") == [
        ("Orders",),
        ("PEOPLE",),
    ]


# Rows that break a key stay, whether the key is old or comes with the repair; a new one may count more of them.
DANGLE = ("INSERT INTO orders (id, person_id, code) VALUES (50, 4711, 'x'), (51, 4712, 'y')",)


def test_rows_that_break_a_foreign_key_stay_and_grow_no_more(tmp_path: Path) -> None:
    home = shop(tmp_path, {"orders": ORDERS.replace("note TEXT", "note TEXT DEFAULT ''")}, DANGLE)
    assert come_home(home) == ["rebuild table orders: drop default note", *LATER]


def test_a_new_foreign_key_over_rows_that_dangled_before_is_added(tmp_path: Path) -> None:
    home = shop(tmp_path, {"orders": ORDERS.replace(" REFERENCES people(id) ON DELETE CASCADE", "")}, DANGLE)
    come_home(home)
    assert ask(home.database, "SELECT count(*) FROM pragma_foreign_key_check('orders')") == [(2,)]


def test_a_missing_column_with_a_foreign_key_is_added_natively(tmp_path: Path) -> None:
    shapes = {"orders": ORDERS.replace("    person_id INTEGER REFERENCES people(id) ON DELETE CASCADE,\n", "")}
    assert come_home(shop(tmp_path, shapes)) == ["add column orders.person_id", *LATER]
