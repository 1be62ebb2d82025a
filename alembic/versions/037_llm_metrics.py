"""LLM metrics.

LLM providers with their requests, health and daily costs. Four providers come with it, and a health row for each.

046 declares three of these tables again, and both writers are live. So from the start:

- `llm_providers.display_name`, `llm_requests.provider_id` and `llm_provider_health.provider_id` allow NULL: 046's
  writer does not know them. The unique `provider_id` stays, since NULLs do not collide.
- `llm_requests.status` allows NULL and has 046's default 'success'.
- `llm_provider_health.check_time` is 046's column, but is made here: SQLite cannot add a column whose default is
  CURRENT_TIMESTAMP to a table that has rows, and 046's writer relies on that default.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "037_llm_metrics"
down_revision = "036_task_timeouts"
branch_labels = None
depends_on = None

legacy_version = "037"
legacy_aliases = ("013",)

PROVIDERS = (
    ("ollama", "Ollama (Local)", "local", "http://localhost:11434", 1, 1),
    ("localai", "LocalAI", "local", "http://localhost:8080", 2, 1),
    ("claude", "Claude (Anthropic)", "remote", "https://api.anthropic.com", 3, 1),
    ("openai", "OpenAI GPT-4", "remote", "https://api.openai.com", 4, 1),
)


def upgrade() -> None:
    create_llm_providers()
    create_llm_requests()
    create_llm_provider_health()
    create_llm_costs_daily()
    data_step()


def downgrade() -> None:
    op.drop_table("llm_costs_daily")
    op.drop_table("llm_provider_health")
    op.drop_table("llm_requests")
    op.drop_table("llm_providers")


def data_step() -> None:
    columns = ("name", "display_name", "provider_type", "base_url", "priority", "is_enabled")
    for statement in insert_missing("llm_providers", key=("name",), columns=columns, rows=PROVIDERS):
        op.execute(statement)
    insert_missing_health()


def insert_missing_health() -> None:
    """Give each provider that has no health row one that says: available, circuit closed."""
    providers = sa.table("llm_providers", sa.column("id"))
    health = sa.table(
        "llm_provider_health", sa.column("provider_id"), sa.column("is_available"), sa.column("circuit_state")
    )
    known = sa.select(health.c.provider_id).where(health.c.provider_id == providers.c.id).exists()
    rows = sa.select(providers.c.id, sa.literal(1), sa.literal("closed")).where(~known).order_by(providers.c.id)
    op.execute(sa.insert(health).from_select(["provider_id", "is_available", "circuit_state"], rows))


def create_llm_providers() -> None:
    op.create_table(
        "llm_providers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("display_name", sa.Text),
        sa.Column("provider_type", sa.Text, nullable=False),
        sa.Column("base_url", sa.Text),
        sa.Column("is_enabled", sa.Integer, server_default=sa.text("1")),
        sa.Column("priority", sa.Integer, server_default=sa.text("0")),
        sa.Column("timeout_seconds", sa.Integer, server_default=sa.text("60")),
        sa.Column("circuit_breaker_threshold", sa.Integer, server_default=sa.text("5")),
        sa.Column("circuit_breaker_timeout", sa.Integer, server_default=sa.text("300")),
        sa.Column("metadata", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )


def create_llm_requests() -> None:
    op.create_table(
        "llm_requests",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("provider_id", sa.Integer, sa.ForeignKey("llm_providers.id")),
        sa.Column("session_id", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("endpoint", sa.Text),
        sa.Column("prompt_tokens", sa.Integer, server_default=sa.text("0")),
        sa.Column("completion_tokens", sa.Integer, server_default=sa.text("0")),
        sa.Column("total_tokens", sa.Integer, server_default=sa.text("0")),
        sa.Column("duration_seconds", sa.REAL),
        sa.Column("status", sa.Text, server_default="success"),
        sa.Column("error_message", sa.Text),
        sa.Column("cost_usd", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("is_fallback", sa.Integer, server_default=sa.text("0")),
        sa.Column("original_provider_id", sa.Integer),
        sa.Column("user_id", sa.Text),
        sa.Column("request_metadata", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_llm_requests_provider", "llm_requests", ["provider_id"])
    op.create_index("idx_llm_requests_created", "llm_requests", ["created_at"])
    op.create_index("idx_llm_requests_status", "llm_requests", ["status"])


def create_llm_provider_health() -> None:
    op.create_table(
        "llm_provider_health",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("provider_id", sa.Integer, sa.ForeignKey("llm_providers.id"), unique=True),
        sa.Column("is_available", sa.Integer, server_default=sa.text("1")),
        sa.Column("failure_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("last_failure_at", sa.TIMESTAMP),
        sa.Column("last_success_at", sa.TIMESTAMP),
        sa.Column("circuit_state", sa.Text, server_default="closed"),
        sa.Column("total_requests", sa.Integer, server_default=sa.text("0")),
        sa.Column("successful_requests", sa.Integer, server_default=sa.text("0")),
        sa.Column("failed_requests", sa.Integer, server_default=sa.text("0")),
        sa.Column("avg_response_time_ms", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("check_time", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )


def create_llm_costs_daily() -> None:
    op.create_table(
        "llm_costs_daily",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("provider_id", sa.Integer, sa.ForeignKey("llm_providers.id"), nullable=False),
        sa.Column("date", sa.Text, nullable=False),
        sa.Column("total_requests", sa.Integer, server_default=sa.text("0")),
        sa.Column("successful_requests", sa.Integer, server_default=sa.text("0")),
        sa.Column("failed_requests", sa.Integer, server_default=sa.text("0")),
        sa.Column("total_tokens", sa.Integer, server_default=sa.text("0")),
        sa.Column("prompt_tokens", sa.Integer, server_default=sa.text("0")),
        sa.Column("completion_tokens", sa.Integer, server_default=sa.text("0")),
        sa.Column("total_cost_usd", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("estimated_savings_usd", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("provider_id", "date"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_llm_costs_date", "llm_costs_daily", ["date"])
    op.create_index("idx_llm_costs_provider", "llm_costs_daily", ["provider_id"])
