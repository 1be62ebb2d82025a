"""App settings.

Settings of the application, and a history that a trigger writes on every update.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "019_app_settings"
down_revision = "018_custom_reports"
branch_labels = None
depends_on = None

legacy_version = "019"
legacy_aliases = ()

SQLITE_TRIGGER = """
CREATE TRIGGER log_settings_change AFTER UPDATE ON app_settings
BEGIN
    INSERT INTO settings_history (key, old_value, new_value, changed_by)
    VALUES (NEW.key, OLD.value, NEW.value, NEW.updated_by);
END
"""

POSTGRESQL_FUNCTION = """
CREATE FUNCTION log_settings_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO settings_history (key, old_value, new_value, changed_by)
    VALUES (NEW.key, OLD.value, NEW.value, NEW.updated_by);
    RETURN NULL;
END
$$
"""

POSTGRESQL_TRIGGER = """
CREATE TRIGGER log_settings_change AFTER UPDATE ON app_settings
FOR EACH ROW EXECUTE FUNCTION log_settings_change()
"""


def upgrade() -> None:
    op.create_table(
        "app_settings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("value", sa.Text),
        sa.Column("type", sa.Text, server_default="string"),
        sa.Column("category", sa.Text, server_default="general"),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_by", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_app_settings_key", "app_settings", ["key"])
    op.create_index("idx_app_settings_category", "app_settings", ["category"])
    op.create_table(
        "settings_history",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("old_value", sa.Text),
        sa.Column("new_value", sa.Text),
        sa.Column("changed_by", sa.Text),
        sa.Column("changed_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_settings_history_key", "settings_history", ["key"])
    op.create_index("idx_settings_history_time", "settings_history", ["changed_at"])
    create_trigger()


def downgrade() -> None:
    op.drop_table("settings_history")
    op.drop_table("app_settings")
    if op.get_context().dialect.name == "postgresql":  # a trigger goes with its table, a function does not
        op.execute("DROP FUNCTION log_settings_change()")


def create_trigger() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute(SQLITE_TRIGGER)
    else:
        op.execute(POSTGRESQL_FUNCTION)
        op.execute(POSTGRESQL_TRIGGER)
