"""Owners, rights, comments and storage are lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.databases.postgresql.told import told

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]


def test_what_is_not_judged_is_told(connection: Connection) -> None:
    before = set(told(connection))
    connection.execute("""
        CREATE ROLE guest; CREATE TABLE t (a integer PRIMARY KEY, b text) WITH (fillfactor = 70);
        CREATE MATERIALIZED VIEW m AS SELECT 1 AS a WITH NO DATA; CREATE TYPE e AS ENUM ('x');
        CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA other;
        GRANT SELECT, INSERT ON t TO guest WITH GRANT OPTION; GRANT UPDATE (b) ON t TO PUBLIC;
        ALTER TYPE e OWNER TO guest; REVOKE ALL ON FUNCTION f FROM PUBLIC;
        COMMENT ON TABLE t IS 'a table'; COMMENT ON COLUMN t.b IS 'a column'; COMMENT ON TYPE e IS 'a type';
        COMMENT ON CONSTRAINT t_pkey ON t IS 'a key'; CREATE TABLE other.u (); COMMENT ON TABLE other.u IS 'no';
    """)
    assert sorted(set(told(connection)) - before) == [
        "comment on column b of table t: a column",
        "comment on constraint t_pkey on table t: a key",
        "comment on table t: a table",
        "comment on type e: a type",
        "grant INSERT WITH GRANT OPTION, SELECT WITH GRANT OPTION on table t to guest",
        "grant UPDATE on column b of table t to PUBLIC",
        "not populated: materialized view m",
        "owner of function f(integer): archmig",
        "owner of materialized view m: archmig",
        "owner of table t: archmig",
        "owner of type e: guest",
        "storage of table t: fillfactor=70",
    ]
    assert any(line.startswith("version of extension plpgsql: ") for line in before)
