"""The demo builds what the report of 2026-02-10 describes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support.demo import FILLED, ask, asked, columns, database, load, opened, tables

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

SKIPPED = " - skipped (already applied)"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo")
    load("build").build(directory)
    return directory


@pytest.fixture(scope="module")
def legacy() -> ModuleType:
    return load("legacy")


@pytest.mark.parametrize(
    ("name", "count"),
    [("main", 45), ("dev", 62), ("prod", 84), ("qa", 77), ("env3", 67), ("test_suite", 105), ("env2", 1)],
)
def test_each_database_has_the_reported_number_of_tables(demo: Path, name: str, count: int) -> None:
    assert len(tables(database(demo, name))) == count


def test_main_keeps_its_real_rows(demo: Path) -> None:
    counted = {
        table: ask(database(demo, "main"), f"SELECT COUNT(*) FROM {table}")[0]
        for table in (
            "projects",
            "features",
            "secrets",
            "claude_patterns",
            "claude_interactions",
            "health_metrics",
            "health_alerts",
        )
    }
    assert counted == {
        "projects": 21,
        "features": 12,
        "secrets": 22,
        "claude_patterns": 23,
        "claude_interactions": 1105,
        "health_metrics": 857,
        "health_alerts": 910,
    }


def test_mains_tracker_tells_the_day_of_the_report(demo: Path) -> None:
    rows = ask(database(demo, "main"), "SELECT version, applied_at, description FROM schema_versions ORDER BY id")
    assert rows == [
        ("001", "2026-02-10 15:38:01", "Baseline schema - creates all core tables"),
        ("002", "2026-02-10 15:38:01", "Add testing framework and deployment tracking tables"),
        ("017", "2026-02-10 15:40:51", "Session pool management tables"),
        ("048", "2026-02-10 15:52:24", "Add crawl results storage"),
        ("003", "2026-02-10 19:46:48", "Autopilot orchestration"),
        ("005", "2026-02-10 19:56:42", "Versioned documentation" + SKIPPED),
        ("006", "2026-02-10 19:56:42", "Claude interactions" + SKIPPED),
        ("007", "2026-02-10 19:56:42", "Bugs: extended fields" + SKIPPED),
        ("008", "2026-02-10 19:56:42", "Multi-region" + SKIPPED),
        ("009", "2026-02-10 19:56:42", "Service notifications" + SKIPPED),
        ("010", "2026-02-10 19:56:42", "User preferences" + SKIPPED),
        ("011", "2026-02-10 19:56:42", "Scheduled tasks" + SKIPPED),
        ("012", "2026-02-10 19:56:42", "Task assignment alerts" + SKIPPED),
        ("013", "2026-02-10 19:56:42", "API keys" + SKIPPED),
        ("014", "2026-02-10 19:56:42", "Integrations" + SKIPPED),
        ("015", "2026-02-10 19:56:42", "Task watchers" + SKIPPED),
        ("016", "2026-02-10 19:56:42", "Tmux project groups" + SKIPPED),
        ("004", "2026-02-10 22:56:33", "Milestones: orchestration columns"),
    ]


def test_main_has_004_and_half_of_003_but_nothing_of_what_was_skipped(demo: Path) -> None:
    path = database(demo, "main")
    indexes = set(ask(path, "SELECT name FROM sqlite_master WHERE type = 'index'"))
    assert {"app_id", "run_id", "ready_at"} <= columns(path, "milestones").keys()
    assert {"apps", "incidents"} <= tables(path)
    assert not {"idx_artifacts_run_id", "idx_incidents_status", "idx_documentation_version"} & indexes
    assert ask(path, "SELECT COUNT(*) FROM approval_gates") == [0]
    assert "screenshot" not in columns(path, "bugs")


@pytest.mark.parametrize("name", ["dev", "prod", "qa"])
def test_003_stopped_half_way(demo: Path, name: str) -> None:
    path = database(demo, name)
    indexes = ask(path, "SELECT name FROM sqlite_master WHERE type = 'index'")
    assert "apps" in tables(path)
    assert "idx_runs_status" in indexes
    assert "idx_artifacts_run_id" not in indexes
    assert "003" not in ask(path, "SELECT version FROM schema_versions")


def test_devs_tracker_tells_the_numbers_from_before_the_renumbering(demo: Path) -> None:
    path = database(demo, "dev")
    sql = "SELECT version, description FROM schema_versions WHERE applied_at > '2026-01-16' ORDER BY id"
    assert ask(path, sql) == [
        ("005", "Session entity tracking"),
        ("012", "Task assignment alerts"),
        ("013", "LLM metrics"),
        ("014", "Worker skills"),
        ("018", "Task attachments"),
        ("019", "Status history"),
        ("020", "Task due dates"),
        ("025", "Task hierarchy"),
        ("026", "Sprint management"),
    ]
    assert not {"documentation", "integrations", "custom_reports"} & tables(path)


def test_qas_tracker_marks_034_to_047_as_skipped_by_hand(demo: Path) -> None:
    sql = "SELECT version FROM schema_versions WHERE checksum = 'manual-skip' ORDER BY id"
    assert ask(database(demo, "qa"), sql) == [f"{n:03}" for n in range(34, 48)]


def test_the_105_tables_are_tracked_as_001_only_and_the_67_not_at_all(demo: Path, legacy: ModuleType) -> None:
    path = database(demo, "test_suite")
    created = {e["table"] for m in legacy.chain() for e in m["effects"] if e["kind"] == "create_table"}
    assert ask(path, "SELECT version FROM schema_versions") == ["001"]
    assert tables(path) - created - {"schema_versions"} == {
        "autopilot_milestones",
        "autopilot_runs",
        "health_metrics",
        "task_templates",
    }
    assert "schema_versions" not in tables(database(demo, "env3"))


def test_001_has_another_checksum_than_mains_where_it_ran_before_its_edit(demo: Path) -> None:
    sql = "SELECT checksum FROM schema_versions WHERE version = '001'"
    found = {name: ask(database(demo, name), sql)[0] for name in ("main", "dev", "prod", "test_suite")}
    assert found["main"] == "35aa350ea28b238215dea5f42042b7ee"
    assert found["dev"] == found["prod"] == found["test_suite"] != found["main"]


@pytest.mark.parametrize(("name", "mode"), [*((n, "delete") for n in FILLED if n != "qa"), ("qa", "wal")])
def test_each_file_is_whole_and_in_its_journal_mode(demo: Path, name: str, mode: str) -> None:
    with closing(sqlite3.connect(database(demo, name))) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    ("name", "orphaned"),
    [
        ("main", set()),
        ("dev", set()),
        ("prod", {"bugs", "webhook_deliveries"}),
        ("qa", {"errors", "pool_events"}),
        ("env3", {"activity_log"}),
        ("test_suite", {"test_results", "task_worklog"}),
    ],
)
def test_these_tables_hold_rows_that_violate_foreign_keys(demo: Path, name: str, orphaned: set[str]) -> None:
    assert set(ask(database(demo, name), 'SELECT DISTINCT "table" FROM pragma_foreign_key_check')) == orphaned


@pytest.mark.parametrize("name", ["test", "env1", "feature1"])
def test_some_environments_are_zero_byte_files(demo: Path, name: str) -> None:
    assert database(demo, name).stat().st_size == 0


@pytest.mark.parametrize("name", ["env2", "feature2"])
def test_some_environments_hold_one_unrelated_table(demo: Path, name: str) -> None:
    assert tables(database(demo, name)) == {"ui_state"}


def test_one_environment_is_a_folder_without_a_file(demo: Path) -> None:
    assert list((demo / "data" / "feature3").iterdir()) == []


@pytest.mark.parametrize("name", ["main", "dev", "prod", "env3", "test_suite"])
def test_features_have_a_title_in_place_of_the_name_and_rows(demo: Path, name: str) -> None:
    path = database(demo, name)
    found = columns(path, "features")
    assert found["title"] == ("TEXT", 1)
    assert "name" not in found
    assert {"deleted_at", "deleted_by"} <= found.keys()
    assert ask(path, "SELECT COUNT(*) >= 12 AND COUNT(title) = COUNT(*) FROM features") == [1]


def test_qas_features_have_the_name(demo: Path) -> None:
    assert columns(database(demo, "qa"), "features")["name"] == ("TEXT", 1)


@pytest.mark.parametrize("name", ["dev", "prod", "qa", "env3", "test_suite"])
def test_resources_have_text_ids_and_some_no_requester(demo: Path, name: str) -> None:
    path = database(demo, name)
    found = columns(path, "resource_allocations")
    assert (found["id"], found["requester"]) == (("TEXT", 0), ("TEXT", 0))
    assert ask(path, "SELECT COUNT(*), SUM(requester IS NULL), MIN(typeof(id)) FROM resource_allocations") == [
        (9, 3, "text")
    ]


@pytest.mark.parametrize("name", ["dev", "prod", "env3", "test_suite"])
def test_milestones_demand_a_project(demo: Path, name: str) -> None:
    assert columns(database(demo, name), "milestones")["project_id"] == ("INTEGER", 1)


@pytest.mark.parametrize(
    ("name", "table", "has", "lacks"),
    [
        ("main", "claude_patterns", "pattern", "pattern_regex"),
        ("dev", "claude_patterns", "pattern_regex", "pattern"),
        ("prod", "claude_patterns", "pattern_regex", "pattern"),
        ("qa", "claude_patterns", "pattern", "pattern_regex"),
        ("dev", "notification_log", "channel", "notification_type"),
        ("prod", "notification_log", "notification_type", "channel"),
        ("dev", "llm_providers", "display_name", "model"),
        ("prod", "llm_providers", "model", "display_name"),
        ("dev", "sprints", "retrospective", "none"),
        ("prod", "sprints", "goal", "retrospective"),
        ("test_suite", "custom_reports", "is_shared", "data_source"),
    ],
)
def test_competing_shapes_differ_by_database(demo: Path, name: str, table: str, has: str, lacks: str) -> None:
    found = columns(database(demo, name), table)
    assert has in found
    assert lacks not in found


def test_prod_has_views_and_triggers_on_tables_that_must_change(demo: Path) -> None:
    sql = "SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY 1, 2"
    assert ask(database(demo, "prod"), sql) == [
        ("trigger", "features_touch"),
        ("trigger", "log_settings_change"),
        ("trigger", "milestones_closed"),
        ("view", "v_milestone_progress"),
        ("view", "v_open_features"),
    ]
    assert ask(database(demo, "prod"), "SELECT COUNT(*) > 50 FROM v_open_features") == [1]


def test_dev_has_001s_index_on_status_under_another_name(demo: Path) -> None:
    sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'features' ORDER BY name"
    assert ask(database(demo, "dev"), sql) == [
        "idx_features_milestone",
        "idx_features_project",
        "ix_features_by_status",
    ]


@pytest.mark.parametrize("name", FILLED)
def test_no_row_forbids_a_repair(demo: Path, legacy: ModuleType, name: str) -> None:
    """Numbers where the chain wants numbers and nothing twice where it wants a unique, but for what is resolved."""
    path = database(demo, name)
    held = tables(path)
    made = [one for migration in legacy.chain() for one in migration["effects"] if one["kind"] == "create_table"]
    with closing(opened(path)) as connection:
        for effect in (one for one in made if one["table"] in held):
            table, present = effect["table"], columns(path, effect["table"])
            for column in effect["columns"]:
                resolved = (table, column["name"]) == ("resource_allocations", "id")
                if column["name"] in present and column["type"] in {"INTEGER", "REAL"} and not resolved:
                    sql = f"SELECT COUNT(*) FROM {table} WHERE typeof({column['name']}) IN ('text', 'blob')"
                    assert asked(connection, sql) == [0], (table, column["name"])
            for unique in effect.get("unique", []):
                if set(unique) <= present.keys():
                    known = " AND ".join(f"{c} IS NOT NULL" for c in unique)
                    sql = f"SELECT 1 FROM {table} WHERE {known} GROUP BY {', '.join(unique)} HAVING COUNT(*) > 1"
                    assert asked(connection, sql) == [], (table, unique)
