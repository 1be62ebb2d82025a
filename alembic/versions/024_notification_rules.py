"""Notification rules.

Rules that say who is notified of what, the queue they fill, and a log of the deliveries.

`notification_log` exists since 009 as the log of service notifications, and both writers are live. It gains the
columns of a delivery; `channel` and `status` allow NULL because 009's writer does not know them.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "024_notification_rules"
down_revision = "023_project_costs"
branch_labels = None
depends_on = None

legacy_version = "024"
legacy_aliases = ()


def upgrade() -> None:
    create_notification_rules()
    create_notification_queue()
    extend_notification_log()


def downgrade() -> None:
    op.drop_index("idx_notif_log_channel", table_name="notification_log")
    op.drop_index("idx_notif_log_notification", table_name="notification_log")
    for column in reversed(notification_log_columns()):
        op.drop_column("notification_log", column.name)
    op.drop_table("notification_queue")
    op.drop_table("notification_rules")


def create_notification_rules() -> None:
    op.create_table(
        "notification_rules",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("channels", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE")),
        sa.Column("conditions", sa.Text),
        sa.Column("frequency", sa.Text, server_default="immediate"),
        sa.Column("enabled", sa.Boolean, server_default=sa.true()),
        sa.Column("quiet_hours_start", sa.Text),
        sa.Column("quiet_hours_end", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_notif_rules_event", "notification_rules", ["event_type"])
    op.create_index("idx_notif_rules_user", "notification_rules", ["user_id"])
    op.create_index("idx_notif_rules_project", "notification_rules", ["project_id"])
    op.create_index("idx_notif_rules_enabled", "notification_rules", ["enabled"])


def create_notification_queue() -> None:
    op.create_table(
        "notification_queue",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rule_id", sa.Integer, sa.ForeignKey("notification_rules.id", ondelete="SET NULL")),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("event_data", sa.Text),
        sa.Column("channels", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("status", sa.Text, server_default="pending"),
        sa.Column("sent_at", sa.TIMESTAMP),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_notif_queue_status", "notification_queue", ["status"])
    op.create_index("idx_notif_queue_user", "notification_queue", ["user_id"])


def extend_notification_log() -> None:
    for column in notification_log_columns():
        op.add_column("notification_log", column, inline_references=True)
    op.create_index("idx_notif_log_notification", "notification_log", ["notification_id"])
    op.create_index("idx_notif_log_channel", "notification_log", ["channel"])


def notification_log_columns() -> list[sa.Column]:
    return [
        sa.Column("notification_id", sa.Integer, sa.ForeignKey("notification_queue.id", ondelete="CASCADE")),
        sa.Column("channel", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("error_message", sa.Text),
    ]
