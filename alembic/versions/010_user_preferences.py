"""User preferences.

Preferences of a user, as keys and values.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "010_user_preferences"
down_revision = "009_notifications"
branch_labels = None
depends_on = None

legacy_version = "010"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "user_preferences",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("preference_key", sa.Text, nullable=False),
        sa.Column("preference_value", sa.Text),
        sa.Column("category", sa.Text, server_default="general"),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("user_id", "preference_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_user_preferences_user", "user_preferences", ["user_id"])
    op.create_index("idx_user_preferences_category", "user_preferences", ["category"])
    op.create_index("idx_user_preferences_key", "user_preferences", ["preference_key"])


def downgrade() -> None:
    op.drop_table("user_preferences")
