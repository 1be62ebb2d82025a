"""What rows forbid, what entries fill them with, and what a repair does around them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.model.environment import Fill, Origin, Repair
from support.postgresql_repairs import repaired, repaired_to, schema_made_by, unlike

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]

ORIGIN = Origin(Path("environments.toml"), 1)
CHAIN = """
CREATE TABLE p (id int PRIMARY KEY, x int UNIQUE);
CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, s text UNIQUE, k int REFERENCES p, d date, b int,
    o boolean DEFAULT false, CHECK (n > 0));
CREATE TABLE log (what text);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (TG_OP); RETURN NEW; END';
CREATE TRIGGER noting BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION noted();
CREATE VIEW v AS SELECT id, n FROM t;
ALTER TABLE t ADD CONSTRAINT alike UNIQUE NULLS NOT DISTINCT (d, k);
CREATE UNIQUE INDEX by_low ON t ((id % 100));
CREATE POLICY "Only b" ON t FOR SELECT USING (b > 1);
"""
ROWS = """
INSERT INTO p VALUES (1, 1), (2, 2);
INSERT INTO t VALUES (1, 1, 'a', 1, '2024-01-01', 5), (2, 2, 'b', 2, '2024-01-02', 6), (3, 3, NULL, NULL, NULL, NULL);
"""
# What was done, and the code of the blocker, what it is about, and what it found.
FORBIDDEN = {
    "NULLs": (
        "ALTER TABLE t ALTER n DROP NOT NULL; UPDATE t SET n = NULL WHERE id = 2",
        ("blocked-null", "t.n", "1 row holds NULL (id '2')"),
    ),
    "required column": (
        "DROP VIEW v; ALTER TABLE t DROP n",
        ("blocked-required-column", "t.n", "3 rows have none"),
    ),
    "equal values": (
        "ALTER TABLE t DROP CONSTRAINT t_s_key; UPDATE t SET s = 'a'",
        ("blocked-duplicates", "t(s)", "1 value occurs more than once ('a' in 3 rows)"),
    ),
    "equal values of a primary key": (
        "ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE; UPDATE p SET id = 1; UPDATE t SET k = 1",
        ("blocked-duplicates", "p(id)", "1 value occurs more than once ('1' in 2 rows)"),
    ),
    "equal values of an expression": (
        "DROP INDEX by_low; UPDATE t SET id = 101 WHERE id = 2",
        ("blocked-duplicates", "index by_low", "1 value occurs more than once"),
    ),
    "equal NULLs": (
        "ALTER TABLE t DROP CONSTRAINT alike; INSERT INTO t VALUES (4, 4)",
        ("blocked-duplicates", "t(d, k)", "1 value occurs more than once"),
    ),
    "check": (
        "ALTER TABLE t DROP CONSTRAINT t_n_check; UPDATE t SET n = -1 WHERE id = 3",
        ("blocked-check", "t: (n > 0)", "1 row breaks this check (id '3')"),
    ),
    "foreign key": (
        "ALTER TABLE t DROP CONSTRAINT t_k_fkey; UPDATE t SET k = 7 WHERE id = 3",
        ("blocked-orphans", "t(k)", "1 row refers to nothing in p (k '7')"),
    ),
    "foreign key that checked nothing": (
        (
            "ALTER TABLE t DROP CONSTRAINT t_k_fkey; UPDATE t SET k = 7 WHERE id = 3;"
            "ALTER TABLE t ADD CONSTRAINT t_k_fkey FOREIGN KEY (k) REFERENCES p NOT VALID"
        ),
        ("blocked-orphans", "t(k)", "1 row refers to nothing in p (k '7')"),
    ),
    "text that is no number": (
        "DROP POLICY \"Only b\" ON t; ALTER TABLE t ALTER b TYPE text; UPDATE t SET b = 'six' WHERE id = 2",
        ("blocked-values", "t.b", "1 value would not survive as integer (id '2', b 'six')"),
    ),
    "text that would be another one": (
        "DROP POLICY \"Only b\" ON t; ALTER TABLE t ALTER b TYPE text; UPDATE t SET b = '007' WHERE id = 2",
        ("blocked-values", "t.b", "1 value would not survive as integer"),
    ),
    "moment that would lose its time": (
        "ALTER TABLE t ALTER d TYPE timestamp; UPDATE t SET d = '2024-01-01 12:30' WHERE id = 1",
        ("blocked-values", "t.d", "1 value would not survive as date (id '1', d '2024-01-01 12:30:00')"),
    ),
    "number that is too large": (
        'DROP POLICY "Only b" ON t; ALTER TABLE t ALTER b TYPE bigint; UPDATE t SET b = 5000000000 WHERE id = 1',
        ("blocked-values", "t.b", "1 value would not survive as integer (id '1', b '5000000000')"),
    ),
    "number that is neither true nor false": (
        "ALTER TABLE t ALTER o DROP DEFAULT, ALTER o TYPE int USING n",
        ("blocked-values", "t.o", "2 values would not survive as boolean (id '2', o '2', id '3', o '3')"),
    ),
    "another sort of table": (
        "DROP TABLE log; CREATE UNLOGGED TABLE log (what text)",
        ("blocked-shape", "log", "the chain has another sort of table"),
    ),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_rows_that_forbid_a_repair_are_named(connection: Connection, name: str) -> None:
    damage, (code, subject, found) = FORBIDDEN[name]
    its = repaired(connection, CHAIN, CHAIN + ROWS + damage)
    assert [(each.code, each.subject) for each in its.blockers] == [(code, subject)]
    assert found in its.blockers[0].found
    assert its.blockers[0].entry
    assert its.after == its.before


def test_rows_that_refer_to_a_table_that_comes_empty_are_named(connection: Connection) -> None:
    its = repaired(connection, CHAIN, f"{CHAIN}{ROWS}ALTER TABLE t DROP CONSTRAINT t_k_fkey; DROP TABLE p")
    assert [each.subject for each in its.blockers] == ["t(k)"]
    assert "2 rows refer to nothing in p" in its.blockers[0].found


def test_numbers_become_true_and_false_where_they_are_0_and_1(connection: Connection) -> None:
    damage = "ALTER TABLE t ALTER o DROP DEFAULT, ALTER o TYPE int USING n % 2, ALTER o SET DEFAULT 0"
    its = repaired(connection, CHAIN, CHAIN + ROWS + damage)
    assert (its.blockers, its.left, [row["o"] for row in its.after["t"]]) == ((), (), ["true", "false", "true"])


def fill(column: str, copy_from: str | None = None, default: str | None = None, *, null: bool = False) -> Fill:
    return Fill("t", column, copy_from, default, null, ORIGIN)


def test_a_missing_column_is_filled_and_no_trigger_notices(connection: Connection) -> None:
    its = repaired(connection, CHAIN, f"{CHAIN}{ROWS}DROP VIEW v; ALTER TABLE t DROP n", fill("n", "b", "9"))
    assert (its.blockers, its.left, unlike(its)) == ((), (), [])
    assert sorted(str(row["n"]) for row in its.after["t"]) == ["5", "6", "9"]
    assert its.after["log"] == []


def test_rows_without_a_value_are_filled_and_others_keep_theirs(connection: Connection) -> None:
    damage = (
        "ALTER TABLE t ALTER n DROP NOT NULL; ALTER TABLE t DISABLE TRIGGER noting; UPDATE t SET n = NULL WHERE id = 2"
    )
    again = "; ALTER TABLE t ENABLE TRIGGER noting"
    its = repaired(connection, CHAIN, CHAIN + ROWS + damage + again, fill("n", None, "8"))
    assert (its.blockers, its.left, unlike(its), its.after["log"]) == ((), (), [], [])
    assert sorted(str(row["n"]) for row in its.after["t"]) == ["1", "3", "8"]
    (step,) = its.steps
    assert step.fill == (("n", 'COALESCE("n", (8)::integer)'),)  # type: ignore[union-attr]  # it is an AlterObject


def test_an_entry_that_leaves_rows_without_a_value_is_named(connection: Connection) -> None:
    its = repaired(connection, CHAIN, f"{CHAIN}{ROWS}DROP VIEW v; ALTER TABLE t DROP n", fill("n", "b"))
    (blocker,) = its.blockers
    assert (blocker.code, blocker.found) == ("blocked-null", "1 row has no value to fill it with (id '3')")


def test_an_entry_with_a_value_of_another_type_is_named(connection: Connection) -> None:
    its = repaired(connection, CHAIN, f"{CHAIN}{ROWS}DROP VIEW v; ALTER TABLE t DROP n", fill("n", None, "'x'"))
    (blocker,) = its.blockers
    assert (blocker.code, blocker.subject) == ("blocked-shape", "t.n")
    assert 'invalid input syntax for type integer: "x"' in blocker.found


def test_an_entry_may_allow_null(connection: Connection) -> None:
    damage = "DROP VIEW v; ALTER TABLE t DROP n"
    its = repaired(connection, CHAIN, CHAIN + ROWS + damage, fill("n", null=True))
    assert (its.blockers, [row["n"] for row in its.after["t"]]) == ((), [None, None, None])
    assert its.left == ("column t.n: nullability is NULL allowed, the chain says NOT NULL",)


def test_what_only_adds_is_allowed_where_no_more_is(connection: Connection) -> None:
    its = repaired(
        connection,
        CHAIN,
        f'{CHAIN}{ROWS}DROP POLICY "Only b" ON t; ALTER TABLE t DROP b; ALTER TABLE t DROP CONSTRAINT t_k_fkey',
        repair=Repair.ADDITIVE,
    )
    assert (its.blockers, its.left) == ((), ())


@pytest.mark.parametrize("damage", ["ALTER TABLE t ALTER s TYPE varchar(3)", "ALTER TABLE t ADD CHECK (n < 100)"])
def test_what_changes_more_is_not(connection: Connection, damage: str) -> None:
    its = repaired(connection, CHAIN, CHAIN + ROWS + damage, repair=Repair.ADDITIVE)
    assert [each.code for each in its.blockers] == ["blocked-policy"]


def test_what_is_in_the_way_comes_back_with_all_that_it_has(connection: Connection) -> None:
    damage = """
    CREATE ROLE reader;
    DROP POLICY "Only b" ON t;
    ALTER TABLE t ALTER b TYPE bigint;
    CREATE POLICY "Only b" ON t FOR SELECT USING (b > 1);
    CREATE VIEW w WITH (security_barrier = true) AS SELECT id, b FROM t;
    ALTER VIEW w ALTER b SET DEFAULT 4;
    CREATE TRIGGER into_w INSTEAD OF INSERT ON w FOR EACH ROW EXECUTE FUNCTION noted();
    CREATE VIEW w2 AS SELECT b FROM w;
    CREATE MATERIALIZED VIEW m AS SELECT b FROM w2;
    CREATE UNIQUE INDEX by_b ON m (b);
    GRANT SELECT, INSERT ON w TO reader;
    GRANT UPDATE (b) ON w TO reader WITH GRANT OPTION;
    COMMENT ON VIEW w IS 'it''s w';
    COMMENT ON COLUMN w.b IS 'b';
    COMMENT ON INDEX by_b IS 'an index';
    COMMENT ON POLICY "Only b" ON t IS 'policy';
    CREATE SCHEMA elsewhere;
    CREATE VIEW elsewhere.w3 AS SELECT b FROM t;
    ALTER VIEW w2 OWNER TO reader;
    """
    asked = """
    SELECT c.relname, c.relkind, c.relacl::text, c.reloptions, pg_get_userbyid(c.relowner), d.objsubid, d.description,
           a.attname, a.attacl::text, pg_get_expr(e.adbin, e.adrelid)
    FROM pg_class c LEFT JOIN pg_description d ON d.objoid = c.oid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef e ON e.adrelid = c.oid AND e.adnum = a.attnum
    WHERE c.relname IN ('w', 'w2', 'm', 'by_b', 'w3') ORDER BY 1, 6, a.attnum"""
    policies = "SELECT polname, obj_description(oid, 'pg_policy') FROM pg_policy ORDER BY 1"
    expected = schema_made_by(connection, CHAIN)
    connection.execute(f"{CHAIN}{ROWS}{damage}")
    before = [connection.execute(sql).fetchall() for sql in (asked, policies)]
    its = repaired_to(connection, expected)
    assert (its.blockers, its.left, unlike(its)) == ((), (), [])
    assert [connection.execute(sql).fetchall() for sql in (asked, policies)] == before
    assert "takes down and makes again" in its.words[0]
