"""Random schemas of the catalogue's features together, random edits: a rebuild keeps everything else, or refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.names import quote
from architect_migrate.databases.sqlite.repair.rebuild import rebuild_table
from architect_migrate.databases.sqlite.sql.parser import NotNull, parse_table
from architect_migrate.planning.table_edits import AddColumn, AddConstraint, DropNotNull, Edit, SetDefault
from support.catalogue import CATALOGUE, IMPOSSIBLE, database, statements

ENTRIES = [entry for entry in CATALOGUE if entry["name"] not in IMPOSSIBLE]
# A column that a virtual table's module keeps for itself: what it gives is another thing each time.
HIDDEN = 1
MASTER = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1, 2"


def together(entries: list[dict[str, Any]]) -> sqlite3.Connection:
    """One database with the features of all these entries; one that does not go with those before it is left out."""
    connection = database("CREATE TABLE plain(id INTEGER PRIMARY KEY)")
    for number, entry in enumerate(entries):
        connection.execute("SAVEPOINT entry")
        try:
            for statement in statements(entry["setup"]):
                connection.execute(statement)
            connection.execute(f"ALTER TABLE {quote(entry.get('table', 't'))} RENAME TO feature_{number}")
        except sqlite3.Error:
            connection.execute("ROLLBACK TO entry")
        connection.execute("RELEASE entry")
    return connection


def features(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'feature_%' ORDER BY 1"
    )
    return [row[0] for row in found]


def rows(connection: sqlite3.Connection, table: str, columns: list[str]) -> list[Any]:
    """Every value with its class, as bytes where it is text: two that are alike to the eye are told apart."""
    terms = ", ".join(f"typeof({quote(column)}), {quote(column)}" for column in columns) or "1"
    connection.text_factory = bytes
    try:
        return sorted(map(repr, connection.execute(f"SELECT {terms} FROM {quote(table)}")))
    finally:
        connection.text_factory = str


def content(connection: sqlite3.Connection, columns: dict[str, list[str]]) -> dict[str, list[Any]]:
    return {table: rows(connection, table, names) for table, names in columns.items()}


def columns_of(connection: sqlite3.Connection) -> dict[str, list[str]]:
    return {
        table: [row[1] for row in connection.execute(f"PRAGMA table_xinfo({quote(table)})") if row[6] != HIDDEN]
        for table in features(connection)
    }


def edits_for(sql: str, wanted: list[int]) -> list[Edit]:
    """Edits that the table's text takes, by number."""
    columns = parse_table(sql).columns
    required = [column.name for column in columns if parse_table(sql).of(NotNull, column.name)]
    known: list[Edit] = [
        AddColumn("archmig_text TEXT DEFAULT 'new'"),
        AddColumn("archmig_number INTEGER NOT NULL DEFAULT 7"),
        AddConstraint("CHECK (1)"),
        SetDefault(columns[-1].name, "NULL"),
        *(DropNotNull(name) for name in required),
    ]
    return list(dict.fromkeys(known[revision % len(known)] for revision in wanted))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from(ENTRIES), min_size=2, max_size=6, unique_by=lambda one: one["name"]),
    st.integers(0, 5),
    st.lists(st.integers(0, 6), min_size=1, max_size=3),
)
def test_a_rebuild_among_other_features_keeps_them_all_or_refuses(
    entries: list[dict[str, Any]], chosen: int, wanted: list[int]
) -> None:
    with closing(together(entries)) as connection:
        tables = features(connection)
        if not tables:
            return
        table = tables[chosen % len(tables)]
        before, columns = connection.execute(MASTER).fetchall(), columns_of(connection)
        values = content(connection, columns)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        try:
            (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
            rebuild_table(connection, table, edits_for(sql, wanted))
        except ArchmigError:
            assert connection.execute(MASTER).fetchall() == before
        after = connection.execute(MASTER).fetchall()
        assert [one for one in after if one[1] != table] == [one for one in before if one[1] != table]
        assert content(connection, columns) == values
        connection.execute("COMMIT")
