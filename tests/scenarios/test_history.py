"""The project's chain on databases whose histories went wrong: what was recorded is not what ran, or not in order."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from support.demo import load
from support.plain_alembic import executable
from support.scenarios import Allowed, Home, come_home, project
from support.writers import LIVE_WRITERS, insert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    Build = Callable[[sqlite3.Connection], None]
    Brought = Callable[[Build], tuple[Home, list[str]]]

load("build")._neighbour("drifted")
legacy: Any = import_module("architect_demo.legacy")
rows: Any = import_module("architect_demo.rows")

SOME = {"users": 3, "projects": 4, "milestones": 5, "features": 6, "bugs": 7, "tmux_sessions": 3, "task_queue": 8}
# 034's own update of sessions that were there before it.
TMUX = Allowed(written=frozenset({("tmux_sessions", "environment"), ("tmux_sessions", "is_worker")}))


def ran(connection: sqlite3.Connection, *names: str) -> None:
    for name in names:
        legacy.run(connection, name)


def recorded(connection: sqlite3.Connection, *versions: str) -> None:
    for minute, version in enumerate(versions, 10):
        known = [one for one in legacy.chain() if one["version"] == version]
        title = known[0]["title"] if known else "older title"
        legacy.track(connection, version, f"2026-02-10 15:{minute}:00", title, "0")


def recorded_but_never_run(connection: sqlite3.Connection) -> None:
    ran(connection, "001", "002", "003", "009")
    rows.fill(connection, SOME)
    recorded(connection, *(f"{number:03}" for number in range(1, 17)))


def run_but_not_recorded(connection: sqlite3.Connection) -> None:
    ran(connection, *(f"{number:03}" for number in range(1, 9)))
    rows.fill(connection, SOME | {"regions": 2})
    recorded(connection, "001", "002")


def the_fourth_before_the_third(connection: sqlite3.Connection) -> None:
    ran(connection, "001", "002", "004", "003")
    rows.fill(connection, SOME | {"apps": 2, "runs": 3})
    recorded(connection, "001", "002", "004", "003")


def half_of_the_third(connection: sqlite3.Connection) -> None:
    ran(connection, "001", "002")
    error = legacy.run(connection, "003")
    assert error == "no such column: app_id"
    rows.fill(connection, SOME | {"apps": 2})
    recorded(connection, "001", "002", "003")


def delivery_log_first(connection: sqlite3.Connection) -> None:
    legacy.create(connection, "024", "notification_queue")
    legacy.create(connection, "024", "notification_log")
    ran(connection, *(f"{number:03}" for number in range(1, 13) if number != 12), "012_task_assignment_alerts")
    rows.fill(connection, SOME | {"notification_queue": 4, "notification_log": 9})
    recorded(connection, *(f"{number:03}" for number in range(1, 13)))


def patterns_of_the_thirtieth_first(connection: sqlite3.Connection) -> None:
    for table in ("claude_patterns", "claude_interactions"):
        legacy.create(connection, "030", table)
    ran(connection, *(f"{number:03}" for number in range(1, 11)))
    rows.fill(connection, SOME | {"claude_patterns": 5, "claude_interactions": 11})
    recorded(connection, *(f"{number:03}" for number in range(1, 11)))


def models_of_the_forty_sixth_first(connection: sqlite3.Connection) -> None:
    for table in ("llm_providers", "llm_requests", "llm_provider_health"):
        legacy.create(connection, "046", table)
    ran(connection, "001", "002", "003", "037")
    rows.fill(connection, SOME | {"llm_providers": 3, "llm_requests": 8})
    recorded(connection, "001", "002", "003", "037")


def renumbered_rows(connection: sqlite3.Connection) -> None:
    ran(connection, "001", "002", "003")
    rows.fill(connection, SOME)
    recorded(connection, "001", "002", "003")
    for minute, migration in enumerate((one for one in legacy.chain() if one.get("was_numbered")), 10):
        legacy.run(connection, f"{migration['version']}_{migration['slug']}")
        at = f"2026-02-11 10:{minute}:00"
        legacy.track(connection, migration["was_numbered"], at, migration["title"], legacy.checksum(migration))


def the_webhooks_of_two_seventeens(connection: sqlite3.Connection) -> None:
    ran(connection, "001", "002", "003", "017_task_webhooks")
    rows.fill(connection, SOME | {"task_webhooks": 3})
    legacy.track(connection, "017", "2026-02-10 15:40:51", "Session pool management tables", "manual")


def the_pool_of_two_seventeens(connection: sqlite3.Connection) -> None:
    ran(connection, "001", "002", "003", "017_session_pool_management")
    rows.fill(connection, SOME | {"session_pool": 3})
    legacy.track(connection, "017", "2026-02-10 15:40:51", "Task webhooks", "manual")


def no_tracker(connection: sqlite3.Connection) -> None:
    ran(connection, "001", "005", "010", "019", "033")
    rows.fill(connection, SOME | {"app_settings": 5})


def one_row_and_every_table(connection: sqlite3.Connection) -> None:
    for migration in reversed(legacy.chain()):
        for effect in migration["effects"]:
            if effect["kind"] == "create_table":
                connection.execute(legacy.render(effect))
    rows.fill(connection, {"apps": 2, "runs": 2} | SOME)
    recorded(connection, "001")


def recorded_as_skipped(connection: sqlite3.Connection) -> None:
    ran(connection, "001", "002", "005", "010")
    rows.fill(connection, SOME)
    for number in range(3, 17):
        legacy.track(connection, f"{number:03}", "2026-02-10 19:56:42", "x - skipped (already applied)", "0")


def rows_that_the_chain_does_not_know(connection: sqlite3.Connection) -> None:
    ran(connection, "001", "002")
    rows.fill(connection, SOME)
    recorded(connection, "001", "002", "999", "", "2026_custom")


WENT_WRONG = (
    recorded_but_never_run,
    run_but_not_recorded,
    the_fourth_before_the_third,
    half_of_the_third,
    delivery_log_first,
    patterns_of_the_thirtieth_first,
    models_of_the_forty_sixth_first,
    renumbered_rows,
    the_webhooks_of_two_seventeens,
    the_pool_of_two_seventeens,
    no_tracker,
    one_row_and_every_table,
    recorded_as_skipped,
    rows_that_the_chain_does_not_know,
)
# What a survey says of the claims before anything is done: finding codes with their subjects.
SAID: dict[str, Iterable[tuple[str, str]]] = {
    "recorded_but_never_run": [("claim-false", "004_fix_milestones_schema"), ("claim-false", "008_multi_region")],
    "run_but_not_recorded": [("claim-missing", "005_documentation_table"), ("claim-missing", "008_multi_region")],
    "the_fourth_before_the_third": [("tracker-out-of-order", "tracker row 003")],
    "half_of_the_third": [("claim-false", "003_autopilot_orchestration")],
    "renumbered_rows": [("tracker-renumbered", "tracker row 005")],
    "the_webhooks_of_two_seventeens": [("claim-false", "017_session_pool"), ("tracker-ambiguous", "tracker row 017")],
    "the_pool_of_two_seventeens": [("claim-false", "017_task_webhooks"), ("tracker-ambiguous", "tracker row 017")],
    "recorded_as_skipped": [("tracker-skipped", "tracker row 004")],
    "rows_that_the_chain_does_not_know": [("tracker-unknown", "tracker row 999")],
}


def built(folder: Path, build: Build) -> Home:
    home = project(folder)
    with closing(sqlite3.connect(home.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        build(connection)
        connection.execute("COMMIT")
    return home


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Brought:
    """Databases that came home, each once, with the steps of the plan."""

    @cache
    def come(build: Build) -> tuple[Home, list[str]]:
        home = built(tmp_path_factory.mktemp("history"), build)
        said = {(finding.code, finding.subject) for finding in home.survey().findings}
        assert set(SAID.get(build.__name__, ())) <= said
        return home, come_home(home, TMUX)

    return come


@pytest.mark.parametrize("build", WENT_WRONG, ids=lambda one: one.__name__)
def test_whatever_went_wrong_it_comes_home_and_every_writer_can_write(brought: Brought, build: Build) -> None:
    home, _ = brought(build)
    written_by_all(home)


def written_by_all(home: Home) -> None:
    """Each live writer's row goes in, into a copy, whichever shape of the table was there first."""
    copy = shutil.copy(home.database, home.folder / "copy.db")
    with closing(sqlite3.connect(copy)) as connection:
        for table, row in LIVE_WRITERS:
            assert row.items() <= insert(connection, table, row).items()
            connection.rollback()


def test_afterwards_plain_alembic_finds_it_at_head_and_without_drift(brought: Brought) -> None:
    home, _ = brought(half_of_the_third)
    current = executable("-x", f"db={home.database}", "current", ini=home.ini)
    assert (current.code, current.out) == (0, "048_crawl_results (head)\n")
    assert executable("-x", f"db={home.database}", "check", ini=home.ini).code == 0


def test_the_rows_of_a_revision_that_was_recorded_and_never_run_come_too(brought: Brought) -> None:
    home, steps = brought(recorded_but_never_run)
    assert "run revision 008_multi_region" in steps
    with closing(sqlite3.connect(home.database)) as connection:
        assert connection.execute("SELECT count(*) FROM regions").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM claude_patterns").fetchone()[0] > 0
