"""`archmig init` in projects as people have them: it writes environments.toml, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.adopted import contents, of_alembic
from support.cli import archmig, plainly

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "# The databases of this project, and what archmig needs to run its chain. Relative paths start at this file.\n"
ALEMBIC = '\n[alembic]\nconfig = "alembic.ini"\n'
VARIABLES = """
# Variables for env.py and what it imports.
# {url} and {path} stand for the database that archmig works on.
[alembic.env]
"""
FLASK = """
[alembic]
config = "migrations/alembic.ini"
app = "shop:create_app"    # the Flask application in whose context env.py runs
"""
TRYING = "trying how env.py comes by its database ...\n"


def default(name: str) -> str:
    return f'\n[defaults]\nenvironment = "{name}"    # for plain alembic and startup()\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "shop"
    project.mkdir()
    monkeypatch.chdir(project)
    plainly(monkeypatch)
    for name in ("FLASK_APP", "DATABASE_URL", "SHOP_DB"):
        monkeypatch.delenv(name, raising=False)
    return project


def adopted(folder: Path, *words: str) -> str:
    """Run init; return the file that it wrote, after checking that nothing else of the project has changed."""
    before = contents(folder)
    done = archmig("init", "--yes", *words)
    after = contents(folder)
    assert done.code == 0, done.err
    assert after.pop("environments.toml")
    assert after == before
    assert archmig("check").code == 0
    return (folder / "environments.toml").read_text(encoding="utf-8")


def test_what_it_says_of_a_new_project(folder: Path) -> None:
    of_alembic(folder)
    done = archmig("init", "--yes")
    assert (done.code, done.err) == (0, TRYING)
    assert done.out == (
        "Wrote environments.toml: 1 entry, for the chain of alembic.ini.\n\n"
        "environment  state       at  stamp\n"
        "app          up to date  1   1\n\n"
        "1 environment: 1 up to date\n\n"
        "lint: 1 revision, no flaws\n"
        "Next: archmig check\n"
    )


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("generic", "sqlite:///app.db"),
        ("generic", "sqlite:///%(here)s/app.db"),
        ("async", "sqlite+aiosqlite:///./app.db"),
        ("pyproject", "sqlite:///app.db"),
        ("pyproject_async", "sqlite+aiosqlite:///app.db"),
    ],
)
def test_each_template_of_alembic(folder: Path, template: str, url: str) -> None:
    of_alembic(folder, template, url)
    where = "# The sqlalchemy.url of [alembic] in alembic.ini.\n"
    assert adopted(folder) == f'{HEAD}{ALEMBIC}{default("app")}\n{where}[env.app]\npath = "app.db"\n'
