"""Claude auto-approval.

Prompts of Claude sessions that are approved by themselves, by named patterns. 23 patterns come with it.

Both tables exist since 006 in another shape, and both writers are live. They gain the columns they lack:

- `name`, `pattern` and `prompt_type` allow NULL because 006's writer does not know them; `action` keeps 006's freedom
  to be NULL and `enabled` its INTEGER.
- SQLite cannot add a UNIQUE to a table that exists, so a unique index keeps the names apart; names of 006's
  rows are NULL, which never collide.
- `idx_claude_interactions_session` exists since 006 on the same column and is not made again.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from architect_migrate.seeds import insert_missing

revision = "030_claude_auto_approval"
down_revision = "029_kudos"
branch_labels = None
depends_on = None

legacy_version = "030"
legacy_aliases = ()

# Paths must be relative and stay inside the project; commands must not be able to chain another command.
PATTERNS = (
    ("auto_approve_read_source", "file_read", r"^(?!/)(?!.*\.\.)[\w./-]+\.(py|js|ts|css|html|sql|sh)$", 50),
    ("auto_approve_read_docs", "file_read", r"^(?!/)(?!.*\.\.)[\w./-]+\.(md|rst|txt)$", 50),
    ("auto_approve_read_config", "file_read", r"^(?!/)(?!.*\.\.)[\w./-]+\.(toml|ya?ml|ini|cfg)$", 40),
    ("auto_approve_edit_python", "file_edit", r"^(?!/)(?!.*\.\.)[\w./-]+\.py$", 30),
    ("auto_approve_edit_web", "file_edit", r"^(?!/)(?!.*\.\.)[\w./-]+\.(js|ts|css|html)$", 30),
    ("auto_approve_edit_docs", "file_edit", r"^(?!/)(?!.*\.\.)[\w./-]+\.(md|rst)$", 40),
    ("auto_approve_edit_tests", "file_edit", r"^(?!.*\.\.)tests/[\w./-]+\.py$", 40),
    ("auto_approve_create_tests", "file_create", r"^(?!.*\.\.)tests/[\w./-]+\.py$", 40),
    ("auto_approve_create_docs", "file_create", r"^(?!.*\.\.)docs/[\w./-]+\.md$", 40),
    ("auto_approve_list_files", "command", r"^(ls|pwd|wc)( -\w+| (?!/)(?!\S*\.\.)[\w./-]+)*$", 50),
    ("auto_approve_git_read", "command", r"^git (status|log|diff|show)( (?!--output)[\w./@^~-]+)*$", 50),
    ("auto_approve_run_tests", "command", r"^(?!.*\.\.)(python3? -m )?pytest( -[qvx]+| tests[\w./:-]*)*$", 40),
    ("auto_approve_run_linter", "command", r"^ruff (check|format --check)( [\w.][\w./-]*)*$", 40),
    ("auto_approve_search_tools", "tool_use", r"^(Glob|Grep|LS)$", 50),
    ("auto_approve_todo_list", "tool_use", r"^TodoWrite$", 30),
)

SESSIONS = ("codex", "comet", "concurrent_worker1", "task_worker1")


def upgrade() -> None:
    for column in claude_pattern_columns():
        op.add_column("claude_patterns", column)
    op.create_index("uq_claude_patterns_name", "claude_patterns", ["name"], unique=True)
    op.create_index("idx_claude_patterns_type", "claude_patterns", ["pattern_type"])
    op.create_index("idx_claude_patterns_enabled", "claude_patterns", ["enabled"])
    for column in claude_interaction_columns():
        op.add_column("claude_interactions", column, inline_references=True)
    op.create_index("idx_claude_interactions_response", "claude_interactions", ["response"])
    data_step()


def downgrade() -> None:
    op.drop_index("idx_claude_interactions_response", table_name="claude_interactions")
    op.drop_index("idx_claude_patterns_enabled", table_name="claude_patterns")
    op.drop_index("idx_claude_patterns_type", table_name="claude_patterns")
    op.drop_index("uq_claude_patterns_name", table_name="claude_patterns")
    for column in reversed(claude_interaction_columns()):
        op.drop_column("claude_interactions", column.name)
    for column in reversed(claude_pattern_columns()):
        op.drop_column("claude_patterns", column.name)


def data_step() -> None:
    columns = ("name", "pattern_type", "pattern", "action", "scope", "priority")
    shared = [(name, kind, pattern, "approve", "global", priority) for name, kind, pattern, priority in PATTERNS]
    rows = [*shared, *session_patterns()]
    for statement in insert_missing("claude_patterns", key=("name",), columns=columns, rows=rows):
        op.execute(statement)


def session_patterns() -> list[tuple[str, str, str, str, str, int]]:
    """Let the sessions that work on their own edit and create whatever they want."""
    kinds = (("autonomy", "file_edit"), ("create", "file_create"))
    return [
        (f"{session}_{suffix}", kind, ".*", "approve", f"session:{session}", 100)
        for session in SESSIONS
        for suffix, kind in kinds
    ]


def claude_pattern_columns() -> list[sa.Column]:
    return [
        sa.Column("name", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("pattern", sa.Text),
        sa.Column("scope", sa.Text),
        sa.Column("conditions", sa.Text),
    ]


def claude_interaction_columns() -> list[sa.Column]:
    return [
        sa.Column("prompt_type", sa.Text),
        sa.Column("prompt_text", sa.Text),
        sa.Column("file_path", sa.Text),
        sa.Column("action_requested", sa.Text),
        sa.Column("response", sa.Text),
        sa.Column("matched_pattern_id", sa.Integer, sa.ForeignKey("claude_patterns.id")),
        sa.Column("auto_approved", sa.Boolean, server_default=sa.false()),
        sa.Column("responded_at", sa.TIMESTAMP),
    ]
