"""Autopilot orchestration.

Applications under autopilot, their runs, steps and artifacts, what waits for a review, and incidents. Four approval
gates come with it.

Clashes settled here:

- `milestones` exists since 001 in another shape and both writers are live. It gains the columns that it lacks;
  `app_id` allows NULL because 001's writer does not know it, and this revision's check on `status` (default
  'pending') is left out because 001's writer stores 'open'. The table keeps 001's plain rowid keys instead of
  AUTOINCREMENT, which cannot be added to a table that exists.
- `apps.current_run_id` and `runs.app_id` refer to each other. SQLite takes the key before the other table exists;
  elsewhere it is added once both tables are there (`use_alter`).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "003_autopilot_orchestration"
down_revision = "002_add_testing"
branch_labels = None
depends_on = None

legacy_version = "003"
legacy_aliases = ()

GATES = (
    (
        "Prod Deploy",
        "Every deployment to production waits for a person",
        '{"type": "deploy", "env": "prod"}',
        "require_approval",
    ),
    (
        "Schema Changes",
        "Changes to the database schema are reviewed before they run",
        '{"files_match": "**/migrations/*.sql"}',
        "require_approval",
    ),
    ("High Risk", "Anything with a risk score above 70 is reviewed", '{"risk_score_gt": 70}', "require_approval"),
    (
        "Auth/Billing",
        "Changes to authentication or billing code are reviewed",
        '{"paths_match": ["**/auth/**", "**/billing/**"]}',
        "require_approval",
    ),
)


def upgrade() -> None:
    create_apps()
    create_runs()
    extend_milestones()
    create_artifacts()
    create_approval_gates()
    create_review_queue()
    create_agent_steps()
    create_incidents()
    data_step()


def downgrade() -> None:
    break_circle()
    op.drop_index("idx_milestones_status", table_name="milestones")
    op.drop_index("idx_milestones_app_id", table_name="milestones")
    for column in reversed(milestone_columns()):
        op.drop_column("milestones", column.name)
    for table in ("incidents", "agent_steps", "review_queue", "approval_gates", "artifacts", "runs", "apps"):
        op.drop_table(table)


def data_step() -> None:
    for statement in insert_missing(
        "approval_gates", key=("name",), columns=("name", "description", "conditions", "action"), rows=GATES
    ):
        op.execute(statement)


def create_apps() -> None:
    op.create_table(
        "apps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("source_path", sa.Text),
        sa.Column("repo_url", sa.Text),
        choice("autopilot_mode", ("observe", "fix_forward", "auto_staging", "auto_prod"), server_default="observe"),
        sa.Column("autopilot_enabled", sa.Integer, server_default=sa.text("0")),
        choice("risk_level", ("low", "medium", "high", "critical"), server_default="medium"),
        sa.Column("goal", sa.Text),
        sa.Column("constraints", sa.Text),
        choice(
            "current_phase",
            ("idle", "planning", "implementing", "testing", "deploying", "monitoring", "investigating"),
            server_default="idle",
        ),
        sa.Column("current_run_id", sa.Integer, sa.ForeignKey("runs.id", use_alter=True)),
        sa.Column("last_healthy_at", sa.TIMESTAMP),
        sa.Column("dev_url", sa.Text),
        sa.Column("staging_url", sa.Text),
        sa.Column("prod_url", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )


def create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("app_id", sa.Integer, sa.ForeignKey("apps.id"), nullable=False),
        sa.Column("run_number", sa.Integer, nullable=False),
        choice("status", ("running", "completed", "failed", "blocked", "cancelled"), server_default="running"),
        choice(
            "phase",
            ("planning", "implementing", "testing", "deploying", "monitoring", "investigating"),
            server_default="planning",
        ),
        choice("trigger_type", ("scheduled", "manual", "incident", "milestone_approved", "regression")),
        sa.Column("trigger_details", sa.Text),
        sa.Column("goal", sa.Text),
        sa.Column("total_steps", sa.Integer, server_default=sa.text("0")),
        sa.Column("completed_steps", sa.Integer, server_default=sa.text("0")),
        sa.Column("current_step", sa.Text),
        sa.Column("tmux_session", sa.Text),
        sa.Column("started_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("completed_at", sa.TIMESTAMP),
        sa.Column("outcome_summary", sa.Text),
        sqlite_autoincrement=True,
    )
    if op.get_context().dialect.supports_alter:  # every dialect but SQLite
        op.create_foreign_key("apps_current_run_id_fkey", "apps", "runs", ["current_run_id"], ["id"])
    op.create_index("idx_runs_app_id", "runs", ["app_id"])
    op.create_index("idx_runs_status", "runs", ["status"])


def extend_milestones() -> None:
    for column in milestone_columns():
        op.add_column("milestones", column, inline_references=True)
    op.create_index("idx_milestones_app_id", "milestones", ["app_id"])
    op.create_index("idx_milestones_status", "milestones", ["status"])


def create_artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("milestone_id", sa.Integer, sa.ForeignKey("milestones.id")),
        choice(
            "artifact_type",
            (
                "plan",
                "task_list",
                "pr",
                "commit",
                "test_report",
                "deploy_report",
                "investigation_report",
                "screenshot",
                "benchmark",
                "diff_summary",
                "decision_trail",
            ),
            nullable=False,
        ),
        sa.Column("title", sa.Text),
        sa.Column("content", sa.Text),
        sa.Column("file_path", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("metadata", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_artifacts_run_id", "artifacts", ["run_id"])
    op.create_index("idx_artifacts_milestone_id", "artifacts", ["milestone_id"])


def create_approval_gates() -> None:
    op.create_table(
        "approval_gates",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("app_id", sa.Integer, sa.ForeignKey("apps.id")),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("conditions", sa.Text, nullable=False),
        choice("action", ("require_approval", "notify", "block"), server_default="require_approval"),
        sa.Column("notify_channels", sa.Text),
        sa.Column("enabled", sa.Integer, server_default=sa.text("1")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )


def create_review_queue() -> None:
    op.create_table(
        "review_queue",
        sa.Column("id", sa.Integer, primary_key=True),
        choice("item_type", ("milestone", "incident", "blocked", "input_needed"), nullable=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("app_id", sa.Integer, sa.ForeignKey("apps.id"), nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id")),
        choice("priority", ("low", "normal", "high", "critical"), server_default="normal"),
        choice("status", ("pending", "in_review", "resolved", "dismissed"), server_default="pending"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("summary", sa.Text),
        sa.Column("available_actions", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("resolved_at", sa.TIMESTAMP),
        sa.Column("resolved_by", sa.Text),
        sa.Column("resolution", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_review_queue_status", "review_queue", ["status"])
    op.create_index("idx_review_queue_priority", "review_queue", ["priority"])


def create_agent_steps() -> None:
    op.create_table(
        "agent_steps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("step_number", sa.Integer, nullable=False),
        choice("step_type", ("think", "plan", "execute", "verify", "report")),
        sa.Column("description", sa.Text),
        sa.Column("tmux_session", sa.Text),
        sa.Column("command", sa.Text),
        sa.Column("output", sa.Text),
        choice("status", ("pending", "running", "completed", "failed", "skipped"), server_default="pending"),
        sa.Column("error_message", sa.Text),
        sa.Column("started_at", sa.TIMESTAMP),
        sa.Column("completed_at", sa.TIMESTAMP),
        sa.Column("duration_seconds", sa.REAL),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_agent_steps_run_id", "agent_steps", ["run_id"])


def create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("app_id", sa.Integer, sa.ForeignKey("apps.id"), nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id")),
        choice("severity", ("info", "warning", "error", "critical"), server_default="warning"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("source_details", sa.Text),
        sa.Column("suspected_commit", sa.Text),
        sa.Column("suspected_pr", sa.Text),
        choice("status", ("open", "investigating", "mitigated", "resolved", "dismissed"), server_default="open"),
        sa.Column("resolution", sa.Text),
        sa.Column("resolved_by", sa.Text),
        sa.Column("resolved_at", sa.TIMESTAMP),
        sa.Column("proposed_fix", sa.Text),
        sa.Column("fix_confidence", sa.Integer),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_incidents_app_id", "incidents", ["app_id"])
    op.create_index("idx_incidents_status", "incidents", ["status"])


def milestone_columns() -> list[sa.Column]:
    return [
        sa.Column("app_id", sa.Integer, sa.ForeignKey("apps.id")),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id")),
        choice("milestone_type", ("feature", "fix", "improvement", "deployment", "investigation")),
        sa.Column("risk_score", sa.Integer, server_default=sa.text("0")),
        sa.Column("risk_factors", sa.Text),
        sa.Column("blast_radius", sa.Text),
        sa.Column("rollback_steps", sa.Text),
        sa.Column("rollback_available", sa.Integer, server_default=sa.text("1")),
        sa.Column("reviewer_notes", sa.Text),
        sa.Column("reviewed_by", sa.Text),
        sa.Column("reviewed_at", sa.TIMESTAMP),
        sa.Column("ready_at", sa.TIMESTAMP),
    ]


def break_circle() -> None:
    """Let go of the key from `apps` to `runs`: neither table could be dropped while rows hold on to each other."""
    if op.get_context().dialect.supports_alter:
        op.drop_constraint("apps_current_run_id_fkey", "apps", type_="foreignkey")
    else:
        op.execute(sa.update(sa.table("apps", sa.column("current_run_id"))).values(current_run_id=sa.null()))


def choice(name: str, values: tuple[str, ...], **options: Any) -> sa.Column:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.Column(name, sa.Text, sa.CheckConstraint(f"{name} IN ({allowed})"), **options)
