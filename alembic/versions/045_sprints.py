"""Sprint management.

What is planned for a sprint, what was done, and a snapshot for each day. Six settings for all projects come with it.

`sprints` exists since 028 and gains the five columns it lacks; its key to `projects` stays ON DELETE CASCADE. The
indexes on project, status and dates exist since 028 and are not made again.

The settings' key holds NULL (no project), and NULLs do not collide in a unique constraint: a plain INSERT would
double the rows on every run, so the data step compares NULL as equal.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "045_sprints"
down_revision = "044_task_hierarchy"
branch_labels = None
depends_on = None

legacy_version = "045"
legacy_aliases = ("026",)

SETTINGS = (
    (None, "default_sprint_length", "14"),
    (None, "default_capacity_per_day", "6"),
    (None, "auto_close_completed_sprints", "false"),
    (None, "require_retrospective", "true"),
    (None, "velocity_calculation_method", "average"),
    (None, "sprints_for_velocity", "3"),
)


def upgrade() -> None:
    extend_sprints()
    create_sprint_tasks()
    create_sprint_features()
    create_sprint_bugs()
    create_sprint_daily_snapshots()
    create_sprint_settings()
    data_step()


def downgrade() -> None:
    op.drop_index("idx_sprints_active", table_name="sprints")
    for column in reversed(sprint_columns()):
        op.drop_column("sprints", column.name)
    op.drop_table("sprint_settings")
    op.drop_table("sprint_daily_snapshots")
    op.drop_table("sprint_bugs")
    op.drop_table("sprint_features")
    op.drop_table("sprint_tasks")


def data_step() -> None:
    for statement in insert_missing(
        "sprint_settings",
        key=("project_id", "setting_key"),
        columns=("project_id", "setting_key", "setting_value"),
        rows=SETTINGS,
    ):
        op.execute(statement)


def extend_sprints() -> None:
    for column in sprint_columns():
        op.add_column("sprints", column)
    op.create_index(
        "idx_sprints_active",
        "sprints",
        ["status", "start_date"],
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    )


def create_sprint_tasks() -> None:
    op.create_table(
        "sprint_tasks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sprint_id", sa.Integer, sa.ForeignKey("sprints.id"), nullable=False),
        sa.Column("task_id", sa.Integer, sa.ForeignKey("task_queue.id"), nullable=False),
        sa.Column("story_points", sa.Integer, server_default=sa.text("0")),
        sa.Column("added_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("added_by", sa.Text),
        sa.Column("removed_at", sa.TIMESTAMP),
        sa.Column("removed_by", sa.Text),
        sa.UniqueConstraint("sprint_id", "task_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_sprint_tasks_sprint", "sprint_tasks", ["sprint_id"])
    op.create_index("idx_sprint_tasks_task", "sprint_tasks", ["task_id"])


def create_sprint_features() -> None:
    op.create_table(
        "sprint_features",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sprint_id", sa.Integer, sa.ForeignKey("sprints.id"), nullable=False),
        sa.Column("feature_id", sa.Integer, sa.ForeignKey("features.id"), nullable=False),
        sa.Column("story_points", sa.Integer, server_default=sa.text("0")),
        sa.Column("added_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("added_by", sa.Text),
        sa.UniqueConstraint("sprint_id", "feature_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_sprint_features_sprint", "sprint_features", ["sprint_id"])
    op.create_index("idx_sprint_features_feature", "sprint_features", ["feature_id"])


def create_sprint_bugs() -> None:
    op.create_table(
        "sprint_bugs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sprint_id", sa.Integer, sa.ForeignKey("sprints.id"), nullable=False),
        sa.Column("bug_id", sa.Integer, sa.ForeignKey("bugs.id"), nullable=False),
        sa.Column("story_points", sa.Integer, server_default=sa.text("0")),
        sa.Column("added_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("added_by", sa.Text),
        sa.UniqueConstraint("sprint_id", "bug_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_sprint_bugs_sprint", "sprint_bugs", ["sprint_id"])
    op.create_index("idx_sprint_bugs_bug", "sprint_bugs", ["bug_id"])


def create_sprint_daily_snapshots() -> None:
    op.create_table(
        "sprint_daily_snapshots",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sprint_id", sa.Integer, sa.ForeignKey("sprints.id"), nullable=False),
        sa.Column("snapshot_date", sa.Date, nullable=False),
        sa.Column("total_points", sa.Integer, server_default=sa.text("0")),
        sa.Column("completed_points", sa.Integer, server_default=sa.text("0")),
        sa.Column("remaining_points", sa.Integer, server_default=sa.text("0")),
        sa.Column("tasks_total", sa.Integer, server_default=sa.text("0")),
        sa.Column("tasks_completed", sa.Integer, server_default=sa.text("0")),
        sa.Column("tasks_in_progress", sa.Integer, server_default=sa.text("0")),
        sa.Column("blockers_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("notes", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("sprint_id", "snapshot_date"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_sprint_snapshots_sprint", "sprint_daily_snapshots", ["sprint_id"])
    op.create_index("idx_sprint_snapshots_date", "sprint_daily_snapshots", ["snapshot_date"])


def create_sprint_settings() -> None:
    op.create_table(
        "sprint_settings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer),
        sa.Column("setting_key", sa.Text, nullable=False),
        sa.Column("setting_value", sa.Text),
        sa.UniqueConstraint("project_id", "setting_key"),
        sqlite_autoincrement=True,
    )


def sprint_columns() -> list[sa.Column]:
    return [
        sa.Column("velocity_planned", sa.Integer, server_default=sa.text("0")),
        sa.Column("velocity_actual", sa.Integer, server_default=sa.text("0")),
        sa.Column("notes", sa.Text),
        sa.Column("retrospective", sa.Text),
        sa.Column("completed_at", sa.TIMESTAMP),
    ]
