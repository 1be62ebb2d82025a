"""Baseline: core tables.

The dashboard's first tables: who logs in, what is worked on (projects, milestones, features, bugs, devops
tasks), where it runs (nodes, tmux sessions, workers), the queue between them, and the logs.

`milestones` gets a second writer in 003. Its `status` has no check and keeps the default 'open', because this
revision's writer says 'open' and 003's says 'pending'. `nodes.id` and `workers.id` are text keys that the legacy
files never declared NOT NULL, and SQLite then allows NULL; PostgreSQL never does.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "001_baseline"
down_revision = None
branch_labels = None
depends_on = None

legacy_version = "001"
legacy_aliases = ()


def upgrade() -> None:
    create_users()
    create_projects()
    create_milestones()
    create_features()
    create_bugs()
    create_devops_tasks()
    create_nodes()
    create_tmux_sessions()
    create_errors()
    create_task_queue()
    create_workers()
    create_activity_log()
    create_resource_allocations()


def downgrade() -> None:
    for table in (
        "resource_allocations",
        "activity_log",
        "workers",
        "task_queue",
        "errors",
        "tmux_sessions",
        "nodes",
        "devops_tasks",
        "bugs",
        "features",
        "milestones",
        "projects",
        "users",
    ):
        op.drop_table(table)


def create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("username", sa.Text, nullable=False, unique=True),
        sa.Column("password_hash", sa.Text),
        sa.Column("role", sa.Text, server_default="user"),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("last_login", sa.TIMESTAMP),
    )


def create_projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("description", sa.Text),
        sa.Column("source_path", sa.Text),
        sa.Column("status", sa.Text, server_default="active"),
        sa.Column("priority", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
    )


def create_milestones() -> None:
    op.create_table(
        "milestones",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("target_date", sa.Date),
        sa.Column("status", sa.Text, server_default="open"),
        sa.Column("progress", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
    )


def create_features() -> None:
    op.create_table(
        "features",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("milestone_id", sa.Integer, sa.ForeignKey("milestones.id")),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("spec", sa.Text),
        sa.Column("status", sa.Text, server_default="draft"),
        sa.Column("priority", sa.Integer, server_default=sa.text("0")),
        sa.Column("assigned_to", sa.Text),
        sa.Column("assigned_node", sa.Text),
        sa.Column("tmux_session", sa.Text),
        sa.Column("estimated_hours", sa.REAL),
        sa.Column("actual_hours", sa.REAL),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("completed_at", sa.TIMESTAMP),
    )
    op.create_index("idx_features_project", "features", ["project_id"])
    op.create_index("idx_features_milestone", "features", ["milestone_id"])
    op.create_index("idx_features_status", "features", ["status"])


def create_bugs() -> None:
    op.create_table(
        "bugs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("milestone_id", sa.Integer, sa.ForeignKey("milestones.id")),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("severity", sa.Text, server_default="medium"),
        sa.Column("status", sa.Text, server_default="open"),
        sa.Column("source_node", sa.Text),
        sa.Column("source_error_id", sa.Integer),
        sa.Column("assigned_to", sa.Text),
        sa.Column("assigned_node", sa.Text),
        sa.Column("tmux_session", sa.Text),
        sa.Column("stack_trace", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("resolved_at", sa.TIMESTAMP),
    )
    op.create_index("idx_bugs_project", "bugs", ["project_id"])
    op.create_index("idx_bugs_status", "bugs", ["status"])


def create_devops_tasks() -> None:
    op.create_table(
        "devops_tasks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("task_type", sa.Text),
        sa.Column("status", sa.Text, server_default="pending"),
        sa.Column("priority", sa.Integer, server_default=sa.text("0")),
        sa.Column("assigned_node", sa.Text),
        sa.Column("tmux_session", sa.Text),
        sa.Column("schedule", sa.Text),
        sa.Column("last_run", sa.TIMESTAMP),
        sa.Column("next_run", sa.TIMESTAMP),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
    )


def create_nodes() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", sa.Text, primary_key=True, nullable=True),
        sa.Column("hostname", sa.Text, nullable=False),
        sa.Column("ip_address", sa.Text, nullable=False),
        sa.Column("ssh_port", sa.Integer, server_default=sa.text("22")),
        sa.Column("ssh_user", sa.Text),
        sa.Column("role", sa.Text, server_default="worker"),
        sa.Column("status", sa.Text, server_default="offline"),
        sa.Column("services", sa.Text),
        sa.Column("cpu_usage", sa.REAL),
        sa.Column("memory_usage", sa.REAL),
        sa.Column("disk_usage", sa.REAL),
        sa.Column("last_heartbeat", sa.TIMESTAMP),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
    )


def create_tmux_sessions() -> None:
    op.create_table(
        "tmux_sessions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("node_id", sa.Text, sa.ForeignKey("nodes.id")),
        sa.Column("session_name", sa.Text, nullable=False),
        sa.Column("window_count", sa.Integer, server_default=sa.text("1")),
        sa.Column("attached", sa.Integer, server_default=sa.text("0")),
        sa.Column("purpose", sa.Text),
        sa.Column("assigned_task_type", sa.Text),
        sa.Column("assigned_task_id", sa.Integer),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("last_activity", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("node_id", "session_name"),
    )


def create_errors() -> None:
    op.create_table(
        "errors",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("node_id", sa.Text, sa.ForeignKey("nodes.id")),
        sa.Column("error_type", sa.Text),
        sa.Column("message", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("line", sa.Integer),
        sa.Column("column_num", sa.Integer),
        sa.Column("stack_trace", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.Column("http_status", sa.Integer),
        sa.Column("context", sa.Text),
        sa.Column("status", sa.Text, server_default="open"),
        sa.Column("assigned_bug_id", sa.Integer, sa.ForeignKey("bugs.id")),
        sa.Column("occurrence_count", sa.Integer, server_default=sa.text("1")),
        sa.Column("first_seen", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("last_seen", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("resolved_at", sa.TIMESTAMP),
    )
    op.create_index("idx_errors_project", "errors", ["project_id"])
    op.create_index("idx_errors_status", "errors", ["status"])
    op.create_index("idx_errors_node", "errors", ["node_id"])


def create_task_queue() -> None:
    op.create_table(
        "task_queue",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_type", sa.Text, nullable=False),
        sa.Column("task_data", sa.Text),
        sa.Column("priority", sa.Integer, server_default=sa.text("0")),
        sa.Column("status", sa.Text, server_default="pending"),
        sa.Column("assigned_node", sa.Text),
        sa.Column("assigned_worker", sa.Text),
        sa.Column("retries", sa.Integer, server_default=sa.text("0")),
        sa.Column("max_retries", sa.Integer, server_default=sa.text("3")),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("started_at", sa.TIMESTAMP),
        sa.Column("completed_at", sa.TIMESTAMP),
    )
    op.create_index("idx_task_queue_status", "task_queue", ["status"])


def create_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Text, primary_key=True, nullable=True),
        sa.Column("node_id", sa.Text, sa.ForeignKey("nodes.id")),
        sa.Column("worker_type", sa.Text, nullable=False),
        sa.Column("status", sa.Text, server_default="offline"),
        sa.Column("current_task_id", sa.Integer, sa.ForeignKey("task_queue.id")),
        sa.Column("last_heartbeat", sa.TIMESTAMP),
        sa.Column("tasks_completed", sa.Integer, server_default=sa.text("0")),
        sa.Column("tasks_failed", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
    )


def create_activity_log() -> None:
    op.create_table(
        "activity_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("entity_type", sa.Text),
        sa.Column("entity_id", sa.Integer),
        sa.Column("details", sa.Text),
        sa.Column("ip_address", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
    )
    op.create_index("idx_activity_log_created", "activity_log", ["created_at"])


def create_resource_allocations() -> None:
    op.create_table(
        "resource_allocations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("resource_type", sa.Text, nullable=False),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("node_id", sa.Text, sa.ForeignKey("nodes.id")),
        sa.Column("priority", sa.Integer, server_default=sa.text("0")),
        sa.Column("allocated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("released_at", sa.TIMESTAMP),
        sa.Column("metadata", sa.Text),
    )
