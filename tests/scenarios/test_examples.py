"""The projects in examples/, used as their pages say: create, drift, init, status, reconcile, check."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from support.adopted import contents, started
from support.cli import ask, execute, forked, plainly
from support.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "# The databases of this project, and what archmig needs to run its chain. Relative paths start at this file.\n"
TENANTS = f"""{HEAD}
[alembic]
config = "migrations/alembic.ini"

# Variables for env.py and what it imports.
# {{url}} and {{path}} stand for the database that archmig works on.
[alembic.env]
DATABASE_URL = "{{url}}"

[defaults]
environment = "main"    # for plain alembic and startup()

# Opened by env.py.
[env.main]
path = "instance/main.db"

# Each file is an environment, such as tenants/acme.
[env.tenants]
path = "instance/tenants/*.db"
"""
NOTES = f"""{HEAD}
[alembic]
config = "alembic.ini"

# Variables for env.py and what it imports.
# {{url}} and {{path}} stand for the database that archmig works on.
[alembic.env]
NOTES_DATABASE_URL = "{{url}}"

[defaults]
environment = "notes"    # for plain alembic and startup()

# Opened by env.py.
[env.notes]
path = "notes.db"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    plainly(monkeypatch)
    for name in ("FLASK_APP", "DATABASE_URL", "NOTES_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return shutil.copytree(PROJECT / "examples" / request.param, tmp_path / request.param)


def brought_home(project: Path, states: list[str]) -> str:
    """Adopt the project, see the states of its databases, repair them all; return environments.toml."""
    before = contents(project)
    assert forked("init", "--yes", cwd=project).code == 0
    after = contents(project)
    assert after.pop("environments.toml")
    assert after == before
    shown = forked("status", cwd=project).out.splitlines()
    assert [": ".join(re.split(r"  +", line)[:2]) for line in shown[1 : len(states) + 1]] == states
    done = forked("reconcile", "--all", "--yes", cwd=project)
    assert (done.code, forked("check", cwd=project).code) == (0, 0), done.err
    return (project / "environments.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("project", ["flask-tenants"], indirect=True)
def test_tenants_with_flask_migrate(project: Path) -> None:
    (project / "instance" / "tenants").mkdir(parents=True)
    started(project, "flask", "db", "upgrade")
    tenants = project / "instance" / "tenants"
    for name in ("acme", "bolt", "cora"):
        started(project, "flask", "db", "upgrade", DATABASE_URL=f"sqlite:///tenants/{name}.db")
    create = "from app import create_app, db; create_app().app_context().push(); db.create_all()"
    started(project, "timeit", "-n", "1", "-r", "1", create, DATABASE_URL="sqlite:///tenants/dora.db")
    execute(tenants / "bolt.db", "DROP INDEX ix_note_due; INSERT INTO note (title) VALUES ('kept')")
    states = ["main: up to date", "tenants/acme: up to date", "tenants/bolt: drifted", "tenants/cora: up to date"]
    assert brought_home(project, [*states, "tenants/dora: unstamped"]) == TENANTS
    assert ask(tenants / "bolt.db", "SELECT title FROM note") == [("kept",)]
    shutil.copyfile(tenants / "cora.db", tenants / "emil.db")
    assert forked("check", "tenants/emil", cwd=project).code == 0


@pytest.mark.parametrize("project", ["fastapi-async"], indirect=True)
def test_fastapi_with_an_asynchronous_engine(project: Path) -> None:
    started(project, "alembic", "upgrade", "head")
    add = "import asyncio; from app.database import add_note; asyncio.run(add_note('kept'))"
    started(project, "timeit", "-n", "1", "-r", "1", add)
    execute(project / "notes.db", "DROP INDEX ix_notes_done; ALTER TABLE notes DROP COLUMN done")
    assert brought_home(project, ["notes: drifted"]) == NOTES
    assert ask(project / "notes.db", "SELECT title, done FROM notes") == [("kept", 0)]
    started(project, "alembic", "upgrade", "head")


# As much of FastAPI as app/main.py uses, which is too large a library to be installed for one test.
FASTAPI = """from types import SimpleNamespace
class FastAPI:
    def __init__(self, lifespan):
        self.lifespan, self.state = lifespan, SimpleNamespace()
    def get(self, _path):
        return lambda function: function
    post = get
"""
SERVE = """import asyncio
from app.main import app, health, new_note, notes
async def serve():
    async with app.lifespan(app):
        await new_note("one")
        print(await health(), await notes())
asyncio.run(serve())
"""


@pytest.mark.parametrize("project", ["fastapi-async"], indirect=True)
def test_the_application_of_fastapi_reports_the_state_of_its_database(project: Path) -> None:
    (project / "fastapi.py").write_text(FASTAPI, encoding="utf-8")
    (project / "serve.py").write_text(SERVE, encoding="utf-8")
    started(project, "alembic", "upgrade", "head")
    assert forked("init", "--yes", cwd=project).code == 0
    assert started(project, "serve") == "{'status': 'ok', 'database': 'up_to_date'} ['one']\n"


@pytest.mark.parametrize("project", ["fastapi-async"], indirect=True)
def test_what_the_page_on_ci_has_ci_do(project: Path) -> None:
    started(project, "alembic", "upgrade", "head")
    assert forked("init", "--yes", cwd=project).code == 0
    page = (PROJECT / "docs" / "ci.md").read_text(encoding="utf-8")
    entry = page.partition("```toml\n")[2].partition("```")[0]
    with (project / "environments.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{entry}")
    commands = page.partition("```console\n")[2].partition("```")[0].splitlines()
    assert [line.split()[:3] for line in commands] == [["$", "archmig", word] for word in ("lint", "upgrade", "check")]
    done = [forked(*line.split()[2:], cwd=project) for line in commands]
    assert [each.code for each in done] == [0, 0, 0], done
    files = sorted(str(file.relative_to(project)) for file in (project / "migrations" / "versions").glob("*.py"))
    assert forked("lint", *files, cwd=project).code == 0
