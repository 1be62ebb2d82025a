"""Task risk.

Risk of a task, as level, score and factors.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "033_add_task_risk"
down_revision = "032_llm_provider_tests"
branch_labels = None
depends_on = None

legacy_version = "033"
legacy_aliases = ()


def upgrade() -> None:
    for column in task_columns():
        op.add_column("task_queue", column)
    op.create_index("idx_task_queue_risk_level", "task_queue", ["risk_level"])
    op.create_index("idx_task_queue_risk_score", "task_queue", [sa.text("risk_score DESC")])


def downgrade() -> None:
    op.drop_index("idx_task_queue_risk_score", table_name="task_queue")
    op.drop_index("idx_task_queue_risk_level", table_name="task_queue")
    for column in reversed(task_columns()):
        op.drop_column("task_queue", column.name)


def task_columns() -> list[sa.Column]:
    return [
        sa.Column("risk_level", sa.Text, server_default="low"),
        sa.Column("risk_score", sa.Integer, server_default=sa.text("0")),
        sa.Column("risk_factors", sa.Text, server_default="[]"),
        sa.Column("risk_assessed_at", sa.TIMESTAMP),
    ]
