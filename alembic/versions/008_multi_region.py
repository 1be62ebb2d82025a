"""Multi-region.

Regions with their metrics and connections, and the region of nodes, errors and tasks.

A default region is inserted only while `regions` has no row at all, so a database with regions of its own does not
get a second primary one. `regions.id` is a text key that the legacy file never declared NOT NULL.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "008_multi_region"
down_revision = "007_bugs_extended_fields"
branch_labels = None
depends_on = None

legacy_version = "008"
legacy_aliases = ()

REGIONS = (("default", "Default Region", "default", "on-premise", 1, 1, "active", "healthy"),)


def upgrade() -> None:
    create_regions()
    create_region_metrics()
    create_region_connections()
    extend_nodes()
    extend_errors()
    extend_task_queue()
    data_step()


def downgrade() -> None:
    op.drop_index("idx_tasks_region", table_name="task_queue")
    op.drop_index("idx_errors_region", table_name="errors")
    op.drop_index("idx_nodes_region", table_name="nodes")
    op.drop_column("task_queue", "region_affinity")
    op.drop_column("task_queue", "region_id")
    op.drop_column("errors", "region_id")
    op.drop_column("nodes", "availability_zone")
    op.drop_column("nodes", "datacenter")
    op.drop_column("nodes", "region_id")
    op.drop_table("region_connections")
    op.drop_table("region_metrics")
    op.drop_table("regions")


def data_step() -> None:
    # An empty key: only while the table has no row at all.
    for statement in insert_missing(
        "regions",
        key=(),
        columns=("id", "name", "code", "provider", "is_primary", "priority", "status", "health_status"),
        rows=REGIONS,
    ):
        op.execute(statement)


def create_regions() -> None:
    op.create_table(
        "regions",
        sa.Column("id", sa.Text, primary_key=True, nullable=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False, unique=True),
        sa.Column("description", sa.Text),
        sa.Column("provider", sa.Text, server_default="on-premise"),
        sa.Column("location", sa.Text),
        sa.Column("latitude", sa.REAL),
        sa.Column("longitude", sa.REAL),
        sa.Column("timezone", sa.Text),
        sa.Column(
            "status",
            sa.Text,
            sa.CheckConstraint("status IN ('active', 'inactive', 'maintenance', 'draining')"),
            server_default="active",
        ),
        sa.Column("is_primary", sa.Integer, server_default=sa.text("0")),
        sa.Column("priority", sa.Integer, server_default=sa.text("100")),
        sa.Column("max_nodes", sa.Integer, server_default=sa.text("100")),
        sa.Column("current_nodes", sa.Integer, server_default=sa.text("0")),
        sa.Column("replication_targets", sa.Text, server_default="[]"),
        sa.Column("config", sa.Text, server_default="{}"),
        sa.Column(
            "health_status",
            sa.Text,
            sa.CheckConstraint("health_status IN ('unknown', 'healthy', 'warning', 'critical', 'offline')"),
            server_default="unknown",
        ),
        sa.Column("last_health_check", sa.TIMESTAMP),
        sa.Column("avg_latency_ms", sa.REAL),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("created_by", sa.Text),
        sa.Column("deleted_at", sa.TIMESTAMP),
        sa.Column("deleted_by", sa.Text),
    )
    op.create_index("idx_regions_status", "regions", ["status"])
    op.create_index("idx_regions_code", "regions", ["code"])


def create_region_metrics() -> None:
    op.create_table(
        "region_metrics",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("region_id", sa.Text, sa.ForeignKey("regions.id"), nullable=False),
        sa.Column("timestamp", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("node_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("online_nodes", sa.Integer, server_default=sa.text("0")),
        sa.Column("total_cpu_usage", sa.REAL, server_default=sa.text("0")),
        sa.Column("total_memory_usage", sa.REAL, server_default=sa.text("0")),
        sa.Column("total_disk_usage", sa.REAL, server_default=sa.text("0")),
        sa.Column("avg_latency_ms", sa.REAL),
        sa.Column("request_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("error_count", sa.Integer, server_default=sa.text("0")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_region_metrics_region", "region_metrics", ["region_id"])
    op.create_index("idx_region_metrics_timestamp", "region_metrics", ["timestamp"])


def create_region_connections() -> None:
    op.create_table(
        "region_connections",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source_region", sa.Text, sa.ForeignKey("regions.id"), nullable=False),
        sa.Column("target_region", sa.Text, sa.ForeignKey("regions.id"), nullable=False),
        sa.Column("latency_ms", sa.REAL),
        sa.Column("bandwidth_mbps", sa.REAL),
        sa.Column(
            "status",
            sa.Text,
            sa.CheckConstraint("status IN ('unknown', 'connected', 'degraded', 'disconnected')"),
            server_default="unknown",
        ),
        sa.Column("last_checked", sa.TIMESTAMP),
        sa.Column("config", sa.Text, server_default="{}"),
        sa.UniqueConstraint("source_region", "target_region"),
        sqlite_autoincrement=True,
    )


def extend_nodes() -> None:
    op.add_column("nodes", sa.Column("region_id", sa.Text, sa.ForeignKey("regions.id")), inline_references=True)
    op.add_column("nodes", sa.Column("datacenter", sa.Text))
    op.add_column("nodes", sa.Column("availability_zone", sa.Text))
    op.create_index("idx_nodes_region", "nodes", ["region_id"])


def extend_errors() -> None:
    op.add_column("errors", sa.Column("region_id", sa.Text))
    op.create_index("idx_errors_region", "errors", ["region_id"])


def extend_task_queue() -> None:
    op.add_column("task_queue", sa.Column("region_id", sa.Text))
    op.add_column("task_queue", sa.Column("region_affinity", sa.Text))
    op.create_index("idx_tasks_region", "task_queue", ["region_id"])
