"""Kudos.

Thanks from one user to another.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "029_kudos"
down_revision = "028_sprints"
branch_labels = None
depends_on = None

legacy_version = "029"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "kudos",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sender_user_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("recipient_user_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("category", sa.Text, server_default="general"),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("points", sa.Integer, server_default=sa.text("1")),
        sa.Column("metadata", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_kudos_sender", "kudos", ["sender_user_id"])
    op.create_index("idx_kudos_recipient", "kudos", ["recipient_user_id"])
    op.create_index("idx_kudos_project", "kudos", ["project_id"])
    op.create_index("idx_kudos_created_at", "kudos", ["created_at"])


def downgrade() -> None:
    op.drop_table("kudos")
