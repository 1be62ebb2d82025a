"""What a run leaves is digested without reading the rows that no statement wrote, and gives what reading gives."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.sqlite.connection import reading, transaction
from architect_migrate.databases.sqlite.files.backup import copy_pages
from architect_migrate.databases.sqlite.rows.content import completed, content_after, content_of, counted
from architect_migrate.databases.sqlite.rows.exact import exact
from architect_migrate.databases.values import Recorded, Rows, Unread, from_json, to_json
from support.scenarios import script

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.databases.values import Content

ALL = ("t", "keyed", "empty", "hidden", "other", "computed")
TABLES = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, r REAL DEFAULT 1)",
    "INSERT INTO t VALUES (1, 'é' || char(0) || 'x', 2), (7, CAST(x'41ff' AS TEXT), NULL), (9, x'00', -0.0)",
    "CREATE TABLE keyed (a TEXT COLLATE NOCASE, b, PRIMARY KEY (a DESC, b)) WITHOUT ROWID",
    "INSERT INTO keyed VALUES ('B', 1), ('a', 2.0)",
    "CREATE TABLE empty (a)",
    "CREATE TABLE hidden (rowid TEXT, b)",
    "INSERT INTO hidden VALUES ('x', 1)",
    "CREATE TABLE other (a)",
    "INSERT INTO other VALUES (1), (2)",
    "CREATE TABLE computed (a, g AS (a * 2))",
    "INSERT INTO computed VALUES (3)",
    "CREATE VIRTUAL TABLE words USING fts5(body)",
    "INSERT INTO words VALUES ('hello')",
)


def _after(
    folder: Path, encoding: str, changes: tuple[str, ...], unwritten: tuple[str, ...]
) -> tuple[Recorded, Content, Content]:
    """What is recorded of a database after `changes`, that completed from its backup, and what reading it gives."""
    path, copy = folder / "it.db", folder / "copy.db"
    script(path, f"PRAGMA encoding = '{encoding}'", *TABLES)
    with ExitStack() as stack:
        with reading(path) as source, exact(source):
            copy_pages(source, copy)
            before = counted(source)
        connection, backup = stack.enter_context(transaction(path, 1)), stack.enter_context(reading(copy))
        for change in changes:
            connection.execute(change)
        recorded = content_after(connection, before, backup, unwritten)
        assert from_json(to_json(recorded)) == recorded
        return recorded, completed(backup, recorded), content_of(connection)


def _read(recorded: Recorded) -> set[str]:
    return {name for name, rows in recorded.tables.items() if isinstance(rows, Rows) and name in ALL}


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
@pytest.mark.parametrize(
    "column",
    [
        "c",
        "c TEXT DEFAULT 'it''s é'",
        "c TEXT DEFAULT 5",
        "c INTEGER DEFAULT '007'",
        "c INTEGER NOT NULL DEFAULT -9223372036854775808",
        "c REAL DEFAULT 3",
        "c REAL DEFAULT 0.1",
        "c DEFAULT 1e300",
        "c DEFAULT -0.0",
        "c DEFAULT x'00ff'",
        "c BOOLEAN DEFAULT TRUE",
        "rowid INTEGER DEFAULT 4",
        '"odd ""name"" %s" DEFAULT 1',
        "gg AS (1 + 1)",
    ],
)
def test_a_column_that_is_only_added_needs_no_row_to_be_read(tmp_path: Path, encoding: str, column: str) -> None:
    altered = [name for name in ALL if not (name == "hidden" and "rowid" in column)]
    changes = tuple(f"ALTER TABLE {name} ADD COLUMN {column}" for name in altered)
    recorded, completed_content, content = _after(tmp_path, encoding, changes, ALL)
    assert completed_content == content
    assert _read(recorded) == set()


def test_two_columns_of_two_statements_are_added(tmp_path: Path) -> None:
    changes = ("ALTER TABLE t ADD COLUMN c DEFAULT 'x'", "ALTER TABLE t ADD COLUMN d REAL DEFAULT 2")
    recorded, completed_content, content = _after(tmp_path, "UTF-8", changes, ALL)
    assert completed_content == content
    assert recorded.tables["t"] == Unread(3, (("c", "text", "78"), ("d", "real", "2.0")))
    assert recorded.tables["other"] == Unread(2)


@pytest.mark.parametrize(
    ("changes", "unwritten", "read"),
    [
        (("UPDATE t SET a = 1",), ALL[1:], {"t"}),
        (("ALTER TABLE t ADD COLUMN c DEFAULT 1", "UPDATE t SET c = 2 WHERE id = 7"), ALL[1:], {"t"}),
        (("ALTER TABLE t DROP COLUMN r",), ALL[1:], {"t"}),
        (("ALTER TABLE t DROP COLUMN r", "ALTER TABLE t ADD COLUMN r REAL DEFAULT 2"), ALL, {"t"}),
        (("ALTER TABLE t DROP COLUMN r",), ALL, {"t"}),
        (("ALTER TABLE t RENAME COLUMN a TO z",), ALL, {"t"}),
        (("ALTER TABLE t RENAME TO other_t",), (*ALL, "other_t"), set()),
        (("DROP TABLE t", "CREATE TABLE t (id TEXT, a TEXT, r REAL DEFAULT 1)"), ALL, {"t"}),
        (("ALTER TABLE t ADD COLUMN c DEFAULT 9e999",), ALL, {"t"}),
    ],
)
def test_of_everything_else_the_rows_are_read(
    tmp_path: Path, changes: tuple[str, ...], unwritten: tuple[str, ...], read: set[str]
) -> None:
    recorded, completed_content, content = _after(tmp_path, "UTF-8", changes, unwritten)
    assert completed_content == content
    assert _read(recorded) == read


def test_a_table_said_to_be_unwritten_that_was_written_is_never_taken_for_what_it_is(tmp_path: Path) -> None:
    _, completed_content, content = _after(tmp_path, "UTF-8", ("UPDATE t SET a = 1", "DELETE FROM other"), ALL)
    assert {name for name in ALL if completed_content.tables[name] != content.tables[name]} == {"t", "other"}


@pytest.mark.parametrize(
    "value",
    [
        ["c", "integer", "1, 2"],
        ["c", "text", "'x'"],
        ["c", "real", "a"],
        ["c", "sql", "1"],
        ["c", "1"],
        ["c", "integer", 1, 2],
    ],
)
def test_a_record_holds_values_and_no_sql(value: list[object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_json({"objects": {}, "tables": {"t": [1, [value]]}, "header": {}})


def test_a_record_of_a_table_that_the_backup_lacks_equals_nothing(tmp_path: Path) -> None:
    script(tmp_path / "it.db", "CREATE TABLE t (a)")
    with reading(tmp_path / "it.db") as connection:
        found = completed(connection, Recorded({}, {"t": Unread(0), "gone": Unread(0)}, {}))
        assert found.tables["t"] == content_of(connection).tables["t"] != found.tables["gone"]
