"""API keys.

API keys, stored as hashes, and their use.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "013_api_keys"
down_revision = "012_task_assignment_alerts"
branch_labels = None
depends_on = None

legacy_version = "013"
legacy_aliases = ()


def upgrade() -> None:
    create_api_keys()
    create_api_key_usage()


def downgrade() -> None:
    op.drop_table("api_key_usage")
    op.drop_table("api_keys")


def create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False, unique=True),
        sa.Column("key_hash", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, server_default="read"),
        sa.Column("rate_limit", sa.Integer, server_default=sa.text("1000")),
        sa.Column("expires_at", sa.TIMESTAMP),
        sa.Column("last_used_at", sa.TIMESTAMP),
        sa.Column("last_used_ip", sa.Text),
        sa.Column("use_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("enabled", sa.Boolean, server_default=sa.true()),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_api_keys_key_id", "api_keys", ["key_id"])
    op.create_index("idx_api_keys_user", "api_keys", ["user_id"])
    op.create_index("idx_api_keys_enabled", "api_keys", ["enabled"])


def create_api_key_usage() -> None:
    op.create_table(
        "api_key_usage",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key_id", sa.Text, sa.ForeignKey("api_keys.key_id", ondelete="CASCADE"), nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("status_code", sa.Integer),
        sa.Column("ip_address", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.Column("response_time_ms", sa.Integer),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_api_key_usage_key", "api_key_usage", ["key_id"])
    op.create_index("idx_api_key_usage_created", "api_key_usage", ["created_at"])
