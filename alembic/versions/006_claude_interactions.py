"""Claude interactions.

What Claude sessions asked and how it was handled, and the patterns that decide. Ten patterns come with it.

Clashes settled here, because 030 declares both tables again and both writers are live:

- NULL is allowed in `claude_interactions.interaction_type` and `claude_patterns.pattern_regex`: 030's writer knows
  neither. `claude_patterns.action` has 030's default 'approve' from the start.
- `claude_interactions.run_id` has no foreign key: it would refer to `autopilot_runs`, which no migration creates
  (the application makes it at start).
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "006_claude_interactions"
down_revision = "005_documentation_table"
branch_labels = None
depends_on = None

legacy_version = "006"
legacy_aliases = ()

PATTERNS = (
    ("confirmation", r"Would you like me to.*\?", "yes", "approve", 10),
    ("confirmation", r"Do you want to proceed.*\?", "yes", "approve", 10),
    ("confirmation", r"Should I continue.*\?", "yes", "approve", 10),
    ("confirmation", r"Can I.*\?", "yes", "approve", 5),
    ("confirmation", r"Is it okay.*\?", "yes", "approve", 5),
    ("error", "rate limit", None, "escalate", 20),
    ("error", "context.*exceeded", None, "escalate", 20),
    ("error", "permission denied", None, "escalate", 15),
    ("question", r"Which option.*\?", None, "escalate", 10),
    ("question", r"What.*prefer.*\?", None, "escalate", 10),
)


def upgrade() -> None:
    op.create_table(
        "claude_interactions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("session_name", sa.Text, nullable=False),
        sa.Column("interaction_type", sa.Text),
        sa.Column("pattern", sa.Text),
        sa.Column("content", sa.Text),
        sa.Column("context", sa.Text),
        sa.Column("run_id", sa.Integer),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("handled", sa.Integer, server_default=sa.text("0")),
        sa.Column("handler_action", sa.Text),
        sa.Column("requires_review", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_claude_interactions_type", "claude_interactions", ["interaction_type"])
    op.create_index("idx_claude_interactions_pattern", "claude_interactions", ["pattern"])
    op.create_index("idx_claude_interactions_session", "claude_interactions", ["session_name"])
    op.create_index("idx_claude_interactions_review", "claude_interactions", ["requires_review"])
    op.create_table(
        "claude_patterns",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pattern_type", sa.Text, nullable=False),
        sa.Column("pattern_regex", sa.Text),
        sa.Column("auto_response", sa.Text),
        sa.Column("action", sa.Text, server_default="approve"),
        sa.Column("priority", sa.Integer, server_default=sa.text("0")),
        sa.Column("enabled", sa.Integer, server_default=sa.text("1")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    data_step()


def downgrade() -> None:
    op.drop_table("claude_patterns")
    op.drop_table("claude_interactions")


def data_step() -> None:
    for statement in insert_missing(
        "claude_patterns",
        key=("pattern_type", "pattern_regex"),
        columns=("pattern_type", "pattern_regex", "auto_response", "action", "priority"),
        rows=PATTERNS,
    ):
        op.execute(statement)
