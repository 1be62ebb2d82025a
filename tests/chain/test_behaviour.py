"""The triggers and views of the chain do what chain.json says that they do."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from support.chain_runner import upgrade_to_head

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = "SELECT {column} >= datetime('now', '-1 minute') FROM {table} WHERE id = {id}"


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return upgrade_to_head(tmp_path_factory.mktemp("chain") / "head.db")


@pytest.fixture
def connection(head: Path) -> Iterator[sqlite3.Connection]:
    """Head, with a transaction open that is rolled back."""
    connection = sqlite3.connect(head, isolation_level=None)
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.rollback()
        connection.close()


def test_each_update_of_a_setting_is_written_to_the_history(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO app_settings (key, value, updated_by) VALUES ('theme', 'dark', 'ann')")
    assert connection.execute("SELECT COUNT(*) FROM settings_history").fetchone() == (0,)
    connection.execute("UPDATE app_settings SET value = 'light', updated_by = 'bob'")
    connection.execute("UPDATE app_settings SET value = NULL, updated_by = NULL")
    assert connection.execute("SELECT key, old_value, new_value, changed_by FROM settings_history").fetchall() == [
        ("theme", "dark", "light", "bob"),
        ("theme", "light", None, None),
    ]


@pytest.mark.parametrize(
    ("table", "insert", "update"),
    [
        ("llm_providers", "(id, name, provider_type, updated_at) VALUES (91, 'a', 'x', {old})", "enabled = 0"),
        (
            "llm_cost_tracking",
            "(id, provider_name, time_bucket, updated_at) VALUES (91, 'a', 'b', {old})",
            "total_cost = 1",
        ),
        (
            "llm_budget_alerts",
            (
                "(id, alert_type, threshold_type, threshold_value, period_start, period_end, updated_at)"
                " VALUES (91, 'a', 'b', 1, 2, 3, {old})"
            ),
            "triggered = 1",
        ),
    ],
)
@pytest.mark.parametrize("recursive", ["OFF", "ON"])
def test_an_update_sets_updated_at_of_that_row_alone(
    connection: sqlite3.Connection, table: str, insert: str, update: str, recursive: str
) -> None:
    connection.execute("COMMIT")
    connection.execute(f"PRAGMA recursive_triggers = {recursive}")
    connection.execute("BEGIN")
    connection.execute(f"INSERT INTO {table} {insert.format(old=chr(39) + '2020-01-01' + chr(39))}")
    others = connection.execute(f"SELECT * FROM {table} WHERE id <> 91").fetchall()
    connection.execute(f"UPDATE {table} SET {update} WHERE id = 91")
    assert connection.execute(NOW.format(column="updated_at", table=table, id=91)).fetchone() == (1,)
    assert connection.execute(f"SELECT * FROM {table} WHERE id <> 91").fetchall() == others


@pytest.mark.parametrize(
    ("table", "columns", "values"), [("system_health", "", ""), ("service_health", ", service_name", ", 'web'")]
)
def test_an_insert_deletes_what_is_older_than_30_days(
    connection: sqlite3.Connection, table: str, columns: str, values: str
) -> None:
    for age in (31, 29, 0):
        moment = f"datetime('now', '-{age} days')"
        connection.execute(f"INSERT INTO {table} (id, timestamp{columns}) VALUES ({age + 1}, {moment}{values})")
    assert connection.execute(f"SELECT id FROM {table} ORDER BY id").fetchall() == [(1,), (30,)]


def test_daily_costs_sum_the_hourly_rows_of_a_provider_and_day(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO llm_cost_tracking (provider_name, time_bucket, bucket_type, request_count, total_tokens,"
        " total_cost, success_count) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            ("claude", "2026-02-10 01:00:00", "hourly", 2, 100, 0.5, 2),
            ("claude", "2026-02-10T02:00", "hourly", 1, 50, 0.5, 0),
            ("claude", "2026-02-11 01:00:00", "hourly", 0, 0, 0.0, 0),
            ("claude", "2026-02-10", "daily", 99, 99, 99.0, 99),
            ("openai", "2026-02-10 01:00:00", "hourly", 4, 8, 2.0, 4),
        ],
    )
    assert connection.execute("SELECT * FROM v_llm_daily_costs ORDER BY provider_name, date").fetchall() == [
        ("claude", "2026-02-10", 3, 150, 1.0, 0.3333, 66.67),
        ("claude", "2026-02-11", 0, 0, 0.0, None, None),
        ("openai", "2026-02-10", 4, 8, 2.0, 0.5, 100.0),
    ]


def test_recent_failovers_are_the_newest_hundred_events_with_their_requests(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO llm_requests (request_id, use_case, model) VALUES ('r104', 'chat', 'small')")
    connection.executemany(
        "INSERT INTO llm_failover_events (id, request_id, from_provider, failure_reason, occurred_at)"
        " VALUES (?, ?, 'claude', 'timeout', ?)",
        [(n, f"r{n}", f"2026-02-10 00:{n // 60:02}:{n % 60:02}") for n in range(105)],
    )
    found = connection.execute("SELECT id, use_case, model FROM v_recent_failovers").fetchall()
    assert found == [(104, "chat", "small"), *((n, None, None) for n in range(103, 4, -1))]


def test_an_event_with_several_requests_pushes_no_other_event_out(connection: sqlite3.Connection) -> None:
    connection.executemany("INSERT INTO llm_requests (request_id, use_case) VALUES ('r1', ?)", [("a",), ("b",)])
    connection.executemany(
        "INSERT INTO llm_failover_events (id, request_id, from_provider, failure_reason) VALUES (?, ?, 'a', 'b')",
        [(n, f"r{n}") for n in range(100)],
    )
    assert connection.execute("SELECT COUNT(DISTINCT id), COUNT(*) FROM v_recent_failovers").fetchone() == (100, 101)


def test_provider_performance_counts_the_requests_of_the_last_day(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO llm_requests (provider_name, status, latency, cost, created_at)"
        " VALUES ('claude', ?, ?, ?, datetime('now', ?))",
        [
            ("success", 1.0, 0.25, "-1 hour"),
            ("success", 2.0, 0.25, "-2 hours"),
            ("error", 6.0, 0.0, "-23 hours"),
            ("success", 99.0, 99.0, "-25 hours"),
        ],
    )
    found = {row[0]: row[1:] for row in connection.execute("SELECT * FROM v_provider_performance")}
    assert set(found) == {"ollama", "localai", "claude", "openai"}
    assert found["claude"][:-1] == (1, "closed", 3, 2, 66.67, 3.0, 0.5)
    assert found["openai"] == (1, "closed", 0, 0, None, None, 0, None)
    last = connection.execute("SELECT MAX(created_at) FROM llm_requests WHERE provider_name = 'claude'").fetchone()
    assert found["claude"][-1:] == last
