"""Tmux project groups.

Tmux sessions grouped by project and environment, and how each user folds and orders the groups.

034 adds `environment` and `is_worker` a second time; they are made here, and `is_worker` stays BOOLEAN.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "016_tmux_project_groups"
down_revision = "015_task_watchers"
branch_labels = None
depends_on = None

legacy_version = "016"
legacy_aliases = ()


def upgrade() -> None:
    for column in session_columns():
        op.add_column("tmux_sessions", column, inline_references=True)
    op.create_index("idx_tmux_sessions_project", "tmux_sessions", ["project_id"])
    op.create_index("idx_tmux_sessions_environment", "tmux_sessions", ["environment"])
    op.create_table(
        "session_group_prefs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("group_id", sa.Text, nullable=False),
        sa.Column("collapsed", sa.Boolean, server_default=sa.false()),
        sa.Column("display_order", sa.Integer, server_default=sa.text("0")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("user_id", "group_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_session_group_prefs_user", "session_group_prefs", ["user_id"])


def downgrade() -> None:
    op.drop_index("idx_tmux_sessions_environment", table_name="tmux_sessions")
    op.drop_index("idx_tmux_sessions_project", table_name="tmux_sessions")
    for column in reversed(session_columns()):
        op.drop_column("tmux_sessions", column.name)
    op.drop_table("session_group_prefs")


def session_columns() -> list[sa.Column]:
    return [
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("environment", sa.Text),
        sa.Column("is_worker", sa.Boolean, server_default=sa.false()),
        sa.Column("display_order", sa.Integer, server_default=sa.text("0")),
        sa.Column("tags", sa.Text),
    ]
