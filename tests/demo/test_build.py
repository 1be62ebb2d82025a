"""Where the demo is built: a folder of its own, with the project's environments, the same each time."""

from __future__ import annotations

import sqlite3
import tomllib
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support.demo import FILLED, database, load
from support.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demos_environments_are_the_projects_own_with_an_absolute_config(tmp_path: Path) -> None:
    load("build").build(tmp_path)
    text = (PROJECT / "environments.toml").read_text(encoding="utf-8")
    written = (tmp_path / "environments.toml").read_text(encoding="utf-8")
    assert written == text.replace('config = "alembic.ini"', f'config = "{PROJECT / "alembic.ini"}"')
    paths = {name: entry["path"] for name, entry in tomllib.loads(written)["env"].items()}
    assert paths == {
        "main": "data/architect.db",
        **{p.name: f"data/{p.name}/architect.db" for p in (tmp_path / "data").iterdir() if p.is_dir()},
    }
    assert len(paths) == 12


def test_two_builds_close_their_files_and_hold_the_same_statements_and_rows(tmp_path: Path) -> None:
    load("build").build(tmp_path / "one")
    load("build").build(tmp_path / "other")
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {"architect.db", "environments.toml"}
    for name in FILLED:
        with (
            closing(sqlite3.connect(database(tmp_path / "one", name))) as one,
            closing(sqlite3.connect(database(tmp_path / "other", name))) as other,
        ):
            assert list(one.iterdump()) == list(other.iterdump())


def test_a_directory_that_holds_data_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "architect.db").write_bytes(b"mine")
    with pytest.raises(FileExistsError) as refused:
        load("build").build(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path / 'data'} is not empty: choose another directory, or remove it for a new demo"
    )
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["architect.db"]


def test_anothers_environments_are_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "environments.toml").write_text("[env]\n", encoding="utf-8")
    with pytest.raises(FileExistsError) as refused:
        load("build").build(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path / 'environments.toml'} is there and differs: choose another directory, or remove it first"
    )
    assert [p.name for p in tmp_path.rglob("*")] == ["environments.toml"]
