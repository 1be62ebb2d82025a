"""Sprints.

Sprints, and the sprint of a task.

`sprints` is declared again in 045, whose writer may leave out the project and relies on a capacity of 0: so
`project_id` allows NULL and `capacity_hours` has that default from the start. The two shapes also disagree on the
key to `projects`; this one, with ON DELETE CASCADE, stands.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "028_sprints"
down_revision = "027_task_effort_rollup"
branch_labels = None
depends_on = None

legacy_version = "028"
legacy_aliases = ()


def upgrade() -> None:
    op.create_table(
        "sprints",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE")),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("goal", sa.Text),
        sa.Column("capacity_hours", sa.REAL, server_default=sa.text("0")),
        sa.Column("status", sa.Text, server_default="planning"),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_sprints_project", "sprints", ["project_id"])
    op.create_index("idx_sprints_status", "sprints", ["status"])
    op.create_index("idx_sprints_dates", "sprints", ["start_date", "end_date"])
    op.add_column("task_queue", sa.Column("sprint_id", sa.Integer, sa.ForeignKey("sprints.id")), inline_references=True)
    op.create_index("idx_tasks_sprint", "task_queue", ["sprint_id"])


def downgrade() -> None:
    op.drop_index("idx_tasks_sprint", table_name="task_queue")
    op.drop_column("task_queue", "sprint_id")
    op.drop_table("sprints")
