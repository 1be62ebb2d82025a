"""What code in a statement may do to rows, read in its text: a replay on empty tables does not show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.databases.postgresql.code import may_write, written_by_functions

if TYPE_CHECKING:
    import psycopg

TABLES = frozenset({"s", "o", "Odd"})
EVERY = TABLES
MADE = """
    CREATE TABLE s (k int PRIMARY KEY, v text);
    CREATE TABLE o (k int);
    CREATE TABLE "Odd" (k int);
    CREATE FUNCTION reads(int) RETURNS int LANGUAGE sql AS 'SELECT max(k) FROM s';
    CREATE FUNCTION writes() RETURNS void LANGUAGE plpgsql AS $$ BEGIN IF false THEN DELETE FROM s; END IF; END $$;
    CREATE FUNCTION above() RETURNS void LANGUAGE sql AS 'SELECT writes()';
    CREATE FUNCTION modern() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM o; END;
    CREATE PROCEDURE anything(q text) LANGUAGE plpgsql AS $$ BEGIN EXECUTE q; END $$;
"""
WRITES = {
    "DO $$ BEGIN UPDATE s SET v = upper(v); END $$": {"s"},
    "DO 'BEGIN DELETE FROM \"Odd\"; END'": {"Odd"},
    "DO $x$ DECLARE r record; BEGIN FOR r IN SELECT * FROM o LOOP INSERT INTO s VALUES (r.k); END LOOP; END $x$": {
        *("o", "s")
    },
    "DO $$ BEGIN WITH x AS (UPDATE s SET v = '' RETURNING k) SELECT count(*) FROM x; END $$": {"s"},
    "DO $$ BEGIN EXECUTE 'UPDATE s SET v = 1'; END $$": EVERY,
    "DO $$ BEGIN EXECUTE format('UPDATE %I SET v = 1', 's'); END $$": EVERY,
    "DO $$ DECLARE q text := 'DELETE FROM s'; BEGIN EXECUTE q; END $$": EVERY,
    "DO $$ BEGIN IF true THEN TRUNCATE s; END IF; END $$": {"s"},
    "DO $$ BEGIN PERFORM writes(); END $$": {"s"},
    "DO $$ BEGIN PERFORM above(); END $$": {"s"},
    "CALL anything('DELETE FROM s')": EVERY,
    "PREPARE z AS DELETE FROM s": {"s"},
    "TRUNCATE s": {"s"},
    "TRUNCATE TABLE ONLY o, s": {"o", "s"},
    "TRUNCATE s CASCADE": EVERY,
    "COPY s FROM STDIN": {"s"},
}
CHANGES_NO_ROW = [
    "DO $$ BEGIN CREATE TYPE mood AS ENUM ('a', 'update'); EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    "DO $$ BEGIN CREATE TABLE n (k int REFERENCES s ON DELETE CASCADE ON UPDATE CASCADE); END $$",
    "DO $$ BEGIN CREATE TRIGGER t BEFORE INSERT OR UPDATE ON s FOR EACH ROW EXECUTE FUNCTION f(); END $$",
    "DO $$ BEGIN EXECUTE 'ALTER TABLE s ADD COLUMN update int'; END $$",
    "DO $$ BEGIN EXECUTE format('CREATE INDEX ON %I (k)', 's'); END $$",
    "DO $$ BEGIN GRANT EXECUTE ON FUNCTION reads TO public; END $$",
    "DO $$ BEGIN RAISE NOTICE 'update s'; PERFORM 1 FROM s FOR UPDATE; END $$",
    "DO $$ BEGIN PERFORM reads(1); END $$",
]


@pytest.fixture
def made(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    connection.execute(MADE)
    return connection


def test_tables_that_code_may_write_are_those_that_it_names(made: psycopg.Connection[Any]) -> None:
    assert {sql: may_write(made, sql, TABLES) for sql in WRITES} == WRITES


def test_code_that_changes_no_row_writes_no_table(made: psycopg.Connection[Any]) -> None:
    assert {sql: may_write(made, sql, TABLES) for sql in CHANGES_NO_ROW} == dict.fromkeys(CHANGES_NO_ROW, frozenset())


def test_a_statement_writes_what_functions_write_that_it_calls(made: psycopg.Connection[Any]) -> None:
    assert {
        sql: written_by_functions(made, sql, TABLES)
        for sql in ("SELECT above()", "SELECT modern()", "INSERT INTO o SELECT reads(1)", "SELECT 'DELETE FROM s'")
    } == {
        "SELECT above()": {"s"},
        "SELECT modern()": {"o"},
        "INSERT INTO o SELECT reads(1)": frozenset(),
        "SELECT 'DELETE FROM s'": frozenset(),
    }
