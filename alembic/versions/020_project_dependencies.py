"""Project dependencies.

Which project depends on which, and how.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "020_project_dependencies"
down_revision = "019_app_settings"
branch_labels = None
depends_on = None

legacy_version = "020"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "project_dependencies",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source_project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("target_project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("dependency_type", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("metadata", sa.Text),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("source_project_id", "target_project_id", "dependency_type"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_project_deps_source", "project_dependencies", ["source_project_id"])
    op.create_index("idx_project_deps_target", "project_dependencies", ["target_project_id"])
    op.create_index("idx_project_deps_type", "project_dependencies", ["dependency_type"])


def downgrade() -> None:
    op.drop_table("project_dependencies")
