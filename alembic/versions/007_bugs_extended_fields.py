"""Bugs: extended fields.

Screenshot, context and category of a bug.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "007_bugs_extended_fields"
down_revision = "006_claude_interactions"
branch_labels = None
depends_on = None

legacy_version = "007"
legacy_aliases = ()


def upgrade() -> None:
    op.add_column("bugs", sa.Column("screenshot", sa.Text))
    op.add_column("bugs", sa.Column("context", sa.Text))
    op.add_column("bugs", sa.Column("category", sa.Text))


def downgrade() -> None:
    op.drop_column("bugs", "category")
    op.drop_column("bugs", "context")
    op.drop_column("bugs", "screenshot")
