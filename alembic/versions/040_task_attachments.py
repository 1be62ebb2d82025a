"""Task attachments.

Files attached to a task, and comments on them.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "040_task_attachments"
down_revision = "039_worker_skills"
branch_labels = None
depends_on = None

legacy_version = "040"
legacy_aliases = ("018",)


def upgrade() -> None:
    op.create_table(
        "task_attachments",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("task_type", sa.Text, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("original_filename", sa.Text, nullable=False),
        sa.Column("file_path", sa.Text, nullable=False),
        sa.Column("file_size", sa.Integer, nullable=False),
        sa.Column("mime_type", sa.Text),
        sa.Column("file_hash", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("uploaded_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("has_preview", sa.Boolean, server_default=sa.false()),
        sa.Column("preview_path", sa.Text),
        sa.Column("thumbnail_path", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_task_attachments_task", "task_attachments", ["task_id", "task_type"])
    op.create_index("idx_task_attachments_hash", "task_attachments", ["file_hash"])
    op.create_index("idx_task_attachments_user", "task_attachments", ["uploaded_by"])
    op.create_table(
        "attachment_comments",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "attachment_id", sa.Integer, sa.ForeignKey("task_attachments.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_attachment_comments_attachment", "attachment_comments", ["attachment_id"])


def downgrade() -> None:
    op.drop_table("attachment_comments")
    op.drop_table("task_attachments")
