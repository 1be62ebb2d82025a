"""Milestones: orchestration columns.

The index that finds the milestones of a run.

The twelve columns of this migration and its index on `app_id` belong to 003's shape of `milestones` too, and 003
already adds them: here each would be a duplicate. What is left is `idx_milestones_run_id`.
"""

from __future__ import annotations

from alembic import op

revision = "004_fix_milestones_schema"
down_revision = "003_autopilot_orchestration"
branch_labels = None
depends_on = None

legacy_version = "004"
legacy_aliases = ()


def upgrade() -> None:
    op.create_index("idx_milestones_run_id", "milestones", ["run_id"])


def downgrade() -> None:
    op.drop_index("idx_milestones_run_id", table_name="milestones")
