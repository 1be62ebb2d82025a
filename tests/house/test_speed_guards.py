"""What keeps archmig fast, without a clock: what is imported, how often files are read, how many statements run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.config.context import EnvironmentContext, contexts_for
from architect_migrate.config.loader import read_project
from architect_migrate.databases.sqlite import connection as database
from architect_migrate.model.chain_config import beside
from architect_migrate.planning.results import Outcome, State
from architect_migrate.revisions import reads
from architect_migrate.runs.fan_out import each
from architect_migrate.runs.observe import observe
from architect_migrate.runs.reconcile import preview
from architect_migrate.runs.reconcile import reconcile as carry_out
from architect_migrate.runs.upgrade import preview_upgrade
from support.paths import PROJECT

if TYPE_CHECKING:
    import sqlite3

INI = PROJECT / "alembic.ini"
# What a run without work has no use for, with the time that each would take away.
HEAVY = {
    "alembic",
    "sqlalchemy",
    "rich",
    "architect_migrate.revisions.alembic_runtime",
    "architect_migrate.model.history",
    "architect_migrate.diagnosis.diagnose",
    "architect_migrate.runs.execute",
    "architect_migrate.runs.prepare",
    "architect_migrate.databases.sqlite.files.backup",
    "architect_migrate.databases.sqlite.reflect",
    "architect_migrate.databases.sqlite.sql.parser",
    "architect_migrate.model.schema",
}
# Databases of other kinds than those of the run, with their drivers.
OTHER_KINDS = ("psycopg", "architect_migrate.databases.postgresql")
TRACES = "SELECT NULL, schema_version FROM pragma_schema_version UNION ALL SELECT name, seq FROM main.sqlite_sequence"
PROBE = """
import json, sys
from architect_migrate.cli.app import main
try:
    main()
except SystemExit as end:
    code = end.code
sys.stderr.write(json.dumps([code, sorted(sys.modules)]))
"""


def home(folder: Path, count: int) -> Path:
    """environments.toml for `count` databases, all copies of one that archmig built."""
    lines = ["[alembic]", f"config = {json.dumps(str(INI))}", "[defaults]", 'uninitialised = "create"']
    for number in range(count):
        lines += [f"[env.e{number:02}]", f'path = "e{number:02}.db"']
    (folder / "environments.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    first, *others = contexts(folder)
    shown = preview(first)
    assert shown.plan is not None
    assert carry_out(first, shown.plan, lambda *_: None).outcome is Outcome.DONE
    for number in range(1, len(others) + 1):
        (folder / f"e{number:02}.db").write_bytes((folder / "e00.db").read_bytes())
    return folder


def contexts(folder: Path) -> tuple[EnvironmentContext, ...]:
    project = read_project(folder / "environments.toml", {})
    return contexts_for(project, project.environments, Path(os.environ["ARCHMIG_CACHE"]))


@pytest.mark.parametrize(
    "command", [("status",), ("check",), ("pending",), ("upgrade", "--all", "--yes"), ("reconcile", "--all", "--yes")]
)
def test_a_run_without_work_imports_nothing_that_works(tmp_path: Path, command: tuple[str, ...]) -> None:
    arguments = [sys.executable, "-c", PROBE, *command]
    done = subprocess.run(arguments, cwd=home(tmp_path, 2), capture_output=True, text=True, check=False)
    code, modules = json.loads(done.stderr)
    assert code in {0, None}, done.stdout
    assert HEAVY & set(modules) == set()
    assert not [module for module in modules if module.startswith(OTHER_KINDS)]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that connections of `database` execute from now on, but for what SQLite makes of one inside."""
    heard: list[str] = []

    def hear(statement: str) -> None:
        if not statement.startswith("-- "):
            heard.append(statement)

    opened = database._open

    def listening(*arguments: Any) -> sqlite3.Connection:
        connection = opened(*arguments)
        connection.set_trace_callback(hear)
        return connection

    monkeypatch.setattr(database, "_open", listening)
    return heard


@pytest.mark.parametrize("look", [lambda one: observe(one, "status"), preview_upgrade, preview])
@pytest.mark.parametrize("ledger", ["a ledger", "no ledger"])
def test_a_database_at_head_is_asked_four_things_and_one_more_for_a_ledger(
    tmp_path: Path, said: list[str], look: Any, ledger: str
) -> None:
    (context,) = contexts(home(tmp_path, 1))
    if ledger == "no ledger":
        context.ledger.unlink()
    said.clear()
    result = look(context)
    assert result.survey.state is State.UP_TO_DATE
    assert said == [
        "BEGIN",
        "SELECT count(*) FROM sqlite_master",
        (
            'SELECT version_num FROM "alembic_version" WHERE (SELECT type FROM sqlite_master'
            " WHERE name = 'alembic_version' COLLATE NOCASE) = 'table'"
        ),
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL",
        *([TRACES] if ledger == "a ledger" else []),
    ]


def test_statements_grow_with_the_environments_and_no_faster(tmp_path: Path, said: list[str]) -> None:
    all_of_them = contexts(home(tmp_path, 12))
    counted = []
    for count in (3, 6, 12):
        said.clear()
        assert len(list(each(all_of_them[:count], "status", lambda one: observe(one, "status")))) == count
        counted.append(len(said))
    assert counted == [15, 30, 60]


def test_the_chain_is_read_once_for_all_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home(tmp_path, 9)
    read: list[str] = []
    cached = reads.cached_digest
    monkeypatch.setattr(
        "architect_migrate.revisions.replay.cached_digest",
        lambda cache, chain, *rest: read.append(chain) or cached(cache, chain, *rest),
    )
    found = list(each(contexts(tmp_path), "status", lambda context: observe(context, "status")))
    assert [len(found), read] == [9, [reads.identity_of(beside(INI))]]


def test_an_empty_database_gets_no_alter_table_and_no_backup(tmp_path: Path, said: list[str]) -> None:
    (context,) = contexts(home(tmp_path, 1))
    (tmp_path / "e00.db").write_bytes(b"")
    shown = preview(context)
    assert shown.plan is not None
    said.clear()
    assert carry_out(context, shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert [one for one in said if one.startswith("ALTER")] == []
    assert [one for one in said if one in {"BEGIN IMMEDIATE", "COMMIT"}] == ["BEGIN IMMEDIATE", "COMMIT"]
    assert not context.backups.exists() or not any(context.backups.iterdir())
    assert observe(context, "status").survey.state is State.UP_TO_DATE  # type: ignore[union-attr]  # it was looked at
