"""Task due dates.

Due dates of tasks, and reminders of them.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "043_task_due_dates"
down_revision = "042_status_history"
branch_labels = None
depends_on = None

legacy_version = "043"
legacy_aliases = ("020",)


def upgrade() -> None:
    extend_task_queue()
    extend_task_archive()
    create_task_reminder_settings()
    create_task_reminders()


def downgrade() -> None:
    op.drop_index("idx_task_queue_due_pending", table_name="task_queue")
    op.drop_index("idx_task_queue_due_date", table_name="task_queue")
    op.drop_column("task_archive", "due_date")
    op.drop_column("task_queue", "reminder_sent")
    op.drop_column("task_queue", "due_date")
    op.drop_table("task_reminders")
    op.drop_table("task_reminder_settings")


def extend_task_queue() -> None:
    op.add_column("task_queue", sa.Column("due_date", sa.TIMESTAMP))
    op.add_column("task_queue", sa.Column("reminder_sent", sa.Integer, server_default=sa.text("0")))
    op.create_index("idx_task_queue_due_date", "task_queue", ["due_date"])
    op.create_index(
        "idx_task_queue_due_pending",
        "task_queue",
        ["due_date", "status"],
        sqlite_where=sa.text("status IN ('pending', 'in_progress')"),
        postgresql_where=sa.text("status IN ('pending', 'in_progress')"),
    )


def extend_task_archive() -> None:
    op.add_column("task_archive", sa.Column("due_date", sa.TIMESTAMP))


def create_task_reminder_settings() -> None:
    op.create_table(
        "task_reminder_settings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False, unique=True),
        sa.Column("reminder_enabled", sa.Integer, server_default=sa.text("1")),
        sa.Column("remind_days_before", sa.Integer, server_default=sa.text("1")),
        sa.Column("remind_hours_before", sa.Integer, server_default=sa.text("24")),
        sa.Column("remind_on_due_day", sa.Integer, server_default=sa.text("1")),
        sa.Column("remind_when_overdue", sa.Integer, server_default=sa.text("1")),
        sa.Column("email_notifications", sa.Integer, server_default=sa.text("0")),
        sa.Column("in_app_notifications", sa.Integer, server_default=sa.text("1")),
        sa.Column("slack_notifications", sa.Integer, server_default=sa.text("0")),
        sa.Column("quiet_hours_start", sa.Text),
        sa.Column("quiet_hours_end", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )


def create_task_reminders() -> None:
    op.create_table(
        "task_reminders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.Integer, sa.ForeignKey("task_queue.id"), nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("reminder_type", sa.Text, nullable=False),
        sa.Column("reminder_method", sa.Text, nullable=False),
        sa.Column("sent_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("acknowledged_at", sa.TIMESTAMP),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_task_reminders_task", "task_reminders", ["task_id"])
    op.create_index("idx_task_reminders_user", "task_reminders", ["user_id"])
    op.create_index("idx_task_reminders_type", "task_reminders", ["reminder_type"])
