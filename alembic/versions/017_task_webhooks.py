"""Task webhooks.

Webhooks that are called when a task changes, and their deliveries.

Two legacy files bore the number 017. They share no table, so their order is free: this one comes first, and a
tracker row for 017 may stand for either or both. Only the schema tells.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "017_task_webhooks"
down_revision = "016_tmux_project_groups"
branch_labels = None
depends_on = None

legacy_version = "017"
legacy_aliases = ()


def upgrade() -> None:
    create_task_webhooks()
    create_webhook_deliveries()


def downgrade() -> None:
    op.drop_table("webhook_deliveries")
    op.drop_table("task_webhooks")


def create_task_webhooks() -> None:
    op.create_table(
        "task_webhooks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.Text),
        sa.Column("events", sa.Text),
        sa.Column("task_types", sa.Text),
        sa.Column("enabled", sa.Integer, server_default=sa.text("1")),
        sa.Column("retry_count", sa.Integer, server_default=sa.text("3")),
        sa.Column("timeout_seconds", sa.Integer, server_default=sa.text("10")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_task_webhooks_enabled", "task_webhooks", ["enabled"])


def create_webhook_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("webhook_id", sa.Integer, sa.ForeignKey("task_webhooks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("task_id", sa.Integer),
        sa.Column("payload", sa.Text),
        sa.Column("status_code", sa.Integer),
        sa.Column("success", sa.Integer, server_default=sa.text("0")),
        sa.Column("duration_seconds", sa.REAL),
        sa.Column("response_body", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_webhook_deliveries_webhook", "webhook_deliveries", ["webhook_id"])
    op.create_index("idx_webhook_deliveries_task", "webhook_deliveries", ["task_id"])
    op.create_index("idx_webhook_deliveries_event", "webhook_deliveries", ["event"])
    op.create_index("idx_webhook_deliveries_created", "webhook_deliveries", ["created_at"])
