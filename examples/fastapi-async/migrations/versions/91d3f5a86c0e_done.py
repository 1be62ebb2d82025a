"""Mark notes as done."""

import sqlalchemy as sa

from alembic import op

revision = "91d3f5a86c0e"
down_revision = "2b7e14c90a35"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notes", sa.Column("done", sa.Boolean(), server_default="0", nullable=False))
    op.create_index("ix_notes_done", "notes", ["done"])


def downgrade() -> None:
    op.drop_index("ix_notes_done", "notes")
    op.drop_column("notes", "done")
