"""Task assignment alerts.

Alerts to the person whom a task is assigned to, and which alerts that person wants.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "012_task_assignment_alerts"
down_revision = "011_scheduled_tasks"
branch_labels = None
depends_on = None

legacy_version = "012"
legacy_aliases = ()


def upgrade() -> None:
    create_task_assignment_alerts()
    create_user_alert_preferences()


def downgrade() -> None:
    op.drop_table("user_alert_preferences")
    op.drop_table("task_assignment_alerts")


def create_task_assignment_alerts() -> None:
    op.create_table(
        "task_assignment_alerts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.Integer, sa.ForeignKey("task_queue.id", ondelete="CASCADE"), nullable=False),
        sa.Column("task_type", sa.Text, nullable=False),
        sa.Column("task_title", sa.Text),
        sa.Column("assigned_to", sa.Text, nullable=False),
        sa.Column("assigned_by", sa.Text),
        sa.Column("priority", sa.Text, server_default="normal"),
        sa.Column("message", sa.Text),
        sa.Column("read_at", sa.TIMESTAMP),
        sa.Column("dismissed_at", sa.TIMESTAMP),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_task_assignment_alerts_to", "task_assignment_alerts", ["assigned_to"])
    op.create_index("idx_task_assignment_alerts_read", "task_assignment_alerts", ["read_at"])
    op.create_index("idx_task_assignment_alerts_task", "task_assignment_alerts", ["task_id"])


def create_user_alert_preferences() -> None:
    op.create_table(
        "user_alert_preferences",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False, unique=True),
        sa.Column("notify_on_assignment", sa.Boolean, server_default=sa.true()),
        sa.Column("notify_on_completion", sa.Boolean, server_default=sa.true()),
        sa.Column("notify_on_error", sa.Boolean, server_default=sa.true()),
        sa.Column("sound_enabled", sa.Boolean, server_default=sa.true()),
        sa.Column("desktop_notifications", sa.Boolean, server_default=sa.true()),
        sa.Column("email_notifications", sa.Boolean, server_default=sa.false()),
        sa.Column("quiet_hours_start", sa.Text),
        sa.Column("quiet_hours_end", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_user_alert_preferences_user", "user_alert_preferences", ["user_id"])
