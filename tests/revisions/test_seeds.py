from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations

from alembic import op
from architect_migrate.seeds import insert_missing
from support.chain_runner import operations

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("scope", "name", "value")
ROWS = (
    (None, "pattern", "a:b 'quoted' %s ? \"x\""),
    ("project", "count", 3),
    ("project", "rate", 0.25),
    ("project", "flag", True),
    (None, "nothing", None),
)
STORED = [
    (None, "pattern", "a:b 'quoted' %s ? \"x\"", "text"),
    ("project", "count", 3, "integer"),
    ("project", "rate", 0.25, "real"),
    ("project", "flag", 1, "integer"),
    (None, "nothing", None, "null"),
]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.db"
    execute(path, "CREATE TABLE settings (scope TEXT, name TEXT, value, UNIQUE (scope, name))")
    return path


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for statement in statements:
            connection.executescript(statement)


def stored(database: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT scope, name, value, typeof(value) FROM settings ORDER BY rowid").fetchall()


def seed(database: Path, key: tuple[str, ...] = ("scope", "name")) -> None:
    with operations(database):
        for statement in insert_missing("settings", key, COLUMNS, ROWS):
            op.execute(statement)


def test_rows_are_stored_with_their_values_and_types(database: Path) -> None:
    seed(database)
    assert stored(database) == STORED


def test_any_number_of_runs_stores_each_row_once_even_where_the_key_holds_null(database: Path) -> None:
    for _ in range(3):
        seed(database)
    assert stored(database) == STORED


def test_a_row_that_exists_is_left_as_it_is(database: Path) -> None:
    execute(database, "INSERT INTO settings VALUES (NULL, 'pattern', 'mine'), ('project', 'count', 9)")
    seed(database)
    assert stored(database)[:2] == [(None, "pattern", "mine", "text"), ("project", "count", 9, "integer")]
    assert stored(database)[2:] == STORED[2:]


def test_null_in_a_key_differs_from_a_value(database: Path) -> None:
    execute(database, "INSERT INTO settings VALUES ('project', 'pattern', 'another')")
    seed(database)
    assert stored(database) == [("project", "pattern", "another", "text"), *STORED]


@pytest.mark.parametrize(
    ("before", "expected"), [((), 1), (("INSERT INTO settings VALUES ('a', 'b', 'c')",), 1)], ids=["empty", "not empty"]
)
def test_with_an_empty_key_only_an_empty_table_is_seeded(
    database: Path, before: tuple[str, ...], expected: int
) -> None:
    execute(database, *before)
    seed(database, key=())
    assert len(stored(database)) == expected


def test_written_out_as_sql_text_the_statements_do_the_same(database: Path) -> None:
    text = io.StringIO()
    options = {"as_sql": True, "literal_binds": True, "output_buffer": text}
    with Operations.context(MigrationContext.configure(dialect_name="sqlite", opts=options)):
        for statement in insert_missing("settings", ("scope", "name"), COLUMNS, ROWS):
            op.execute(statement)
    execute(database, text.getvalue(), text.getvalue())
    assert stored(database) == STORED


def test_a_row_that_does_not_fit_the_columns_is_refused() -> None:
    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is shorter than argument 1"):
        insert_missing("settings", ("name",), COLUMNS, [("project", "count")])
