"""Task batches.

Tasks created in one go.

`template_id` has no foreign key: it would refer to `task_templates`, which no migration creates (the application
makes it at start).
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "021_task_batches"
down_revision = "020_project_dependencies"
branch_labels = None
depends_on = None

legacy_version = "021"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "task_batches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("batch_id", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("template_id", sa.Integer),
        sa.Column("total_tasks", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("failed_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("status", sa.Text, server_default="pending"),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_task_batches_batch_id", "task_batches", ["batch_id"])
    op.create_index("idx_task_batches_template", "task_batches", ["template_id"])
    op.create_index("idx_task_batches_status", "task_batches", ["status"])
    op.create_index("idx_task_batches_created_by", "task_batches", ["created_by"])


def downgrade() -> None:
    op.drop_table("task_batches")
