"""Scheduled tasks.

Tasks that run by a cron expression, and their runs.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "011_scheduled_tasks"
down_revision = "010_user_preferences"
branch_labels = None
depends_on = None

legacy_version = "011"
legacy_aliases = ()


def upgrade() -> None:
    create_scheduled_tasks()
    create_scheduled_task_runs()


def downgrade() -> None:
    op.drop_table("scheduled_task_runs")
    op.drop_table("scheduled_tasks")


def create_scheduled_tasks() -> None:
    op.create_table(
        "scheduled_tasks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("description", sa.Text),
        sa.Column("cron_expression", sa.Text, nullable=False),
        sa.Column("task_type", sa.Text, nullable=False),
        sa.Column("task_data", sa.Text),
        sa.Column("priority", sa.Integer, server_default=sa.text("0")),
        sa.Column("enabled", sa.Boolean, server_default=sa.true()),
        sa.Column("max_retries", sa.Integer, server_default=sa.text("3")),
        sa.Column("timeout_seconds", sa.Integer, server_default=sa.text("300")),
        sa.Column("last_run_at", sa.TIMESTAMP),
        sa.Column("last_run_status", sa.Text),
        sa.Column("last_run_duration_ms", sa.Integer),
        sa.Column("next_run_at", sa.TIMESTAMP),
        sa.Column("run_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("error_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_scheduled_tasks_enabled", "scheduled_tasks", ["enabled"])
    op.create_index("idx_scheduled_tasks_next_run", "scheduled_tasks", ["next_run_at"])


def create_scheduled_task_runs() -> None:
    op.create_table(
        "scheduled_task_runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "scheduled_task_id", sa.Integer, sa.ForeignKey("scheduled_tasks.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("task_queue_id", sa.Integer, sa.ForeignKey("task_queue.id")),
        sa.Column("status", sa.Text, server_default="pending"),
        sa.Column("started_at", sa.TIMESTAMP),
        sa.Column("completed_at", sa.TIMESTAMP),
        sa.Column("duration_ms", sa.Integer),
        sa.Column("output", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_scheduled_task_runs_task", "scheduled_task_runs", ["scheduled_task_id"])
    op.create_index("idx_scheduled_task_runs_status", "scheduled_task_runs", ["status"])
