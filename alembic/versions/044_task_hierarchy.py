"""Task hierarchy.

Tasks below tasks, in the queue and in the archive. Five settings come with it.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "044_task_hierarchy"
down_revision = "043_task_due_dates"
branch_labels = None
depends_on = None

legacy_version = "044"
legacy_aliases = ("025",)

SETTINGS = (
    ("max_depth", "10", "How many levels deep a task may be nested"),
    ("cascade_status", "true", "Whether a change of a parent's status reaches its children"),
    ("auto_complete_parent", "true", "Whether a parent is completed once its children meet its completion requirement"),
    ("inherit_priority", "false", "Whether a new child takes over its parent's priority"),
    ("inherit_assignee", "false", "Whether a new child takes over its parent's assignee"),
)


def upgrade() -> None:
    extend_task_queue()
    extend_task_archive()
    create_task_hierarchy_settings()
    create_task_hierarchy_templates()
    data_step()


def downgrade() -> None:
    op.drop_index("idx_task_queue_parent_status", table_name="task_queue")
    op.drop_index("idx_task_queue_root_tasks", table_name="task_queue")
    op.drop_index("idx_task_queue_hierarchy_level", table_name="task_queue")
    op.drop_index("idx_task_queue_hierarchy_path", table_name="task_queue")
    op.drop_index("idx_task_queue_parent", table_name="task_queue")
    op.drop_column("task_archive", "hierarchy_path")
    op.drop_column("task_archive", "hierarchy_level")
    op.drop_column("task_archive", "parent_id")
    for column in reversed(task_columns()):
        op.drop_column("task_queue", column.name)
    op.drop_table("task_hierarchy_templates")
    op.drop_table("task_hierarchy_settings")


def data_step() -> None:
    for statement in insert_missing(
        "task_hierarchy_settings",
        key=("setting_key",),
        columns=("setting_key", "setting_value", "description"),
        rows=SETTINGS,
    ):
        op.execute(statement)


def extend_task_queue() -> None:
    for column in task_columns():
        op.add_column("task_queue", column, inline_references=True)
    op.create_index("idx_task_queue_parent", "task_queue", ["parent_id"])
    op.create_index("idx_task_queue_hierarchy_path", "task_queue", ["hierarchy_path"])
    op.create_index("idx_task_queue_hierarchy_level", "task_queue", ["hierarchy_level"])
    op.create_index(
        "idx_task_queue_root_tasks",
        "task_queue",
        ["parent_id"],
        sqlite_where=sa.text("parent_id IS NULL"),
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_index("idx_task_queue_parent_status", "task_queue", ["parent_id", "status"])


def extend_task_archive() -> None:
    op.add_column("task_archive", sa.Column("parent_id", sa.Integer))
    op.add_column("task_archive", sa.Column("hierarchy_level", sa.Integer, server_default=sa.text("0")))
    op.add_column("task_archive", sa.Column("hierarchy_path", sa.Text, server_default="/"))


def create_task_hierarchy_settings() -> None:
    op.create_table(
        "task_hierarchy_settings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("setting_key", sa.Text, nullable=False, unique=True),
        sa.Column("setting_value", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )


def create_task_hierarchy_templates() -> None:
    op.create_table(
        "task_hierarchy_templates",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("template_data", sa.Text, nullable=False),
        sa.Column("task_type", sa.Text),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_task_hierarchy_templates_name", "task_hierarchy_templates", ["name"])
    op.create_index("idx_task_hierarchy_templates_type", "task_hierarchy_templates", ["task_type"])


def task_columns() -> list[sa.Column]:
    return [
        sa.Column("parent_id", sa.Integer, sa.ForeignKey("task_queue.id")),
        sa.Column("hierarchy_level", sa.Integer, server_default=sa.text("0")),
        sa.Column("hierarchy_path", sa.Text, server_default="/"),
        sa.Column("child_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("completion_requirement", sa.Text, server_default="all"),
    ]
