"""Project templates and custom reports.

Project templates, and custom reports that can be shared.

`custom_reports` exists since 018 in another shape, and both writers are live. It gains the columns it lacks; none of
them is NOT NULL, and 018's `data_source` allows NULL for this writer's sake.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "041_project_templates"
down_revision = "040_task_attachments"
branch_labels = None
depends_on = None

legacy_version = "041"
legacy_aliases = ("019",)


def upgrade() -> None:
    op.create_table(
        "project_templates",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("template_data", sa.Text),
        sa.Column("is_active", sa.Integer, server_default=sa.text("1")),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_project_templates_name", "project_templates", ["name"])
    op.create_index("idx_project_templates_active", "project_templates", ["is_active"])
    for column in custom_report_columns():
        op.add_column("custom_reports", column)
    op.create_index("idx_custom_reports_name", "custom_reports", ["name"])
    op.create_index("idx_custom_reports_created_by", "custom_reports", ["created_by"])
    op.create_index("idx_custom_reports_shared", "custom_reports", ["is_shared"])


def downgrade() -> None:
    op.drop_index("idx_custom_reports_shared", table_name="custom_reports")
    op.drop_index("idx_custom_reports_created_by", table_name="custom_reports")
    op.drop_index("idx_custom_reports_name", table_name="custom_reports")
    for column in reversed(custom_report_columns()):
        op.drop_column("custom_reports", column.name)
    op.drop_table("project_templates")


def custom_report_columns() -> list[sa.Column]:
    return [
        sa.Column("report_type", sa.Text, server_default="table"),
        sa.Column("report_config", sa.Text),
        sa.Column("is_shared", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_by", sa.Text),
        sa.Column("last_run_at", sa.TIMESTAMP),
    ]
