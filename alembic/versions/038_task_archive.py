"""Task archive.

Finished tasks, moved out of the queue.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "038_task_archive"
down_revision = "037_llm_metrics"
branch_labels = None
depends_on = None

legacy_version = "038"
legacy_aliases = ("013",)


def upgrade() -> None:
    op.create_table(
        "task_archive",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("original_id", sa.Integer, nullable=False),
        sa.Column("task_type", sa.Text, nullable=False),
        sa.Column("task_data", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, server_default=sa.text("0")),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("assigned_node", sa.Text),
        sa.Column("assigned_worker", sa.Text),
        sa.Column("retries", sa.Integer, server_default=sa.text("0")),
        sa.Column("max_retries", sa.Integer, server_default=sa.text("3")),
        sa.Column("timeout_seconds", sa.Integer),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP),
        sa.Column("started_at", sa.TIMESTAMP),
        sa.Column("completed_at", sa.TIMESTAMP),
        sa.Column("archived_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
    )
    op.create_index("idx_task_archive_type", "task_archive", ["task_type"])
    op.create_index("idx_task_archive_status", "task_archive", ["status"])
    op.create_index("idx_task_archive_completed", "task_archive", ["completed_at"])
    op.create_index("idx_task_archive_archived", "task_archive", ["archived_at"])
    op.create_index("idx_task_archive_original", "task_archive", ["original_id"])


def downgrade() -> None:
    op.drop_table("task_archive")
