"""Tables that the dashboard made by itself at start: those no migration knows, and its own shapes of the chain's.

SQL as the application holds it. A connection is in autocommit or inside the caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

# No migration creates these; 006, 021 and 034 point foreign keys at the first three.
TABLES = {
    "autopilot_runs": """CREATE TABLE IF NOT EXISTS autopilot_runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            app_name TEXT NOT NULL,
            goal TEXT,
            status TEXT DEFAULT 'running' CHECK(status IN ('running', 'completed', 'failed', 'cancelled')),
            started_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
            completed_at TIMESTAMP
        )""",
    "autopilot_milestones": """CREATE TABLE IF NOT EXISTS autopilot_milestones (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id INTEGER NOT NULL,
            title TEXT NOT NULL,
            status TEXT DEFAULT 'pending',
            reviewed_by TEXT,
            created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
            FOREIGN KEY (run_id) REFERENCES autopilot_runs(id)
        )""",
    "task_templates": """CREATE TABLE IF NOT EXISTS task_templates (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT UNIQUE NOT NULL,
            task_type TEXT NOT NULL,
            task_data TEXT,  -- JSON, copied into task_queue.task_data
            priority INTEGER DEFAULT 0,
            created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
        )""",
    "health_metrics": """CREATE TABLE IF NOT EXISTS health_metrics (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                        component TEXT NOT NULL,
                        status TEXT NOT NULL,
                        details TEXT,
                        action_taken TEXT,
                        recovery_successful INTEGER DEFAULT 0
                    )""",
    "health_alerts": """CREATE TABLE IF NOT EXISTS health_alerts (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                        severity TEXT NOT NULL,
                        message TEXT NOT NULL,
                        component TEXT,
                        resolved INTEGER DEFAULT 0,
                        resolved_at TIMESTAMP
                    )""",
    "supervisor_services": """CREATE TABLE IF NOT EXISTS supervisor_services (
                        id TEXT PRIMARY KEY,
                        name TEXT NOT NULL,
                        state TEXT NOT NULL,
                        pid INTEGER,
                        port INTEGER,
                        restart_count INTEGER DEFAULT 0,
                        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
                    )""",
    "supervisor_events": """CREATE TABLE IF NOT EXISTS supervisor_events (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        service_id TEXT NOT NULL,
                        event_type TEXT NOT NULL,
                        timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                        message TEXT,
                        FOREIGN KEY (service_id) REFERENCES supervisor_services(id)
                    )""",
    "milestone_summaries": """CREATE TABLE IF NOT EXISTS milestone_summaries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    milestone_name TEXT NOT NULL,
    phase TEXT NOT NULL,
    status TEXT NOT NULL CHECK(status IN ('completed', 'failed', 'blocked', 'in_progress')),
    summary TEXT NOT NULL,
    metrics TEXT,  -- JSON: {duration, tests_passed, files_created, etc}
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
)""",
    "session_idle_log": """CREATE TABLE IF NOT EXISTS session_idle_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_name TEXT NOT NULL,
    idle_start TIMESTAMP NOT NULL,
    idle_end TIMESTAMP,
    reason TEXT,  -- 'waiting_for_user', 'blocked', 'no_tasks', etc.
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
)""",
    "audit_log": """CREATE TABLE IF NOT EXISTS audit_log (
        id INTEGER PRIMARY KEY,
        actor TEXT NOT NULL,
        event TEXT NOT NULL,
        subject TEXT,
        at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
    )""",
    "saved_searches": """CREATE TABLE IF NOT EXISTS saved_searches (
        id INTEGER PRIMARY KEY,
        user_id INTEGER REFERENCES users(id) ON DELETE CASCADE,
        name TEXT NOT NULL COLLATE NOCASE,
        query TEXT NOT NULL,
        UNIQUE (user_id, name)
    )""",
    "feature_flags": """CREATE TABLE IF NOT EXISTS feature_flags (
        flag TEXT PRIMARY KEY,
        enabled BOOLEAN NOT NULL DEFAULT 0,
        rollout_percent INTEGER DEFAULT 100 CHECK(rollout_percent BETWEEN 0 AND 100)
    ) WITHOUT ROWID""",
}

# The application's own shapes of 001's tables, made before 001 ran (which then skipped them).
SHAPES = {
    "features": """CREATE TABLE IF NOT EXISTS features (
        id INTEGER PRIMARY KEY,
        project_id INTEGER,
        milestone_id INTEGER,
        title TEXT NOT NULL,
        description TEXT,
        spec TEXT,
        status TEXT DEFAULT 'draft',
        priority INTEGER DEFAULT 0,
        assigned_to TEXT,
        assigned_node TEXT,
        tmux_session TEXT,
        estimated_hours REAL,
        actual_hours REAL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        completed_at TIMESTAMP, deleted_at TIMESTAMP, deleted_by TEXT,
        FOREIGN KEY (project_id) REFERENCES projects(id)
    )""",
    "resource_allocations": """CREATE TABLE IF NOT EXISTS resource_allocations (
        id TEXT PRIMARY KEY,
        resource_type TEXT NOT NULL,
        requester TEXT,
        node_id TEXT,
        priority INTEGER DEFAULT 0,
        allocated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        released_at TIMESTAMP,
        metadata TEXT,
        FOREIGN KEY (node_id) REFERENCES nodes(id)
    )""",
    "milestones": """CREATE TABLE IF NOT EXISTS milestones (
        id INTEGER PRIMARY KEY,
        project_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        description TEXT,
        target_date DATE,
        status TEXT DEFAULT 'open',
        progress INTEGER DEFAULT 0,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        FOREIGN KEY (project_id) REFERENCES projects(id)
    )""",
}

# What somebody added to prod for its dashboards: objects that stand on tables which must change.
PROD_EXTRAS = (
    """CREATE VIEW v_open_features AS
SELECT f.id, f.title, f.status, p.name AS project
FROM features f JOIN projects p ON p.id = f.project_id
WHERE f.status <> 'completed'""",
    """CREATE VIEW v_milestone_progress AS
SELECT m.id, m.name, m.progress, COUNT(f.id) AS features
FROM milestones m LEFT JOIN features f ON f.milestone_id = m.id
GROUP BY m.id""",
    """CREATE TRIGGER features_touch AFTER UPDATE OF title, status ON features
BEGIN
    INSERT INTO audit_log (actor, event, subject) VALUES ('trigger', 'feature changed', NEW.title);
END""",
    """CREATE TRIGGER milestones_closed AFTER UPDATE OF status ON milestones WHEN NEW.status = 'completed'
BEGIN
    INSERT INTO audit_log (actor, event, subject) VALUES ('trigger', 'milestone closed', NEW.name);
END""",
)


def create(connection: sqlite3.Connection, *tables: str) -> None:
    """Make those of the application's tables; a name is one of TABLES or of SHAPES."""
    for table in tables:
        connection.execute(TABLES[table] if table in TABLES else SHAPES[table])


def soft_delete(connection: sqlite3.Connection, *tables: str) -> None:
    """Add the two columns by which the application marks a row as deleted; no migration knows them."""
    for table in tables:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN deleted_at TIMESTAMP")
        connection.execute(f"ALTER TABLE {table} ADD COLUMN deleted_by TEXT")
