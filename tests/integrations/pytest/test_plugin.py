"""The pytest plugin on a stranger's project: models, an env.py as `alembic init` writes it, no environments.toml."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib import import_module

import pytest
from _pytest.assertion.rewrite import AssertionRewriter

import architect_migrate
from architect_migrate.databases.registry import LOCAL, preload
from support.fork_server import COMMANDS, IMPORTED
from support.lint_cases import drop, sql, text

pytest_plugins = ("pytester",)

# Why one is none: the pytest that runs this test has imported plugins, which another one in its process cannot rewrite.
STRICT = ("-W", "error", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
INI = """[alembic]
script_location = %(here)s/migrations
prepend_sys_path = %(here)s
sqlalchemy.url = sqlite:///app.db
"""
ENV = """from alembic import context
from sqlalchemy import engine_from_config, pool

from models import metadata

config = context.config
connectable = engine_from_config(config.get_section(config.config_ini_section), poolclass=pool.NullPool)
with connectable.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
MODELS = """import sqlalchemy as sa

metadata = sa.MetaData()
users = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
"""
USERS = text("a1_users", None, sql("CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, name TEXT)"), drop("users"))
MAIL = text("b2_mail", "a1_users", sql("ALTER TABLE users ADD COLUMN mail TEXT"), "SELECT")
MAIL = MAIL.replace("    SELECT", "    op.drop_column('users', 'mail')")


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """Import beforehand what archmig imports when it is used.

    pytester forgets the modules that a run in this process imports: later tests would have a class of theirs twice.
    """
    for module in (*IMPORTED, *COMMANDS):
        import_module(module)
    preload(LOCAL)


@pytest.fixture
def no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARCHMIG_CONFIG", raising=False)


@pytest.fixture
def project(pytester: pytest.Pytester, no_configuration: None) -> pytest.Pytester:
    """A stranger's project of one revision."""
    pytester.makefile(".ini", alembic=INI)
    pytester.makepyfile(models=MODELS)
    versions = pytester.mkdir("migrations")
    (versions / "env.py").write_text(ENV, encoding="utf-8")
    (versions / "versions").mkdir()
    add(pytester, "a1_users", USERS)
    return pytester


def add(project: pytest.Pytester, name: str, content: str) -> None:
    (project.path / "migrations" / "versions" / f"{name}.py").write_text(content, encoding="utf-8")


def test_a_sound_chain_passes_and_the_project_s_database_is_never_made(project: pytest.Pytester) -> None:
    done = project.runpytest("--archmig", "-v", *STRICT)
    assert done.ret == 0
    done.stdout.fnmatch_lines(
        [
            "archmig::single_head PASSED*",
            "archmig::up_and_down[[]a1_users[]] PASSED*",
            "archmig::schema_matches_the_chain PASSED*",
            "archmig::models_match_the_schema PASSED*",
            "archmig::lint_clean PASSED*",
        ]
    )
    done.assert_outcomes(passed=5)
    assert not (project.path / "app.db").exists()


def test_a_model_without_its_revision_fails_the_run_and_names_what_is_missing(project: pytest.Pytester) -> None:
    project.makepyfile(models=MODELS.replace("sa.Text))", 'sa.Text), sa.Column("mail", sa.Text))'))
    done = project.runpytest("--archmig")
    done.assert_outcomes(passed=4, failed=1)
    done.stdout.fnmatch_lines(
        [
            "*archmig::models_match_the_schema*",
            "the schema that the revisions make differs*",
            "*'add_column'*'users'*'mail'*",
        ]
    )


def test_each_flaw_fails_one_test_and_is_told_as_lint_tells_it(project: pytest.Pytester) -> None:
    add(project, "b2_mail", MAIL.replace("ADD COLUMN mail", "ADD COLUMN name"))
    add(project, "b3_gone", text("b3_gone", "a1_users", sql("DELETE FROM users"), sql("SELECT 1")))
    done = project.runpytest("--archmig", "-k", "single_head or up_and_down or lint_clean")
    done.assert_outcomes(passed=2, failed=3, deselected=2)
    done.stdout.fnmatch_lines(
        [
            "*archmig::single_head*",
            "*b3_gone.py:*: AM007 the chain has 2 heads*",
            "*archmig::up_and_down[[]b2_mail[]]*",
            "*b2_mail.py:12: AM206 duplicate column name: name",
            "*archmig::lint_clean*",
            "*b3_gone.py:12: AM403 rows of users are deleted",
        ]
    )


def test_what_could_not_be_tried_does_not_pass(project: pytest.Pytester) -> None:
    add(project, "b2_mail", MAIL.replace("def upgrade()", "def upgrade(conn)"))
    add(project, "c3_x", text("c3_x", "b2_mail", "pass"))
    add(project, "d4_x", text("d4_x", "c3_x", "pass"))
    done = project.runpytest("--archmig", "-k", "up_and_down")
    done.assert_outcomes(passed=1, failed=3, deselected=4)


def test_databases_at_any_revision_come_as_fixtures(project: pytest.Pytester) -> None:
    add(project, "b2_mail", MAIL)
    project.makepyfile(
        """
import sqlite3
from contextlib import closing

def columns(path):
    with closing(sqlite3.connect(path)) as connection:
        stamp = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return stamp, [row[1] for row in connection.execute("PRAGMA table_info(users)")]

def test_at(archmig_database):
    assert columns(archmig_database("a1")) == ([("a1_users",)], ["id", "name"])
    assert columns(archmig_database()) == ([("b2_mail",)], ["id", "name", "mail"])
    assert archmig_database() != archmig_database()

def test_nowhere(archmig_database):
    archmig_database("zz")
"""
    )
    done = project.runpytest()
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["the chain has no revision 'zz'*"])


def test_an_environment_is_copied_and_only_read(project: pytest.Pytester) -> None:
    with closing(sqlite3.connect(project.path / "dev.db")) as connection:
        connection.executescript(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users VALUES (1, 'a')"
        )
    before = (project.path / "dev.db").read_bytes()
    project.makefile(".toml", environments='[env.dev]\npath = "dev.db"\n')
    project.makepyfile(
        """
import sqlite3

def test_copy(archmig_copy):
    connection = sqlite3.connect(archmig_copy("dev"))
    connection.execute("INSERT INTO users VALUES (2, 'b')")
    connection.commit()
    connection.close()

def test_unknown(archmig_copy):
    archmig_copy("devv")
"""
    )
    done = project.runpytest("--archmig-config", "environments.toml")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*no environment 'devv' (did you mean 'dev'?)*"])
    assert (project.path / "dev.db").read_bytes() == before


def test_the_configuration_can_be_named_in_the_ini_file(project: pytest.Pytester) -> None:
    project.mkdir("elsewhere")
    (project.path / "alembic.ini").rename(project.path / "elsewhere" / "alembic.ini")
    ini = INI.replace("%(here)s", "%(here)s/..")
    (project.path / "elsewhere" / "alembic.ini").write_text(ini, encoding="utf-8")
    project.makefile(".ini", pytest="[pytest]\narchmig_config = elsewhere/alembic.ini\n")
    project.runpytest("--archmig", "-k", "lint_clean").assert_outcomes(passed=1, deselected=4)


@pytest.mark.usefixtures("no_configuration")
def test_without_a_chain_only_those_who_ask_are_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(): pass")
    pytester.runpytest(*STRICT).assert_outcomes(passed=1)
    done = pytester.runpytest("--archmig")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: --archmig: no environments.toml: looked at *"])


def test_a_run_without_the_plugin_s_tests_imports_nothing_of_archmig(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import sys

def test_one():
    ours = {it for it in sys.modules if it.split(".")[0] in {"architect_migrate", "alembic", "sqlalchemy"}}
    packages = {"architect_migrate", "architect_migrate.integrations", "architect_migrate.integrations.pytest"}
    assert ours <= {*packages, "architect_migrate.integrations.pytest.plugin"}
"""
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_workers_share_the_ready_tests(project: pytest.Pytester) -> None:
    done = project.runpytest_subprocess("--archmig", "-n", "2", "-k", "single_head or lint_clean")
    done.assert_outcomes(passed=2)


def test_an_installed_plugin_does_not_ask_pytest_to_rewrite_it() -> None:
    """Else a run that has imported any of it before would begin with a warning."""
    assert AssertionRewriter.is_rewrite_disabled(architect_migrate.__doc__ or "")
