"""Runs that change or drop a type or a collation of the schema: the copies of rows do not depend on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.urls import parse_url
from architect_migrate.databases.registry import access, keeper
from architect_migrate.databases.values import Permitted
from databases.postgresql.test_running import made
from support.cli import archmig
from support.postgresql import connected, run

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["made"]
TYPES = """
    CREATE TYPE state AS ENUM ('new', 'old'); CREATE DOMAIN price AS numeric(8, 2) CHECK (VALUE > 0);
    CREATE TYPE point2 AS (x float8, y float8); CREATE COLLATION plain (provider = libc, locale = 'C');
    CREATE TABLE t (s state PRIMARY KEY, many state[], p price, at point2, word text COLLATE plain, note text);
    INSERT INTO t VALUES ('new', '{new,old}', 1.5, '(0.1,2)', 'a', 'x'), ('old', NULL, 2, NULL, 'b', 'y')"""
SWAPPED = """ALTER TYPE state RENAME TO state_old; CREATE TYPE state AS ENUM ('new', 'old', 'gone');
    ALTER TABLE t ALTER s TYPE state USING s::text::state, ALTER many TYPE state[] USING many::text::state[];
    DROP TYPE state_old"""
EXCHANGED = """ALTER TYPE state RENAME VALUE 'old' TO 'x'; ALTER TYPE state RENAME VALUE 'new' TO 'old';
    ALTER TYPE state RENAME VALUE 'x' TO 'new'; UPDATE t SET note = upper(note)"""
PLAIN = """ALTER TABLE t ALTER p TYPE numeric(8, 2), ALTER word TYPE text COLLATE "C"; DROP DOMAIN price;
    DROP COLLATION plain"""


def revision(*statements: str) -> str:
    return "def upgrade():\n" + "".join(f"    op.execute({statement!r})\n" for statement in statements)


@pytest.mark.parametrize(
    "statements",
    [
        (SWAPPED,),
        (PLAIN,),
        (SWAPPED, PLAIN, "UPDATE t SET note = upper(note)"),
        ("ALTER TYPE state RENAME VALUE 'old' TO 'elder'; UPDATE t SET note = upper(note)",),
        (EXCHANGED,),
        ("ALTER TYPE price RENAME TO cost; ALTER TYPE point2 RENAME TO spot; UPDATE t SET note = upper(note)",),
        ("ALTER TABLE t ALTER s TYPE text; DROP TYPE state CASCADE",),
    ],
    ids=[
        "enum swapped",
        "domain and collation dropped",
        "all",
        "label renamed",
        "labels exchanged",
        "types renamed",
        "enum to text",
    ],
)
def test_a_type_of_the_schema_is_changed_and_every_row_is_there(
    made: Callable[..., str], statements: tuple[str, ...]
) -> None:
    database = made(at="c3", c3=revision(TYPES), d4=revision(*statements))
    with connected(database) as connection:
        connection.execute(";".join(("BEGIN", *statements)))
        plainly = connection.execute("SELECT t::text FROM t").fetchall()
        connection.execute("ROLLBACK")
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.err
    assert run(database, "SELECT t::text FROM t") == plainly


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE t SET s = 'gone' WHERE s = 'new'", "is gone"),
        ("UPDATE t SET many = '{old}'", "column \"many\" was '{new,old}', is '{old}'"),
        ("UPDATE t SET p = 9", "column \"p\" was '1.50', is '9.00'"),
        ("UPDATE t SET at = '(0.2,2)'", "column \"at\" was '(0.1,2)', is '(0.2,2)'"),
        ("UPDATE t SET word = 'A'", "column \"word\" was 'a', is 'A'"),
        ("ALTER TYPE state RENAME VALUE 'old' TO 'elder'; UPDATE t SET s = 'gone' WHERE s = 'elder'", "is gone"),
    ],
)
def test_a_value_of_such_a_type_that_changes_is_found(made: Callable[..., str], damage: str, said: str) -> None:
    database = made(at="")
    run(database, TYPES, "ALTER TYPE state ADD VALUE 'gone'")
    with access.transaction(parse_url(database), 1) as connection:
        keeper.keep(connection, {"t"})
        connection.execute(damage)
        with keeper.sides(connection, None) as before:
            found = keeper.prove_rows(before, connection, Permitted(frozenset()))
    assert any(said in loss.problem for loss in found.losses), found.losses
