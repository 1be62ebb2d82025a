"""The README names the commands and options that there are, and links to files that are there."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING

from support.cli import archmig, execute, plainly
from support.paths import PROJECT
from support.plain_alembic import executable

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
REPOSITORY = PYPROJECT["project"]["urls"]["Repository"]
BLOB = f"{REPOSITORY}/blob/main/"
REVISION = """from alembic import op

revision = "{id}"
down_revision = {parent!r}


def upgrade():
    op.execute("{sql}")
"""
CHAIN = (
    ("1f2e3d4c5b6a", None, "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"),
    ("2a3b4c5d6e7f", "1f2e3d4c5b6a", "CREATE INDEX ix_notes_title ON notes (title)"),
    ("3c4d5e6f7a8b", "2a3b4c5d6e7f", "ALTER TABLE notes ADD COLUMN due TEXT"),
)
# What `create_all()` made of models that had no index yet.
CREATED = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, due TEXT); INSERT INTO notes VALUES (1, 'a', 'b')"
)


def stock_project(folder: Path) -> None:
    """What `alembic init` writes, with three revisions and a database that was never stamped."""
    assert executable("init", "migrations", ini=folder / "alembic.ini", cwd=folder).code == 0
    ini = folder / "alembic.ini"
    text = re.sub(r"^sqlalchemy.url = .*$", "sqlalchemy.url = sqlite:///app.db", ini.read_text(), flags=re.MULTILINE)
    ini.write_text(text, encoding="utf-8")
    for id_, parent, sql in CHAIN:
        file = folder / "migrations" / "versions" / f"{id_}.py"
        file.write_text(REVISION.format(id=id_, parent=parent, sql=sql), encoding="utf-8")
    execute(folder / "app.db", CREATED)


@cache
def help_of(*command: str) -> str:
    done = archmig(*command, "--help")
    assert done.code == 0, done.err
    return done.out


def commands() -> list[str]:
    sections = help_of().partition("\nLook:\n")[2].rpartition("\n\n")[0]
    return [line.split()[0] for line in sections.splitlines() if line.startswith("  ") and line[2] != " "]


def test_the_readme_names_every_command_and_no_other() -> None:
    named = set(re.findall(r"`archmig ([a-z]+)", README))
    assert named == set(commands())


def test_every_option_that_the_readme_gives_a_command_is_one_of_its_own() -> None:
    for line in re.findall(r"archmig [a-z]+[^\n`#|]*", README):
        words = line.split()
        options = [word for word in words[2:] if word.startswith("--")]
        if words[1] in commands() and options:
            assert [option for option in options if option not in help_of(words[1])] == [], line


def test_every_link_is_absolute_and_those_into_the_repository_lead_to_files() -> None:
    """PyPI shows the README without the repository around it."""
    linked = re.findall(r"\]\(([^)]+)\)", README)
    assert [link for link in linked if not link.startswith(("https://", "#"))] == []
    files = [link.removeprefix(BLOB).partition("#")[0] for link in linked if link.startswith(REPOSITORY)]
    assert len(files) > 20
    assert [file for file in files if not (PROJECT / file).is_file()] == []


def commands_of(section: str) -> list[list[str]]:
    """The words of each archmig command in a section's console blocks, without its comment."""
    text = README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line.split()[1:] for line in re.findall(r"^\$ (archmig [^#\n]*)", "".join(blocks), re.MULTILINE)]


def test_the_first_hour_repairs_a_database_that_create_all_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the env.py that Alembic writes."""
    stock_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    init, diagnose, dry_run, reconcile = commands_of("The first hour")
    before = (tmp_path / "app.db").read_bytes()
    assert archmig(*init, "--yes").out.endswith("\nNext: archmig reconcile app --dry-run\n")
    assert "no stamp" in archmig(*diagnose).out
    assert archmig(*dry_run).code == 1
    assert (tmp_path / "app.db").read_bytes() == before
    assert archmig(*reconcile, "--yes").code == 0
    assert archmig("check").code == 0
    assert executable("upgrade", "head", ini=tmp_path / "alembic.ini", cwd=tmp_path).code == 0
    assert executable("current", ini=tmp_path / "alembic.ini", cwd=tmp_path).out == "3c4d5e6f7a8b (head)\n"
    assert archmig("undo", "app", "--yes").code == 0
    assert "no stamp" in archmig(*diagnose).out
