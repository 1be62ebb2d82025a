"""Custom reports.

Reports that users define, and their runs.

`custom_reports` gets a second writer in 041 that does not know `data_source`, which therefore allows NULL.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "018_custom_reports"
down_revision = "017_session_pool"
branch_labels = None
depends_on = None

legacy_version = "018"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "custom_reports",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("data_source", sa.Text),
        sa.Column("columns", sa.Text),
        sa.Column("filters", sa.Text),
        sa.Column("config", sa.Text),
        sa.Column("schedule", sa.Text),
        sa.Column("owner_id", sa.Integer, sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("is_public", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_custom_reports_owner", "custom_reports", ["owner_id"])
    op.create_index("idx_custom_reports_public", "custom_reports", ["is_public"])
    op.create_index("idx_custom_reports_source", "custom_reports", ["data_source"])
    op.create_table(
        "report_runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("report_id", sa.Integer, sa.ForeignKey("custom_reports.id", ondelete="CASCADE"), nullable=False),
        sa.Column("row_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("duration_seconds", sa.REAL),
        sa.Column("status", sa.Text, server_default="pending"),
        sa.Column("error", sa.Text),
        sa.Column("run_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_report_runs_report", "report_runs", ["report_id"])
    op.create_index("idx_report_runs_status", "report_runs", ["status"])
    op.create_index("idx_report_runs_time", "report_runs", ["run_at"])


def downgrade() -> None:
    op.drop_table("report_runs")
    op.drop_table("custom_reports")
