"""Where two shapes of a table compete, both writers are live: at head each can insert what it always inserted."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from support.chain_runner import ALEMBIC, upgrade_to_head
from support.writers import LIVE_WRITERS, insert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHAPES: dict[str, list[tuple[str, dict[str, dict[str, Any]]]]] = {}
for _migration in json.loads((ALEMBIC / "demo" / "chain.json").read_text()):
    for _effect in _migration["effects"]:
        if _effect["kind"] == "create_table":
            _columns = {column["name"]: column for column in _effect["columns"] if not column.get("pk")}
            SHAPES.setdefault(_effect["table"], []).append((_migration["version"], _columns))

COMPETING = [
    pytest.param(table, columns, id=f"{version} {table}")
    for table, shapes in SHAPES.items()
    if len(shapes) > 1
    for version, columns in shapes
]
# What the other shape's default gives a writer that leaves the column out; see the docstrings of 001 and 003, 006, 028
# and 045, 037 and 046.
OTHER_DEFAULTS = {
    "milestones.status": "open",
    "claude_patterns.action": "approve",
    "sprints.capacity_hours": 0.0,
    "llm_requests.status": "success",
    "llm_provider_health.circuit_state": "closed",
}


# Rows as the application's modules write them today.
@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = upgrade_to_head(tmp_path_factory.mktemp("chain") / "head.db")
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO users (id, username) VALUES (1, 'u')")
        connection.execute("INSERT INTO projects (id, name) VALUES (1, 'p')")
        connection.execute("INSERT INTO apps (id, name) VALUES (1, 'a')")
        connection.execute("INSERT INTO runs (id, app_id, run_number) VALUES (1, 1, 1)")
        connection.execute("INSERT INTO notification_queue (id, event_type, channels) VALUES (1, 'e', '[]')")
        connection.execute("DELETE FROM llm_provider_health")  # so that a provider's one row can be written here
    connection.close()
    return path


@pytest.fixture
def connection(head: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(head)
    connection.execute("PRAGMA foreign_keys = ON")
    try:
        yield connection
    finally:
        connection.rollback()
        connection.close()


def value(column: dict[str, Any]) -> Any:
    check = column.get("check")
    if check:
        return check.split("'")[1]
    return {"TEXT": "text", "DATE": "2026-02-10", "TIMESTAMP": "2026-02-10 15:00:00"}.get(column["type"], 1)


@pytest.mark.parametrize(("table", "row"), LIVE_WRITERS)
def test_a_row_of_a_live_writer_is_stored_as_it_was_given(
    connection: sqlite3.Connection, table: str, row: dict[str, Any]
) -> None:
    assert row.items() <= insert(connection, table, row).items()


@pytest.mark.parametrize(("table", "columns"), COMPETING)
def test_a_writer_that_gives_only_what_its_shape_demands_gets_its_shapes_defaults(
    connection: sqlite3.Connection, table: str, columns: dict[str, dict[str, Any]]
) -> None:
    given = {
        name: value(column) for name, column in columns.items() if column.get("notnull") and "default" not in column
    }
    stored = insert(connection, table, given)
    for name in columns.keys() - given.keys():
        default = columns[name].get("default")
        expected = connection.execute(f"SELECT {default or 'NULL'}").fetchone()[0]
        if default == "CURRENT_TIMESTAMP":
            assert stored[name].startswith(expected[:10])
        else:
            assert stored[name] == OTHER_DEFAULTS.get(f"{table}.{name}", expected), name


@pytest.mark.parametrize(("table", "columns"), COMPETING)
def test_a_writer_that_gives_all_columns_of_its_shape_gets_them_back(
    connection: sqlite3.Connection, table: str, columns: dict[str, dict[str, Any]]
) -> None:
    given = {name: value(column) for name, column in columns.items()}
    for name in given.keys() & {"run_id", "matched_pattern_id", "project_id", "owner_id"}:
        given[name] = 1
    assert given.items() <= insert(connection, table, given).items()


def test_each_competing_table_has_two_shapes() -> None:
    assert {table for table, shapes in SHAPES.items() if len(shapes) > 1} == {
        "milestones",
        "claude_interactions",
        "claude_patterns",
        "notification_log",
        "custom_reports",
        "sprints",
        "llm_providers",
        "llm_requests",
        "llm_provider_health",
    }
