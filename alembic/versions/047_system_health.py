"""System health.

Load of the machine and of each service over time. Triggers delete what is older than 30 days.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "047_system_health"
down_revision = "046_llm_failover"
branch_labels = None
depends_on = None

legacy_version = "047"
legacy_aliases = ("031",)

TABLES = ("system_health", "service_health")

SQLITE_TRIGGER = """
CREATE TRIGGER cleanup_old_{table} AFTER INSERT ON {table}
BEGIN
    DELETE FROM {table} WHERE timestamp < datetime('now', '-30 days');
END
"""

POSTGRESQL_FUNCTION = """
CREATE FUNCTION cleanup_old_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM {table} WHERE timestamp < CURRENT_TIMESTAMP - INTERVAL '30 days';
    RETURN NULL;
END
$$
"""

POSTGRESQL_TRIGGER = """
CREATE TRIGGER cleanup_old_{table} AFTER INSERT ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION cleanup_old_{table}()
"""


def upgrade() -> None:
    create_system_health()
    create_service_health()
    create_triggers()


def downgrade() -> None:
    op.drop_table("service_health")
    op.drop_table("system_health")
    if op.get_context().dialect.name == "postgresql":  # a trigger goes with its table, a function does not
        for table in reversed(TABLES):
            op.execute(f"DROP FUNCTION cleanup_old_{table}()")


def create_system_health() -> None:
    op.create_table(
        "system_health",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("timestamp", sa.TIMESTAMP, nullable=False, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("cpu_percent", sa.REAL),
        sa.Column("memory_percent", sa.REAL),
        sa.Column("memory_used_mb", sa.Integer),
        sa.Column("memory_total_mb", sa.Integer),
        sa.Column("disk_percent", sa.REAL),
        sa.Column("disk_used_gb", sa.Integer),
        sa.Column("disk_total_gb", sa.Integer),
        sa.Column("network_sent_mb", sa.REAL),
        sa.Column("network_recv_mb", sa.REAL),
        sa.Column("load_avg_1", sa.REAL),
        sa.Column("load_avg_5", sa.REAL),
        sa.Column("load_avg_15", sa.REAL),
        sa.Column("services_running", sa.Integer),
        sa.Column("services_total", sa.Integer),
        sa.Column("workers_active", sa.Integer),
        sa.Column("workers_total", sa.Integer),
        sa.Column("uptime_seconds", sa.Integer),
        sa.Column("process_count", sa.Integer),
        sa.Column("thread_count", sa.Integer),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_system_health_timestamp", "system_health", ["timestamp"])
    op.create_index("idx_system_health_created_at", "system_health", ["created_at"])


def create_service_health() -> None:
    op.create_table(
        "service_health",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("timestamp", sa.TIMESTAMP, nullable=False, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("service_name", sa.Text, nullable=False),
        sa.Column(
            "service_type", sa.Text, sa.CheckConstraint("service_type IN ('web', 'worker', 'llm', 'database', 'other')")
        ),
        sa.Column("port", sa.Integer),
        sa.Column("pid", sa.Integer),
        sa.Column("status", sa.Text, sa.CheckConstraint("status IN ('running', 'stopped', 'error', 'unknown')")),
        sa.Column("cpu_percent", sa.REAL),
        sa.Column("memory_mb", sa.REAL),
        sa.Column("memory_percent", sa.REAL),
        sa.Column("response_time_ms", sa.Integer),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_service_health_timestamp", "service_health", ["timestamp"])
    op.create_index("idx_service_health_service", "service_health", ["service_name", "timestamp"])


def create_triggers() -> None:
    for table in TABLES:
        if op.get_context().dialect.name == "sqlite":
            op.execute(SQLITE_TRIGGER.format(table=table))
        else:
            op.execute(POSTGRESQL_FUNCTION.format(table=table))
            op.execute(POSTGRESQL_TRIGGER.format(table=table))
