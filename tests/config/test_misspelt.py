"""Words of [[resolve]] entries that neither the chain nor any database knows: a warning, once, with the right word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.registry import marks
from support.cli import archmig
from support.scenarios import own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

T = "CREATE TABLE bugs (id INTEGER PRIMARY KEY, title TEXT, CONSTRAINT uq_title UNIQUE (title))"
CHAIN = {
    "r1": revision(None, T, "CREATE TABLE old_bugs (id)", "CREATE INDEX ix_bugs ON bugs (title)"),
    "r2": revision("r1", "DROP TABLE old_bugs", "CREATE VIEW seen AS SELECT id FROM bugs"),
}
MADE = (T, "CREATE INDEX ix_bugs ON bugs (title)", "CREATE VIEW seen AS SELECT id FROM bugs", *stamp("r2"))
OWN = "CREATE TABLE mine (x, CONSTRAINT ck_x CHECK (x > 0))"


def project(folder: Path, *entries: str, second: bool = True) -> Path:
    """Two environments, of which the second has a table of its own; the second may have no database."""
    own_chain(folder, CHAIN)
    script(folder / "a.db", *MADE)
    if second:
        script(folder / "b.db", *MADE, OWN)
    lines = ["[alembic]", 'config = "alembic.ini"', *(f'[env.{name}]\npath = "{name}.db"' for name in "ab")]
    lines += [f"[[resolve]]\n{entry}" for entry in entries]
    (folder / "environments.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "environments.toml"


NEITHER = "neither the chain nor any database has a "


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('table = "bugz"\nkeep = true', "table 'bugz': did you mean 'bugs'?"),
        ('table = "bugz"\ncolumn = "title"\nkeep = true', "table 'bugz': did you mean 'bugs'?"),
        ('table = "bugs"\ncolumn = "titel"\nallow_null = true', "column 'titel' of 'bugs': did you mean 'title'?"),
        ('table = "bugs"\ncolumn = "title"\ncopy_from = "tite"', "column 'tite' of 'bugs': did you mean 'title'?"),
        (
            'table = "bugs"\nconstraint = "uq_titel"\nkeep = true',
            "constraint 'uq_titel' of 'bugs': did you mean 'uq_title'?",
        ),
        ('table = "bugs"\nconstraint = ["titel"]\nkeep = true', "column 'titel' of 'bugs': did you mean 'title'?"),
        ('index = "ix_bug"\nkeep = true', "index 'ix_bug': did you mean 'ix_bugs'?"),
        ('view = "scene"\nkeep = true', "view 'scene': did you mean 'seen'?"),
        ('trigger = "zzz"\ndrop = true', "trigger 'zzz': correct the entry, or take it out"),
        ('table = "mime"\ndrop = true', "table 'mime': did you mean 'mine'?"),
    ],
)
def test_a_word_that_means_nothing_is_told_with_file_and_number(tmp_path: Path, entry: str, said: str) -> None:
    file = project(tmp_path, 'table = "bugs"\nkeep = true\nenvironments = ["b"]', entry)
    done = archmig("-c", str(file), "status")
    assert done.err == f"warning: {file}: resolve[2]: {NEITHER}{said}\n"
    assert done.code == 0


@pytest.mark.parametrize(
    "entry",
    [
        'table = "OLD_BUGS"\ndrop = true',
        'table = "bugs"\ncolumn = "Title"\nkeep = true',
        'table = "mine"\nkeep = true',
        'table = "mine"\nconstraint = "ck_x"\nkeep = true',
        'table = "mine"\ncolumn = "x"\nkeep = true',
        'view = "seen"\nkeep = true',
    ],
)
def test_what_the_chain_once_had_or_any_database_has_is_right(tmp_path: Path, entry: str) -> None:
    file = project(tmp_path, entry)
    assert archmig("-c", str(file), "status", "-e", "a").err == ""


def test_it_is_told_once_and_in_the_json_of_each_environment_for_which_the_entry_holds(tmp_path: Path) -> None:
    file = project(tmp_path, 'table = "bugz"\nkeep = true\nenvironments = ["a"]')
    line = f"{file}: resolve[1]: {NEITHER}table 'bugz': did you mean 'bugs'?"
    done = archmig("-c", str(file), "reconcile", "--all", "--json")
    assert done.err == f"warning: {line}\n"
    found = {each["name"]: each["warnings"] for each in json.loads(done.out)["environments"]}
    assert found == {"a": [line], "b": []}
    for command in ("check", "diagnose", "upgrade --dry-run", "reconcile --dry-run", "verify"):
        assert archmig("-c", str(file), *command.split(), "--all").err.splitlines()[0] == f"warning: {line}"


def test_no_database_is_read_for_what_the_chain_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project(tmp_path, 'table = "bugs"\nkeep = true', 'table = "old_bugs"\ndrop = true')
    monkeypatch.setattr(marks, "names_in", lambda *_: pytest.fail("a database was read"))
    assert archmig("-c", str(file), "status").err == ""


def test_nothing_is_said_where_a_database_cannot_be_read_but_where_it_is_missing(tmp_path: Path) -> None:
    file = project(tmp_path, 'table = "bugz"\nkeep = true', second=False)
    assert "table 'bugz': did you mean 'bugs'?" in archmig("-c", str(file), "status", "-e", "a").err
    (tmp_path / "b.db").write_bytes(b"no database " * 100)
    assert archmig("-c", str(file), "status", "-e", "a").err == ""
