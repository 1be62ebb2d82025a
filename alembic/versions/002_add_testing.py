"""Testing and deployment tables.

Test runs with their results, deployments, and the gates that a deployment must pass. The three gates of dev, qa and
prod come with it.

`test_runs` has `category` and `coverage` from the start, so 035, which adds them again, only adds its index.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "002_add_testing"
down_revision = "001_baseline"
branch_labels = None
depends_on = None

legacy_version = "002"
legacy_aliases = ()

GATES = (
    ("dev", 0, 0.0, 0, 1),
    ("qa", 1, 80.0, 0, 0),
    ("prod", 1, 100.0, 1, 0),
)


def upgrade() -> None:
    create_test_runs()
    create_test_results()
    create_deployments()
    create_deployment_gates()
    data_step()


def downgrade() -> None:
    op.drop_table("deployment_gates")
    op.drop_table("deployments")
    op.drop_table("test_results")
    op.drop_table("test_runs")


def data_step() -> None:
    for statement in insert_missing(
        "deployment_gates",
        key=("environment",),
        columns=("environment", "requires_tests", "min_test_pass_rate", "requires_approval", "auto_deploy"),
        rows=GATES,
    ):
        op.execute(statement)


def create_test_runs() -> None:
    op.create_table(
        "test_runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False, unique=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("environment", sa.Text),
        sa.Column("triggered_by", sa.Text),
        sa.Column("trigger_type", sa.Text, server_default="manual"),
        sa.Column("status", sa.Text, server_default="running"),
        sa.Column("total_tests", sa.Integer, server_default=sa.text("0")),
        sa.Column("passed", sa.Integer, server_default=sa.text("0")),
        sa.Column("failed", sa.Integer, server_default=sa.text("0")),
        sa.Column("skipped", sa.Integer, server_default=sa.text("0")),
        sa.Column("errors", sa.Integer, server_default=sa.text("0")),
        sa.Column("duration_seconds", sa.REAL),
        sa.Column("output", sa.Text),
        sa.Column("category", sa.Text, server_default="all"),
        sa.Column("coverage", sa.Integer, server_default=sa.text("0")),
        sa.Column("started_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("completed_at", sa.TIMESTAMP),
    )
    op.create_index("idx_test_runs_project", "test_runs", ["project_id"])
    op.create_index("idx_test_runs_status", "test_runs", ["status"])
    op.create_index("idx_test_runs_environment", "test_runs", ["environment"])


def create_test_results() -> None:
    op.create_table(
        "test_results",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Text, sa.ForeignKey("test_runs.run_id"), nullable=False),
        sa.Column("test_name", sa.Text, nullable=False),
        sa.Column("test_file", sa.Text),
        sa.Column("test_class", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("duration_seconds", sa.REAL),
        sa.Column("error_message", sa.Text),
        sa.Column("stack_trace", sa.Text),
        sa.Column("stdout", sa.Text),
        sa.Column("stderr", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
    )
    op.create_index("idx_test_results_run", "test_results", ["run_id"])
    op.create_index("idx_test_results_status", "test_results", ["status"])


def create_deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("deployment_id", sa.Text, nullable=False, unique=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("tag", sa.Text),
        sa.Column("commit_hash", sa.Text),
        sa.Column("branch", sa.Text),
        sa.Column("source_environment", sa.Text),
        sa.Column("target_environment", sa.Text, nullable=False),
        sa.Column("status", sa.Text, server_default="pending"),
        sa.Column("test_run_id", sa.Text, sa.ForeignKey("test_runs.run_id")),
        sa.Column("tests_passed", sa.Integer, server_default=sa.text("0")),
        sa.Column("tests_required", sa.Integer, server_default=sa.text("1")),
        sa.Column("deployed_by", sa.Text),
        sa.Column("approved_by", sa.Text),
        sa.Column("notes", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("started_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("completed_at", sa.TIMESTAMP),
    )
    op.create_index("idx_deployments_project", "deployments", ["project_id"])
    op.create_index("idx_deployments_environment", "deployments", ["target_environment"])
    op.create_index("idx_deployments_status", "deployments", ["status"])


def create_deployment_gates() -> None:
    op.create_table(
        "deployment_gates",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("environment", sa.Text, nullable=False, unique=True),
        sa.Column("requires_tests", sa.Integer, server_default=sa.text("1")),
        sa.Column("min_test_pass_rate", sa.REAL, server_default=sa.text("100.0")),
        sa.Column("requires_approval", sa.Integer, server_default=sa.text("0")),
        sa.Column("approvers", sa.Text),
        sa.Column("auto_deploy", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
    )
