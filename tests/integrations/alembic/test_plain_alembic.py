"""Plain `alembic` commands choose, protect and prove databases as archmig does."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from alembic.config import Config
from alembic.util import CommandError

from alembic import command
from architect_migrate.databases.sqlite.reflect import read_schema
from support.plain_alembic import HEAD, INI, alembic, ask, environments, executable, execute, files, version

if TYPE_CHECKING:
    from pathlib import Path

MATRIX = """
[defaults]
environment = "main"
lock_timeout = 0
[env.main]
path = "main.db"
[env.dev]
path = "dev.db"
[env.prod]
path = "prod.db"
protected = true
[env.new]
path = "new.db"
uninitialised = "create"
[env.lost]
path = "nowhere/lost.db"
uninitialised = "create"
[env.away]
url = "postgresql://ann:hunter2@db.example/app"
"""
STAMPED = """CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
             INSERT INTO alembic_version VALUES ('{}');"""


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the whole session: remembered replays, and a database at the chain's head."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def home(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an environments.toml, a zero-byte main.db, dev.db stamped 005 and prod.db stamped 007."""
    monkeypatch.setenv("ARCHMIG_CONFIG", str(environments(tmp_path, MATRIX)))
    monkeypatch.setenv("ARCHMIG_CACHE", str(shared / "cache"))
    for variable in ("ARCHMIG_ENV", "ARCHITECT_ENV"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.db").touch()
    execute(tmp_path / "dev.db", STAMPED.format("005_documentation_table"))
    execute(tmp_path / "prod.db", STAMPED.format("007_bugs_extended_fields"))
    return tmp_path


@pytest.fixture
def at_head(home: Path, shared: Path) -> Path:
    """`home` with main.db at the chain's head."""
    kept = shared / "head.db"
    if not kept.exists():
        assert alembic("upgrade", "head").code == 0
        kept.write_bytes((home / "main.db").read_bytes())
    (home / "main.db").write_bytes(kept.read_bytes())
    return home


def test_the_executable_upgrades_the_default_environment_to_head_and_says_each_revision(home: Path) -> None:
    done = executable("upgrade", "head", cwd=home)
    lines = done.err.splitlines()
    assert (done.code, done.out) == (0, "")
    assert lines[:4] == [
        f"Database main: {home / 'main.db'}",
        "Context impl SQLiteImpl.",
        "Will assume transactional DDL.",
        "Running upgrade  -> 001_baseline, Baseline: core tables.",
    ]
    assert lines[-1] == "Running upgrade 047_system_health -> 048_crawl_results, Crawl results."
    assert len(lines) == 3 + 49
    assert version(home / "main.db") == [HEAD]
    assert executable("current", cwd=home).out == "048_crawl_results (head)\n"


def test_the_executable_says_a_refusal_in_one_line_and_fails(home: Path) -> None:
    done = executable("-x", "db=none.db", "upgrade", "head", cwd=home)
    said = f"{home / 'none.db'}: no such file; nothing was created: correct the path, or create the database first"
    assert (done.failure, done.err.splitlines()[-1]) == (said, said)


@pytest.mark.parametrize(
    ("words", "variable", "current"),
    [
        ((), "", ""),
        ((), "dev", "005_documentation_table\n"),
        (("-x", "env=dev"), "", "005_documentation_table\n"),
        (("-x", "env=prod"), "dev", "007_bugs_extended_fields\n"),
        (("-x", "db=prod.db"), "dev", "007_bugs_extended_fields\n"),
    ],
)
def test_options_choose_before_the_variable_and_the_variable_before_the_default(
    home: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], variable: str, current: str
) -> None:
    monkeypatch.setenv("ARCHITECT_ENV", variable)
    before = files(home)
    assert alembic(*words, "current").out == current
    assert files(home) == before


def test_archmig_env_precedes_the_older_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHITECT_ENV", "prod")
    assert alembic("current").out == "007_bugs_extended_fields\n"
    monkeypatch.setenv("ARCHMIG_ENV", "dev")
    assert alembic("current").out == "005_documentation_table\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "-x env=nope current",
            "{home}/environments.toml: no environment 'nope' (known: away, dev, lost, main, new, prod)",
        ),
        ("-x environ=dev upgrade head", "-x environ: not known (did you mean 'env'?)"),
        ("-x dev upgrade head", "-x dev: not known (did you mean 'env'?)"),
        ("-x env= upgrade head", "-x env: has no value (write -x env=VALUE)"),
        ("-x env=dev -x env=main upgrade head", "-x env: given twice (give it once)"),
        ("-x env=dev -x db=main.db upgrade head", "-x env and -x db: both name a database (give one of them)"),
        (
            "-x db=postgresql://ann:hunter2@db.example/app upgrade head",
            "-x db: takes the path of a file, not a URL (give the URL an environment, and -x env)",
        ),
        (
            "-x env=prod upgrade head",
            ("prod is protected: alembic upgrade changed nothing (to change it all the same: alembic -x yes=prod)"),
        ),
        (
            "-x env=prod -x yes=dev downgrade base",
            ("prod is protected: alembic downgrade changed nothing (to change it all the same: alembic -x yes=prod)"),
        ),
        (
            "-x db=prod.db stamp head",
            ("prod is protected: alembic stamp changed nothing (to change it all the same: alembic -x yes=prod)"),
        ),
        (
            "-x db=none.db current",
            "{home}/none.db: no such file; nothing was created: correct the path, or create the database first",
        ),
        (
            "-x env=new stamp head",
            "{home}/new.db: no such file; nothing was created: correct the path, or create the database first",
        ),
        (
            "-x env=lost upgrade head",
            "{home}/nowhere/lost.db: its folder does not exist; nothing was created: create the folder first",
        ),
        (
            "-x db=environments.toml upgrade head",
            "{home}/environments.toml: not an SQLite database; nothing was written: check the path",
        ),
        ("-x env=new upgrade nope", "Can't locate revision identified by 'nope'"),
        ("upgrade nope", "Can't locate revision identified by 'nope'"),
        ("check", "Target database is not up to date."),
    ],
)
def test_a_command_that_cannot_be_followed_is_one_line_and_leaves_every_file_as_it_was(
    home: Path, words: str, said: str
) -> None:
    before = files(home)
    done = alembic(*words.split())
    assert done.failure == said.format(home=home)
    assert files(home) == before
    assert "hunter2" not in done.out + done.err


def test_a_protected_environment_is_changed_when_its_name_is_spelt_out(home: Path) -> None:
    assert alembic("-x", "env=prod", "-x", "yes=prod", "stamp", "004").code == 0
    assert version(home / "prod.db") == ["004_fix_milestones_schema"]


def test_revisions_are_named_by_their_beginning_or_by_steps(home: Path) -> None:
    for words, reached in (
        ("upgrade 004", "004_fix_milestones_schema"),
        ("upgrade +1", "005_documentation_table"),
        ("downgrade -2", "003_autopilot_orchestration"),
        ("stamp 006", "006_claude_interactions"),
        ("stamp --purge 003", "003_autopilot_orchestration"),
    ):
        assert alembic(*words.split()).code == 0
        assert version(home / "main.db") == [reached]


def test_up_to_head_and_down_to_base_leaves_no_table_but_alembics(at_head: Path) -> None:
    assert alembic("downgrade", "base").code == 0
    assert ask(
        at_head / "main.db", "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ) == [("alembic_version",)]


def test_an_environment_that_may_be_created_is_made_by_upgrade(home: Path) -> None:
    assert alembic("-x", "env=new", "upgrade", "002").code == 0
    assert version(home / "new.db") == ["002_add_testing"]


@pytest.mark.parametrize("words", ["current", "current -v", "history -i", "history", "heads", "show current", "check"])
def test_looking_writes_nothing_not_even_a_version_table(home: Path, words: str) -> None:
    execute(home / "main.db", "CREATE TABLE notes (id INTEGER)")
    before = files(home)
    done = alembic(*words.split())
    assert (done.code != 0) == (words == "check")
    assert files(home) == before


def test_a_locked_database_can_be_looked_at_and_is_not_changed(at_head: Path) -> None:
    with closing(sqlite3.connect(at_head / "main.db", isolation_level=None)) as application:
        application.execute("BEGIN IMMEDIATE")
        assert alembic("current").out == f"{HEAD} (head)\n"
        assert alembic("downgrade", "-1").failure == (
            f"{at_head / 'main.db'}: locked by another process for more than 0 s; "
            "stop the application or wait for it, or raise lock_timeout"
        )
    assert version(at_head / "main.db") == [HEAD]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("CREATE VIEW alembic_version AS SELECT 'x' AS version_num", "is a view, not a table"),
        ("CREATE TABLE alembic_version (v TEXT)", "has no column version_num"),
        (
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES (7)",
            "holds 7, which is no revision",
        ),
    ],
)
def test_a_version_table_that_is_none_is_named_by_readers_and_writers(home: Path, script: str, said: str) -> None:
    execute(home / "main.db", script)
    before = files(home)
    whole = f"alembic_version {said}; nothing was written: correct the table by hand, then run this again"
    assert {alembic("current").failure, alembic("upgrade", "head").failure} == {whole}
    assert files(home) == before


def test_check_ends_well_at_head_whatever_tables_the_application_has_beside(at_head: Path) -> None:
    execute(
        at_head / "main.db", "CREATE TABLE notes (id INTEGER); CREATE TABLE schema_versions (version TEXT NOT NULL)"
    )
    done = alembic("check")
    assert (done.code, done.out) == (0, "No new upgrade operations detected.\n")


def test_check_lists_what_is_not_as_the_chain_makes_it_a_line_each(at_head: Path) -> None:
    execute(
        at_head / "main.db",
        """DROP TABLE task_watchers;
           DROP INDEX idx_bugs_project;
           ALTER TABLE bugs ADD COLUMN mood TEXT;
           ALTER TABLE users ADD COLUMN shoe INTEGER NOT NULL DEFAULT 0""",
    )
    before = files(at_head)
    done = alembic("check")
    assert done.out.splitlines() == [
        "table task_watchers is missing",
        "index idx_bugs_project on bugs is missing",
        f"FAILED: {done.failure}",
    ]
    assert done.failure == (
        "main: 2 differences from the chain's head, though it is stamped with it (run `archmig reconcile`)"
    )
    assert files(at_head) == before


def test_an_upgrade_that_meets_drift_is_rolled_back_and_names_the_way_home(home: Path) -> None:
    execute(
        home / "main.db", "CREATE TABLE users (id INTEGER PRIMARY KEY, nick TEXT); INSERT INTO users VALUES (1, 'ann')"
    )
    before = files(home)
    assert alembic("upgrade", "head").failure == (
        "main: revision 001_baseline failed in upgrade(): OperationalError: table users already exists; everything was "
        "rolled back. The database does not match its stamp (this differs: table users is there "
        "already): `archmig reconcile` repairs it"
    )
    assert files(home) == before


def test_the_printed_sql_opens_no_database_and_leads_to_the_same_schema(at_head: Path) -> None:
    done = alembic("-x", "db=none.db", "upgrade", "head", "--sql")
    assert (done.code, (at_head / "none.db").exists()) == (0, False)
    made = execute(at_head / "made.db", done.out)
    assert version(made) == [HEAD]
    with closing(sqlite3.connect(made)) as one, closing(sqlite3.connect(at_head / "main.db")) as other:
        assert read_schema(one) == read_schema(other)


def test_a_program_that_calls_alembic_gets_the_same_refusals_and_keeps_its_logging(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = logging.root.handlers[:]
    command.upgrade(Config(str(INI)), "002")
    assert version(home / "main.db") == ["002_add_testing"]
    monkeypatch.setenv("ARCHITECT_ENV", "prod")
    with pytest.raises(CommandError, match="prod is protected"):
        command.upgrade(Config(str(INI)), "head")
    assert logging.root.handlers == handlers
