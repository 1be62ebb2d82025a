"""${message}.

${about if about else "Say what this revision brings and why."}
"""

from __future__ import annotations

% if not sql:
import sqlalchemy as sa

% endif
from alembic import op
${imports if imports else ""}
revision = "${up_revision}"
down_revision = ${repr(down_revision).replace("'", '"')}
branch_labels = ${repr(branch_labels).replace("'", '"')}
depends_on = ${repr(depends_on).replace("'", '"')}


def upgrade() -> None:
% if upgrades:
    ${upgrades}
% endif
% if not sql:
    data_step()


def data_step() -> None:
    """Insert the rows that this revision brings, where they are missing; it may run any number of times.

    See architect_migrate.seeds.insert_missing. A revision that brings no rows has no use for this.
    """
% endif


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
