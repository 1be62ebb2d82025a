"""Give notes a due date."""

import sqlalchemy as sa

from alembic import op

revision = "8e2f63b1c7d4"
down_revision = "4c1d7a9e0b52"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("note") as batch:
        batch.add_column(sa.Column("due", sa.Date()))
        batch.create_index("ix_note_due", ["due"])


def downgrade():
    with op.batch_alter_table("note") as batch:
        batch.drop_index("ix_note_due")
        batch.drop_column("due")
