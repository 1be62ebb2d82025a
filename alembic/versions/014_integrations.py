"""Integrations.

Connections to outside services, the events they send, and a log of the syncs.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "014_integrations"
down_revision = "013_api_keys"
branch_labels = None
depends_on = None

legacy_version = "014"
legacy_aliases = ()


def upgrade() -> None:
    create_integrations()
    create_integration_events()
    create_integration_sync_log()


def downgrade() -> None:
    op.drop_table("integration_sync_log")
    op.drop_table("integration_events")
    op.drop_table("integrations")


def create_integrations() -> None:
    op.create_table(
        "integrations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("credentials", sa.Text),
        sa.Column("enabled", sa.Boolean, server_default=sa.true()),
        sa.Column("status", sa.Text, server_default="pending"),
        sa.Column("status_message", sa.Text),
        sa.Column("last_sync_at", sa.TIMESTAMP),
        sa.Column("last_error_at", sa.TIMESTAMP),
        sa.Column("last_error", sa.Text),
        sa.Column("sync_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("error_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_integrations_type", "integrations", ["type"])
    op.create_index("idx_integrations_provider", "integrations", ["provider"])
    op.create_index("idx_integrations_enabled", "integrations", ["enabled"])


def create_integration_events() -> None:
    op.create_table(
        "integration_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("integration_id", sa.Integer, sa.ForeignKey("integrations.id", ondelete="CASCADE"), nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("payload", sa.Text),
        sa.Column("source_id", sa.Text),
        sa.Column("processed", sa.Boolean, server_default=sa.false()),
        sa.Column("processed_at", sa.TIMESTAMP),
        sa.Column("result", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_integration_events_integration", "integration_events", ["integration_id"])
    op.create_index("idx_integration_events_processed", "integration_events", ["processed"])


def create_integration_sync_log() -> None:
    op.create_table(
        "integration_sync_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("integration_id", sa.Integer, sa.ForeignKey("integrations.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sync_type", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, server_default="inbound"),
        sa.Column("items_synced", sa.Integer, server_default=sa.text("0")),
        sa.Column("items_failed", sa.Integer, server_default=sa.text("0")),
        sa.Column("duration_ms", sa.Integer),
        sa.Column("details", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_integration_sync_log_integration", "integration_sync_log", ["integration_id"])
