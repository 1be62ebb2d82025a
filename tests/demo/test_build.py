"""Where the demo is built: a folder of its own, with the project's environments, the same each time."""

from __future__ import annotations

import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from support.demo import FILLED, database, load
from support.paths import PROJECT


def test_the_demo_is_a_project_of_its_own_with_the_shipped_chain_and_environments(tmp_path: Path) -> None:
    load("build").build(tmp_path)
    for name in ("environments.toml", "alembic.ini", "alembic/env.py", "alembic/script.py.mako"):
        assert (tmp_path / name).read_bytes() == (PROJECT / name).read_bytes()
    chain = PROJECT / "alembic" / "versions"
    copied = {p.relative_to(tmp_path / "alembic") for p in (tmp_path / "alembic").rglob("*") if p.is_file()}
    shipped = {p.relative_to(PROJECT / "alembic") for p in chain.rglob("*.py")}
    assert copied == {Path("env.py"), Path("script.py.mako"), *shipped}
    written = (tmp_path / "environments.toml").read_text(encoding="utf-8")
    paths = {name: entry["path"] for name, entry in tomllib.loads(written)["env"].items()}
    assert paths == {
        "main": "data/architect.db",
        **{p.name: f"data/{p.name}/architect.db" for p in (tmp_path / "data").iterdir() if p.is_dir()},
    }
    assert len(paths) == 12


def test_two_builds_close_their_files_and_hold_the_same_statements_and_rows(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        load("build").build(tmp_path / name)
        assert {p.name for p in (tmp_path / name / "data").rglob("*") if p.is_file()} == {"architect.db"}
    for name in FILLED:
        with (
            closing(sqlite3.connect(database(tmp_path / "one", name))) as one,
            closing(sqlite3.connect(database(tmp_path / "other", name))) as other,
        ):
            assert list(one.iterdump()) == list(other.iterdump())


@pytest.mark.parametrize("name", ["data/architect.db", "environments.toml", "alembic.ini", "alembic/env.py"])
def test_a_directory_that_holds_a_file_of_such_a_name_is_refused_untouched(tmp_path: Path, name: str) -> None:
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"mine")
    with pytest.raises(FileExistsError) as refused:
        load("build").build(tmp_path)
    first = tmp_path / name.partition("/")[0]
    assert str(refused.value) == f"{first} exists: choose another directory, or remove it first"
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [mine]
    assert mine.read_bytes() == b"mine"


def test_a_dangling_link_of_such_a_name_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        load("build").build(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["alembic.ini"]
