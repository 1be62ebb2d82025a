"""The twelve databases of the report, all in one run: six come home with every row, six are passed over."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config.context import EnvironmentContext, context_for
from architect_migrate.config.loader import read_project
from architect_migrate.planning.plan import CreateObject
from architect_migrate.planning.results import Outcome, Result, State, exit_code
from architect_migrate.runs.fan_out import each
from architect_migrate.runs.reconcile import preview, reconcile
from architect_migrate.runs.survey import survey
from support.demo import FILLED, database, load
from support.paths import PROJECT
from support.plain_alembic import executable
from support.scenarios import Allowed, Moment, ask, come_home, digest, kept, moment, project, texts_kept

if TYPE_CHECKING:
    from collections.abc import Mapping

EMPTY = ("env1", "env2", "feature1", "feature2", "feature3", "test")
# What the chain's own code writes into rows that were there before: 034 marks sessions that it knows.
WRITTEN = Allowed(written=frozenset({("tmux_sessions", "environment"), ("tmux_sessions", "is_worker")}))
# The real main database of the report, by what a person would miss first.
COUNTED = {
    "projects": 21,
    "features": 12,
    "secrets": 22,
    "claude_patterns": 23,
    "claude_interactions": 1105,
    "health_metrics": 857,
    "health_alerts": 910,
}


REAL = PROJECT / "alembic" / "demo" / "main-2026-02-10.db"


@dataclass(frozen=True)
class Journey:
    """All twelve, before and after one run over the whole matrix."""

    folder: Path
    contexts: Mapping[str, EnvironmentContext]
    before: Mapping[str, Moment]
    previews: Mapping[str, Result]
    results: Mapping[str, Result]
    unread: bool


def settings_of(folder: Path) -> dict[str, EnvironmentContext]:
    project = read_project(folder / "environments.toml", {})
    cache = Path(os.environ["ARCHMIG_CACHE"])
    return {environment.name: context_for(project, environment, cache) for environment in project.environments}


def service(context: EnvironmentContext, shown: Result) -> Result:
    """What `archmig reconcile --yes` does for one environment after its preview."""
    if shown.outcome is not Outcome.PLANNED:
        return shown
    assert shown.plan is not None
    return reconcile(context, shown.plan, lambda *_: None)


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory, replay_cache: Path) -> Journey:
    folder = tmp_path_factory.mktemp("matrix")
    load("build").build(folder)
    contexts = settings_of(folder)
    files = {name: database(folder, name) for name in contexts}
    before = {name: moment(files[name]) for name in FILLED}
    digests = {name: digest(path) for name, path in files.items() if path.exists()}
    previews = {one.environment: one for one in each(contexts.values(), "reconcile", preview)}
    unread = digests == {name: digest(path) for name, path in files.items() if path.exists()}
    done = each(contexts.values(), "reconcile", lambda one: service(one, previews[one.environment.name]))
    results = {one.environment: one for one in done}
    assert replay_cache.exists()
    return Journey(folder, contexts, before, previews, results, unread)


def test_a_preview_of_all_twelve_changes_no_byte_of_any(journey: Journey) -> None:
    assert journey.unread


def test_six_are_done_six_are_skipped_and_none_is_blocked_or_fails(journey: Journey) -> None:
    outcomes = {name: one.outcome for name, one in journey.results.items()}
    done, skipped = dict.fromkeys(FILLED, Outcome.DONE), dict.fromkeys(EMPTY, Outcome.SKIPPED)
    assert outcomes == done | skipped, {name: one.detail for name, one in journey.results.items()}
    assert exit_code(tuple(journey.results.values())) == 0
    assert [result.warnings for result in journey.results.values()] == [()] * 12


@pytest.mark.parametrize("name", FILLED)
def test_everything_that_was_there_is_there_byte_for_byte(journey: Journey, name: str) -> None:
    after = moment(database(journey.folder, name))
    kept(journey.before[name], after, WRITTEN)
    plan = journey.previews[name].plan
    assert plan is not None
    texts_kept(
        journey.before[name], after, {step.name.lower() for step in plan.steps if isinstance(step, CreateObject)}
    )


@pytest.mark.parametrize("name", FILLED)
def test_each_is_at_head_sound_and_has_nothing_left_to_do(journey: Journey, name: str) -> None:
    path, context = database(journey.folder, name), journey.contexts[name]
    assert ask(path, "SELECT version_num FROM alembic_version") == [("048_crawl_results",)]
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    assert survey(context).state is State.UP_TO_DATE
    assert preview(context).outcome is Outcome.NOTHING


@pytest.mark.parametrize("name", FILLED)
def test_each_has_one_backup_that_is_what_was_there_before(journey: Journey, name: str) -> None:
    receipt = journey.results[name].receipt
    assert receipt is not None
    assert moment(Path(receipt.backup)) == journey.before[name]
    folder = journey.contexts[name].backups
    assert [path for path in folder.glob("*.db") if path.name.startswith(f"{name}-2")] == [Path(receipt.backup)]


def test_nothing_was_written_to_those_that_were_skipped(journey: Journey) -> None:
    for name in ("test", "env1", "feature1"):
        assert database(journey.folder, name).stat().st_size == 0
    for name in ("env2", "feature2"):
        assert ask(database(journey.folder, name), "SELECT name FROM sqlite_master WHERE type = 'table'") == [
            ("ui_state",)
        ]
    assert not database(journey.folder, "feature3").exists()


def test_a_second_run_over_all_has_nothing_to_do_and_takes_no_backup(journey: Journey) -> None:
    backups = sorted(journey.contexts["main"].backups.glob("*.db"))
    second = each(journey.contexts.values(), "reconcile", lambda one: service(one, preview(one)))
    again = {one.environment: one.outcome for one in second}
    assert again == dict.fromkeys(FILLED, Outcome.NOTHING) | dict.fromkeys(EMPTY, Outcome.SKIPPED)
    assert sorted(journey.contexts["main"].backups.glob("*.db")) == backups
    assert len(backups) == len(FILLED)


@pytest.mark.parametrize("table", COUNTED)
def test_the_real_main_database_keeps_every_row_that_a_person_would_miss(journey: Journey, table: str) -> None:
    every_row(table, database(journey.folder, "main"))


def test_the_real_main_database_as_it_was_taken_comes_home_too(tmp_path: Path) -> None:
    entries = (PROJECT / "environments.toml").read_text(encoding="utf-8").partition("[[resolve]]")
    home = project(tmp_path, "".join(entries[1:]))
    shutil.copyfile(REAL, home.database)
    come_home(home, WRITTEN)
    for table in COUNTED:
        every_row(table, home.database)


def every_row(table: str, path: Path) -> None:
    """The table's rows as they were on that day, by rowid, in the columns that it had."""
    original, after = moment(REAL), moment(path)
    assert len(original.rows[table]) == COUNTED[table]
    mine = [after.columns[table].index(column) for column in original.columns[table]]
    rows = {key: tuple(row[one] for one in mine) for key, row in after.rows[table].items()}
    assert {key: rows[key] for key in original.rows[table]} == original.rows[table]


def test_features_got_their_names_from_their_titles(journey: Journey) -> None:
    features = "SELECT count(*), sum(name IS title) FROM features"
    assert ask(database(journey.folder, "main"), features) == [(12, 12)]


def test_plain_alembic_agrees_on_one_of_them(journey: Journey) -> None:
    at = f"db={database(journey.folder, 'prod')}"
    assert executable("-x", at, "current").out == "048_crawl_results (head)\n"
