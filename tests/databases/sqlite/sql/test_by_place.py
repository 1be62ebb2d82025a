"""Which tables a statement names by place, in the spellings that SQLite takes."""

from __future__ import annotations

import pytest

from architect_migrate.databases.sqlite.sql.by_place import named_by_place

BY_PLACE = [
    ("INSERT INTO arch SELECT * FROM src WHERE a <> 'x'", {"arch": True, "src": True}),
    ("insert or replace into main.T values (1)", {"t": True}),
    ("REPLACE INTO t VALUES (1)", {"t": True}),
    ('INSERT INTO "a(b" VALUES (1)', {"a(b": True}),
    ("/* ( */ INSERT INTO t VALUES (1)", {"t": True}),
    ("INSERT INTO t AS q SELECT a, b FROM s", {"t": True}),
    ("INSERT INTO t AS q (a) SELECT * FROM main.s", {"s": True}),
    ("INSERT INTO t SELECT s.*, 'x' FROM s", {"t": True, "s": False}),
    ("SELECT * FROM a JOIN [b c] ON a.x = 1, d", {"a": False, "b c": False, "d": False}),
    ("SELECT DISTINCT s.* FROM s", {"s": True}),
    ("INSERT INTO t (a, b) SELECT a, b FROM (SELECT * FROM u UNION SELECT * FROM v)", {"u": False, "v": False}),
    ("INSERT INTO t (a) SELECT a FROM s WHERE (x, y) IN (SELECT * FROM u)", {"u": True}),
    ("UPDATE t SET (a, b) = (SELECT * FROM s WHERE s.id = t.id)", {"s": True}),
    ("CREATE TABLE x AS SELECT * FROM s UNION ALL SELECT * FROM u", {"s": False, "u": False}),
    ("CREATE VIEW v (p, q) AS SELECT * FROM s", {"s": True}),
    ("WITH w AS (SELECT * FROM s) INSERT INTO t SELECT * FROM w", {"t": True, "s": True, "w": True}),
    ("WITH w (p, q) AS (SELECT * FROM s) INSERT INTO t (p) SELECT p FROM w", {"s": True, "w": True}),
    (
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO l VALUES (new.a); INSERT INTO t SELECT * FROM s; END",
        {"l": True, "t": True, "s": True},
    ),
]
BY_NAME = [
    "INSERT INTO t (a, b) VALUES (1, '*')",
    "INSERT INTO t(a) VALUES ('(')",
    "INSERT INTO t DEFAULT VALUES",
    "INSERT INTO t -- no (\n (a) VALUES (1)",
    "INSERT INTO t (a) SELECT count(*) FROM s",
    "INSERT INTO t (a) SELECT a * 2 FROM s",
    "INSERT INTO t (a) SELECT a FROM s WHERE EXISTS (SELECT * FROM u)",
    "INSERT INTO t (a) SELECT a FROM (SELECT * FROM u)",
    "WITH w AS NOT MATERIALIZED (SELECT * FROM s) INSERT INTO t (p) SELECT p FROM w",
    "CREATE TABLE x AS SELECT * FROM s",
    "CREATE VIEW v AS SELECT * FROM s",
    "CREATE TABLE x (a, b CHECK (a * b > 0))",
    "DELETE FROM t WHERE id IN (SELECT id FROM s)",
    "-- nothing",
    "",
]


@pytest.mark.parametrize(("sql", "found"), BY_PLACE)
def test_a_statement_that_goes_by_the_order_of_columns_names_these_tables(sql: str, found: dict[str, bool]) -> None:
    assert dict(named_by_place(sql)) == found


@pytest.mark.parametrize("sql", BY_NAME)
def test_a_statement_that_goes_by_names_does_not_depend_on_the_order(sql: str) -> None:
    assert dict(named_by_place(sql)) == {}
