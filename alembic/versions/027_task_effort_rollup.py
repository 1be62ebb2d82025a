"""Task effort roll-up.

Effort and progress of a task, rolled up from its children.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "027_task_effort_rollup"
down_revision = "026_dashboard_layouts"
branch_labels = None
depends_on = None

legacy_version = "027"
legacy_aliases = ()


def upgrade() -> None:
    op.add_column("task_queue", sa.Column("rollup_estimated_hours", sa.REAL, server_default=sa.text("0")))
    op.add_column("task_queue", sa.Column("rollup_actual_hours", sa.REAL, server_default=sa.text("0")))
    op.add_column("task_queue", sa.Column("rollup_progress", sa.REAL, server_default=sa.text("0")))


def downgrade() -> None:
    op.drop_column("task_queue", "rollup_progress")
    op.drop_column("task_queue", "rollup_actual_hours")
    op.drop_column("task_queue", "rollup_estimated_hours")
