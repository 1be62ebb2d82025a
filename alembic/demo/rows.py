"""Rows for the demo's tables: made from each column's name and type, the same at every build."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3

Value = str | int | float | bytes | None

START = datetime(2026, 1, 12, 8, 30)
FROZEN = "2026-02-10 12:00:00"

PEOPLE = ("ada", "grace", "edsger", "barbara", "donald", "margaret", "niklaus")
SUBJECTS = ("sign-in page", "billing export", "node heartbeat", "report filter", "task queue", "backup job")
DEEDS = ("Add", "Fix", "Speed up", "Document", "Retire", "Measure", "Split", "Review")

# Values that a CHECK or the application's own reading of a column asks for, by table and column or by column.
CHOICES: dict[str, tuple[Value, ...]] = {
    "service_health.status": ("running", "stopped"),
    "notification_log.status": ("sent", "failed"),
    "status": ("completed", "failed"),
    "trigger_type": ("manual",),
    "artifact_type": ("plan", "commit", "test_report"),
    "item_type": ("milestone", "incident"),
    "milestone_type": ("feature", "fix", "improvement"),
    "step_type": ("plan", "execute", "verify"),
    "service_type": ("web", "worker", "database"),
    "task_type": ("shell", "python", "git", "deploy", "test"),
    "severity": ("info", "warning", "critical"),
    "phase": ("planning", "testing"),
    "environment": ("dev", "qa", "prod"),
    "method": ("GET", "POST"),
    "channel": ("email", "slack", "dashboard"),
    "skill_name": ("python", "docker", "testing", "bash", "git", "debugging"),
    "timezone": ("Europe/Berlin", "UTC"),
    "mime_type": ("image/png", "text/plain"),
    "ip_address": ("10.0.0.4", "10.0.0.5", "10.0.0.6"),
}


class Column(NamedTuple):
    """A column as `PRAGMA table_info` tells it; `parents` holds the keys that its foreign key may take."""

    name: str
    type: str
    notnull: bool
    default: str | None
    pk: int
    parents: tuple[Value, ...] | None


def fill(connection: sqlite3.Connection, counts: dict[str, int]) -> None:
    """Insert that many rows into each table, in that order: parents before their children."""
    for table, count in counts.items():
        columns = [column for column in _columns(connection, table) if _given(column)]
        names = ", ".join(column.name for column in columns)
        marks = ", ".join("?" * len(columns))
        rows = [[_value(table, column, n) for column in columns] for n in range(1, count + 1)]
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def freeze(connection: sqlite3.Connection) -> None:
    """Set what CURRENT_TIMESTAMP wrote to one fixed time, so that two builds hold the same rows.

    Triggers step aside meanwhile: some of them write the current time.
    """
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for column in _columns(connection, table):
            if column.default == "CURRENT_TIMESTAMP":
                name = column.name
                connection.execute(f"UPDATE {table} SET {name} = ? WHERE {name} > '2026-03'", (FROZEN,))
    for _, sql in triggers:
        connection.execute(sql)


def _columns(connection: sqlite3.Connection, table: str) -> list[Column]:
    parents: dict[str, tuple[Value, ...]] = {}
    for key in connection.execute(f"PRAGMA foreign_key_list({table})").fetchall():
        parents[key[3]] = _keys(connection, key[2], key[4])
    info = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return [Column(i[1], i[2], bool(i[3]), i[4], i[5], parents.get(i[1])) for i in info]


def _keys(connection: sqlite3.Connection, table: str, column: str) -> tuple[Value, ...]:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    if not known.fetchone():
        return ()
    return tuple(row[0] for row in connection.execute(f"SELECT {column} FROM {table} ORDER BY rowid"))


def _given(column: Column) -> bool:
    """Whether a row names the column: ids and defaults are SQLite's, but the clock's default is not stable."""
    if column.pk:
        return column.type == "TEXT"
    return column.default in {None, "CURRENT_TIMESTAMP"}


def _value(table: str, column: Column, n: int) -> Value:
    if column.parents is not None:
        # The step at each round keeps pairs of a parent and a choice from repeating.
        count = len(column.parents)
        return column.parents[(n + n // count) % count] if count else None
    choices = CHOICES.get(f"{table}.{column.name}", CHOICES.get(column.name))
    if choices:
        return choices[n % len(choices)]
    match column.type:
        case "TEXT":
            return _text(column.name, n)
        case "TIMESTAMP" | "DATE":
            return _time(column, n)
        case "REAL":
            return n * 37 % 400 / 4
        case "BLOB":
            return bytes((n * k) % 256 for k in range(1, 25))
        case _:
            return n


def _time(column: Column, n: int) -> str | None:
    """A moment of the four weeks before the report; every other optional one is not there yet."""
    if column.name in {"deleted_at", "resolved_at"} or (not column.notnull and not column.default and n % 2):
        return None
    form = "%Y-%m-%d" if column.type == "DATE" else "%Y-%m-%d %H:%M:%S"
    return (START + timedelta(minutes=n * 173, seconds=n)).strftime(form)


def _text(name: str, n: int) -> str | None:
    if name in {"deleted_by", "error_message", "error", "stack_trace", "resolved_by"}:
        return None
    if name.endswith(("_by", "_to")) or name in {"requester", "actor", "reviewer"}:
        return PEOPLE[n % len(PEOPLE)]
    if name in {"user_id", "username"}:
        return f"{PEOPLE[n % len(PEOPLE)]}{n}"
    if name in {"title", "name", "summary", "message", "description", "goal", "prompt", "comment"}:
        return f"{DEEDS[n % len(DEEDS)]} the {SUBJECTS[n % len(SUBJECTS)]} ({n})"
    if name.endswith(("_data", "config", "conditions", "metadata", "payload", "channels", "_json", "filters")):
        return f'{{"batch": {n}, "of": "{SUBJECTS[n % len(SUBJECTS)]}"}}'
    if name.endswith("url"):
        return f"https://dashboard.example/{name}/{n}"
    if name.endswith(("path", "file", "filename")):
        return f"/srv/architect/{name}/{n:03}"
    return f"{name.replace('_', '-')}-{n:03}"
