"""Task worklog.

Time spent on tasks, and the timers that are running.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "022_task_worklog"
down_revision = "021_task_batches"
branch_labels = None
depends_on = None

legacy_version = "022"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "task_worklog",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.Integer, sa.ForeignKey("task_queue.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("time_spent_minutes", sa.Integer, nullable=False),
        sa.Column("work_date", sa.Date, nullable=False),
        sa.Column("work_type", sa.Text, server_default="general"),
        sa.Column("billable", sa.Boolean, server_default=sa.true()),
        sa.Column("metadata", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_worklog_task", "task_worklog", ["task_id"])
    op.create_index("idx_worklog_user", "task_worklog", ["user_id"])
    op.create_index("idx_worklog_date", "task_worklog", ["work_date"])
    op.create_index("idx_worklog_type", "task_worklog", ["work_type"])
    op.create_table(
        "task_timers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.Integer, sa.ForeignKey("task_queue.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("work_type", sa.Text, server_default="general"),
        sa.Column("start_time", sa.TIMESTAMP, nullable=False),
        sa.Column("end_time", sa.TIMESTAMP),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_timers_user", "task_timers", ["user_id"])
    op.create_index(
        "idx_timers_active",
        "task_timers",
        ["user_id", "end_time"],
        sqlite_where=sa.text("end_time IS NULL"),
        postgresql_where=sa.text("end_time IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("task_timers")
    op.drop_table("task_worklog")
