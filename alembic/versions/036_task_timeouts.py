"""Task timeouts.

How long a task may run, for each task and by type. Twelve limits come with it.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "036_task_timeouts"
down_revision = "035_test_runs_categories"
branch_labels = None
depends_on = None

legacy_version = "036"
legacy_aliases = ("012",)

LIMITS = (
    ("shell", 300),
    ("python", 600),
    ("git", 180),
    ("deploy", 1800),
    ("test", 900),
    ("build", 1200),
    ("tmux", 60),
    ("claude_task", 3600),
    ("web_crawl", 300),
    ("error_fix", 1800),
    ("maintenance", 600),
    ("default", 600),
)


def upgrade() -> None:
    op.add_column("task_queue", sa.Column("timeout_seconds", sa.Integer))
    op.create_index("idx_task_queue_status_started", "task_queue", ["status", "started_at"])
    op.create_table(
        "task_timeout_config",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_type", sa.Text, nullable=False, unique=True),
        sa.Column("timeout_seconds", sa.Integer, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_by", sa.Text),
        sqlite_autoincrement=True,
    )
    data_step()


def downgrade() -> None:
    op.drop_index("idx_task_queue_status_started", table_name="task_queue")
    op.drop_column("task_queue", "timeout_seconds")
    op.drop_table("task_timeout_config")


def data_step() -> None:
    for statement in insert_missing(
        "task_timeout_config", key=("task_type",), columns=("task_type", "timeout_seconds"), rows=LIMITS
    ):
        op.execute(statement)
