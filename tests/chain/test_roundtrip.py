"""The chain as Alembic sees it, and every revision up, down and up again without a row lost."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from support.chain_runner import ALEMBIC, operations, revisions, scripts, upgrade_to_head

if TYPE_CHECKING:
    from pathlib import Path

    from alembic.script import Script

# What a NOT NULL column with a check accepts.
WORDS = {"artifact_type": "plan", "item_type": "milestone", "trigger_type": "manual"}
Rows = dict[str, list[tuple[Any, ...]]]


def test_the_chain_is_one_line_of_49_in_the_order_of_the_legacy_numbers() -> None:
    ids = [revision.revision for revision in revisions()]
    numbers = [revision.module.legacy_version for revision in revisions()]
    assert (len(ids), scripts().get_heads(), scripts().get_bases()) == (49, [ids[-1]], [ids[0]])
    assert [revision.down_revision for revision in revisions()] == [None, *ids[:-1]]
    assert numbers == sorted(numbers)
    assert ids[16:18] == ["017_task_webhooks", "017_session_pool"]


@pytest.mark.parametrize("revision", revisions(), ids=lambda revision: revision.revision)
def test_a_revision_is_named_after_its_number_and_states_what_the_tracker_called_it(revision: Script) -> None:
    module = revision.module
    assert len(revision.revision) <= 32
    assert revision.path.endswith(f"/{revision.revision}.py")
    assert revision.revision.startswith(f"{module.legacy_version}_")
    assert all(len(alias) == 3 and alias.isdigit() for alias in module.legacy_aliases)
    assert (module.branch_labels, module.depends_on) == (None, None)
    assert module.__doc__.count("\n") > 1


def test_a_number_is_enough_to_name_a_revision_except_017() -> None:
    for revision in revisions():
        number = revision.module.legacy_version
        if number != "017":
            assert scripts().get_revision(number) is revision


def test_the_aliases_are_the_numbers_that_the_files_bore_before() -> None:
    assert {r.module.legacy_version: r.module.legacy_aliases for r in revisions() if r.module.legacy_aliases} == {
        "034": ("005",),
        "035": ("008",),
        "036": ("012",),
        "037": ("013",),
        "038": ("013",),
        "039": ("014",),
        "040": ("018",),
        "041": ("019",),
        "042": ("019",),
        "043": ("020",),
        "044": ("025",),
        "045": ("026",),
        "046": ("030",),
        "047": ("031",),
    }


def test_no_upgrade_rebuilds_a_table(tmp_path: Path) -> None:
    statements: list[str] = []
    with operations(tmp_path / "chain.db") as connection:

        @sa.event.listens_for(connection, "before_cursor_execute")
        def note(*arguments: Any) -> None:
            statements.append(arguments[2].strip().upper())

        for revision in revisions():
            revision.module.upgrade()
    assert len(statements) > 400
    assert [text for text in statements if text.startswith("DROP") or " RENAME " in text] == []
    assert [path.name for path in (ALEMBIC / "versions").glob("*.py") if "batch_alter_table" in path.read_text()] == []


def ask(connection: sa.Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows from SQLite itself: of forty thousand questions SQLAlchemy would take half of the time."""
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw.execute(sql, values).fetchall()


def schema_of(connection: sa.Connection) -> list[Any]:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name <> 'sqlite_sequence' ORDER BY type, name"
    return ask(connection, query)


def columns_of(connection: sa.Connection) -> dict[str, list[str]]:
    query = """SELECT m.name, x.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS x
               WHERE m.type = 'table' AND m.name <> 'sqlite_sequence' ORDER BY m.name, x.cid"""
    columns: dict[str, list[str]] = {}
    for table, column in ask(connection, query):
        columns.setdefault(table, []).append(column)
    return columns


def rows_of(connection: sa.Connection, columns: dict[str, list[str]]) -> Rows:
    return {table: ask(connection, f"SELECT {', '.join(names)} FROM {table}") for table, names in columns.items()}


def fill(connection: sa.Connection) -> None:
    """Put a row into each empty table, and let every foreign key point to one."""
    ask(connection, "PRAGMA foreign_keys = OFF")  # the tables come in the order of their names
    for table in columns_of(connection):
        if ask(connection, f"SELECT COUNT(*) FROM {table}") == [(0,)]:
            insert_row(connection, table)
    for table in columns_of(connection):
        for _, _, other, column, to, *_ in ask(connection, f"PRAGMA foreign_key_list({table})"):
            parent = f"SELECT {to} FROM {other}"
            loose = f"{column} IS NULL OR {column} NOT IN ({parent})"
            ask(connection, f"UPDATE OR IGNORE {table} SET {column} = ({parent} LIMIT 1) WHERE {loose}")
    ask(connection, "PRAGMA foreign_keys = ON")
    assert ask(connection, "PRAGMA foreign_key_check") == []


def insert_row(connection: sa.Connection, table: str) -> None:
    """Insert a row of ones and words into all columns that need a value."""
    row = {}
    for _, name, declared, not_null, default, place in ask(connection, f"PRAGMA table_info({table})"):
        if (not_null or place) and default is None:
            row[name] = WORDS.get(name, "x") if declared == "TEXT" else 1
    places = ", ".join("?" * len(row))
    ask(connection, f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


def test_each_revision_goes_up_down_and_up_again_and_rows_survive(tmp_path: Path) -> None:
    with operations(tmp_path / "chain.db") as connection:
        for revision in revisions():
            there_and_back(connection, revision)
            fill(connection)
        head = schema_of(connection)
        for revision in reversed(revisions()):
            revision.module.downgrade()
        assert schema_of(connection) == []
        for revision in revisions():
            revision.module.upgrade()
        assert schema_of(connection) == head


def there_and_back(connection: sa.Connection, revision: Script) -> None:
    name = revision.revision
    columns, before, rows_before = (
        columns_of(connection),
        schema_of(connection),
        rows_of(connection, columns_of(connection)),
    )
    revision.module.upgrade()
    after = schema_of(connection)
    fill(connection)
    rows_up = rows_of(connection, columns)
    assert all(row in rows_up[table] for table, rows in rows_before.items() for row in rows), f"{name} up lost rows"
    revision.module.downgrade()
    assert schema_of(connection) == before, f"{name} down left another schema"
    assert rows_of(connection, columns) == rows_up, f"{name} down changed rows"
    revision.module.upgrade()
    assert schema_of(connection) == after, f"{name} up again made another schema"


def test_written_out_as_sql_text_the_chain_makes_the_same_database(tmp_path: Path) -> None:
    text = io.StringIO()
    options = {"as_sql": True, "literal_binds": True, "output_buffer": text}
    with Operations.context(MigrationContext.configure(dialect_name="sqlite", opts=options)):
        for revision in revisions():
            revision.module.upgrade()
    with closing(sqlite3.connect(tmp_path / "offline.db")) as offline:
        offline.executescript(text.getvalue())
        with operations(upgrade_to_head(tmp_path / "online.db")) as online:
            columns = {
                table: [name for name in names if not name.endswith("_at") and name != "check_time"]
                for table, names in columns_of(online).items()
            }
            assert {t: offline.execute(f"SELECT {', '.join(n)} FROM {t}").fetchall() for t, n in columns.items()} == (
                rows_of(online, columns)
            )
            query = "SELECT name FROM sqlite_schema ORDER BY name"
            assert offline.execute(query).fetchall() == [tuple(row) for row in online.exec_driver_sql(query)]


def test_written_out_for_postgresql_the_chain_leaves_no_value_unbound() -> None:
    text = io.StringIO()
    options = {"as_sql": True, "literal_binds": True, "output_buffer": text}
    with Operations.context(MigrationContext.configure(dialect_name="postgresql", opts=options)):
        for revision in revisions():
            revision.module.upgrade()
    assert "%(" not in text.getvalue()
    assert "datetime(" not in text.getvalue()
    assert text.getvalue().count("CREATE FUNCTION") == 4
