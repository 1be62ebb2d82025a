"""Every fact that chain.json states is there at head; where the chain departs from it, the table below says so."""

from __future__ import annotations

import ast
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from support.chain_runner import ALEMBIC, upgrade_to_head

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIGRATIONS = {f"{m['version']}_{m['slug']}": m for m in json.loads((ALEMBIC / "demo" / "chain.json").read_text())}


class Departure(NamedTuple):
    """A fact of chain.json that head does not hold, the fact that it holds `instead` ('' for none), and why."""

    migration: str
    fact: str
    instead: str
    why: str


OTHER_WRITER = {  # NOT NULL in one shape, unknown to the writer of the other: NULL is allowed
    "003_autopilot_orchestration": ("milestones.app_id",),
    "006_claude_interactions": ("claude_interactions.interaction_type", "claude_patterns.pattern_regex"),
    "009_notifications": ("notification_log.notification_type", "notification_log.title"),
    "018_custom_reports": ("custom_reports.data_source",),
    "024_notification_rules": ("notification_log.channel", "notification_log.status"),
    "028_sprints": ("sprints.project_id",),
    "030_claude_auto_approval": ("claude_interactions.prompt_type", "claude_patterns.name", "claude_patterns.pattern"),
    "037_llm_metrics": (
        "llm_providers.display_name",
        "llm_requests.provider_id",
        "llm_provider_health.provider_id",
    ),
    "046_llm_failover": (
        "llm_providers.model",
        "llm_requests.request_id",
        "llm_requests.provider_name",
        "llm_provider_health.provider_name",
    ),
}
MILESTONE_STATUS = (
    "milestones.status check status IN ('pending', 'ready_for_review', 'approved', 'rejected', 'changes_requested')"
)
OTHER_DEPARTURES = {
    "003_autopilot_orchestration": (
        ("milestones autoincrement", "", "cannot be added to a table that exists, and 001 made it without"),
        (MILESTONE_STATUS, "", "001's writer stores 'open'"),
        ("milestones.status default 'pending'", "milestones.status default 'open'", "001 came first"),
    ),
    "006_claude_interactions": (
        ("claude_interactions key (run_id) to autopilot_runs (id) on delete NO ACTION", "", "no migration makes it"),
        ("claude_patterns.action default None", "claude_patterns.action default 'approve'", "030's writer needs it"),
    ),
    "021_task_batches": (
        ("task_batches key (template_id) to task_templates (id) on delete NO ACTION", "", "no migration makes it"),
    ),
    "028_sprints": (
        ("sprints.capacity_hours default None", "sprints.capacity_hours default 0", "045's writer needs it"),
    ),
    "030_claude_auto_approval": (
        (
            "claude_patterns unique (name)",
            "index uq_claude_patterns_name on claude_patterns (name) unique",
            "SQLite cannot add a UNIQUE to a table that exists",
        ),
        ("claude_patterns.action NOT NULL", "claude_patterns.action NULL", "006 lets its writer store NULL"),
        ("claude_patterns.enabled type BOOLEAN", "claude_patterns.enabled type INTEGER", "006 came first"),
    ),
    "032_llm_provider_tests": (
        (
            "index idx_test_results_run on llm_test_results (test_run_id)",
            "index idx_llm_test_results_run on llm_test_results (test_run_id)",
            "002 uses the name",
        ),
        (
            "index idx_test_results_status on llm_test_results (status)",
            "index idx_llm_test_results_status on llm_test_results (status)",
            "002 uses the name",
        ),
    ),
    "034_session_entity_tracking": (
        (
            "tmux_sessions key (autopilot_run_id) to autopilot_runs (id) on delete NO ACTION",
            "",
            "no migration makes it",
        ),
        (
            "tmux_sessions key (milestone_id) to autopilot_milestones (id) on delete NO ACTION",
            "",
            "no migration makes it",
        ),
        ("tmux_sessions.is_worker type INTEGER", "tmux_sessions.is_worker type BOOLEAN", "016 came first"),
    ),
    "037_llm_metrics": (
        ("llm_requests.status NOT NULL", "llm_requests.status NULL", "046 lets its writer store NULL"),
        ("llm_requests.status default None", "llm_requests.status default 'success'", "046's writer needs it"),
    ),
    "045_sprints": (
        (
            "sprints key (project_id) to projects (id) on delete NO ACTION",
            "sprints key (project_id) to projects (id) on delete CASCADE",
            "028 came first",
        ),
    ),
    "046_llm_failover": (
        (
            "index idx_llm_requests_provider on llm_requests (provider_name)",
            "index idx_llm_requests_provider_name on llm_requests (provider_name)",
            "037 uses the name",
        ),
        (
            "llm_provider_health.circuit_state default None",
            "llm_provider_health.circuit_state default 'closed'",
            "037 came first",
        ),
        ("llm_requests.model NOT NULL", "llm_requests.model NULL", "037 lets its writer store NULL"),
    ),
}
DEPARTURES = [
    *(
        Departure(migration, f"{column} NOT NULL", f"{column} NULL", "unknown to the other writer")
        for migration, columns in OTHER_WRITER.items()
        for column in columns
    ),
    *(Departure(migration, *row) for migration, rows in OTHER_DEPARTURES.items() for row in rows),
]


def declared_facts(migration: dict[str, Any]) -> Iterator[str]:
    for effect in migration["effects"]:
        match effect["kind"]:
            case "create_table":
                yield from declared_table(effect)
            case "add_column":
                yield from declared_column(effect["table"], effect["column"])
            case "create_index":
                where = f" where {effect['where']}" if effect.get("where") else ""
                yield f"index {effect['name']} on {effect['table']} ({', '.join(effect['columns'])}){where}"
            case "create_trigger":
                yield f"trigger {effect['name']} {effect['timing']} ON {effect['table']}"
            case "create_view":
                yield f"view {effect['name']} ({', '.join(effect['columns'])})"


def declared_table(effect: dict[str, Any]) -> Iterator[str]:
    table = effect["table"]
    yield f"table {table}"
    for column in effect["columns"]:
        yield from declared_column(table, column)
    for columns in effect.get("unique", []):
        yield f"{table} unique ({', '.join(columns)})"
    for key in effect.get("foreign_keys", []):
        to = f"{key['refers_to']} ({', '.join(key['refers_columns'])})"
        yield f"{table} key ({', '.join(key['columns'])}) to {to} on delete {key.get('on_delete', 'NO ACTION')}"
    if effect.get("autoincrement"):
        yield f"{table} autoincrement"


def declared_column(table: str, column: dict[str, Any]) -> Iterator[str]:
    name = f"{table}.{column['name']}"
    yield f"{name} type {column['type']}"
    yield f"{name} default {column.get('default')}"
    if column.get("pk"):
        yield f"{name} primary key"
    if not (column.get("pk") and column["type"] == "INTEGER"):  # the rowid, which is never NULL in either spelling
        yield f"{name} {'NOT NULL' if column.get('notnull') else 'NULL'}"
    if column.get("check"):
        yield f"{name} check {column['check']}"
    if column.get("references"):
        to, to_column = column["references"].split(".")
        yield f"{table} key ({column['name']}) to {to} ({to_column}) on delete NO ACTION"


def facts_of(connection: sqlite3.Connection) -> set[str]:
    facts = set()
    for kind, name, table, sql in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema"):
        match kind:
            case "table" if name != "sqlite_sequence":
                facts |= {f"table {name}", *facts_of_table(connection, name)}
                facts |= {f"{name} autoincrement"} if "AUTOINCREMENT" in sql else set()
            case "index" if sql:
                facts.add(f"index {name} on {table} ({index_columns(connection, name)}){index_condition(sql)}")
            case "trigger":
                timing = sql.partition(f" ON {table}")[0].partition(f"TRIGGER {name} ")[2]
                facts.add(f"trigger {name} {timing} ON {table}")
            case "view":
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
                facts.add(f"view {name} ({', '.join(columns)})")
    return facts


def facts_of_table(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    for _, column, kind, not_null, default, primary in connection.execute(f"PRAGMA table_info({table})"):
        name = f"{table}.{column}"
        yield f"{name} type {kind}"
        yield f"{name} default {default}"
        if primary:
            yield f"{name} primary key"
        if not (primary and kind == "INTEGER"):
            yield f"{name} {'NOT NULL' if not_null else 'NULL'}"
    for _, index, _, origin, _ in connection.execute(f"PRAGMA index_list({table})"):
        if origin == "u":
            yield f"{table} unique ({index_columns(connection, index)})"
    for _, _, to, column, to_column, _, on_delete, _ in connection.execute(f"PRAGMA foreign_key_list({table})"):
        yield f"{table} key ({column}) to {to} ({to_column}) on delete {on_delete}"


def index_columns(connection: sqlite3.Connection, index: str) -> str:
    rows = [row for row in connection.execute(f"PRAGMA index_xinfo({index})") if row[5]]
    return ", ".join(name + (" DESC" if descending else "") for _, _, name, descending, _, _ in rows)


def index_condition(sql: str) -> str:
    condition = " ".join(sql.split()).partition(" WHERE ")[2]
    unique = " unique" if sql.startswith("CREATE UNIQUE") else ""
    return unique + (f" where {condition}" if condition else "")


def checks_that_hold(connection: sqlite3.Connection) -> set[str]:
    """The declared checks that let each of their values in and another one not, found out by inserting rows."""
    stated = {fact for migration in MIGRATIONS.values() for fact in declared_facts(migration) if " check " in fact}
    return {fact for fact in stated if holds(connection, *fact.split(" check "))}


def allowed_values(column: str, check: str) -> tuple[str, ...]:
    return tuple(ast.literal_eval(check.removeprefix(f"{column} IN ")))


def holds(connection: sqlite3.Connection, name: str, check: str) -> bool:
    table, column = name.split(".")
    allowed = allowed_values(column, check)
    return all(fits(connection, table, column, value) for value in allowed) and not any(
        fits(connection, table, column, value) for value in ("", "no such word", allowed[0].upper())
    )


# What the NOT NULL columns that have a check get while another column is tried.
FITTING = {
    (effect["table"], column["name"]): allowed_values(column["name"], column["check"])[0]
    for migration in MIGRATIONS.values()
    for effect in migration["effects"]
    if effect["kind"] == "create_table"
    for column in effect["columns"]
    if column.get("check")
}


def fits(connection: sqlite3.Connection, table: str, column: str, value: str) -> bool:
    row = {
        name: FITTING.get((table, name), 1 if kind == "INTEGER" else "x")
        for _, name, kind, not_null, default, primary in connection.execute(f"PRAGMA table_info({table})")
        if (not_null and default is None and not primary) or (primary and kind == "TEXT")
    }
    row[column] = value
    try:
        connection.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values())
        )
    except sqlite3.IntegrityError as error:
        if "CHECK constraint failed" not in str(error):
            raise
        return False
    finally:
        connection.rollback()
    return True


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return upgrade_to_head(tmp_path_factory.mktemp("chain") / "head.db")


@pytest.fixture(scope="module")
def found(head: Path) -> set[str]:
    with closing(sqlite3.connect(head)) as connection:
        return facts_of(connection) | checks_that_hold(connection)


@pytest.mark.parametrize("migration", MIGRATIONS)
def test_every_fact_of_the_migration_is_there_at_head_but_for_the_departures(migration: str, found: set[str]) -> None:
    departures = [departure for departure in DEPARTURES if departure.migration == migration]
    missing = set(declared_facts(MIGRATIONS[migration])) - found
    assert missing == {departure.fact for departure in departures}
    assert {departure.instead for departure in departures if departure.instead} <= found


def test_head_holds_nothing_that_no_migration_declares(found: set[str]) -> None:
    declared = {fact for migration in MIGRATIONS.values() for fact in declared_facts(migration)}
    assert found - declared - {departure.instead for departure in DEPARTURES} == set()
