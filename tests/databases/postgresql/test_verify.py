"""`verify` on PostgreSQL: what rows violate is found out by reading, and what is not known is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_CHECKED = "cannot check the indexes: the extension amcheck is not installed"


def test_a_sound_database_is_sound_as_far_as_it_was_checked(database: Callable[..., str]) -> None:
    database()
    done = archmig("verify")
    assert (done.code, done.out) == (
        0,
        f"""app: sound, as far as it was checked
  schema           at c3 (head), stamped c3, as the chain makes it
  declarations     ok
                     {NOT_CHECKED}
  foreign keys     every row refers to something (1 table with keys)
  data steps       cannot tell: 1 data step not run, since that would write to the database
                     c3
""",
    )


def test_with_amcheck_indexes_are_read_too(database: Callable[..., str]) -> None:
    database("CREATE EXTENSION amcheck")
    done = archmig("verify")
    assert done.code == 0
    assert "  declarations     ok\n  foreign keys" in done.out


def test_an_index_that_lacks_a_row_is_damage(database: Callable[..., str]) -> None:
    # As a collation leaves it whose order has changed: the index has its entries in another order than they sort now.
    database(
        "CREATE EXTENSION amcheck",
        "INSERT INTO kinds SELECT 'k' || n FROM generate_series(1, 9) n",
        "CREATE INDEX odd ON kinds (code) WHERE code < 'c'",
        "UPDATE pg_index SET indpred = NULL WHERE indexrelid = 'odd'::regclass",
    )
    done = archmig("verify")
    assert done.code == 1
    assert "the server reports damage\n                     index odd of table kinds: heap tuple" in done.out
    assert "-> REINDEX an index; restore the database if the pages of a table are damaged" in done.out


def test_rows_without_their_parent_are_counted_although_the_key_is_valid(database: Callable[..., str]) -> None:
    database(
        "INSERT INTO posts (user_id, body) VALUES (1, 'one'), (NULL, 'none')",
        "SET session_replication_role = replica; INSERT INTO posts (user_id, body) VALUES (7, 'x'), (8, 'y')",
    )
    done = archmig("verify", "--json")
    (environment,) = json.loads(done.out)["environments"]
    assert (done.code, environment["sound"], environment["why"]) == (1, False, None)
    assert environment["dangling"] == [{"table": "posts", "parent": "users", "rows": 2, "rowids": []}]
    assert "  foreign keys     2 rows refer to nothing\n" in archmig("verify").out


@pytest.mark.parametrize(
    ("more", "rows"),
    [
        (("CREATE TABLE own (a int, b int, CHECK (a > b))", "INSERT INTO own VALUES (1, NULL), (2, 1)"), 0),
        (("CREATE TABLE own (a int)", "INSERT INTO own VALUES (0), (1)", "{loose}"), 1),
        (
            (
                "CREATE TABLE own (a int)",
                "CREATE FUNCTION fits(own) RETURNS bool LANGUAGE sql AS 'SELECT $1.a > 0'",
                "ALTER TABLE own ADD CHECK (fits(own.*)) NOT VALID",
                "INSERT INTO own VALUES (2)",
                "CREATE OR REPLACE FUNCTION fits(own) RETURNS bool LANGUAGE sql AS 'SELECT $1.a > 9'",
            ),
            1,
        ),
        (
            (
                "CREATE FUNCTION small(i int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT i < 100'",
                "CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i * 2'",
                "CREATE DOMAIN inner_one AS int CHECK (small(VALUE))",
                "CREATE DOMAIN little AS inner_one CHECK (VALUE > 0)",
                "CREATE TABLE own (value text, a little, w int, g int GENERATED ALWAYS AS (twice(w)) STORED)",
                "INSERT INTO own VALUES ('x', 77, 7), ('y', 7, NULL)",
                "CREATE OR REPLACE FUNCTION small(i int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT i < 50'",
                "CREATE OR REPLACE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i * 3'",
            ),
            2,
        ),
        (
            (
                "CREATE TABLE own (a int) PARTITION BY RANGE (a)",
                "CREATE TABLE own_1 PARTITION OF own FOR VALUES FROM (0) TO (9)",
                "INSERT INTO own VALUES (0), (1)",
                "{loose}",
            ),
            1,
        ),
    ],
    ids=["NULL satisfies a check", "not valid", "of the whole row", "of a domain, and generated", "of a partition"],
)
def test_rows_that_a_check_forbids_are_counted(database: Callable[..., str], more: tuple[str, ...], rows: int) -> None:
    loose = "ALTER TABLE own ADD CONSTRAINT positive CHECK (a > 0) NOT VALID"
    database(*(each.format(loose=loose) for each in more))
    done = archmig("verify", "--json")
    (environment,) = json.loads(done.out)["environments"]
    assert sum(each["rows"] for each in environment["broken"]) == rows
    assert done.code == min(rows, 1)


def test_a_key_that_matches_fully_misses_half_a_reference(database: Callable[..., str]) -> None:
    database(
        "CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b))",
        "CREATE TABLE own (a int, b int)",
        "INSERT INTO own VALUES (1, NULL), (NULL, NULL)",
        "ALTER TABLE own ADD FOREIGN KEY (a, b) REFERENCES pairs MATCH FULL NOT VALID",
    )
    (environment,) = json.loads(archmig("verify", "--json").out)["environments"]
    assert environment["dangling"] == [{"table": "own", "parent": "pairs", "rows": 1, "rowids": []}]


def test_drift_is_told_with_the_command_that_repairs_it(database: Callable[..., str]) -> None:
    database("DROP INDEX ix_users_name")
    done = archmig("verify")
    assert done.code == 1
    assert "-> archmig diagnose -e app, then archmig reconcile -e app\n" in done.out


def test_rows_that_a_policy_hides_are_not_called_checked(database: Callable[..., str]) -> None:
    database(
        "CREATE TABLE own (a int)",
        "ALTER TABLE own ADD CONSTRAINT positive CHECK (a > 0) NOT VALID",
        "ALTER TABLE own ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE own FORCE ROW LEVEL SECURITY",
        "DROP ROLE IF EXISTS verifier",
        "CREATE ROLE verifier LOGIN",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO verifier",
        role="verifier",
    )
    (environment,) = json.loads(archmig("verify", "--json").out)["environments"]
    assert environment["in_part"] is True
    assert {
        "table": "own",
        "why": 'positive: query would be affected by row-level security policy for table "own"',
    } in (environment["broken_untold"])
