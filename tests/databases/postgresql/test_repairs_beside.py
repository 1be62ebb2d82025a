"""What objects have beside their definitions (comments, rights, options) stays where a repair makes them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.databases.postgresql.reflect import read_schema
from architect_migrate.model.diff import diff
from architect_migrate.planning.plan import AlterObject
from databases.postgresql.test_repairs import CHAIN, DAMAGE, HARDER, MORE, MORE_ROWS, ROWS
from support.postgresql import connected
from support.postgresql_beside import beside, decorate
from support.postgresql_repairs import planned, planner_for, repaired_to, schema_made_by, unlike

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]

# More that a repair drops and makes again.
OWN = """
CREATE EXTENSION IF NOT EXISTS plpgsql;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CONSTRAINT more CHECK (VALUE > 0);
CREATE DOMAIN words AS text CHECK (VALUE <> '');
CREATE TABLE t (
    id int PRIMARY KEY, n int NOT NULL, s text, long text DEFAULT '', p positive, w words,
    low text GENERATED ALWAYS AS (lower(s)) STORED,
    CONSTRAINT ck CHECK (n > 0), CONSTRAINT uq UNIQUE (n), CONSTRAINT ex EXCLUDE USING btree (id WITH =));
CREATE TABLE u (id int PRIMARY KEY, t_id int CONSTRAINT fk REFERENCES t (n));
CREATE INDEX ix ON t (lower(s), n);
CREATE INDEX on_low ON t (low);
CREATE STATISTICS st (dependencies) ON n, s FROM t;
CREATE VIEW v AS SELECT id, n, s FROM t;
CREATE MATERIALIZED VIEW mv AS SELECT n, s FROM t;
CREATE INDEX mi ON mv (n);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE RULE ru AS ON DELETE TO u DO INSTEAD NOTHING;
CREATE POLICY pol ON t USING (n > 0);
CREATE TABLE parts (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX on_note ON parts (note);
CREATE TABLE named (id int PRIMARY KEY, g int NOT NULL GENERATED ALWAYS AS (id * 2) STORED);
CREATE UNIQUE INDEX on_g ON named (g);
ALTER TABLE named REPLICA IDENTITY USING INDEX on_g;
CREATE SEQUENCE numbers;
CREATE TABLE fed (id int PRIMARY KEY DEFAULT nextval('numbers'), i bigint GENERATED ALWAYS AS IDENTITY);
"""
OWN_ROWS = """
INSERT INTO t SELECT i, i, 's' || i, repeat('x', i), i, 'w' FROM generate_series(1, 9) i;
INSERT INTO u SELECT i, i FROM generate_series(1, 9) i;
INSERT INTO fed SELECT FROM generate_series(1, 9);
REFRESH MATERIALIZED VIEW mv;
"""
OWN_DAMAGE = {
    "disabled trigger": "ALTER TABLE t DISABLE TRIGGER tr",
    "trigger for replicas": "ALTER TABLE t ENABLE REPLICA TRIGGER tr",
    "another trigger": "DROP TRIGGER tr ON t; CREATE TRIGGER tr AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
    "another trigger that is disabled": (
        "DROP TRIGGER tr ON t; CREATE TRIGGER tr AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "ALTER TABLE t DISABLE TRIGGER tr"
    ),
    "disabled rule": "ALTER TABLE u DISABLE RULE ru",
    "another rule": "CREATE OR REPLACE RULE ru AS ON DELETE TO u DO ALSO NOTHING",
    "another policy": "ALTER POLICY pol ON t USING (n > 1)",
    "another check": "ALTER TABLE t DROP CONSTRAINT ck; ALTER TABLE t ADD CONSTRAINT ck CHECK (n > -1)",
    "check of another name": "ALTER TABLE t DROP CONSTRAINT ck; ALTER TABLE t ADD CONSTRAINT k CHECK (n > 0) NOT VALID",
    "deferrable key": (
        "ALTER TABLE u DROP CONSTRAINT fk; ALTER TABLE t DROP CONSTRAINT uq;"
        "ALTER TABLE t ADD CONSTRAINT uq UNIQUE (n) DEFERRABLE"
    ),
    "another foreign key": (
        "ALTER TABLE u DROP CONSTRAINT fk;"
        "ALTER TABLE u ADD CONSTRAINT fk FOREIGN KEY (t_id) REFERENCES t (n) ON DELETE CASCADE"
    ),
    "another exclusion constraint": (
        "ALTER TABLE t DROP CONSTRAINT ex; ALTER TABLE t ADD CONSTRAINT ex EXCLUDE USING btree (id WITH =, n WITH =)"
    ),
    "another index": "DROP INDEX ix; CREATE INDEX ix ON t (lower(s), n DESC)",
    "unique index": "CREATE UNIQUE INDEX more ON t (n, lower(s))",
    "other statistics": "DROP STATISTICS st; CREATE STATISTICS st (ndistinct) ON n, s FROM t",
    "view with other columns": "DROP VIEW v; CREATE VIEW v AS SELECT n AS id, s AS other FROM t",
    "materialized view with other columns": (
        "DROP MATERIALIZED VIEW mv; CREATE MATERIALIZED VIEW mv AS SELECT n, s AS other FROM t;"
        "CREATE INDEX mi ON mv (n)"
    ),
    "another function": (
        "DROP FUNCTION twice; CREATE FUNCTION twice(m int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT m::bigint'"
    ),
    "domain with less": "ALTER DOMAIN positive ADD CONSTRAINT most CHECK (VALUE < 1000)",
    "type with less": "ALTER TYPE pair ADD ATTRIBUTE c int",
    "generated column that is plain": "ALTER TABLE t ALTER low DROP EXPRESSION",
    "another generated column": (
        "ALTER TABLE t DROP low; ALTER TABLE t ADD low text GENERATED ALWAYS AS (upper(s)) STORED;"
        "CREATE INDEX on_low ON t (low)"
    ),
    "generated column that names the rows for replicas": (
        "ALTER TABLE named DROP g; ALTER TABLE named ADD g int NOT NULL GENERATED ALWAYS AS (id * 3) STORED;"
        "CREATE UNIQUE INDEX on_g ON named (g); ALTER TABLE named REPLICA IDENTITY USING INDEX on_g"
    ),
    "column of another type": (
        "DROP VIEW v; DROP MATERIALIZED VIEW mv; ALTER TABLE t DROP low; ALTER TABLE t ALTER s TYPE varchar(30);"
        "ALTER TABLE t ADD low text GENERATED ALWAYS AS (lower(s)) STORED; CREATE INDEX on_low ON t (low);"
        "CREATE VIEW v AS SELECT id, n, s::text FROM t; CREATE MATERIALIZED VIEW mv AS SELECT n, s::text FROM t;"
        "CREATE INDEX mi ON mv (n)"
    ),
    "long column of another type": "ALTER TABLE t ALTER long TYPE varchar(99)",
    "domain of long values": "ALTER DOMAIN words ADD CONSTRAINT most CHECK (length(VALUE) < 1000)",
    "column of a partitioned table": "ALTER TABLE parts ALTER note TYPE varchar(30)",
    "serial for identity": (
        "ALTER TABLE fed ALTER i DROP IDENTITY; CREATE SEQUENCE fed_i_seq OWNED BY fed.i;"
        "ALTER TABLE fed ALTER i SET DEFAULT nextval('fed_i_seq'); SELECT setval('fed_i_seq', 20)"
    ),
}


def kept(connection: Connection, chain: str, rows: str, damage: str) -> None:
    """Damage a database, give each object all that it can have, repair it, and look for what is lost."""
    expected = schema_made_by(connection, chain)
    connection.execute(chain + rows + damage)
    decorate(connection)
    before = beside(connection)
    its = repaired_to(connection, expected)
    assert (its.blockers, its.left, unlike(its)) == ((), (), [])
    after = beside(connection)
    lost = {name: before[name] - has for name, has in after.items() if not before.get(name, frozenset()) <= has}
    more = {name: has - before[name] for name, has in after.items() if name in before and has - before[name]}
    assert lost == {}
    assert more == {}


@pytest.mark.parametrize("name", OWN_DAMAGE)
def test_what_is_made_again_has_what_it_had(connection: Connection, name: str) -> None:
    kept(connection, OWN, OWN_ROWS, OWN_DAMAGE[name])


# A column that becomes a number has no storage to choose.
@pytest.mark.parametrize("name", sorted(DAMAGE.keys() - {"type without a cast of its own"}))
def test_no_repair_takes_away_what_an_object_has(connection: Connection, name: str) -> None:
    kept(connection, CHAIN, ROWS, ";".join(DAMAGE[name][0]))


@pytest.mark.parametrize("name", HARDER)
def test_no_repair_with_dependants_takes_away_what_an_object_has(connection: Connection, name: str) -> None:
    kept(connection, MORE, MORE_ROWS, ";".join(HARDER[name][0]))


EVENTS = """
CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER noting ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION noted();
"""


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER EVENT TRIGGER noting DISABLE",
        "DROP EVENT TRIGGER noting; CREATE EVENT TRIGGER noting ON ddl_command_start EXECUTE FUNCTION noted()",
    ],
)
def test_an_event_trigger_keeps_its_comment(connection: Connection, damage: str) -> None:
    expected = schema_made_by(connection, EVENTS)
    connection.execute(f"{EVENTS}{damage}; COMMENT ON EVENT TRIGGER noting IS 'of mine'")
    its = repaired_to(connection, expected)
    assert (its.blockers, its.left) == ((), ())
    asked = "SELECT obj_description(oid, 'pg_event_trigger') FROM pg_event_trigger"
    assert connection.execute(asked).fetchall() == [("of mine",)]


def test_a_security_label_is_given_back(connection: Connection) -> None:
    """Planned only: a server gives labels through a module, which none of the servers has."""
    expected = schema_made_by(connection, OWN)
    connection.execute(OWN + OWN_DAMAGE["view with other columns"])
    connection.execute("INSERT INTO pg_seclabel VALUES ('v'::regclass, 'pg_class'::regclass, 0, 'own', 'secret')")
    planner = planner_for(connection, expected)
    steps, _ = planned(planner, diff(expected, read_schema(connection)), set())
    statements = [text for step in steps if isinstance(step, AlterObject) for text in step.statements]
    assert "SECURITY LABEL FOR own ON VIEW v IS 'secret'" in statements


def test_an_index_stays_in_its_tablespace(url: str, connection: Connection) -> None:
    with connected(url) as other:
        other.execute("SET allow_in_place_tablespaces = on")
        other.execute("CREATE TABLESPACE fast LOCATION ''")
    try:
        expected = schema_made_by(connection, OWN)
        connection.execute(OWN + OWN_DAMAGE["another index"])
        connection.execute("ALTER INDEX ix SET TABLESPACE fast")
        assert repaired_to(connection, expected).left == ()
        asked = "SELECT tablename, indexname FROM pg_indexes WHERE tablespace = 'fast' ORDER BY 1, 2"
        assert connection.execute(asked).fetchall() == [("t", "ix")]
    finally:
        connection.rollback()
        with connected(url) as other:
            other.execute("DROP TABLESPACE fast")
