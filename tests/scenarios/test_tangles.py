"""Drift in one place that bites in another: extras in the way of rows, names that clash, views that were broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.errors import ArchmigError
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import Allowed, ask, come_home, digest, own_chain, revision, script, stamp, stays
from support.shop import KINDS, ORDERS, PEOPLE, shop

if TYPE_CHECKING:
    from pathlib import Path

LATER = ["run revision 005_tags", "stamp 005_tags"]
NO_DEFAULT = {"people": PEOPLE.replace(" DEFAULT 0.5", "")}
REBUILT = ["rebuild table people: set default score 0.5", *LATER]


@pytest.mark.parametrize(
    "kinds",
    [
        KINDS.replace("rank INTEGER", "rank INTEGER, colour TEXT NOT NULL"),
        KINDS.replace("rank INTEGER", "rank INTEGER CHECK (rank > 1)"),
        KINDS.replace("rank INTEGER", "rank INTEGER UNIQUE"),
    ],
    ids=["not null", "check", "unique"],
)
def test_an_extra_that_refuses_rows_is_loosened_before_a_data_step_brings_them(tmp_path: Path, kinds: str) -> None:
    home = shop(tmp_path, {"kinds": ""}, at="")
    row = "(name, rank, colour) VALUES ('mine', 2, 'red')" if "colour" in kinds else "(name, rank) VALUES ('mine', 2)"
    script(home.database, kinds, f"INSERT INTO kinds {row}")
    come_home(home)
    assert ask(home.database, "SELECT name, rank FROM kinds ORDER BY 1") == [("big", 1), ("mine", 2), ("small", 2)]


def test_an_extra_unique_index_is_loosened_before_a_data_step_brings_rows(tmp_path: Path) -> None:
    home = shop(tmp_path, more=("CREATE UNIQUE INDEX one_rank ON kinds(rank)",), at="")
    script(home.database, "DELETE FROM kinds", "INSERT INTO kinds VALUES ('mine', 2)")
    come_home(home)
    assert len(ask(home.database, "SELECT name FROM kinds")) == 3


BROKEN = (
    "CREATE VIEW v_lost AS SELECT * FROM never_made",
    "CREATE VIEW v_gone AS SELECT p.gone FROM people p",
    "CREATE TRIGGER t_lost AFTER DELETE ON orders BEGIN INSERT INTO never_made VALUES (1); END",
)


def test_views_and_triggers_that_were_broken_before_do_not_stop_a_rebuild_and_stay(tmp_path: Path) -> None:
    home = shop(tmp_path, NO_DEFAULT)
    script(home.database, *BROKEN)
    assert come_home(home) == REBUILT


def test_a_view_of_the_chain_that_was_broken_by_a_missing_column_works_again(tmp_path: Path) -> None:
    home = shop(
        tmp_path, {"people": PEOPLE.replace("    state TEXT DEFAULT 'new' CHECK (state IN ('new', 'old')),\n", "")}
    )
    assert come_home(home) == ["add column people.state", *LATER]
    assert len(ask(home.database, "SELECT * FROM v_people")) == 3


# Extras that bear the name of what a pending revision makes.
CLASHES = {
    "a table in another shape": ("CREATE TABLE tags (id INTEGER PRIMARY KEY)",),
    "the very table": ("CREATE TABLE tags (id INTEGER PRIMARY KEY, word TEXT NOT NULL)",),
    "a table of that name in capitals": ("CREATE TABLE TAGS (ID INTEGER PRIMARY KEY, WORD TEXT NOT NULL, own TEXT)",),
}


@pytest.mark.parametrize("more", CLASHES.values(), ids=CLASHES)
def test_what_a_pending_revision_would_make_is_seen_and_completed(tmp_path: Path, more: tuple[str, ...]) -> None:
    home = shop(tmp_path, more=more)
    assert "run revision 005_tags" not in come_home(home)


# Things of another sort under a name that the chain needs.
SORTS = {
    "a view": "CREATE VIEW tags AS SELECT 1 AS id",
    "an index": "CREATE INDEX tags ON orders(note)",
}


@pytest.mark.parametrize("made", SORTS.values(), ids=SORTS)
def test_a_thing_of_another_sort_under_a_needed_name_fails_with_its_name_and_stays(tmp_path: Path, made: str) -> None:
    home = shop(tmp_path, more=(made,))
    shown, before = home.preview(), digest(home.database)
    if shown.outcome is Outcome.BLOCKED:
        stays(home)
        return
    with pytest.raises(ArchmigError, match="tags"):
        reconcile(home.context(), shown.plan, lambda *_: None)
    assert digest(home.database) == before


def test_keys_in_a_circle_and_tables_that_refer_to_themselves_are_rebuilt_together(tmp_path: Path) -> None:
    a = "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b(id) ON DELETE CASCADE, x TEXT DEFAULT 'x')"
    b = "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a(id), up INTEGER REFERENCES b(id), y DEFAULT 1)"
    home = own_chain(tmp_path, {"001_ab": revision(None, a, b)})
    rows = ("INSERT INTO a VALUES (1, 2, 'x')", "INSERT INTO b VALUES (2, 1, 2, 3), (3, 9, 9, NULL)")
    script(home.database, a.replace(" DEFAULT 'x'", ""), b.replace(" DEFAULT 1", ""), *rows, *stamp("001_ab"))
    assert come_home(home) == ["rebuild table a: set default x 'x'", "rebuild table b: set default y 1"]


def test_a_key_of_two_columns_and_one_to_a_table_that_nobody_made_stay(tmp_path: Path) -> None:
    p = "CREATE TABLE p (x TEXT, y INTEGER, PRIMARY KEY (x, y))"
    plain = "x TEXT, y INTEGER, z TEXT REFERENCES nobody(id), w DEFAULT 'w'"
    c = f"CREATE TABLE c ({plain}, FOREIGN KEY (x, y) REFERENCES p)"
    home = own_chain(tmp_path, {"001_pc": revision(None, p, c)})
    wrong = c.replace(", FOREIGN KEY (x, y) REFERENCES p", "").replace(" DEFAULT 'w'", "")
    script(home.database, p, wrong, "INSERT INTO c VALUES ('a', 1, 'z', NULL), (NULL, 1, NULL, '')", *stamp("001_pc"))
    come_home(home)


# The same default, written otherwise.
DEFAULTS = (
    "DEFAULT (0.5)",
    "DEFAULT 0.50",
    "DEFAULT +0.5",
    "DEFAULT '0.5'",
    'DEFAULT "0.5"',
    "DEFAULT .5",
    "DEFAULT 5e-1",
)


@pytest.mark.parametrize("default", DEFAULTS)
def test_a_default_written_otherwise_is_either_the_same_or_set(tmp_path: Path, default: str) -> None:
    come_home(shop(tmp_path, {"people": PEOPLE.replace("DEFAULT 0.5", default)}))


def test_a_text_key_where_the_chain_has_a_rowid_is_blocked_and_kept_by_its_entry(tmp_path: Path) -> None:
    home = shop(
        tmp_path,
        {"orders": ORDERS.replace("id INTEGER PRIMARY KEY", "id TEXT PRIMARY KEY")},
        ("INSERT INTO orders (id, code) VALUES ('alloc-1', 'x')",),
    )
    entries = {stay.entry for stay in stays(home)}
    assert entries == {'[[resolve]]\ntable = "orders"\ncolumn = "id"\nkeep = true'}
    assert come_home(home.settled(*entries)) == LATER


def test_an_empty_table_is_given_its_shape_whatever_it_takes(tmp_path: Path) -> None:
    home = own_chain(
        tmp_path,
        {"001_t": revision(None, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL UNIQUE, b TEXT)")},
    )
    script(home.database, "CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT, c NOT NULL)", *stamp("001_t"))
    come_home(home)


def test_an_extra_unique_that_a_foreign_key_needs_is_not_dropped(tmp_path: Path) -> None:
    more = ("CREATE TABLE mine (code TEXT REFERENCES orders(code))", "INSERT INTO mine VALUES ('c1')")
    home = shop(tmp_path, {"orders": ORDERS.replace("code TEXT NOT NULL", "code TEXT NOT NULL UNIQUE")}, more)
    (finding,) = stays(home)
    assert finding.code == "blocked-shape"
    come_home(home.settled(finding.entry))


def test_a_trigger_that_aborts_what_the_run_inserts_undoes_all_of_it(tmp_path: Path) -> None:
    guard = "CREATE TRIGGER no_more BEFORE INSERT ON kinds BEGIN SELECT RAISE(ROLLBACK, 'kinds are closed'); END"
    home = shop(tmp_path, {"ix_orders_code": ""}, at="")
    script(home.database, "DELETE FROM kinds", guard)
    plan, before = home.preview().plan, digest(home.database)
    assert plan is not None
    with pytest.raises(ArchmigError, match="kinds are closed"):
        reconcile(home.context(), plan, lambda *_: None)
    assert digest(home.database) == before


@pytest.mark.parametrize("does", ["DELETE FROM orders WHERE id = 1", "UPDATE orders SET note = 'swept'"])
def test_what_a_trigger_of_the_application_does_to_rows_is_no_part_of_the_run(tmp_path: Path, does: str) -> None:
    home = shop(tmp_path, at="")
    sweep = f"CREATE TRIGGER sweep AFTER INSERT ON kinds BEGIN {does}; END"
    script(home.database, "DELETE FROM kinds", sweep)
    shown, before = home.preview(), digest(home.database)
    assert shown.plan is not None
    (finding,) = shown.plan.blockers
    assert (finding.code, finding.subject, "orders" in finding.found) == ("own-trigger", "trigger sweep", True)
    # What the plan does not show is not done either.
    with pytest.raises(ArchmigError, match="sweep"):
        reconcile(home.context(), shown.plan, lambda *_: None)
    assert digest(home.database) == before


def test_what_a_trigger_of_the_chain_does_to_rows_belongs_to_the_run(tmp_path: Path) -> None:
    made = (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, seen TEXT)",
        "CREATE TRIGGER touch AFTER UPDATE OF x ON t BEGIN UPDATE t SET seen = 'touched' WHERE id = NEW.id; END",
    )
    chain = {"001_t": revision(None, *made), "002_x": revision("001_t", "UPDATE t SET x = 'new' WHERE x = 'old'")}
    home = own_chain(tmp_path, chain)
    script(home.database, *made, "INSERT INTO t VALUES (1, 'old', ''), (2, 'own', '')", *stamp("001_t"))
    written = Allowed(written=frozenset({("t", "x"), ("t", "seen")}))
    assert come_home(home, written) == ["run revision 002_x", "stamp 002_x"]
    assert ask(home.database, "SELECT * FROM t") == [(1, "new", "touched"), (2, "own", "")]
