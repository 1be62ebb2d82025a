"""Test run categories.

Finds test runs by category.

The columns `category` and `coverage` exist since 002 and are not added again. What is left is the index.
"""

from __future__ import annotations

from alembic import op

revision = "035_test_runs_categories"
down_revision = "034_session_entity_tracking"
branch_labels = None
depends_on = None

legacy_version = "035"
legacy_aliases = ("008",)


def upgrade() -> None:
    op.create_index("idx_test_runs_category", "test_runs", ["category"])


def downgrade() -> None:
    op.drop_index("idx_test_runs_category", table_name="test_runs")
