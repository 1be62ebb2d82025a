"""The legacy migrations as the old manager ran them, from the facts of chain.json.

Self-contained, so that tests and the demo may load it by its path. A *migration* and an *effect* are the
JSON objects of chain.json; a connection is best in autocommit (`isolation_level=None`).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

Facts = dict[str, Any]

TRACKER = """CREATE TABLE IF NOT EXISTS schema_versions (
                    id INTEGER PRIMARY KEY,
                    version TEXT UNIQUE NOT NULL,
                    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                    description TEXT,
                    checksum TEXT
                )"""

COMMENTS = {
    "metadata": "JSON",
    "config": "JSON",
    "conditions": "JSON conditions",
    "risk_factors": "JSON array",
    "event_data": "JSON",
    "cron_expression": "five fields, server time",
}

TOUCH = """CREATE TRIGGER IF NOT EXISTS {table}_update_timestamp
AFTER UPDATE ON {table}
BEGIN
    UPDATE {table} SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END"""

EXPIRE = """CREATE TRIGGER IF NOT EXISTS cleanup_old_{table}
AFTER INSERT ON {table}
BEGIN
    DELETE FROM {table} WHERE timestamp < datetime('now', '-30 days');
END"""

DEFINITIONS = {
    **{
        f"{table}_update_timestamp": TOUCH.format(table=table)
        for table in ("llm_providers", "llm_cost_tracking", "llm_budget_alerts")
    },
    **{f"cleanup_old_{table}": EXPIRE.format(table=table) for table in ("system_health", "service_health")},
    "log_settings_change": """CREATE TRIGGER IF NOT EXISTS log_settings_change
AFTER UPDATE ON app_settings
BEGIN
    INSERT INTO settings_history (key, old_value, new_value, changed_by)
    VALUES (NEW.key, OLD.value, NEW.value, NEW.updated_by);
END""",
    "v_llm_daily_costs": """CREATE VIEW IF NOT EXISTS v_llm_daily_costs AS
SELECT
    provider_name,
    DATE(time_bucket) AS date,
    SUM(request_count) AS total_requests,
    SUM(total_tokens) AS total_tokens,
    SUM(total_cost) AS total_cost,
    ROUND(SUM(total_cost) / NULLIF(SUM(request_count), 0), 4) AS avg_cost_per_request,
    ROUND(100.0 * SUM(success_count) / NULLIF(SUM(request_count), 0), 2) AS success_rate
FROM llm_cost_tracking
WHERE bucket_type = 'hourly'
GROUP BY provider_name, DATE(time_bucket)""",
    "v_recent_failovers": """CREATE VIEW IF NOT EXISTS v_recent_failovers AS
SELECT
    e.id, e.from_provider, e.to_provider, e.failure_reason, e.failure_type,
    e.circuit_opened, e.occurred_at, r.use_case, r.model
FROM llm_failover_events e
LEFT JOIN llm_requests r ON r.request_id = e.request_id
ORDER BY e.occurred_at DESC
LIMIT 100""",
    "v_provider_performance": """CREATE VIEW IF NOT EXISTS v_provider_performance AS
SELECT
    p.name, p.enabled, p.circuit_state,
    COUNT(r.id) AS total_requests,
    SUM(CASE WHEN r.status = 'success' THEN 1 ELSE 0 END) AS successful_requests,
    ROUND(100.0 * SUM(CASE WHEN r.status = 'success' THEN 1 ELSE 0 END) / NULLIF(COUNT(r.id), 0), 2)
        AS success_rate,
    AVG(r.latency) AS avg_latency,
    SUM(r.cost) AS total_cost,
    MAX(r.created_at) AS last_request_at
FROM llm_providers p
LEFT JOIN llm_requests r ON r.provider_name = p.name AND r.created_at >= datetime('now', '-24 hours')
GROUP BY p.id""",
}

# What chain.json leaves to the writer: per table, columns that it names in a note, and one text a row.
TEXTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "approval_gates": (
        ("description",),
        ("Every production deployment", "Any schema change", "Scored above 70", "Sign-in and payment code"),
    ),
    "task_hierarchy_settings": (
        ("description",),
        ("Deepest nesting", "Moves the children", "Ends with its children", "Passed on", "Passed on"),
    ),
    "llm_test_runs": (
        ("description", "prompt_template"),
        ("Write a calculator as one HTML page of at most {max_lines} lines.",),
    ),
}

APPROVALS = {
    "file_edit": {"python": r"\.py$", "html": r"\.html?$", "docs": r"\.md$", "config": r"\.(toml|json)$"},
    "file_create": {"tests": r"(^|/)tests?/", "modules": r"\.py$", "notes": r"(^|/)docs/"},
    "file_read": {"any": r".*"},
    "command": {"git": r"^git (status|diff)\b", "list": r"^ls\b", "test": r"pytest", "grep": r"^rg\b"},
    "tool_use": {"read": r"^Read$", "search": r"^(Glob|Grep)$", "edit": r"^Edit$"},
}
SESSIONS = ("codex", "comet", "concurrent_worker1", "task_worker1")
WORKERS = ("autoconfirm", "deploy_worker", "task_worker", "nodes_manager", "audit_manager", "command_runner")


@cache
def chain() -> tuple[Facts, ...]:
    """The 49 migrations in the order in which the manager ran them."""
    return tuple(json.loads(Path(__file__).with_name("chain.json").read_text(encoding="utf-8")))


def find(name: str) -> Facts:
    """The migration of that version, slug or `version_slug`; LookupError where none or two bear it."""
    found = [m for m in chain() if name in (m["version"], m["slug"], f"{m['version']}_{m['slug']}")]
    if len(found) != 1:
        candidates = ", ".join(f"{m['version']}_{m['slug']}" for m in found) or "none"
        raise LookupError(f"migration {name!r}: one expected, found {candidates}; name it as version_slug")
    return found[0]


def checksum(migration: Facts) -> str:
    """Stands for the MD5 of the file, which is not here: 32 hex digits, stable per migration."""
    name = f"{migration['version']}_{migration['slug']}".encode()
    return hashlib.md5(name, usedforsecurity=False).hexdigest()


def render(effect: Facts) -> str:
    """The statement that a migration file holds for an effect."""
    match effect["kind"]:
        case "create_table":
            return _table(effect)
        case "create_index":
            columns = ", ".join(effect["columns"])
            where = f" WHERE {effect['where']}" if "where" in effect else ""
            return f"CREATE INDEX IF NOT EXISTS {effect['name']} ON {effect['table']}({columns}){where}"
        case "add_column":
            return f"ALTER TABLE {effect['table']} ADD COLUMN {_column(effect['column'], '')}"
        case "create_trigger" | "create_view":
            return DEFINITIONS[effect["name"]]
        case kind:
            raise LookupError(f"chain.json: effect of unknown kind {kind!r}")


def _table(effect: Facts) -> str:
    uniques = effect.get("unique", [])
    lines = []
    for column in effect["columns"]:
        key = " PRIMARY KEY" if column.get("pk") else ""
        if key and effect.get("autoincrement"):
            key += " AUTOINCREMENT"
        lines.append(_column(column, key + (" UNIQUE" if [column["name"]] in uniques else "")))
    lines += [_foreign_key(key) for key in effect.get("foreign_keys", [])]
    lines += [f"UNIQUE({', '.join(columns)})" for columns in uniques if len(columns) > 1]
    body = "\n".join(f"    {line}{_tail(line, last=line is lines[-1])}" for line in lines)
    return f"CREATE TABLE IF NOT EXISTS {effect['table']} (\n{body}\n)"


def _column(column: Facts, constraint: str) -> str:
    words = f"{column['name']} {column['type']}{constraint}"
    if column.get("notnull"):
        words += " NOT NULL"
    if "default" in column:
        words += f" DEFAULT {column['default']}"
    if "check" in column:
        words += f" CHECK({column['check']})"
    if "references" in column:
        table, target = column["references"].split(".")
        words += f" REFERENCES {table}({target})"
    return words


def _foreign_key(key: Facts) -> str:
    action = f" ON DELETE {key['on_delete']}" if "on_delete" in key else ""
    columns, targets = ", ".join(key["columns"]), ", ".join(key["refers_columns"])
    return f"FOREIGN KEY ({columns}) REFERENCES {key['refers_to']}({targets}){action}"


def _tail(line: str, *, last: bool) -> str:
    note = COMMENTS.get(line.split(" ", maxsplit=1)[0])
    return ("" if last else ",") + (f"  -- {note}" if note else "")


def statements(migration: Facts) -> list[str]:
    """Everything that the migration's file executes: its schema statements, then its rows."""
    rows = [sql for data in migration.get("data", []) for sql in _data(migration["version"], data)]
    return [render(effect) for effect in migration["effects"]] + rows


def _data(version: str, data: Facts) -> list[str]:
    match version, data["table"]:
        case "008", "regions":
            values = ", ".join(map(_literal, data["rows"][0]))
            head = f"INSERT INTO regions ({', '.join(data['columns'])})"
            return [f"{head} SELECT {values} WHERE NOT EXISTS (SELECT 1 FROM regions)"]
        case "030", _:
            return [_insert("INSERT", data["table"], data["columns"], _approvals())]
        case "034", _:
            return _tmux_updates()
        case "037", "llm_provider_health":
            head = "INSERT OR IGNORE INTO llm_provider_health (provider_id, is_available, circuit_state)"
            return [f"{head}\nSELECT id, 1, 'closed' FROM llm_providers"]
        case "046", "llm_provider_health":
            head = "INSERT INTO llm_provider_health (provider_name, is_healthy, success_rate, circuit_state)"
            return [f"{head}\nSELECT name, 1, 1.0, circuit_state FROM llm_providers WHERE enabled = 1"]
    verb = "INSERT" if version == "032" else "INSERT OR IGNORE"
    columns, texts = TEXTS.get(data["table"], ((), ("",) * len(data["rows"])))
    rows = [[*row, *[text] * len(columns)] for row, text in zip(data["rows"], texts, strict=True)]
    return [_insert(verb, data["table"], [*data["columns"], *columns], rows)]


def _insert(verb: str, table: str, columns: list[str], rows: list[list[Any]]) -> str:
    values = ",\n".join(f"    ({', '.join(map(_literal, row))})" for row in rows)
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES\n{values}"


def _literal(value: str | float | None) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return "NULL" if value is None else repr(value)


def _approvals() -> list[list[Any]]:
    """Rows of 030 as name, pattern_type, pattern, action, scope, priority."""
    rows: list[list[Any]] = [
        [f"auto_approve_{kind}_{name}", kind, pattern, "approve", "global", 10]
        for kind, patterns in APPROVALS.items()
        for name, pattern in patterns.items()
    ]
    for session in SESSIONS:
        rows.append([f"{session}_autonomy", "file_edit", ".*", "approve", f"session:{session}", 100])
        rows.append([f"{session}_create", "file_create", ".*", "approve", f"session:{session}", 100])
    return rows


def _tmux_updates() -> list[str]:
    updates = [
        f"UPDATE tmux_sessions SET environment = '{name}' WHERE session_name LIKE '%{name}%'"
        for name in ("dev", "qa", "prod", "env3")
    ]
    workers = ", ".join(map(_literal, WORKERS))
    return [*updates, f"UPDATE tmux_sessions SET is_worker = 1 WHERE session_name IN ({workers})"]


def run(connection: sqlite3.Connection, name: str) -> str | None:
    """Execute a migration as the manager did, to its first error; give that error's text.

    What ran before the error stays: the manager had no transaction around a file. Inside the caller's own
    transaction it stays likewise, and the caller commits.
    """
    alone = not connection.in_transaction
    try:
        for statement in statements(find(name)):
            connection.execute(statement)
    except sqlite3.Error as error:
        return str(error)
    finally:
        if alone:
            connection.commit()
    return None


def create(connection: sqlite3.Connection, name: str, table: str) -> None:
    """Make one table (or index, view, trigger) in a migration's shape: "the application made it first"."""
    for effect in find(name)["effects"]:
        if effect["kind"].startswith("create_") and effect.get("name", effect.get("table")) == table:
            connection.execute(render(effect))
            return
    raise LookupError(f"migration {name!r} creates no {table!r}; look it up in chain.json")


def track(connection: sqlite3.Connection, version: str, applied_at: str, description: str, checksum: str) -> None:
    """Record a migration in `schema_versions`; a version already there gets a new row in its place."""
    connection.execute(TRACKER)
    connection.execute(
        "INSERT OR REPLACE INTO schema_versions (version, applied_at, description, checksum) VALUES (?, ?, ?, ?)",
        (version, applied_at, description, checksum),
    )
