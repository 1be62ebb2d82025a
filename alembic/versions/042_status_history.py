"""Status history.

Every change of a status, and which changes are allowed. 24 transitions come with it.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "042_status_history"
down_revision = "041_project_templates"
branch_labels = None
depends_on = None

legacy_version = "042"
legacy_aliases = ("019",)

TRANSITIONS = (
    ("feature", "draft", "planned"),
    ("feature", "planned", "in_progress"),
    ("feature", "in_progress", "review"),
    ("feature", "review", "testing"),
    ("feature", "testing", "completed"),
    ("feature", "in_progress", "blocked"),
    ("feature", "blocked", "in_progress"),
    ("feature", "review", "in_progress"),
    ("feature", "testing", "in_progress"),
    ("bug", "open", "in_progress"),
    ("bug", "in_progress", "resolved"),
    ("bug", "resolved", "closed"),
    ("bug", "resolved", "open"),
    ("bug", "in_progress", "open"),
    ("bug", "open", "wontfix"),
    ("task", "pending", "running"),
    ("task", "running", "completed"),
    ("task", "running", "failed"),
    ("task", "pending", "cancelled"),
    ("task", "failed", "pending"),
    ("milestone", "open", "in_progress"),
    ("milestone", "in_progress", "completed"),
    ("milestone", "in_progress", "on_hold"),
    ("milestone", "on_hold", "in_progress"),
)


def upgrade() -> None:
    op.create_table(
        "status_history",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("entity_type", sa.Text, nullable=False),
        sa.Column("entity_id", sa.Integer, nullable=False),
        sa.Column("old_status", sa.Text),
        sa.Column("new_status", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text),
        sa.Column("change_reason", sa.Text),
        sa.Column("change_source", sa.Text),
        sa.Column("metadata", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_status_history_entity", "status_history", ["entity_type", "entity_id"])
    op.create_index("idx_status_history_created", "status_history", ["created_at"])
    op.create_index("idx_status_history_user", "status_history", ["changed_by"])
    op.create_index("idx_status_history_status", "status_history", ["new_status"])
    op.create_table(
        "status_transitions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("entity_type", sa.Text, nullable=False),
        sa.Column("from_status", sa.Text, nullable=False),
        sa.Column("to_status", sa.Text, nullable=False),
        sa.Column("is_allowed", sa.Boolean, server_default=sa.true()),
        sa.Column("requires_reason", sa.Boolean, server_default=sa.false()),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("entity_type", "from_status", "to_status"),
        sqlite_autoincrement=True,
    )
    data_step()


def downgrade() -> None:
    op.drop_table("status_transitions")
    op.drop_table("status_history")


def data_step() -> None:
    for statement in insert_missing(
        "status_transitions",
        key=("entity_type", "from_status", "to_status"),
        columns=("entity_type", "from_status", "to_status"),
        rows=TRANSITIONS,
    ):
        op.execute(statement)
