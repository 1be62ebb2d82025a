"""Project costs.

Budget of a project by fiscal year, and its costs.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "023_project_costs"
down_revision = "022_task_worklog"
branch_labels = None
depends_on = None

legacy_version = "023"
legacy_aliases = ()


def upgrade() -> None:
    create_project_budgets()
    create_project_costs()


def downgrade() -> None:
    op.drop_table("project_costs")
    op.drop_table("project_budgets")


def create_project_budgets() -> None:
    op.create_table(
        "project_budgets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("budget_amount", sa.REAL, nullable=False),
        sa.Column("currency", sa.Text, server_default="USD"),
        sa.Column("fiscal_year", sa.Integer, nullable=False),
        sa.Column("notes", sa.Text),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("project_id", "fiscal_year"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_budgets_project", "project_budgets", ["project_id"])
    op.create_index("idx_budgets_year", "project_budgets", ["fiscal_year"])


def create_project_costs() -> None:
    op.create_table(
        "project_costs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("amount", sa.REAL, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("cost_date", sa.Date, nullable=False),
        sa.Column("status", sa.Text, server_default="planned"),
        sa.Column("vendor", sa.Text),
        sa.Column("invoice_ref", sa.Text),
        sa.Column("fiscal_year", sa.Integer, nullable=False),
        sa.Column("metadata", sa.Text),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_costs_project", "project_costs", ["project_id"])
    op.create_index("idx_costs_category", "project_costs", ["category"])
    op.create_index("idx_costs_status", "project_costs", ["status"])
    op.create_index("idx_costs_year", "project_costs", ["fiscal_year"])
    op.create_index("idx_costs_date", "project_costs", ["cost_date"])
