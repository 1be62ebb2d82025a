"""Revisions that stopped halfway on PostgreSQL, as they do in autocommit, and what is in their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.databases.postgresql.questions import ask
from architect_migrate.planning.row_questions import ValuesBesides, ValuesLacking
from support.cli import archmig
from support.postgresql import dumped

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


A_KEY_FOR_A_TEXT = [
    [
        "CREATE TABLE c (id serial PRIMARY KEY, n text UNIQUE)",
        "CREATE TABLE t (id serial PRIMARY KEY, cn text)",
    ],
    [
        "INSERT INTO c (n) SELECT DISTINCT cn FROM t WHERE cn IS NOT NULL ORDER BY 1",
        "ALTER TABLE t ADD c_id int REFERENCES c",
        "UPDATE t SET c_id = c.id FROM c WHERE c.n = t.cn",
        "ALTER TABLE t DROP cn",
    ],
]


LACKS = "column t.c_id: it holds nothing, and 3 values of t.cn that r2 brings to it are there alone"
ROWS = "r2: cannot tell whether its rows are there"
A_NUMBER_FOR_A_TEXT = [
    ["CREATE TABLE t (id serial PRIMARY KEY, cn text)"],
    ["ALTER TABLE t ADD n serial", "UPDATE t SET n = cn::int", "ALTER TABLE t DROP cn"],
]


@pytest.mark.parametrize(
    ("chain", "values", "ran", "said"),
    [
        (A_KEY_FOR_A_TEXT, "('x'), ('y'), ('x'), (NULL)", 2, [LACKS, ROWS]),
        (A_KEY_FOR_A_TEXT, "('x'), ('y'), ('x'), (NULL)", 3, [ROWS]),
        (A_NUMBER_FOR_A_TEXT, "('7'), ('8')", 1, ["t.cn: r2 brings 2 values of it to t.n, which lacks them"]),
    ],
)
def test_a_column_is_compared_with_one_of_another_type_that_replaces_it(
    begun: Callable[..., str], chain: list[list[str]], values: str, ran: int, said: list[str]
) -> None:
    begun(chain, f"INSERT INTO t (cn) VALUES {values}", *chain[1][:ran])
    done = archmig("diagnose")
    assert [each for each in said if each not in " ".join(done.out.split())] == [], done.out + done.err


VALUES = [
    ("int", "5", "numeric(10, 2)", "5", 0),
    ("int", "5", "text", "'5'", 0),
    ("text", "'5'", "int", "5", 0),
    ("text", "'x'", "int", "5", 1),
    ("numeric", "1.5", "int", "2", 1),
    ("json", "'{}'", "json", "'{}'", 0),
    ("json", "'{}'", "jsonb", "'[]'", 1),
    ("point", "'1,2'", "text", "'(1,2)'", 0),
    ("varchar", "'a'", "char(3)", "'a'", 0),
    ("real", "0.1", "float8", "'0.1'", 0),
    ("int", "NULL", "text", "'x'", 0),
    ("int", "1", "text", "NULL", 1),
]


@pytest.mark.parametrize(("old", "value", "new", "other", "lacking"), VALUES)
def test_values_of_two_types_are_compared(
    connection: psycopg.Connection[Any], old: str, value: str, new: str, other: str, lacking: int
) -> None:
    connection.execute(f"CREATE TABLE t (a {old}, b {new}); INSERT INTO t VALUES ({value}, {other})")
    assert ask(connection, ValuesLacking("t", "a", "b")).count == lacking
    assert ask(connection, ValuesLacking("t", "a", "b", ("NULL", "''"))).count == (lacking and other == "NULL")


BESIDES = [
    ("json", "'{}'", "'{}'::json", 0),
    ("json", "'[]'", "'{}'::json", 1),
    ("numeric(10, 2)", "0", "0", 0),
    ("int", "5", "''", 1),
    ("text", "' '", "''", 1),
    ("char(3)", "' '", "''", 0),
]


@pytest.mark.parametrize(("declared", "value", "default", "others"), BESIDES)
def test_values_are_compared_with_defaults(
    connection: psycopg.Connection[Any], declared: str, value: str, default: str, others: int
) -> None:
    connection.execute(f"CREATE TABLE t (a {declared}); INSERT INTO t VALUES ({value}), (NULL)")
    assert ask(connection, ValuesBesides("t", "a", ("NULL", default))).count == others


@pytest.mark.parametrize("default", ["nextval('s')", "extract(epoch FROM now())"])
def test_a_default_that_is_another_value_each_time_is_not_compared_with(
    connection: psycopg.Connection[Any], default: str
) -> None:
    connection.execute("CREATE SEQUENCE s; CREATE TABLE t (a text, b int); INSERT INTO t VALUES ('7', 1)")
    with pytest.raises(QuestionError, match="can be another value each time"):
        ask(connection, ValuesBesides("t", "b", ("NULL", default)))
    assert ask(connection, ValuesLacking("t", "a", "b", ("NULL", default))).count == 1
    assert connection.execute("SELECT is_called FROM s").fetchall() == [(False,)]


A_COLUMN_FOR_THE_TIME_BEING = [
    ["CREATE TABLE t (id int PRIMARY KEY, v text)"],
    [
        "ALTER TABLE t ADD v2 int",
        "UPDATE t SET v2 = v::int",
        "ALTER TABLE t DROP v",
        "ALTER TABLE t RENAME v2 TO v",
    ],
]
ANOTHER_ENUM = [
    ["CREATE TYPE st AS ENUM ('5', '6'); CREATE TABLE t (id int PRIMARY KEY, v st)"],
    [
        "ALTER TYPE st RENAME TO st_old",
        "CREATE TYPE st AS ENUM ('5', '7')",
        "UPDATE t SET v = '5'",
        "ALTER TABLE t ALTER v TYPE st USING v::text::st",
        "DROP TYPE st_old",
    ],
]
TABLES = [
    ["CREATE TABLE t (id int PRIMARY KEY, v text)"],
    [
        "CREATE TABLE u (id int PRIMARY KEY)",
        "CREATE VIEW w AS SELECT v FROM t",
        "CREATE TABLE passing (id int)",
        "DROP TABLE passing",
        "DROP TABLE IF EXISTS perhaps",
        "CREATE TABLE perhaps (id int)",
        "DROP TABLE perhaps",
        "DROP VIEW IF EXISTS seen",
        "CREATE VIEW seen AS SELECT id FROM u",
        "DROP VIEW seen",
    ],
]
TAKEN = [
    (A_COLUMN_FOR_THE_TIME_BEING, A_COLUMN_FOR_THE_TIME_BEING[1][:1], "column t.v2"),
    (A_COLUMN_FOR_THE_TIME_BEING, A_COLUMN_FOR_THE_TIME_BEING[1][:3], "column t.v2"),
    (ANOTHER_ENUM, ["CREATE TYPE st_old AS ENUM ('x')"], "type st_old"),
    (TABLES, ["CREATE VIEW u AS SELECT 1 AS a"], "view u"),
    (TABLES, ["CREATE MATERIALIZED VIEW u AS SELECT 1 AS a"], "materialized view u"),
    (TABLES, ["CREATE TYPE u AS ENUM ('a')"], "type u"),
    (TABLES, ["CREATE TYPE u AS (a int)"], "type u"),
    (TABLES, ["CREATE DOMAIN w AS int"], "domain w"),
    (TABLES, ["CREATE SEQUENCE w"], "sequence w"),
    (TABLES, ["CREATE INDEX u ON t (v)"], "index u"),
    (TABLES, ["CREATE TABLE passing (id int)"], "table passing"),
    (TABLES, ["CREATE TABLE perhaps (id int)"], "table perhaps"),
    (TABLES, ["CREATE VIEW passing AS SELECT 1 AS id"], "view passing"),
]


@pytest.mark.parametrize(("chain", "statements", "subject"), TAKEN)
def test_a_name_that_a_pending_revision_gives_to_something_else_is_taken(
    begun: Callable[..., str], chain: list[list[str]], statements: list[str], subject: str
) -> None:
    database = begun(chain, "INSERT INTO t VALUES (1, '5')", *statements)
    before = dumped(database)
    done = archmig("reconcile", "-e", "app", "--yes")
    said = f"app: {'drifted' if len(statements) > 1 else 'behind'}, blocked by 1 finding"
    assert (done.code, said in done.out, f"{subject}: r2 makes a " in done.out) == (1, True, True), done.out
    assert dumped(database) == before


@pytest.mark.parametrize(
    ("chain", "statement"),
    [
        (TABLES, "CREATE VIEW seen AS SELECT 1 AS id"),
        (TABLES, "CREATE TABLE own (u int, w int, passing int)"),
        (A_COLUMN_FOR_THE_TIME_BEING, "CREATE TABLE own (v2 int)"),
        # The repair gives the type its name back.
        (ANOTHER_ENUM, ANOTHER_ENUM[1][0]),
    ],
)
def test_a_name_that_is_not_in_the_way_is_none(
    begun: Callable[..., str], chain: list[list[str]], statement: str
) -> None:
    begun(chain, "INSERT INTO t VALUES (1, '5')", statement)
    done = archmig("reconcile", "-e", "app", "--yes")
    assert done.code == 0, done.err + done.out
