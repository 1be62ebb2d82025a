"""The rows that the chain brings: all there, never doubled, and what people changed since stays as it is."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from support.chain_runner import ALEMBIC, operations, revisions, upgrade_to_head

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = [
    (migration["version"], data)
    for migration in json.loads((ALEMBIC / "demo" / "chain.json").read_text())
    for data in migration.get("data", [])
]
LISTED = [(version, data) for version, data in SEEDS if isinstance(data.get("rows"), list)]
# 037 inserts these three providers, and 046 never overwrites a row that exists: of its rows only the key is there.
ONLY_THE_KEY = {("046", "llm_providers")}
WORKERS = ("autoconfirm", "deploy_worker", "task_worker", "nodes_manager", "audit_manager", "command_runner")


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return upgrade_to_head(tmp_path_factory.mktemp("chain") / "head.db")


@pytest.fixture
def database(head: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy.db"
    copy.write_bytes(head.read_bytes())
    return copy


def rows(database: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query, values).fetchall()


def change(database: Path, script: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(script)


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


def run_data_steps(database: Path, *versions: str) -> None:
    with operations(database):
        for revision in revisions():
            if hasattr(revision.module, "data_step") and revision.module.legacy_version in versions:
                revision.module.data_step()


def all_versions() -> tuple[str, ...]:
    return tuple(revision.module.legacy_version for revision in revisions())


@pytest.mark.parametrize(("version", "data"), LISTED, ids=[f"{v} {d['table']}" for v, d in LISTED])
def test_every_listed_row_is_there_once_with_values_of_the_right_type(
    head: Path, version: str, data: dict[str, Any]
) -> None:
    names = data["key"] if (version, data["table"]) in ONLY_THE_KEY else data["columns"]
    same = " AND ".join(f"{name} IS ? AND typeof({name}) = typeof(?)" for name in names)
    for row in data["rows"]:
        values = [value for name, value in zip(data["columns"], row, strict=True) if name in names for _ in range(2)]
        assert rows(head, f"SELECT COUNT(*) FROM {data['table']} WHERE {same}", *values) == [(1,)], row


def test_every_revision_with_data_in_chain_json_has_a_data_step_and_no_other_has() -> None:
    with_step = {r.module.legacy_version for r in revisions() if hasattr(r.module, "data_step")}
    assert with_step == {version for version, _ in SEEDS}


def test_the_claude_patterns_of_030_are_23_with_regular_expressions_that_compile(head: Path) -> None:
    found = rows(
        head,
        "SELECT name, pattern_type, pattern, action, scope, priority FROM claude_patterns WHERE name IS NOT NULL",
    )
    general = [row for row in found if row[0].startswith("auto_approve_")]
    sessions = {row[0]: row[2:] for row in found if row not in general}
    assert (len(general), {row[4] for row in general}) == (15, {"global"})
    assert {row[1] for row in general} == {"file_edit", "file_create", "file_read", "command", "tool_use"}
    assert {row[3] for row in found} == {"approve"}
    assert sessions == {
        f"{session}_{kind}": (".*", "approve", f"session:{session}", 100)
        for session in ("codex", "comet", "concurrent_worker1", "task_worker1")
        for kind in ("autonomy", "create")
    }
    assert all(re.compile(row[2]) for row in found)


@pytest.mark.parametrize(
    ("kind", "prompt", "approved"),
    [
        ("command", "git status", True),
        ("command", "git diff HEAD~1 src/app.py", True),
        ("command", "git diff --output=/etc/passwd", False),
        ("command", "git status; rm -rf /", False),
        ("command", "git log && curl example.org", False),
        ("command", "git push", False),
        ("command", "ls -la src", True),
        ("command", "ls /etc", False),
        ("command", "ls src > out", False),
        ("command", "python3 -m pytest -q tests/test_app.py", True),
        ("command", "pytest -p evil", False),
        ("command", "ruff check .", True),
        ("file_read", "src/app.py", True),
        ("file_read", "../secrets.ini", False),
        ("file_read", "/etc/hosts.ini", False),
        ("file_read", ".env", False),
        ("file_edit", "app.py", True),
        ("file_edit", "app.db", False),
        ("file_create", "tests/test_new.py", True),
        ("file_create", "tests/../app.py", False),
        ("tool_use", "Grep", True),
        ("tool_use", "Bash", False),
    ],
)
def test_the_general_patterns_approve_what_stays_inside_the_project(
    head: Path, kind: str, prompt: str, approved: bool
) -> None:
    query = "SELECT pattern FROM claude_patterns WHERE scope = 'global' AND pattern_type = ?"
    assert any(re.search(pattern, prompt) for (pattern,) in rows(head, query, kind)) == approved


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("approval_gates", "description", 4),
        ("llm_test_runs", "description", 1),
        ("llm_test_runs", "prompt_template", 1),
        ("task_hierarchy_settings", "description", 5),
    ],
)
def test_the_texts_left_to_us_are_written(head: Path, table: str, column: str, expected: int) -> None:
    assert rows(head, f"SELECT COUNT(DISTINCT {column}) FROM {table} WHERE length({column}) > 20") == [(expected,)]


def test_each_provider_has_a_health_row_of_037_and_one_of_046(head: Path) -> None:
    assert rows(
        head,
        "SELECT p.name, h.is_available, h.circuit_state FROM llm_provider_health h JOIN llm_providers p"
        " ON p.id = h.provider_id ORDER BY p.id",
    ) == [(name, 1, "closed") for name in ("ollama", "localai", "claude", "openai")]
    assert rows(
        head,
        "SELECT provider_name, is_healthy, success_rate, circuit_state FROM llm_provider_health"
        " WHERE provider_id IS NULL ORDER BY id",
    ) == [(name, 1, 1.0, "closed") for name in ("ollama", "localai", "claude", "openai")]


def test_a_provider_added_or_disabled_since_gets_the_health_rows_that_it_should(database: Path) -> None:
    change(database, "INSERT INTO llm_providers (name, provider_type, enabled) VALUES ('new', 'x', 1), ('off', 'x', 0)")
    run_data_steps(database, "037", "046")
    query = "SELECT provider_name, COUNT(*) FROM llm_provider_health WHERE provider_name IN ('new', 'off')"
    assert rows(database, query) == [("new", 1)]
    assert rows(database, "SELECT COUNT(*), COUNT(provider_id) FROM llm_provider_health") == [(11, 6)]


def test_running_every_data_step_twice_more_changes_nothing(database: Path) -> None:
    before = dump(database)
    run_data_steps(database, *all_versions())
    run_data_steps(database, *all_versions())
    assert dump(database) == before


def test_rows_that_people_changed_or_lack_a_value_are_not_overwritten(database: Path) -> None:
    change(
        database,
        "UPDATE notification_settings SET config = '{}', enabled = 0;"
        "UPDATE claude_patterns SET action = 'deny', priority = NULL;"
        "UPDATE llm_providers SET base_url = 'http://elsewhere', is_enabled = 0;"
        "UPDATE llm_provider_health SET circuit_state = 'open';"
        "UPDATE sprint_settings SET setting_value = '21';"
        "UPDATE secrets SET encrypted_value = X'00FF';",
    )
    before = dump(database)
    run_data_steps(database, *all_versions())
    assert dump(database) == before


def test_a_row_that_was_deleted_comes_back_alone(database: Path) -> None:
    before = rows(database, "SELECT setting_key, setting_value FROM sprint_settings ORDER BY setting_key")
    change(database, "DELETE FROM sprint_settings WHERE setting_key = 'require_retrospective'")
    run_data_steps(database, "045")
    assert rows(database, "SELECT setting_key, setting_value FROM sprint_settings ORDER BY setting_key") == before


def test_the_default_region_is_inserted_only_while_there_is_no_region(database: Path) -> None:
    change(database, "DELETE FROM regions; INSERT INTO regions (id, name, code) VALUES ('eu', 'Europe', 'eu')")
    run_data_steps(database, "008")
    assert rows(database, "SELECT id FROM regions") == [("eu",)]


def test_sessions_get_environment_and_worker_mark_unless_they_have_them(database: Path) -> None:
    change(
        database,
        "INSERT INTO tmux_sessions (session_name, environment, is_worker) VALUES"
        " ('app_dev', NULL, 0), ('app_qa', NULL, 0), ('prod', NULL, 0), ('x-env3-1', NULL, 0),"
        " ('dev_kept', 'staging', 0), ('none', NULL, 0), ('audit_manager_2', NULL, 0);"
        + "".join(f"INSERT INTO tmux_sessions (session_name, is_worker) VALUES ('{name}', NULL);" for name in WORKERS),
    )
    run_data_steps(database, "034")
    assert rows(database, "SELECT session_name, environment, is_worker FROM tmux_sessions ORDER BY id") == [
        ("app_dev", "dev", 0),
        ("app_qa", "qa", 0),
        ("prod", "prod", 0),
        ("x-env3-1", "env3", 0),
        ("dev_kept", "staging", 0),
        ("none", None, 0),
        ("audit_manager_2", None, 0),
        *((name, None, 1) for name in WORKERS),
    ]
