"""Names that the chain gives to one thing, and that another one has in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from support.postgresql_repairs import repaired, unlike

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]

CHAIN = """
CREATE TABLE t (
    id int CONSTRAINT pk PRIMARY KEY, a int, b int, c text, CONSTRAINT uq UNIQUE (a), CONSTRAINT two UNIQUE (b, a),
    CONSTRAINT late UNIQUE (c) INCLUDE (b) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT ex EXCLUDE USING btree (c WITH =));
CREATE TABLE u (t_a int CONSTRAINT fk REFERENCES t (a));
CREATE INDEX ix ON t (c, b);
CREATE VIEW v AS SELECT id FROM t;
CREATE TYPE mood AS ENUM ('sad');
CREATE SEQUENCE numbers;
"""
ROWS = "INSERT INTO t SELECT i, i, i, 'c' || i FROM generate_series(1, 9) i; INSERT INTO u SELECT a FROM t;"
ROOM = {
    "unique index": "ALTER TABLE t DROP CONSTRAINT two; CREATE UNIQUE INDEX two ON t (b, a)",
    "unique index of a primary key": "ALTER TABLE t DROP CONSTRAINT pk; CREATE UNIQUE INDEX pk ON t (id)",
    "unique index that can wait": "ALTER TABLE t DROP CONSTRAINT late; CREATE UNIQUE INDEX late ON t (c) INCLUDE (b)",
    "unique index without a column": "ALTER TABLE t DROP CONSTRAINT late; CREATE UNIQUE INDEX late ON t (c)",
    "unique index in another order": "ALTER TABLE t DROP CONSTRAINT two; CREATE UNIQUE INDEX two ON t (a, b)",
    "unique index that falls": "ALTER TABLE t DROP CONSTRAINT two; CREATE UNIQUE INDEX two ON t (b, a DESC)",
    "unique index that something refers to": (
        "ALTER TABLE u DROP CONSTRAINT fk; ALTER TABLE t DROP CONSTRAINT uq; CREATE UNIQUE INDEX uq ON t (a);"
        "ALTER TABLE u ADD CONSTRAINT fk FOREIGN KEY (t_a) REFERENCES t (a)"
    ),
    "falling unique index that something refers to": (
        "ALTER TABLE u DROP CONSTRAINT fk; ALTER TABLE t DROP CONSTRAINT uq; CREATE UNIQUE INDEX uq ON t (a DESC);"
        "ALTER TABLE u ADD CONSTRAINT fk FOREIGN KEY (t_a) REFERENCES t (a)"
    ),
    "index": "ALTER TABLE t DROP CONSTRAINT two; CREATE INDEX two ON t (b, a)",
    "index of another table": "ALTER TABLE t DROP CONSTRAINT two; CREATE INDEX two ON u (t_a)",
    "index of an exclusion constraint": "ALTER TABLE t DROP CONSTRAINT ex; CREATE INDEX ex ON t (c)",
    "constraint of the name of an index": "DROP INDEX ix; ALTER TABLE t ADD CONSTRAINT ix UNIQUE (c, b)",
}


@pytest.mark.parametrize("name", ROOM)
def test_room_is_made_for_what_the_chain_has(connection: Connection, name: str) -> None:
    its = repaired(connection, CHAIN, f"{CHAIN}{ROWS}{ROOM[name]}")
    assert (its.blockers, its.left, unlike(its)) == ((), (), [])


def test_an_index_becomes_the_constraints_own(connection: Connection) -> None:
    """It is not built again, and keeps its comment."""
    damage = "ALTER TABLE t DROP CONSTRAINT two; CREATE UNIQUE INDEX two ON t (b, a); COMMENT ON INDEX two IS 'of mine'"
    its = repaired(connection, CHAIN, f"{CHAIN}{ROWS}{damage}")
    assert its.statements == ('ALTER TABLE "t" ADD CONSTRAINT "two" UNIQUE USING INDEX "two"',)
    assert connection.execute("SELECT obj_description('two'::regclass)").fetchone() == ("of mine",)


TAKEN = {
    "unique index on another column": (
        "ALTER TABLE t DROP CONSTRAINT two; CREATE UNIQUE INDEX two ON t (b)",
        "which a unique index on other columns has",
    ),
    "table for a view": ("DROP VIEW v; CREATE TABLE v (id int)", "a table has its name"),
    "view for a table": ("DROP TABLE u; CREATE VIEW u AS SELECT 1 AS t_a", "a view has its name"),
    "type for a table": ("DROP TABLE u; CREATE TYPE u AS ENUM ('a')", "a type has its name"),
    "table for a type": ("DROP TYPE mood; CREATE TABLE mood (id int)", "a table has its name"),
    "table for a sequence": ("DROP SEQUENCE numbers; CREATE TABLE numbers (id int)", "a table has its name"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_something_else_has_is_a_blocker(connection: Connection, name: str) -> None:
    damage, found = TAKEN[name]
    its = repaired(connection, CHAIN, f"{CHAIN}{ROWS}{damage}")
    assert [found in each.found for each in its.blockers] == [True], its.blockers
