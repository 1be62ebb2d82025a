"""Crawl results.

What the web crawler brought back.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "048_crawl_results"
down_revision = "047_system_health"
branch_labels = None
depends_on = None

legacy_version = "048"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "crawl_results",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("start_url", sa.Text),
        sa.Column("final_url", sa.Text),
        sa.Column("success", sa.Boolean, server_default=sa.false()),
        sa.Column("extracted_data", sa.Text),
        sa.Column("action_history", sa.Text),
        sa.Column("screenshots", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("duration_seconds", sa.REAL),
        sa.Column("llm_provider", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_crawl_results_task_id", "crawl_results", ["task_id"])
    op.create_index("idx_crawl_results_created_at", "crawl_results", ["created_at"])
    op.create_index("idx_crawl_results_success", "crawl_results", ["success"])
    op.create_index("idx_crawl_results_llm_provider", "crawl_results", ["llm_provider"])


def downgrade() -> None:
    op.drop_table("crawl_results")
