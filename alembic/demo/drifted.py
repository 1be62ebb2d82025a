"""The histories of the six databases that hold something: each function drifts one database, empty but for main.

The facts are those of the report of 2026-02-10; where it says only that a thing was seen, it is put where it
fits. A connection is inside the caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import application, legacy, rows

if TYPE_CHECKING:
    import sqlite3

SHAPED = ("features", "resource_allocations", "milestones")
SOFT_DELETED = ("projects", "features", "bugs", "milestones", "task_queue")
AUTOPILOT = ("autopilot_runs", "autopilot_milestones", "task_templates")
# 001 was edited at some time: the databases that ran it before hold another checksum than main's.
FIRST_001 = "9c1185a5c5e9fc54612808977ee8f548"

CORE_ROWS = {
    "users": 7,
    "projects": 12,
    "milestones": 18,
    "features": 40,
    "bugs": 30,
    "devops_tasks": 8,
    "nodes": 5,
    "tmux_sessions": 10,
    "errors": 60,
    "task_queue": 80,
    "workers": 6,
    "activity_log": 150,
    "resource_allocations": 9,
    "test_runs": 12,
    "test_results": 90,
    "deployments": 6,
}


def main(connection: sqlite3.Connection) -> None:
    """Bring the real main database, taken before 19:45, to what its tracker told at the end of that day."""
    _skip(connection, "004", "2026-02-10 19:45:37")
    # 003 ran with no app_id in milestones: it stopped at its index, and was recorded none the less.
    legacy.run(connection, "003")
    _record(connection, "003", "2026-02-10 19:46:48")
    application.create(connection, *AUTOPILOT)
    for name, table in (("005", "documentation"), ("009", "notification_settings"), ("010", "user_preferences")):
        legacy.create(connection, name, table)
    rows.fill(connection, {"documentation": 4, "user_preferences": 11, "task_templates": 6})
    for number in range(5, 17):
        _skip(connection, f"{number:03}", "2026-02-10 19:56:42")
    # `version` is unique, so 004's second run took the place of the row that said "skipped".
    legacy.run(connection, "004")
    _record(connection, "004", "2026-02-10 22:56:33")


def dev(connection: sqlite3.Connection) -> None:
    """Run by the manager while files still bore their old, doubled numbers; its tracker tells those."""
    application.create(connection, *SHAPED, *AUTOPILOT, "health_metrics", "audit_log", "feature_flags")
    legacy.create(connection, "024", "notification_queue")
    legacy.create(connection, "024", "notification_log")
    # The application's index has 001's columns under a name of its own.
    connection.execute("CREATE INDEX ix_features_by_status ON features(status)")
    _baseline(connection, "2026-01-14 09:11:58")
    connection.execute("DROP INDEX idx_features_status")
    _manage(connection, ("002", "003", "004"), "2026-01-14 09:12")
    _manage(connection, ("006", "007", "009", "010", "011"), "2026-01-15 10:03")
    legacy.create(connection, "038", "task_archive")
    renumbered = ("034", "012_task_assignment_alerts", "037", "039", "040", "042", "043", "044", "045_sprints")
    _manage(connection, renumbered, "2026-01-16 17:41")
    application.soft_delete(connection, "projects", "bugs", "milestones", "task_queue")
    _fill_core(connection, {"autopilot_runs": 5, "autopilot_milestones": 8, "task_templates": 6})
    rows.fill(connection, {"notification_queue": 12, "notification_log": 24, "worker_skills": 18})
    rows.fill(connection, {"scheduled_tasks": 6, "scheduled_task_runs": 30, "claude_interactions": 120})
    rows.fill(connection, {"sprints": 3, "sprint_tasks": 24, "task_attachments": 9, "status_history": 70})
    rows.fill(connection, {"health_metrics": 200, "audit_log": 40, "feature_flags": 8, "task_archive": 25})


def prod(connection: sqlite3.Connection) -> None:
    """Run to 033 by the manager; views and triggers stand on tables that must change; 046 came by hand."""
    application.create(connection, *SHAPED, *AUTOPILOT, "audit_log", "health_metrics", "health_alerts")
    for effect in legacy.find("046")["effects"]:
        if effect["kind"] == "create_table":
            legacy.create(connection, "046", effect["table"])
    _baseline(connection, "2025-12-02 06:19:59")
    _manage(connection, [f"{n:03}" for n in range(2, 17)], "2025-12-02 06:20")
    _manage(connection, ["017_task_webhooks", *(f"{n:03}" for n in range(18, 28))], "2025-12-19 06:20")
    _manage(connection, ["028", *(f"{n:03}" for n in range(29, 34)), "037"], "2026-01-20 06:21")
    application.soft_delete(connection, "projects", "bugs")
    _fill_core(connection, {"features": 120, "errors": 300, "task_queue": 240, "activity_log": 600})
    rows.fill(connection, {"llm_providers": 3, "llm_requests": 75, "llm_cost_tracking": 48})
    rows.fill(connection, {"api_keys": 5, "api_key_usage": 200, "integrations": 3, "integration_events": 40})
    rows.fill(connection, {"notification_log": 130, "claude_interactions": 90, "task_webhooks": 3})
    rows.fill(connection, {"webhook_deliveries": 60, "project_budgets": 12, "sprints": 4, "kudos": 15})
    rows.fill(connection, {"audit_log": 80, "health_metrics": 300, "health_alerts": 25, "secret_access_log": 20})
    for statement in application.PROD_EXTRAS:
        connection.execute(statement)
    _orphan(connection, "features", "milestone_id", "bugs", "project_id", "webhook_deliveries", "webhook_id")


def qa(connection: sqlite3.Connection) -> None:
    """Run to 033 by the manager, then 034 to 047 marked as skipped by hand; the file is in WAL mode."""
    application.create(connection, "resource_allocations", *AUTOPILOT, "milestone_summaries", "session_idle_log")
    for table in ("claude_patterns", "claude_interactions"):
        legacy.create(connection, "030", table)
    _manage(connection, [f"{n:03}" for n in range(1, 17)], "2026-01-08 14:00")
    _manage(connection, ["017_session_pool_management"], "2026-01-08 14:01")
    _manage(connection, [f"{n:03}" for n in range(18, 34)], "2026-01-30 14:00")
    for name, table in (("040", "task_attachments"), ("042", "status_history"), ("042", "idx_status_history_entity")):
        legacy.create(connection, name, table)
    for number in range(34, 48):
        title = legacy.find(f"{number:03}")["title"]
        legacy.track(connection, f"{number:03}", "2026-02-09 18:30:00", title, "manual-skip")
    _fill_core(connection, {"claude_interactions": 260, "session_pool": 6, "pool_events": 50})
    rows.fill(connection, {"task_attachments": 12, "status_history": 44, "milestone_summaries": 9})
    rows.fill(connection, {"session_idle_log": 14, "scheduled_tasks": 5, "user_preferences": 20, "sprints": 2})
    _orphan(connection, "errors", "node_id", "pool_events", "session_name")


def env3(connection: sqlite3.Connection) -> None:
    """67 tables and no tracker: the application made them, or somebody ran files with the sqlite3 shell."""
    application.create(connection, *application.TABLES, *SHAPED)
    untracked = ("001", "002", "003", "004", "005", "006", "007", "008", "009", "010", "011", "012", "013", "014")
    for name in (*untracked, "016", "017_session_pool_management", "019", "020", "021", "022", "025", "026", "029"):
        legacy.run(connection, name)
    _fill_core(connection, {"region_metrics": 30, "documentation": 5, "claude_interactions": 70})
    rows.fill(connection, {"app_settings": 15, "task_worklog": 40, "supervisor_services": 6})
    rows.fill(connection, {"supervisor_events": 35, "saved_searches": 7, "feature_flags": 10, "audit_log": 30})
    _orphan(connection, "activity_log", "user_id")


def test_suite(connection: sqlite3.Connection) -> None:
    """105 tables, of which the tracker knows only 001's: the tests called the application's own makers."""
    application.create(connection, *SHAPED, *AUTOPILOT, "health_metrics")
    _baseline(connection, "2026-01-05 11:45:20")
    # The newer of two competing shapes comes first for reports, LLM and patterns, the older for the rest.
    later = ("030", "037", "041", "024")
    early = [m["version"] + "_" + m["slug"] for m in legacy.chain() if m["version"] not in {*later, "001"}]
    for name in (*later, *early):
        for effect in legacy.find(name)["effects"]:
            if effect["kind"] == "create_table":
                legacy.create(connection, name, effect["table"])
    for name in ("007", "027", "033", "036"):
        legacy.run(connection, name)
    connection.execute("CREATE INDEX ix_bugs_open ON bugs(status)")
    connection.execute("CREATE INDEX ix_task_watchers ON task_watchers(task_id, task_type)")
    application.soft_delete(connection, *(table for table in SOFT_DELETED if table != "features"))
    _fill_core(connection, {"apps": 3, "runs": 9, "artifacts": 27, "agent_steps": 60})
    rows.fill(connection, {"system_health": 48, "service_health": 48, "crawl_results": 33, "kudos": 21})
    rows.fill(connection, {"task_watchers": 16, "watch_events": 64, "task_worklog": 30, "project_costs": 25})
    rows.fill(connection, {"notification_queue": 9, "notification_log": 18, "status_history": 35})
    _orphan(connection, "test_results", "run_id", "task_worklog", "task_id")


def _manage(connection: sqlite3.Connection, names: tuple[str, ...] | list[str], minute: str) -> None:
    """What the manager did: run each file, and record it under the number it bore if it came to its end."""
    for second, name in enumerate(names):
        migration = legacy.find(name)
        if legacy.run(connection, name) is None:
            version: str = migration.get("was_numbered") or migration["version"]
            legacy.track(connection, version, f"{minute}:{second:02}", migration["title"], legacy.checksum(migration))


def _baseline(connection: sqlite3.Connection, at: str) -> None:
    legacy.run(connection, "001")
    legacy.track(connection, "001", at, "Baseline schema - creates all core tables", FIRST_001)


def _fill_core(connection: sqlite3.Connection, more: dict[str, int]) -> None:
    """Rows for 001's and 002's tables and for `more`; the application leaves some requesters out."""
    rows.fill(connection, CORE_ROWS | more)
    connection.execute("UPDATE resource_allocations SET requester = NULL WHERE rowid % 3 = 0")


def _skip(connection: sqlite3.Connection, name: str, at: str) -> None:
    migration = legacy.find(name)
    description = f"{migration['title']} - skipped (already applied)"
    legacy.track(connection, migration["version"], at, description, legacy.checksum(migration))


def _record(connection: sqlite3.Connection, name: str, at: str) -> None:
    migration = legacy.find(name)
    legacy.track(connection, migration["version"], at, migration["title"], legacy.checksum(migration))


def _orphan(connection: sqlite3.Connection, *places: str) -> None:
    """Point each tenth row's key at nothing, as a delete without foreign_keys did; places: table, column."""
    for table, column in zip(places[::2], places[1::2], strict=True):
        connection.execute(f"UPDATE {table} SET {column} = {column} || '9999' WHERE rowid % 10 = 3")


HISTORIES = {"main": main, "dev": dev, "prod": prod, "qa": qa, "env3": env3, "test_suite": test_suite}
