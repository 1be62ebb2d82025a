"""Task watchers.

Who watches which task, what happened to it, and how watchers want to hear of it.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "015_task_watchers"
down_revision = "014_integrations"
branch_labels = None
depends_on = None

legacy_version = "015"
legacy_aliases = ()


def upgrade() -> None:
    create_task_watchers()
    create_watch_events()
    create_watch_preferences()


def downgrade() -> None:
    op.drop_table("watch_preferences")
    op.drop_table("watch_events")
    op.drop_table("task_watchers")


def create_task_watchers() -> None:
    op.create_table(
        "task_watchers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("task_type", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("watch_type", sa.Text, server_default="all"),
        sa.Column("notify_email", sa.Boolean, server_default=sa.false()),
        sa.Column("notify_dashboard", sa.Boolean, server_default=sa.true()),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("task_id", "task_type", "user_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_task_watchers_task", "task_watchers", ["task_id", "task_type"])
    op.create_index("idx_task_watchers_user", "task_watchers", ["user_id"])


def create_watch_events() -> None:
    op.create_table(
        "watch_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("watcher_id", sa.Integer, sa.ForeignKey("task_watchers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("task_type", sa.Text, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("event_data", sa.Text),
        sa.Column("notified_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("read_at", sa.TIMESTAMP),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_watch_events_watcher", "watch_events", ["watcher_id"])
    op.create_index("idx_watch_events_unread", "watch_events", ["watcher_id", "read_at"])
    op.create_index("idx_watch_events_task", "watch_events", ["task_id", "task_type"])


def create_watch_preferences() -> None:
    op.create_table(
        "watch_preferences",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False, unique=True),
        sa.Column("auto_watch_created", sa.Boolean, server_default=sa.true()),
        sa.Column("auto_watch_assigned", sa.Boolean, server_default=sa.true()),
        sa.Column("auto_watch_commented", sa.Boolean, server_default=sa.false()),
        sa.Column("quiet_hours_start", sa.Text),
        sa.Column("quiet_hours_end", sa.Text),
        sa.Column("digest_frequency", sa.Text, server_default="instant"),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
