"""LLM provider tests.

The same programming task given to several LLM providers, and what each made of it. One task comes with it.

Two of its indexes bore names that 002 uses on `test_results`, so IF NOT EXISTS skipped them for ever. They are called
`idx_llm_test_results_run` and `idx_llm_test_results_status` here.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "032_llm_provider_tests"
down_revision = "031_secure_vault"
branch_labels = None
depends_on = None

legacy_version = "032"
legacy_aliases = ()

DESCRIPTION = "A small web application that every provider can finish: compares completeness, size and time"

PROMPT = """\
Write a calculator as a web application in one folder: index.html, style.css and app.js, without libraries.
It adds, subtracts, multiplies and divides, takes decimals, understands the keyboard, and shows a clear message on
division by zero. Add tests that run with node. Use at most {max_lines} lines in all, and say when you are done.
"""


def upgrade() -> None:
    create_llm_test_runs()
    create_llm_test_results()
    data_step()


def downgrade() -> None:
    op.drop_table("llm_test_results")
    op.drop_table("llm_test_runs")


def data_step() -> None:
    columns = ("test_name", "description", "prompt_template", "max_lines", "created_by")
    rows = [("Calculator Web App", DESCRIPTION, PROMPT, 1000, "system")]
    for statement in insert_missing("llm_test_runs", key=("test_name",), columns=columns, rows=rows):
        op.execute(statement)


def create_llm_test_runs() -> None:
    op.create_table(
        "llm_test_runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("test_name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("prompt_template", sa.Text, nullable=False),
        sa.Column("max_lines", sa.Integer, server_default=sa.text("1000")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("created_by", sa.Text),
        sqlite_autoincrement=True,
    )


def create_llm_test_results() -> None:
    op.create_table(
        "llm_test_results",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("test_run_id", sa.Integer, sa.ForeignKey("llm_test_runs.id"), nullable=False),
        sa.Column("provider_name", sa.Text, nullable=False),
        sa.Column("session_name", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("started_at", sa.TIMESTAMP),
        sa.Column("completed_at", sa.TIMESTAMP),
        sa.Column("duration_seconds", sa.Integer),
        sa.Column("files_created", sa.Integer, server_default=sa.text("0")),
        sa.Column("total_lines", sa.Integer, server_default=sa.text("0")),
        sa.Column("total_bytes", sa.Integer, server_default=sa.text("0")),
        sa.Column("output_path", sa.Text),
        sa.Column("test_passed", sa.Boolean, server_default=sa.false()),
        sa.Column("error_message", sa.Text),
        sa.Column("metadata", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_llm_test_results_run", "llm_test_results", ["test_run_id"])
    op.create_index("idx_test_results_provider", "llm_test_results", ["provider_name"])
    op.create_index("idx_llm_test_results_status", "llm_test_results", ["status"])
    op.create_index("idx_test_results_created", "llm_test_results", ["created_at"])
