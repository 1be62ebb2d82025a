"""LLM failover.

Fail-over between LLM providers: circuit breakers, costs by the hour, budgets, events, quality, health over time, with
three views over them. Three providers come with it, and a first health row for each enabled provider.

Clashes settled here, because `llm_providers`, `llm_requests` and `llm_provider_health` exist since 037 and both
writers are live:

- They gain the columns they lacked. `model`, `request_id` and `provider_name` allow NULL because 037's writer does not
  know them, and so does `llm_requests.model`. `check_time` is there since 037, and `circuit_state` of the health
  rows keeps 037's default 'closed'.
- `idx_llm_requests_provider` is 037's name for the index on `provider_id`; the one on `provider_name` is called
  `idx_llm_requests_provider_name`. The indexes on status and created_at exist since 037.
- Of the three providers those that 037 inserted are left as they are: a row that exists is never overwritten. `enabled`
  is a column beside 037's `is_enabled`, and starts at 1 in every row.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "046_llm_failover"
down_revision = "045_sprints"
branch_labels = None
depends_on = None

legacy_version = "046"
legacy_aliases = ("030",)

PROVIDERS = (
    ("claude", "claude", True, "claude-sonnet-4-5-20250929", "https://api.anthropic.com", 0.003, 0.015),
    ("ollama", "ollama", True, "llama3.2", "http://localhost:11434", 0.0, 0.0),
    ("openai", "openai", True, "gpt-4-turbo", "https://api.openai.com/v1", 0.01, 0.03),
)

# `time_bucket` is text that begins with the day in ISO form; NUMERIC is what PostgreSQL can round to places.
DAILY_COSTS = """
CREATE VIEW v_llm_daily_costs AS
SELECT
    provider_name,
    SUBSTR(time_bucket, 1, 10) AS date,
    SUM(request_count) AS total_requests,
    SUM(total_tokens) AS total_tokens,
    SUM(total_cost) AS total_cost,
    ROUND(CAST(SUM(total_cost) / NULLIF(SUM(request_count), 0) AS NUMERIC), 4) AS avg_cost_per_request,
    ROUND(100.0 * SUM(success_count) / NULLIF(SUM(request_count), 0), 2) AS success_rate
FROM llm_cost_tracking
WHERE bucket_type = 'hourly'
GROUP BY provider_name, SUBSTR(time_bucket, 1, 10)
"""

# The events are limited before the join: one with several requests must not push another out of the hundred.
RECENT_FAILOVERS = """
CREATE VIEW v_recent_failovers AS
SELECT
    event.id, event.from_provider, event.to_provider, event.failure_reason, event.failure_type,
    event.circuit_opened, event.occurred_at, request.use_case, request.model
FROM (SELECT * FROM llm_failover_events ORDER BY occurred_at DESC, id DESC LIMIT 100) AS event
LEFT JOIN llm_requests AS request ON request.request_id = event.request_id
ORDER BY event.occurred_at DESC, event.id DESC
"""

PROVIDER_PERFORMANCE = """
CREATE VIEW v_provider_performance AS
SELECT
    provider.name, provider.enabled, provider.circuit_state,
    COUNT(request.id) AS total_requests,
    COUNT(CASE WHEN request.status = 'success' THEN 1 END) AS successful_requests,
    ROUND(
        100.0 * COUNT(CASE WHEN request.status = 'success' THEN 1 END) / NULLIF(COUNT(request.id), 0), 2
    ) AS success_rate,
    AVG(request.latency) AS avg_latency,
    COALESCE(SUM(request.cost), 0) AS total_cost,
    MAX(request.created_at) AS last_request_at
FROM llm_providers AS provider
LEFT JOIN llm_requests AS request
    ON request.provider_name = provider.name AND request.created_at >= {yesterday}
GROUP BY provider.id, provider.name, provider.enabled, provider.circuit_state
"""
YESTERDAY = {
    "sqlite": "datetime('now', '-24 hours')",
    "postgresql": "CURRENT_TIMESTAMP - INTERVAL '24 hours'",
}

VIEWS = ("v_llm_daily_costs", "v_recent_failovers", "v_provider_performance")
TOUCHED_TABLES = ("llm_providers", "llm_cost_tracking", "llm_budget_alerts")

# The last condition ends the recursion where a connection has turned recursive_triggers on.
SQLITE_TRIGGER = """
CREATE TRIGGER {table}_update_timestamp AFTER UPDATE ON {table}
BEGIN
    UPDATE {table} SET updated_at = CURRENT_TIMESTAMP
    WHERE id = NEW.id AND updated_at IS NOT CURRENT_TIMESTAMP;
END
"""

# An AFTER trigger that updates its own table recurses on PostgreSQL, so the row is changed on its way in.
POSTGRESQL_FUNCTION = """
CREATE FUNCTION llm_update_timestamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = CURRENT_TIMESTAMP;
    RETURN NEW;
END
$$
"""

POSTGRESQL_TRIGGER = """
CREATE TRIGGER {table}_update_timestamp BEFORE UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION llm_update_timestamp()
"""


def upgrade() -> None:
    extend_llm_providers()
    extend_llm_requests()
    create_llm_cost_tracking()
    create_llm_budget_alerts()
    create_llm_failover_events()
    create_llm_response_quality()
    extend_llm_provider_health()
    create_views()
    create_triggers()
    data_step()


def downgrade() -> None:
    drop_triggers()
    for view in reversed(VIEWS):
        op.execute(f"DROP VIEW {view}")
    op.drop_index("idx_llm_provider_health_healthy", table_name="llm_provider_health")
    op.drop_index("idx_llm_provider_health_check_time", table_name="llm_provider_health")
    op.drop_index("idx_llm_provider_health_provider", table_name="llm_provider_health")
    op.drop_index("idx_llm_requests_prompt_hash", table_name="llm_requests")
    op.drop_index("idx_llm_requests_use_case", table_name="llm_requests")
    op.drop_index("idx_llm_requests_provider_name", table_name="llm_requests")
    op.drop_index("idx_llm_providers_circuit_state", table_name="llm_providers")
    op.drop_index("idx_llm_providers_enabled", table_name="llm_providers")
    for column in reversed(health_columns()):
        op.drop_column("llm_provider_health", column.name)
    for column in reversed(request_columns()):
        op.drop_column("llm_requests", column.name)
    for column in reversed(provider_columns()):
        op.drop_column("llm_providers", column.name)
    op.drop_table("llm_response_quality")
    op.drop_table("llm_failover_events")
    op.drop_table("llm_budget_alerts")
    op.drop_table("llm_cost_tracking")


def data_step() -> None:
    columns = (
        "name",
        "provider_type",
        "enabled",
        "model",
        "endpoint",
        "cost_per_1k_prompt",
        "cost_per_1k_completion",
    )
    for statement in insert_missing("llm_providers", key=("name",), columns=columns, rows=PROVIDERS):
        op.execute(statement)
    insert_missing_health()


def insert_missing_health() -> None:
    """Give each enabled provider that has no health row under its name one that says: healthy so far."""
    enabled = sa.column("enabled", sa.Boolean)
    providers = sa.table("llm_providers", sa.column("id"), sa.column("name"), enabled, sa.column("circuit_state"))
    columns = ("provider_name", "is_healthy", "success_rate", "circuit_state")
    health = sa.table("llm_provider_health", *(sa.column(name) for name in columns))
    known = sa.select(health.c.provider_name).where(health.c.provider_name == providers.c.name).exists()
    rows = sa.select(providers.c.name, sa.true(), sa.literal(1.0), providers.c.circuit_state)
    rows = rows.where(enabled.is_(sa.true()), ~known).order_by(providers.c.id)
    op.execute(sa.insert(health).from_select(columns, rows))


def extend_llm_providers() -> None:
    for column in provider_columns():
        op.add_column("llm_providers", column)
    op.create_index("idx_llm_providers_enabled", "llm_providers", ["enabled"])
    op.create_index("idx_llm_providers_circuit_state", "llm_providers", ["circuit_state"])


def extend_llm_requests() -> None:
    for column in request_columns():
        op.add_column("llm_requests", column)
    op.create_index("idx_llm_requests_provider_name", "llm_requests", ["provider_name"])
    op.create_index("idx_llm_requests_use_case", "llm_requests", ["use_case"])
    op.create_index("idx_llm_requests_prompt_hash", "llm_requests", ["prompt_hash"])


def create_llm_cost_tracking() -> None:
    op.create_table(
        "llm_cost_tracking",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("provider_name", sa.Text, nullable=False),
        sa.Column("time_bucket", sa.Text, nullable=False),
        sa.Column("bucket_type", sa.Text, server_default="hourly"),
        sa.Column("request_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("total_tokens", sa.Integer, server_default=sa.text("0")),
        sa.Column("total_cost", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("success_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("failure_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("timeout_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("avg_latency", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("max_latency", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("min_latency", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.UniqueConstraint("provider_name", "time_bucket", "bucket_type"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_llm_cost_tracking_provider", "llm_cost_tracking", ["provider_name"])
    op.create_index("idx_llm_cost_tracking_time_bucket", "llm_cost_tracking", ["time_bucket"])
    op.create_index("idx_llm_cost_tracking_bucket_type", "llm_cost_tracking", ["bucket_type"])


def create_llm_budget_alerts() -> None:
    op.create_table(
        "llm_budget_alerts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("alert_type", sa.Text, nullable=False),
        sa.Column("threshold_type", sa.Text, nullable=False),
        sa.Column("threshold_value", sa.REAL, nullable=False),
        sa.Column("current_value", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("period_start", sa.TIMESTAMP, nullable=False),
        sa.Column("period_end", sa.TIMESTAMP, nullable=False),
        sa.Column("triggered", sa.Boolean, server_default=sa.false()),
        sa.Column("triggered_at", sa.TIMESTAMP),
        sa.Column("acknowledged", sa.Boolean, server_default=sa.false()),
        sa.Column("acknowledged_at", sa.TIMESTAMP),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("action_taken", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("details_json", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_llm_budget_alerts_triggered", "llm_budget_alerts", ["triggered"])
    op.create_index("idx_llm_budget_alerts_period", "llm_budget_alerts", ["period_start", "period_end"])
    op.create_index("idx_llm_budget_alerts_type", "llm_budget_alerts", ["alert_type"])


def create_llm_failover_events() -> None:
    op.create_table(
        "llm_failover_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("from_provider", sa.Text, nullable=False),
        sa.Column("to_provider", sa.Text),
        sa.Column("failure_reason", sa.Text, nullable=False),
        sa.Column("failure_type", sa.Text),
        sa.Column("circuit_opened", sa.Boolean, server_default=sa.false()),
        sa.Column("circuit_state_before", sa.Text),
        sa.Column("circuit_state_after", sa.Text),
        sa.Column("occurred_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("details_json", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_llm_failover_events_from_provider", "llm_failover_events", ["from_provider"])
    op.create_index("idx_llm_failover_events_occurred", "llm_failover_events", ["occurred_at"])
    op.create_index("idx_llm_failover_events_circuit_opened", "llm_failover_events", ["circuit_opened"])


def create_llm_response_quality() -> None:
    op.create_table(
        "llm_response_quality",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("provider_name", sa.Text, nullable=False),
        sa.Column("quality_score", sa.REAL),
        sa.Column("user_rating", sa.Integer),
        sa.Column("automated_score", sa.REAL),
        sa.Column("feedback_type", sa.Text),
        sa.Column("feedback_text", sa.Text),
        sa.Column("use_case", sa.Text),
        sa.Column("task_type", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("created_by", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_llm_response_quality_provider", "llm_response_quality", ["provider_name"])
    op.create_index("idx_llm_response_quality_use_case", "llm_response_quality", ["use_case"])
    op.create_index("idx_llm_response_quality_score", "llm_response_quality", ["quality_score"])


def extend_llm_provider_health() -> None:
    for column in health_columns():
        op.add_column("llm_provider_health", column)
    op.create_index("idx_llm_provider_health_provider", "llm_provider_health", ["provider_name"])
    op.create_index("idx_llm_provider_health_check_time", "llm_provider_health", ["check_time"])
    op.create_index("idx_llm_provider_health_healthy", "llm_provider_health", ["is_healthy"])


def provider_columns() -> list[sa.Column]:
    return [
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("model", sa.Text),
        sa.Column("endpoint", sa.Text),
        sa.Column("timeout", sa.Integer, server_default=sa.text("120")),
        sa.Column("max_retries", sa.Integer, server_default=sa.text("3")),
        sa.Column("circuit_failure_threshold", sa.Integer, server_default=sa.text("5")),
        sa.Column("circuit_failure_window", sa.Integer, server_default=sa.text("60")),
        sa.Column("circuit_recovery_timeout", sa.Integer, server_default=sa.text("30")),
        sa.Column("circuit_success_threshold", sa.Integer, server_default=sa.text("3")),
        sa.Column("cost_per_1k_prompt", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("cost_per_1k_completion", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("circuit_state", sa.Text, server_default="closed"),
        sa.Column("last_success", sa.TIMESTAMP),
        sa.Column("last_failure", sa.TIMESTAMP),
        sa.Column("consecutive_failures", sa.Integer, server_default=sa.text("0")),
        sa.Column("config_json", sa.Text),
    ]


def request_columns() -> list[sa.Column]:
    return [
        sa.Column("request_id", sa.Text),
        sa.Column("provider_name", sa.Text),
        sa.Column("use_case", sa.Text),
        sa.Column("prompt_hash", sa.Text),
        sa.Column("cost", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("latency", sa.REAL, server_default=sa.text("0.0")),
        sa.Column("failover_attempt", sa.Integer, server_default=sa.text("0")),
        sa.Column("failed_providers", sa.Text),
        sa.Column("completed_at", sa.TIMESTAMP),
    ]


def health_columns() -> list[sa.Column]:
    return [
        sa.Column("provider_name", sa.Text),
        sa.Column("is_healthy", sa.Boolean, server_default=sa.true()),
        sa.Column("response_time", sa.REAL),
        sa.Column("error_message", sa.Text),
        sa.Column("consecutive_failures", sa.Integer, server_default=sa.text("0")),
        sa.Column("current_recovery_timeout", sa.Integer),
        sa.Column("success_rate", sa.REAL),
        sa.Column("avg_latency", sa.REAL),
        sa.Column("requests_last_hour", sa.Integer),
        sa.Column("cost_last_hour", sa.REAL),
    ]


def create_views() -> None:
    op.execute(DAILY_COSTS)
    op.execute(RECENT_FAILOVERS)
    op.execute(PROVIDER_PERFORMANCE.format(yesterday=YESTERDAY[op.get_context().dialect.name]))


def create_triggers() -> None:
    trigger = SQLITE_TRIGGER
    if op.get_context().dialect.name == "postgresql":
        op.execute(POSTGRESQL_FUNCTION)
        trigger = POSTGRESQL_TRIGGER
    for table in TOUCHED_TABLES:
        op.execute(trigger.format(table=table))


def drop_triggers() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION llm_update_timestamp() CASCADE")  # the three triggers go with it
        return
    for table in reversed(TOUCHED_TABLES):
        op.execute(f"DROP TRIGGER {table}_update_timestamp")
