"""The legacy history goes wrong where the facts say that it did."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support.demo import ask, columns, load, tables

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(scope="module")
def legacy() -> ModuleType:
    return load("legacy")


def test_an_empty_database_goes_wrong_where_the_facts_say(tmp_path: Path, legacy: ModuleType) -> None:
    with closing(sqlite3.connect(tmp_path / "empty.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        outcome = {}
        for migration in legacy.chain():
            error = legacy.run(connection, f"{migration['version']}_{migration['slug']}")
            if error is not None:
                outcome[migration["version"]] = error
    assert outcome == {
        "003": "no such column: app_id",
        "024": "no such column: notification_id",
        "030": "no such column: response",
        "034": "duplicate column name: environment",
        "035": "duplicate column name: category",
        "041": "no such column: created_by",
        "046": "no such column: enabled",
    }
    path = tmp_path / "empty.db"
    silent = {"velocity_planned", "velocity_actual", "notes", "retrospective", "completed_at"}
    assert not silent & columns(path, "sprints").keys()
    clashing = ("idx_test_results_run", "idx_test_results_status", "idx_llm_requests_provider")
    sql = f"SELECT name, tbl_name FROM sqlite_master WHERE name IN {clashing} ORDER BY name"
    assert ask(path, sql) == [
        ("idx_llm_requests_provider", "llm_requests"),
        ("idx_test_results_run", "test_results"),
        ("idx_test_results_status", "test_results"),
    ]
    assert "provider_id" in ask(path, "SELECT name FROM pragma_index_info('idx_llm_requests_provider')")
    assert not {"autopilot_runs", "autopilot_milestones", "task_templates"} & tables(path)


def test_what_ran_before_the_error_stays(tmp_path: Path, legacy: ModuleType) -> None:
    with closing(sqlite3.connect(tmp_path / "one.db")) as connection:
        legacy.run(connection, "001")
        assert legacy.run(connection, "003") == "no such column: app_id"
    path = tmp_path / "one.db"
    indexes = ask(path, "SELECT name FROM sqlite_master WHERE name IN ('idx_runs_status', 'idx_milestones_app_id')")
    assert indexes == ["idx_runs_status"]


@pytest.mark.parametrize(
    ("first", "table", "then", "error"),
    [
        ("024", "notification_log", "009", "no such column: notification_type"),
        ("030", "claude_interactions", "006", "no such column: interaction_type"),
        ("046", "llm_requests", "037", "no such column: provider_id"),
    ],
)
def test_a_table_that_the_application_made_first_stops_the_older_migration(
    legacy: ModuleType, first: str, table: str, then: str, error: str
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        legacy.create(connection, first, table)
        assert legacy.run(connection, then) == error


def test_a_second_run_of_plain_inserts_fails(legacy: ModuleType) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        assert legacy.run(connection, "030") is None
        assert connection.execute("SELECT COUNT(*) FROM claude_patterns").fetchone() == (23,)
        assert legacy.run(connection, "030") == "UNIQUE constraint failed: claude_patterns.name"


def test_triggers_and_views_do_what_the_facts_say(legacy: ModuleType) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for name in ("019", "046", "047"):
            assert legacy.run(connection, name) is None
        connection.execute("INSERT INTO app_settings (key, value) VALUES ('theme', 'dark')")
        connection.execute("UPDATE app_settings SET value = 'light', updated_by = 'ada'")
        history = connection.execute("SELECT key, old_value, new_value, changed_by FROM settings_history")
        assert history.fetchall() == [("theme", "dark", "light", "ada")]
        connection.execute("INSERT INTO system_health (timestamp) VALUES ('2001-01-01'), (datetime('now'))")
        assert connection.execute("SELECT COUNT(*) FROM system_health").fetchone() == (1,)
        performance = connection.execute("SELECT name, total_requests FROM v_provider_performance ORDER BY name")
        assert performance.fetchall() == [("claude", 0), ("ollama", 0), ("openai", 0)]
        connection.execute(
            "INSERT INTO llm_cost_tracking (provider_name, time_bucket, request_count, total_cost, success_count)"
            " VALUES ('claude', '2026-02-10 08:00', 3, 1.0, 2), ('claude', '2026-02-10 09:00', 1, 0.5, 1)"
        )
        assert connection.execute("SELECT * FROM v_llm_daily_costs").fetchall() == [
            ("claude", "2026-02-10", 4, 0, 1.5, 0.375, 75.0)
        ]


def test_a_tracked_version_is_recorded_once(legacy: ModuleType) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        legacy.track(connection, "004", "2026-02-10 19:45:37", "skipped", "manual-skip")
        legacy.track(connection, "004", "2026-02-10 22:56:33", "Milestones", "abc")
        rows = connection.execute("SELECT version, applied_at, description, checksum FROM schema_versions")
        assert rows.fetchall() == [("004", "2026-02-10 22:56:33", "Milestones", "abc")]


@pytest.mark.parametrize(
    ("name", "candidates"),
    [("017", "017_session_pool_management, 017_task_webhooks"), ("sprints", "028_sprints, 045_sprints"), ("x", "none")],
)
def test_a_name_that_does_not_mean_one_migration_is_refused(legacy: ModuleType, name: str, candidates: str) -> None:
    with pytest.raises(LookupError) as refused:
        legacy.find(name)
    assert str(refused.value) == (f"migration {name!r}: one expected, found {candidates}; name it as version_slug")


def test_a_table_that_the_migration_does_not_make_is_refused(legacy: ModuleType) -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(LookupError) as refused:
        legacy.create(connection, "010", "users")
    assert str(refused.value) == "migration '010' creates no 'users'; look it up in chain.json"
