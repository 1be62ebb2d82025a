"""Task conversions.

What was converted into what: a bug into a feature, a task into a bug.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "025_task_conversions"
down_revision = "024_notification_rules"
branch_labels = None
depends_on = None

legacy_version = "025"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "task_conversions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source_type", sa.Text, nullable=False),
        sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("target_type", sa.Text, nullable=False),
        sa.Column("target_id", sa.Integer, nullable=False),
        sa.Column("converted_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_conversions_source", "task_conversions", ["source_type", "source_id"])
    op.create_index("idx_conversions_target", "task_conversions", ["target_type", "target_id"])


def downgrade() -> None:
    op.drop_table("task_conversions")
