"""Secure vault.

Secrets, encrypted, and a log of who looked at them. Four logins to be filled in come with it.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "031_secure_vault"
down_revision = "030_claude_auto_approval"
branch_labels = None
depends_on = None

legacy_version = "031"
legacy_aliases = ()

LOGINS = (
    ("gmail_login", "login", "gmail", "https://mail.google.com"),
    ("chatgpt_login", "login", "chatgpt", "https://chat.openai.com"),
    ("grok_login", "login", "grok", "https://grok.x.ai"),
    ("claude_login", "login", "claude", "https://claude.ai"),
)


def upgrade() -> None:
    create_secrets()
    create_secret_access_log()
    data_step()


def downgrade() -> None:
    op.drop_table("secret_access_log")
    op.drop_table("secrets")


def data_step() -> None:
    # The legacy rows hold an empty text where nothing is stored yet; PostgreSQL's bytea takes bytes only.
    nothing = "" if op.get_context().dialect.name == "sqlite" else b""
    columns = ("name", "category", "service", "url", "encrypted_value")
    rows = [(*login, nothing) for login in LOGINS]
    for statement in insert_missing("secrets", key=("name",), columns=columns, rows=rows):
        op.execute(statement)


def create_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("encrypted_value", sa.LargeBinary, nullable=False),
        sa.Column("category", sa.Text, nullable=False, server_default="general"),
        sa.Column("description", sa.Text),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="SET NULL")),
        sa.Column("service", sa.Text),
        sa.Column("username", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("expires_at", sa.TIMESTAMP),
        sa.Column("last_accessed", sa.TIMESTAMP),
        sa.Column("access_count", sa.Integer, server_default=sa.text("0")),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_secrets_category", "secrets", ["category"])
    op.create_index("idx_secrets_service", "secrets", ["service"])
    op.create_index("idx_secrets_project", "secrets", ["project_id"])


def create_secret_access_log() -> None:
    op.create_table(
        "secret_access_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("secret_id", sa.Integer, sa.ForeignKey("secrets.id", ondelete="CASCADE"), nullable=False),
        sa.Column("accessed_by", sa.Text),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("ip_address", sa.Text),
        sa.Column("timestamp", sa.TIMESTAMP, server_default=sa.text("CURRENT_TIMESTAMP")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_secret_access_secret", "secret_access_log", ["secret_id"])
    op.create_index("idx_secret_access_timestamp", "secret_access_log", [sa.text("timestamp DESC")])
