"""Rows as each of the dashboard's competing writers inserts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

LIVE_WRITERS = [
    ("milestones", {"project_id": 1, "name": "m", "status": "open"}),
    ("milestones", {"app_id": 1, "run_id": 1, "name": "m", "milestone_type": "fix", "status": "pending"}),
    (
        "claude_patterns",
        {
            "pattern_type": "question",
            "pattern_regex": "x.*",
            "auto_response": None,
            "action": "escalate",
            "priority": 1,
        },
    ),
    ("claude_patterns", {"name": "n", "pattern_type": "command", "pattern": "^ls$", "scope": "global", "enabled": 1}),
    (
        "notification_log",
        {
            "notification_type": "service",
            "severity": "error",
            "title": "t",
            "message": "m",
            "source": "s",
            "metadata": "{}",
            "channels_notified": "[]",
        },
    ),
    (
        "notification_log",
        {
            "notification_id": 1,
            "channel": "email",
            "status": "sent",
            "error_message": None,
            "created_at": "2026-02-10 15:00:00",
        },
    ),
]


def insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Insert `row` and return the whole row as stored."""
    columns, places = ", ".join(row), ", ".join("?" * len(row))
    cursor = connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(row.values()))
    stored = connection.execute(f"SELECT * FROM {table} WHERE rowid = ?", (cursor.lastrowid,))
    names = [description[0] for description in stored.description]
    return dict(zip(names, stored.fetchone(), strict=True))
