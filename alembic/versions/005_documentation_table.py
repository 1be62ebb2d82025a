"""Versioned documentation.

The generated documentation, one row per version, and a log of its updates.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "005_documentation_table"
down_revision = "004_fix_milestones_schema"
branch_labels = None
depends_on = None

legacy_version = "005"
legacy_aliases = ()


def upgrade() -> None:
    create_documentation()
    create_documentation_updates()


def downgrade() -> None:
    op.drop_table("documentation_updates")
    op.drop_table("documentation")


def create_documentation() -> None:
    op.create_table(
        "documentation",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("html_content", sa.Text),
        sa.Column("generated_by", sa.Text, server_default="system"),
        sa.Column("environment", sa.Text),
        sa.Column("stats_snapshot", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_documentation_version", "documentation", ["version"])
    op.create_index("idx_documentation_updated", "documentation", [sa.text("updated_at DESC")])


def create_documentation_updates() -> None:
    op.create_table(
        "documentation_updates",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "trigger_type",
            sa.Text,
            sa.CheckConstraint("trigger_type IN ('manual', 'pre_deploy', 'scheduled', 'api')"),
            nullable=False,
        ),
        sa.Column("triggered_by", sa.Text),
        sa.Column("environment", sa.Text),
        sa.Column("old_version", sa.Text),
        sa.Column("new_version", sa.Text),
        sa.Column("changes_summary", sa.Text),
        sa.Column(
            "status",
            sa.Text,
            sa.CheckConstraint("status IN ('pending', 'running', 'completed', 'failed')"),
            server_default="pending",
        ),
        sa.Column("started_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("completed_at", sa.TIMESTAMP),
        sa.Column("error_message", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_doc_updates_status", "documentation_updates", ["status"])
