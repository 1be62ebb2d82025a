from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from architect_migrate.databases.sqlite.rows.delta import row_deltas
from architect_migrate.databases.values import TableDelta

# A row was deleted from each, so that rowids have a gap.
SETUP = """
CREATE TABLE loose (v, w);
INSERT INTO loose VALUES ('a', 1), ('b', 2), ('c', 3), ('c', 3);
DELETE FROM loose WHERE v = 'a';
CREATE TABLE coded (code TEXT PRIMARY KEY, w);
INSERT INTO coded VALUES ('z', 1), ('a', 2), ('m', 3);
DELETE FROM coded WHERE code = 'z';
CREATE TABLE numbered (id INTEGER PRIMARY KEY, w);
INSERT INTO numbered VALUES (2, 2), (3, 3);
"""


def copied(table: str, columns: str, values: str = "*") -> str:
    """What a batch operation does: the rows get new rowids."""
    return (
        f"CREATE TABLE copy ({columns}); INSERT INTO copy SELECT {values} FROM {table};"
        f"DROP TABLE {table}; ALTER TABLE copy RENAME TO {table};"
    )


def delta(change: str, table: str) -> TableDelta:
    """The delta of a changed database against the original one."""
    with closing(sqlite3.connect(":memory:")) as then, closing(sqlite3.connect(":memory:")) as now:
        then.executescript(SETUP)
        now.executescript(SETUP + change)
        (found,) = row_deltas(now, then, [table])
        return found


@pytest.mark.parametrize(
    ("change", "table", "lacking", "changed", "returning"),
    [
        (copied("loose", "v, w"), "loose", 0, 0, 0),
        (copied("coded", "code TEXT PRIMARY KEY, w"), "coded", 0, 0, 0),
        (copied("coded", "code TEXT, w"), "coded", 0, 0, 0),
        (copied("coded", "code TEXT PRIMARY KEY, w") + "DELETE FROM coded WHERE w = 2", "coded", 0, 0, 1),
        (copied("loose", "v, w") + "INSERT INTO loose VALUES ('new', 1)", "loose", 1, 0, 0),
        ("UPDATE loose SET w = 9 WHERE v = 'b'", "loose", 0, 1, 0),
        ("DELETE FROM loose WHERE v = 'b'", "loose", 0, 0, 1),
        ("INSERT INTO loose VALUES ('c', 3)", "loose", 1, 0, 0),
        # Rows whose key is a column are told by it, whatever else they share.
        ("UPDATE numbered SET id = 9 WHERE id = 3", "numbered", 1, 0, 1),
        ("UPDATE numbered SET w = 5 - w", "numbered", 0, 2, 0),
    ],
)
def test_rows_are_paired_by_what_identifies_them(
    change: str, table: str, lacking: int, changed: int, returning: int
) -> None:
    assert delta(change, table) == TableDelta(table, lacking, changed, returning)


def test_a_table_that_is_too_wide_and_has_no_key_is_counted() -> None:
    columns = ", ".join(f"c{number}" for number in range(1995))
    with closing(sqlite3.connect(":memory:")) as then, closing(sqlite3.connect(":memory:")) as now:
        then.execute(f"CREATE TABLE wide ({columns})")
        now.execute(f"CREATE TABLE wide ({columns}, key PRIMARY KEY) WITHOUT ROWID")
        now.execute("INSERT INTO wide (key) VALUES (1)")
        assert row_deltas(now, then, ["wide"]) == (TableDelta("wide", 1, 0, 0, (("key", 1),), exact=False),)
