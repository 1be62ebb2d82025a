"""How one table gets the chain's shape: natively where that does, by one rebuild where it does not, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.diff import Extra
from architect_migrate.model.environment import Repair
from architect_migrate.model.facts import UniqueFact
from support.repairs import fill, table_repair

if TYPE_CHECKING:
    from architect_migrate.model.environment import Resolution

T = "CREATE TABLE t (id INTEGER PRIMARY KEY{})"
PLAIN = T.format("")
ROWS = "; INSERT INTO t (id) VALUES (1), (2)"
NAMES = T.format(", name TEXT") + "; INSERT INTO t VALUES (1, 'Ada'), (2, 'Bob')"


def t(*columns: str) -> str:
    return T.format("".join(f", {column}" for column in columns))


def test_a_missing_table_is_created_from_the_text_of_the_chain() -> None:
    found = table_repair(t("a TEXT UNIQUE CHECK (a > '')"), "")
    assert (found.steps, found.blockers, found.left) == (("create table t for r1",), (), ())


# Missing columns.


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("a TEXT", None),
        ("a INTEGER DEFAULT 5", 5),
        ("a TEXT NOT NULL DEFAULT 'x'", "x"),
        ("a INTEGER AS (id + 1)", 2),
        ("a INTEGER CHECK (a > 0)", None),
        ("a INTEGER REFERENCES t", None),
    ],
)
def test_a_missing_column_is_added_natively_where_alter_table_can(column: str, value: object) -> None:
    found = table_repair(t(column), PLAIN + ROWS)
    assert (found.steps, found.blockers, found.left) == (("add column t.a for r1",), (), ())
    assert found.rows[0] == (1, value)


@pytest.mark.parametrize(
    ("column", "value"),
    [("a INTEGER DEFAULT (1 + 1)", 2), ("a TEXT NOT NULL DEFAULT (lower('X'))", "x"), ("a INTEGER AS (id) STORED", 1)],
)
def test_a_column_whose_default_is_no_constant_takes_a_rebuild_where_there_are_rows(column: str, value: object) -> None:
    found = table_repair(t(column), PLAIN + ROWS)
    assert (found.steps, found.blockers, found.left) == ((f"rebuild table t: add column {column} for r1",), (), ())
    assert found.rows[0] == (1, value)


def test_a_column_with_the_current_time_as_default_takes_a_rebuild_where_there_are_rows() -> None:
    column = "a TEXT DEFAULT CURRENT_TIMESTAMP"
    found = table_repair(t(column), PLAIN + ROWS)
    assert found.steps == (f"rebuild table t: add column {column} for r1",)
    assert str(found.rows[0][1]).startswith("20")


@pytest.mark.parametrize(
    "column", ["a INTEGER DEFAULT (1 + 1)", "a TEXT DEFAULT CURRENT_DATE", "a TEXT NOT NULL DEFAULT 'x'"]
)
def test_a_table_without_rows_gets_a_column_natively(column: str) -> None:
    found = table_repair(t(column), PLAIN)
    assert (found.steps, found.left) == (("add column t.a for r1",), ())


def test_columns_are_spelt_as_the_chain_spells_them_and_tables_as_the_database_does() -> None:
    found = table_repair(
        'CREATE TABLE T (id INTEGER PRIMARY KEY, "Größe" TEXT)', "CREATE TABLE t (ID INTEGER PRIMARY KEY)"
    )
    assert found.steps == ("add column t.Größe for r1",)


def test_a_unique_column_comes_with_its_constraint() -> None:
    found = table_repair(t("a TEXT UNIQUE"), PLAIN + ROWS)
    steps = ("rebuild table t: add column a TEXT, add constraint UNIQUE (a) for r1",)
    assert (found.steps, found.left) == (steps, ())


def test_a_unique_column_comes_with_an_index_where_no_table_may_be_rebuilt() -> None:
    found = table_repair(t("a TEXT UNIQUE"), PLAIN + ROWS, repair=Repair.ADDITIVE)
    assert (found.steps, found.left) == (("add column t.a for r1", "create index uq_t_a for r1"), ())


REQUIRED = "the chain requires a value, 2 rows have none, and "


@pytest.mark.parametrize(
    ("chain", "database", "found"),
    [
        (
            t("a TEXT NOT NULL"),
            PLAIN + ROWS,
            REQUIRED + 'no column seems to hold it [[[resolve]]\ntable = "t"\ncolumn = "a"\ndefault = ""]',
        ),
        (
            t("a INTEGER NOT NULL CHECK (a > 0)"),
            PLAIN + ROWS,
            REQUIRED + 'no column seems to hold it [[[resolve]]\ntable = "t"\ncolumn = "a"\nallow_null = true]',
        ),
        (
            t("title TEXT NOT NULL"),
            t("titel TEXT NOT NULL") + "; INSERT INTO t VALUES (1, 'x'), (2, 'y')",
            REQUIRED + 't.titel may hold it [[[resolve]]\ntable = "t"\ncolumn = "title"\ncopy_from = "titel"]',
        ),
    ],
)
def test_a_required_column_without_a_value_for_its_rows_blocks(chain: str, database: str, found: str) -> None:
    column = "title" if "title" in chain else "a"
    assert table_repair(chain, database).blockers == (("blocked-required-column", f"t.{column}", found),)


def test_a_required_column_does_not_block_where_there_are_no_rows() -> None:
    found = table_repair(t("a TEXT NOT NULL"), PLAIN)
    assert (found.steps, found.blockers, found.left) == (("add column t.a for r1",), (), ())


@pytest.mark.parametrize(
    ("entry", "written", "values"),
    [
        (fill("T", "A", "name"), '"name"', ["Ada", "Bob"]),
        (fill("t", "a", default="'x'"), "'x'", ["x", "x"]),
        (fill("t", "a", "name", "'x'"), "COALESCE(\"name\", 'x')", ["Ada", "Bob"]),
    ],
)
def test_a_column_is_filled_as_an_entry_says(entry: Resolution, written: str, values: list[str]) -> None:
    found = table_repair(t("name TEXT", "a TEXT NOT NULL"), NAMES, entry)
    assert found.steps == (f"rebuild table t: add column a TEXT NOT NULL, a = {written} for r1",)
    assert (found.blockers, found.left, [row[2] for row in found.rows]) == ((), (), values)


def test_an_entry_that_lets_a_column_be_null_takes_its_not_null_away() -> None:
    found = table_repair(t("a TEXT NOT NULL"), PLAIN + ROWS, fill("t", "a", null=True))
    assert (found.steps, found.blockers, found.rows) == (("add column t.a for r1",), (), ((1, None), (2, None)))


def test_an_entry_that_leaves_rows_without_a_value_blocks() -> None:
    chain, nulls = t("name TEXT", "a TEXT NOT NULL"), NAMES + "; UPDATE t SET name = NULL WHERE id = 2"
    found = table_repair(chain, nulls, fill("t", "a", "name"))
    said = '1 row has no value to fill it with (row 2) [add default = "..." or allow_null = true to environments.toml: '
    assert (found.steps, found.blockers) == ((), (("blocked-null", "t.a", said + "resolve[1]]"),))
    assert table_repair(chain, nulls, fill("t", "a", "name", null=True)).rows == ((1, "Ada", "Ada"), (2, None, None))
    assert table_repair(t("name TEXT", "a TEXT"), nulls, fill("t", "a", "name")).blockers == ()


def test_an_entry_that_copies_from_a_column_that_is_not_there_blocks() -> None:
    found = table_repair(t("a TEXT"), PLAIN + ROWS, fill("t", "a", "other"))
    assert [(code, subject, why.partition(" [")[0]) for code, subject, why in found.blockers] == [
        ("blocked-shape", "t.a", "environments.toml: resolve[1] copies from other, which the table does not have")
    ]


def test_an_entry_says_nothing_where_there_are_no_rows() -> None:
    assert table_repair(t("a TEXT"), PLAIN, fill("t", "a", "other")).steps == ("add column t.a for r1",)


def test_a_native_column_joins_the_rebuild_where_the_table_needs_one() -> None:
    found = table_repair(t("a TEXT", "name TEXT NOT NULL"), NAMES)
    assert found.steps == ("rebuild table t: add column a TEXT, set not null name for r1",)
    assert (found.left, found.rows) == ((), ((1, "Ada", None), (2, "Bob", None)))


# Missing constraints.


def test_a_check_is_added_where_every_row_satisfies_it() -> None:
    chain = t("name TEXT", "CHECK (length(Name) > 2)")
    assert table_repair(chain, NAMES).steps == ("rebuild table t: add constraint CHECK (length(Name) > 2) for r1",)
    broken = table_repair(chain, NAMES + "; UPDATE t SET name = 'x' WHERE id = 2")
    assert (broken.steps, broken.blockers) == (
        (),
        (
            (
                "blocked-check",
                "t: length ( name ) > 2",
                '1 row breaks this check (row 2: \'x\') [[[resolve]]\ntable = "t"\ncolumn = "name"\nkeep = true]',
            ),
        ),
    )


def test_a_check_on_a_column_that_is_yet_to_come_is_left_to_the_rebuild() -> None:
    found = table_repair(t("a INTEGER DEFAULT 1", "CHECK (a < id + 9)"), PLAIN + ROWS)
    assert (found.left, found.rows) == ((), ((1, 1), (2, 1)))
    assert len(found.steps) == 1


def test_a_check_and_a_key_that_a_new_column_brings_are_not_added_twice() -> None:
    found = table_repair(t("a INTEGER DEFAULT (1) CHECK (a > 0) REFERENCES t"), PLAIN + ROWS)
    assert found.steps == ("rebuild table t: add column a INTEGER DEFAULT (1) CHECK (a > 0) REFERENCES t for r1",)
    assert found.left == ()


def test_a_foreign_key_is_added_though_rows_refer_to_nothing() -> None:
    chain = t("up INTEGER REFERENCES t ON DELETE CASCADE")
    found = table_repair(chain, t("up INTEGER") + "; INSERT INTO t VALUES (1, 9)")
    key = "FOREIGN KEY (up) REFERENCES t (id) ON DELETE CASCADE"
    assert (found.steps, found.left) == ((f"rebuild table t: add constraint {key} for r1",), ())


def test_a_foreign_key_in_another_shape_is_replaced() -> None:
    chain, other = t("up INTEGER REFERENCES t ON DELETE CASCADE"), t("up INTEGER REFERENCES t")
    found = table_repair(chain, other)
    key = "FOREIGN KEY (up) REFERENCES t (id) ON DELETE CASCADE"
    assert found.steps == (f"rebuild table t: drop foreign key up t, add constraint {key} for r1",)
    assert found.left == ()


def test_uniqueness_comes_by_the_clause_of_the_chain_where_the_rows_leave_room_for_it() -> None:
    chain = t("name TEXT", "other TEXT", "UNIQUE (other, name)")
    database = t("name TEXT", "other TEXT") + "; INSERT INTO t VALUES (1, 'a', 'b'), (2, 'a', 'c'), (3, NULL, 'c')"
    assert table_repair(chain, database).steps == ("rebuild table t: add constraint UNIQUE (other, name) for r1",)
    additive = table_repair(chain, database, repair=Repair.ADDITIVE)
    assert additive.steps == ("create index uq_t_name_other for r1",)
    found = table_repair(chain, database + ", (4, 'a', 'b')")
    said = "must be unique, but 1 value occurs more than once"
    assert found.steps == ()
    assert [(code, subject, why[: len(said)]) for code, subject, why in found.blockers] == [
        ("blocked-duplicates", "t(name, other)", said)
    ]


# The primary key.


def test_a_primary_key_is_set_where_its_values_are_distinct() -> None:
    chain, database = "CREATE TABLE t (a TEXT, PRIMARY KEY (a))", "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x')"
    assert table_repair(chain, database).steps == ("rebuild table t: set primary key a for r1",)
    assert table_repair(chain, database).left == ()
    assert [blocker[0] for blocker in table_repair(chain, database + ", ('x')").blockers] == ["blocked-duplicates"]


def test_a_key_becomes_the_rowid_where_every_value_is_an_integer() -> None:
    loose = "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (7), (9)"
    found = table_repair(PLAIN, loose)
    assert found.steps == ("rebuild table t: set not null id, set type id INTEGER for r1",)
    assert (found.left, found.rows) == ((), ((7,), (9,)))
    broken = table_repair(PLAIN, loose + ", ('text')")
    assert (broken.steps, [blocker[:2] for blocker in broken.blockers]) == ((), [("blocked-values", "t.id")])
    assert "1 value would not survive as INTEGER PRIMARY KEY" in broken.blockers[0][2]


def test_a_table_without_a_key_gets_one_that_is_the_rowid() -> None:
    found = table_repair(PLAIN, "CREATE TABLE t (id INT); INSERT INTO t VALUES (7)")
    assert found.steps == ("rebuild table t: set not null id, set primary key id, set type id INTEGER for r1",)
    assert (found.left, found.rows) == ((), ((7,),))


def test_autoincrement_is_added_and_not_taken_away() -> None:
    counting = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)"
    assert table_repair(counting, PLAIN + ROWS).steps == ("rebuild table t: set autoincrement id for r1",)
    assert table_repair(counting, PLAIN + ROWS).left == ()
    assert table_repair(PLAIN, counting).steps == ()


# Columns in another shape.


@pytest.mark.parametrize(
    ("chain", "database", "edits"),
    [
        ("name TEXT", "name TEXT NOT NULL", "drop not null name"),
        ("name TEXT NOT NULL", "name TEXT", "set not null name"),
        ("name TEXT DEFAULT ('a' || 'b')", "name TEXT", "set default name ('a' || 'b')"),
        ("name TEXT", "name TEXT DEFAULT 'x'", "drop default name"),
        ("name TEXT COLLATE NOCASE", "name TEXT", "set collation name nocase"),
        ("name TEXT", "name TEXT COLLATE NOCASE", "set collation name binary"),
        ("name TEXT", "name BLOB", "set type name TEXT"),
        ("name Character Varying (20)", "name BLOB", "set type name Character Varying (20)"),
        ("name BLOB NOT NULL DEFAULT 'x'", "name TEXT", "set type name BLOB, set default name 'x', set not null name"),
    ],
)
def test_a_column_in_another_shape_gets_the_chains_by_one_rebuild(chain: str, database: str, edits: str) -> None:
    found = table_repair(t(chain), t(database) + "; INSERT INTO t VALUES (1, 'Ada')")
    assert found.steps == (f"rebuild table t: {edits} for r1",)
    assert (found.blockers, found.left, found.rows) == ((), (), ((1, "Ada"),))


def test_integer_and_numeric_columns_store_alike_and_are_left() -> None:
    assert table_repair(t("n NUMERIC DEFAULT 1"), t("n INTEGER")).steps == ("rebuild table t: set default n 1 for r1",)


def test_values_that_another_type_would_change_block() -> None:
    found = table_repair(t("n INTEGER"), t("n TEXT") + "; INSERT INTO t VALUES (1, '007'), (2, 'x')")
    assert (found.steps, [blocker[:2] for blocker in found.blockers]) == ((), [("blocked-values", "t.n")])
    assert found.blockers[0][2].startswith("1 value would not survive as INTEGER (row 1: '007'")


def test_null_where_the_chain_says_not_null_blocks_unless_an_entry_fills_it_or_lets_it_be() -> None:
    chain, database = t("name TEXT NOT NULL"), NAMES + "; UPDATE t SET name = NULL WHERE id = 2"
    blocked = table_repair(chain, database)
    assert (blocked.steps, [blocker[:2] for blocker in blocked.blockers]) == ((), [("blocked-null", "t.name")])
    filled = table_repair(chain, database, fill("t", "name", default="'-'"))
    assert filled.steps == ("rebuild table t: set not null name, name = COALESCE(\"name\", '-') for r1",)
    assert (filled.left, filled.rows) == ((), ((1, "Ada"), (2, "-")))
    assert table_repair(chain, database, fill("t", "name", null=True)).steps == ()


def test_an_entry_that_leaves_null_in_a_column_that_is_there_blocks() -> None:
    database = t("name TEXT", "nick TEXT") + "; INSERT INTO t VALUES (1, NULL, 'x'), (2, NULL, NULL)"
    found = table_repair(t("name TEXT NOT NULL", "nick TEXT"), database, fill("t", "name", "nick"))
    assert [blocker[:2] for blocker in found.blockers] == [("blocked-null", "t.name")]
    assert found.blockers[0][2].startswith("the chain says NOT NULL, 1 row holds NULL (row 2)")


@pytest.mark.parametrize(
    ("chain", "database", "why"),
    [
        (
            t("a INTEGER AS (id + 1)"),
            t("a INTEGER AS (id + 2)"),
            "its GENERATED clause differs from the chain's",
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT",
            PLAIN,
            "the table has another kind than in the chain",
        ),
    ],
)
def test_a_shape_that_no_step_leads_to_blocks(chain: str, database: str, why: str) -> None:
    ((code, subject, found),) = table_repair(chain, database).blockers
    assert (code, subject.partition(".")[0], found.partition(" [")[0]) == ("blocked-shape", "t", why)


# Extras by which a statement of the chain can fail.


@pytest.mark.parametrize(
    ("database", "edits"),
    [
        (t("mine TEXT NOT NULL"), "drop not null mine"),
        (t("name TEXT UNIQUE"), "drop unique name"),
        (t("name TEXT", "CHECK (name <> 'x')"), "drop check name <> 'x'"),
    ],
)
def test_what_refuses_rows_of_the_chain_is_loosened(database: str, edits: str) -> None:
    chain = t("name TEXT") if "name" in database else PLAIN
    found = table_repair(chain, database)
    assert (found.steps, found.blockers, found.left) == ((f"rebuild table t: {edits} for r1",), (), ())


@pytest.mark.parametrize(
    ("chain", "database", "column", "why"),
    [
        (
            "CREATE TABLE t (a, b)",
            "CREATE TABLE t (a, b, PRIMARY KEY (a, b))",
            "a",
            "the chain's table has no primary key",
        ),
        (
            t("a", "b"),
            t("a", "b", "UNIQUE (b, a)") + "; CREATE TABLE child (x, y, FOREIGN KEY (y, x) REFERENCES T (b, a))",
            "a",
            "it refuses rows that the chain's schema accepts",
        ),
    ],
)
def test_what_refuses_rows_and_cannot_go_blocks(chain: str, database: str, column: str, why: str) -> None:
    ((code, subject, found),) = table_repair(chain, database).blockers
    assert (code, subject) == ("blocked-shape", f"t.{column}")
    assert found.startswith(f"{why}, so it cannot be dropped [")


def test_uniqueness_goes_where_a_key_refers_to_other_columns() -> None:
    child = "; CREATE TABLE child (x REFERENCES t, y REFERENCES other (a))"
    assert table_repair(t("a"), t("a UNIQUE") + child).steps == ("rebuild table t: drop unique a for r1",)


# Policy, and what the text of the table allows.


@pytest.mark.parametrize("repair", [Repair.ADDITIVE, Repair.NONE])
def test_a_rebuild_is_blocked_where_the_policy_allows_none(repair: Repair) -> None:
    found = table_repair(t("name TEXT NOT NULL"), NAMES.replace("TABLE t ", "TABLE T "), repair=repair)
    said = "needs more than this environment's policy allows (rebuild table T: set not null name)"
    assert (found.steps, [blocker[:2] for blocker in found.blockers]) == ((), [("blocked-policy", "table t")])
    assert found.blockers[0][2].startswith(said)


def test_what_is_native_is_done_under_an_additive_policy() -> None:
    found = table_repair(t("a TEXT UNIQUE"), PLAIN + ROWS, repair=Repair.ADDITIVE)
    assert found.steps == ("add column t.a for r1", "create index uq_t_a for r1")


def test_one_thing_in_the_way_of_a_rebuild_leaves_only_native_steps() -> None:
    found = table_repair(
        t("a TEXT", "name TEXT NOT NULL", "n INTEGER DEFAULT 1"),
        t("name TEXT", "n INTEGER") + "; INSERT INTO t (id) VALUES (1)",
    )
    assert (found.steps, [blocker[:2] for blocker in found.blockers]) == (
        ("add column t.a for r1",),
        [("blocked-null", "t.name")],
    )


def test_an_edit_that_does_not_fit_the_text_of_the_table_blocks() -> None:
    gone = Extra(UniqueFact("t", ("name",)), "it refuses rows that the chain's schema accepts")
    ((code, subject, found),) = table_repair(t("name TEXT"), NAMES, changes=(gone,)).blockers
    assert (code, subject) == ("blocked-shape", "t")
    assert "there is no such constraint" in found
