"""Worker skills.

What a worker can do, and what a type of task asks for. Fourteen requirements come with it.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "039_worker_skills"
down_revision = "038_task_archive"
branch_labels = None
depends_on = None

legacy_version = "039"
legacy_aliases = ("014",)

REQUIREMENTS = (
    ("deploy", "deployment", 60, 3),
    ("deploy", "docker", 40, 2),
    ("deploy", "kubernetes", 30, 1),
    ("test", "testing", 50, 3),
    ("test", "python", 30, 1),
    ("build", "build_systems", 50, 3),
    ("build", "docker", 40, 2),
    ("python", "python", 60, 3),
    ("shell", "bash", 50, 2),
    ("git", "git", 50, 3),
    ("claude_task", "ai_prompting", 40, 2),
    ("web_crawl", "web_scraping", 50, 2),
    ("error_fix", "debugging", 60, 3),
    ("error_fix", "python", 40, 2),
)


def upgrade() -> None:
    op.create_table(
        "worker_skills",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("worker_id", sa.Text, sa.ForeignKey("workers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("skill_name", sa.Text, nullable=False),
        sa.Column("proficiency", sa.Integer, server_default=sa.text("50")),
        sa.Column("tasks_completed", sa.Integer, server_default=sa.text("0")),
        sa.Column("avg_duration_seconds", sa.REAL),
        sa.Column("last_used", sa.TIMESTAMP),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("worker_id", "skill_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_worker_skills_worker", "worker_skills", ["worker_id"])
    op.create_index("idx_worker_skills_skill", "worker_skills", ["skill_name"])
    op.create_index("idx_worker_skills_proficiency", "worker_skills", ["proficiency"])
    op.create_table(
        "task_skill_requirements",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_type", sa.Text, nullable=False),
        sa.Column("skill_name", sa.Text, nullable=False),
        sa.Column("min_proficiency", sa.Integer, server_default=sa.text("0")),
        sa.Column("priority", sa.Integer, server_default=sa.text("1")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("task_type", "skill_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_task_skills_type", "task_skill_requirements", ["task_type"])
    op.create_index("idx_task_skills_skill", "task_skill_requirements", ["skill_name"])
    data_step()


def downgrade() -> None:
    op.drop_table("task_skill_requirements")
    op.drop_table("worker_skills")


def data_step() -> None:
    for statement in insert_missing(
        "task_skill_requirements",
        key=("task_type", "skill_name"),
        columns=("task_type", "skill_name", "min_proficiency", "priority"),
        rows=REQUIREMENTS,
    ):
        op.execute(statement)
