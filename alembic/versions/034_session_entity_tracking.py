"""Session entity tracking.

The milestone and the autopilot run that a tmux session works for. Sessions that have no environment get it from
their name, and the six standing workers are marked as such.

`environment` and `is_worker` exist since 016 and are not added again. `milestone_id` and `autopilot_run_id` have no
foreign key: they would refer to `autopilot_milestones` and `autopilot_runs`, which no migration creates (the
application makes them at start).
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "034_session_entity_tracking"
down_revision = "033_add_task_risk"
branch_labels = None
depends_on = None

legacy_version = "034"
legacy_aliases = ("005",)

ENVIRONMENTS = ("dev", "qa", "prod", "env3")
WORKERS = ("autoconfirm", "deploy_worker", "task_worker", "nodes_manager", "audit_manager", "command_runner")


def upgrade() -> None:
    op.add_column("tmux_sessions", sa.Column("milestone_id", sa.Integer))
    op.add_column("tmux_sessions", sa.Column("autopilot_run_id", sa.Integer))
    data_step()


def downgrade() -> None:
    op.drop_column("tmux_sessions", "autopilot_run_id")
    op.drop_column("tmux_sessions", "milestone_id")


def data_step() -> None:
    name = sa.column("session_name", sa.Text)
    environment = sa.column("environment", sa.Text)
    is_worker = sa.column("is_worker", sa.Boolean)
    sessions = sa.table("tmux_sessions", name, environment, is_worker)
    for part in ENVIRONMENTS:
        unset = sa.update(sessions).where(environment.is_(None), name.contains(part))
        op.execute(unset.values(environment=part))
    unmarked = sa.update(sessions).where(name.in_(WORKERS), is_worker.is_not(sa.true()))
    op.execute(unmarked.values(is_worker=sa.true()))
