"""Dashboard layouts.

Dashboard layouts that users save and share.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "026_dashboard_layouts"
down_revision = "025_task_conversions"
branch_labels = None
depends_on = None

legacy_version = "026"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "dashboard_layouts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("layout_config", sa.Text, nullable=False),
        sa.Column("is_default", sa.Boolean, server_default=sa.false()),
        sa.Column("is_public", sa.Boolean, server_default=sa.false()),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_layouts_user", "dashboard_layouts", ["user_id"])
    op.create_index("idx_layouts_default", "dashboard_layouts", ["user_id", "is_default"])
    op.create_index("idx_layouts_public", "dashboard_layouts", ["is_public"])


def downgrade() -> None:
    op.drop_table("dashboard_layouts")
