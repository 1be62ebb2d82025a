"""A project in a folder that cannot be written, with its data and its ledger elsewhere."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from support.cli import archmig, ask, build, plainly

CONFIG = '[env.app]\npath = "${DATA}/app.db"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, its database on a volume, and no way to make a folder in the project itself."""
    project = build(tmp_path / "project")
    monkeypatch.chdir(project)
    plainly(monkeypatch)
    (tmp_path / "data").mkdir()
    shutil.move(project / "behind.db", tmp_path / "data" / "app.db")
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    (project / "environments.toml").write_text(CONFIG)
    mkdir = Path.mkdir

    def refusing(path: Path, *arguments: object, **named: object) -> None:
        if path.is_relative_to(project):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        mkdir(path, *arguments, **named)

    monkeypatch.setattr(Path, "mkdir", refusing)
    return tmp_path


def test_a_run_stops_before_it_changes_anything_and_names_the_way_out(folder: Path) -> None:
    done = archmig("upgrade", "app", "--yes")
    assert done.code == 2
    assert (
        f"archmig: app: {folder}/project/.archmig/backups: no backup was made: Read-only file system; nothing was "
        "changed: make the folder writable, or name another one in environments.toml: path in [ledger], or dir in "
        "[backup]\n"
    ) in done.err
    assert (
        f"{folder}/project/.archmig/ledger.db: cannot use the ledger: Read-only file system; no database is affected: "
        "make its folder writable, or name another one in environments.toml: path in [ledger]"
    ) in done.err
    assert ask(folder / "data" / "app.db", "SELECT version_num FROM alembic_version") == [("002_tags",)]


@pytest.mark.parametrize(
    ("path", "ledger"),
    [
        ("${DATA}/state/archmig", "data/state/archmig/ledger.db"),
        ("../data/state", "data/state/ledger.db"),
        ("${DATA}/app-ledger.db", "data/app-ledger.db"),
    ],
)
def test_ledger_and_backups_are_kept_where_the_project_says(folder: Path, path: str, ledger: str) -> None:
    (folder / "project" / "environments.toml").write_text(f'{CONFIG}[ledger]\npath = "{path}"\n')
    done = archmig("upgrade", "app", "--yes")
    assert done.code == 0, done.err
    assert (folder / ledger).stat().st_mode & 0o777 == 0o600
    assert len([*(folder / ledger).parent.joinpath("backups").glob("app-*.db")]) == 1
    assert str(folder / ledger) in archmig("log").out
    assert archmig("undo", "app", "--yes").code == 0
    assert not (folder / "project" / ".archmig").exists()


def test_neither_ledger_nor_backups_are_tenants(folder: Path) -> None:
    text = '[env.all]\npath = "${DATA}/**/*.db"\n[ledger]\npath = "${DATA}"\n'
    (folder / "project" / "environments.toml").write_text(text)
    assert archmig("upgrade", "all", "--yes").code == 0
    assert archmig("check").out.splitlines()[1:] == ["all/app      up to date  clean    at 003"]
    assert (folder / "data" / "ledger.db").exists()
