"""Service notifications.

Channels for notifications about the services, and a log of what was sent. Three channels come with it.

`notification_log` gets a second writer in 024, a delivery log that knows neither `notification_type` nor `title`:
both allow NULL. A delivery's row takes this shape's defaults for the rest (`severity` 'error', `acknowledged` 0).
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "009_notifications"
down_revision = "008_multi_region"
branch_labels = None
depends_on = None

legacy_version = "009"
legacy_aliases = ()

CHANNELS = (
    ("file_log", "log", '{"path": "/tmp/architect_notifications.log", "format": "json"}', 1, "all"),
    ("database_log", "log", '{"table": "notification_log"}', 1, "all"),
    ("websocket_broadcast", "socket", '{"room": "notifications", "event": "service_alert"}', 1, "all"),
)


def upgrade() -> None:
    create_notification_settings()
    create_notification_log()
    data_step()


def downgrade() -> None:
    op.drop_table("notification_log")
    op.drop_table("notification_settings")


def data_step() -> None:
    for statement in insert_missing(
        "notification_settings",
        key=("name",),
        columns=("name", "category", "config", "enabled", "notify_on"),
        rows=CHANNELS,
    ):
        op.execute(statement)


def create_notification_settings() -> None:
    op.create_table(
        "notification_settings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("enabled", sa.Integer, server_default=sa.text("1")),
        sa.Column("notify_on", sa.Text, server_default="all"),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_notification_settings_category", "notification_settings", ["category"])
    op.create_index("idx_notification_settings_enabled", "notification_settings", ["enabled"])


def create_notification_log() -> None:
    op.create_table(
        "notification_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("notification_type", sa.Text),
        sa.Column("severity", sa.Text, server_default="error"),
        sa.Column("title", sa.Text),
        sa.Column("message", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("metadata", sa.Text),
        sa.Column("channels_notified", sa.Text),
        sa.Column("webhook_responses", sa.Text),
        sa.Column("acknowledged", sa.Integer, server_default=sa.text("0")),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("acknowledged_at", sa.TIMESTAMP),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_notification_log_type", "notification_log", ["notification_type"])
    op.create_index("idx_notification_log_severity", "notification_log", ["severity"])
    op.create_index("idx_notification_log_source", "notification_log", ["source"])
    op.create_index("idx_notification_log_acknowledged", "notification_log", ["acknowledged"])
    op.create_index("idx_notification_log_created", "notification_log", ["created_at"])
