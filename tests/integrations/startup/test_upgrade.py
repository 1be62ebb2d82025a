"""An application's start upgrades its database where it may, one process of several does it, and none ever fails."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate import StartState, startup
from architect_migrate.databases.sqlite.run_lock import held
from architect_migrate.integrations.startup import upgrade
from architect_migrate.ledger.store import entries
from architect_migrate.revisions import sandbox
from support.cli import archmig, ask, build, execute, primed

if TYPE_CHECKING:
    from collections.abc import Iterator

FOURTH = '''"""A fourth."""
import os, time
from pathlib import Path
from alembic import op
revision = "004_fourth"
down_revision = "003_due"
def upgrade():
    op.execute("CREATE TABLE fourth (id INTEGER)")
    file = Path(op.get_bind().exec_driver_sql("PRAGMA database_list").fetchone()[2])
    if file.name == "behind.db":
        {body}
def downgrade():
    op.execute("DROP TABLE fourth")
'''
WORKER = """
import json, sys, time
from architect_migrate import startup
while time.time() < float(sys.argv[1]):
    time.sleep(0.005)
found = startup("behind", on_pending="upgrade")
print(json.dumps(found.as_dict()))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Path:
    monkeypatch.chdir(primed(build(tmp_path)))
    for name in ("ARCHMIG_ENV", "ARCHITECT_ENV", "ARCHMIG_SKIP", "ARCHITECT_SKIP_MIGRATIONS", "ARCHMIG_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    caplog.set_level(logging.DEBUG, "architect_migrate")
    # The command that is started is a fork of the tests' server, except where a test starts processes itself.
    monkeypatch.setattr(upgrade, "subprocess", sandbox.subprocess)
    return tmp_path


def policy(place: Path, name: str, line: str) -> None:
    file = place / "environments.toml"
    file.write_text(file.read_text().replace(f"[env.{name}]", f"[env.{name}]\n{line}"))


def fourth(place: Path, body: str) -> None:
    """A fourth revision that does something else on behind.db than anywhere else, replay among it."""
    (place / "chain" / "versions" / "004_fourth.py").write_text(FOURTH.format(body=body))


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records]


def test_what_is_pending_is_run_as_archmig_runs_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A process as an application starts it; a package of the project's that is called alembic is not in its way.
    monkeypatch.setattr(upgrade, "subprocess", subprocess)
    (place / "alembic").mkdir()
    (place / "alembic" / "__init__.py").touch()
    policy(place, "behind", 'on_pending = "upgrade"')
    found = startup("behind")
    assert (found.state, found.ok, found.pending) == (StartState.UPGRADED, True, ())
    assert found.message == "upgraded from 002_tags to 003_due, 1 revision run"
    assert ask(place / "behind.db", "SELECT id, title, due FROM notes") == [(1, "one", None), (2, "two", None)]
    assert ask(Path(found.backup), "SELECT count(*) FROM notes") == [(2,)]
    (entry,) = entries(place / ".archmig" / "ledger.db")
    assert (entry.environment, entry.action, entry.result) == ("behind", "upgrade", "done")
    again = startup("behind")
    assert (again.state, again.backup) == (StartState.UP_TO_DATE, "")
    assert levels(caplog) == ["WARNING", "INFO"]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("op.execute('CREATE TABLE notes (id)')", "revision 004_fourth failed in upgrade()"),
        ("raise SystemExit(5)", "revision 004_fourth failed in upgrade(): SystemExit: 5"),
        ("os._exit(9)", "archmig upgrade ended with code 9"),
    ],
)
def test_an_upgrade_that_fails_leaves_the_database_as_it_was_and_the_application_starts(
    place: Path, body: str, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    fourth(place, body)
    before = (place / "behind.db").read_bytes()
    found = startup("behind", on_pending="upgrade")
    assert (found.state, found.ok) == (StartState.BEHIND, False)
    assert "its upgrade failed, and nothing was changed: " in found.message
    assert cause in found.message
    assert found.error
    assert found.pending == ("003_due", "004_fourth")
    assert ask(place / "behind.db", "SELECT version_num FROM alembic_version") == [("002_tags",)]
    assert ask(place / "behind.db", "SELECT count(*) FROM notes") == [(2,)]
    assert levels(caplog) == ["ERROR"]
    if "_exit" not in body:
        assert (place / "behind.db").read_bytes() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("protected = true", "; not upgraded, since it is protected"),
        ("require_rehearsal = true", "; not upgraded, since it requires a rehearsal first"),
        ('requires = ["home"]', "; not upgraded: home has not had 004_fourth ("),
    ],
)
def test_what_may_not_be_changed_without_a_person_is_not(
    place: Path, line: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    fourth(place, "pass")
    policy(place, "behind", line)
    before = (place / "behind.db").read_bytes()
    found = startup("behind", on_pending="upgrade")
    assert (found.state, found.error) == (StartState.BEHIND, "")
    assert said in found.message
    assert (place / "behind.db").read_bytes() == before
    assert levels(caplog) == ["WARNING"]


def test_what_drifted_is_never_upgraded(place: Path) -> None:
    policy(place, "lost", 'on_pending = "upgrade"')
    (place / "environments.toml").write_text((place / "environments.toml").read_text().replace("protected = true", ""))
    before = (place / "lost.db").read_bytes()
    assert startup("lost").state is StartState.DRIFTED
    assert (place / "lost.db").read_bytes() == before
    assert not (place / ".archmig").exists()


def test_an_empty_database_is_built_only_where_its_policy_is_to_create_it(place: Path) -> None:
    assert startup("empty", on_pending="upgrade").state is StartState.UNINITIALISED
    file = place / "environments.toml"
    file.write_text(file.read_text().replace('"skip"', '"error"'))
    for name, state in (("empty", StartState.UNINITIALISED), ("gone", StartState.MISSING)):
        found = startup(name, on_pending="upgrade")
        assert (found.state, found.ok) == (state, False)
    assert not (place / "gone.db").exists()
    file.write_text(file.read_text().replace('"error"', '"create"'))
    for name in ("empty", "gone"):
        found = startup(name, on_pending="upgrade")
        assert (found.state, found.message) == (
            StartState.UPGRADED,
            "upgraded from nothing to 003_due, 3 revisions run",
        )
        assert ask(place / f"{name}.db", "SELECT name FROM tags") == [("todo",)]


@pytest.fixture
def workers(place: Path) -> Iterator[list[subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []
    yield running
    for one in running:
        one.kill()
        one.wait()


@pytest.mark.parametrize(("body", "timeout"), [("pass", 30), ("time.sleep(3)", 0.2)])
def test_of_workers_that_start_at_once_one_upgrades_and_none_fails(
    place: Path, workers: list[subprocess.Popen[str]], body: str, timeout: float
) -> None:
    """They wait for it, or go on where that takes longer than lock_timeout."""
    fourth(place, body)
    policy(place, "behind", f"lock_timeout = {timeout}")
    archmig("history")
    command = [sys.executable, "-c", WORKER, str(time.time() + 1)]
    workers += [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], ended
    states = sorted(json.loads(out)["state"] for out, _ in ended)
    waited = timeout > 1
    assert states == (["up_to_date", "up_to_date", "upgraded"] if waited else ["behind", "behind", "upgraded"])
    lines = [err.strip() for _, err in ended]
    assert sum(line.endswith("another process is upgrading it (" + line.rpartition("(")[2]) for line in lines) == 2 * (
        not waited
    )
    assert [entry.result for entry in entries(place / ".archmig" / "ledger.db")] == ["done"]
    assert ask(place / "behind.db", "SELECT version_num FROM alembic_version") == [("004_fourth",)]
    assert ask(place / "behind.db", "SELECT count(*) FROM notes") == [(2,)]


def test_while_a_run_of_archmig_holds_the_database_it_is_not_upgraded_and_nothing_fails(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    policy(place, "behind", "lock_timeout = 0.1")
    with held(place / "behind.db", 1):
        found = startup("behind", on_pending="upgrade")
    assert (found.state, found.error) == (StartState.BEHIND, "")
    assert "not upgraded: " in found.message
    assert "locked by another run, process" in found.message
    assert levels(caplog) == ["WARNING"]


def test_an_application_that_writes_is_not_upgraded_under_its_hands(place: Path) -> None:
    policy(place, "behind", "lock_timeout = 0.1")
    with closing(sqlite3.connect(place / "behind.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO notes VALUES (3, 'three')")
        found = startup("behind", on_pending="upgrade")
        writer.execute("COMMIT")
    assert (found.state, found.error) == (StartState.BEHIND, "")
    assert "locked by another process" in found.message
    assert startup("behind", on_pending="upgrade").state is StartState.UPGRADED
    assert ask(place / "behind.db", "SELECT count(*) FROM notes") == [(3,)]


def test_a_server_that_embeds_python_is_not_taken_for_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archmig("history")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert startup("behind", on_pending="upgrade").state is StartState.UPGRADED


def test_where_no_python_can_be_started_the_application_starts(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archmig("history")
    monkeypatch.setattr(upgrade, "subprocess", subprocess)
    monkeypatch.setattr(sys, "executable", str(place / "python3"))
    found = startup("behind", on_pending="upgrade")
    assert (found.state, found.error) == (StartState.BEHIND, "FileNotFoundError")
    assert "archmig upgrade could not be started: No such file or directory" in found.message


def test_without_a_cache_folder_it_is_upgraded_all_the_same(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARCHMIG_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    assert startup("behind", on_pending="upgrade").state is StartState.UPGRADED


def test_a_schema_that_is_not_where_its_stamp_says_is_left_to_reconcile(place: Path) -> None:
    execute(place / "behind.db", "DROP INDEX ix_tags_name")
    archmig("history")
    found = startup("behind", on_pending="upgrade")
    assert (found.state, found.pending) == (StartState.DRIFTED, ("003_due",))
    assert ask(place / "behind.db", "SELECT version_num FROM alembic_version") == [("002_tags",)]


@pytest.mark.parametrize("order", [("home", "behind"), ("behind", "home")], ids=" ".join)
def test_two_databases_of_one_application_are_each_its_own(place: Path, order: tuple[str, str]) -> None:
    (place / "chain" / "versions" / "004.py").write_text(FOURTH.format(body="pass"))
    policy(place, "home", "protected = true")
    for _ in range(2):
        found = {name: startup(name, on_pending="upgrade") for name in order}
        assert found["behind"].current == ("004_fourth",)
        assert (found["home"].current, found["home"].pending) == (("003_due",), ("004_fourth",))
    assert found["behind"].state is StartState.UP_TO_DATE
    execute(place / "behind.db", "DROP TABLE fourth")
    states = {name: startup(name).state for name in order}
    assert states == {"home": StartState.BEHIND, "behind": StartState.DRIFTED}
