"""Session pool.

The pool of tmux sessions that are kept alive, and what happened to them.

Two legacy files bore the number 017; see 017_task_webhooks.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "017_session_pool"
down_revision = "017_task_webhooks"
branch_labels = None
depends_on = None

legacy_version = "017"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "session_pool",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("tmux_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, server_default="worker"),
        sa.Column("restart_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("health", sa.Text, server_default="unknown"),
        sa.Column("status", sa.Text, server_default="stopped"),
        sa.Column("last_heartbeat", sa.TIMESTAMP),
        sa.Column("last_restart", sa.TIMESTAMP),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("metadata", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_session_pool_health", "session_pool", ["health"])
    op.create_index("idx_session_pool_status", "session_pool", ["status"])
    op.create_table(
        "pool_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("session_name", sa.Text, sa.ForeignKey("session_pool.name"), nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("details", sa.Text),
        sa.Column("timestamp", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_pool_events_session", "pool_events", ["session_name"])
    op.create_index("idx_pool_events_timestamp", "pool_events", ["timestamp"])


def downgrade() -> None:
    op.drop_table("pool_events")
    op.drop_table("session_pool")
