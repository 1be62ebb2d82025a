"""Databases named by their files: several, by a pattern, and what is said of a file that is not there."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig, ask, build, plainly

if TYPE_CHECKING:
    from pathlib import Path

READING = ["status", "current", "pending", "history", "diagnose", "check", "verify", "profile", "rehearse", "docs"]
CHANGING = ["reconcile", "upgrade", "downgrade base", "rollback"]
OF_THE_PAST = ["log", "undo", "backup list", "backup verify", "backup restore", "backup prune"]
EVERY = [*READING, *CHANGING, *OF_THE_PAST, "backup create", "baseline --dry-run"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path / "p"))
    plainly(monkeypatch)
    (tmp_path / "p" / "data").mkdir()
    for name in ("a", "b", "c"):
        shutil.copy("behind.db", f"data/{name}.db")
    return tmp_path / "p"


def names(*words: str) -> list[str]:
    return [one["name"] for one in json.loads(archmig("status", "--json", *words).out)["environments"]]


THREE = ["data/a.db", "data/b.db", "data/c.db"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--db", "data/a.db", "--db", "data/b.db"], THREE[:2]),
        (["--db", "data/*.db"], THREE),
        (["--db", "**/*.db"], ["behind", *THREE, "empty", "home", "lost"]),
        (["--db", *THREE], THREE),
        ([*THREE[:2], "--db", "data/c.db"], ["data/c.db", *THREE[:2]]),
        (["home", "--db", *THREE[:2]], ["home", *THREE[:2]]),
    ],
)
def test_several_files_are_several_databases(folder: Path, words: list[str], found: list[str]) -> None:
    assert names(*words) == found


def test_an_absolute_pattern_and_one_of_another_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names("--db", f"{folder}/data/*.db") == [f"{folder}/{one}" for one in THREE]
    monkeypatch.chdir(folder / "chain")
    assert names("--db", "../data/*.db") == [f"../{one}" for one in THREE]


def test_no_environments_toml_is_needed(folder: Path) -> None:
    (folder / "environments.toml").unlink()
    assert names("--db", *THREE) == THREE
    assert archmig("upgrade", "--db", *THREE, "--yes").code == 0
    assert archmig("check", "--db", "data/*.db").code == 0


def test_a_pattern_of_the_shell_beside_a_revision(folder: Path) -> None:
    assert archmig("upgrade", "003", "--db", *THREE, "--yes").code == 0
    assert ask(folder / "data" / "c.db", "SELECT version_num FROM alembic_version") == [("003_due",)]


def test_a_file_with_a_star_in_its_name(folder: Path) -> None:
    shutil.copy("behind.db", "data/*.db")
    assert names("--db", "data/*.db") == ["data/*.db"]


def test_a_pattern_without_a_file(folder: Path) -> None:
    done = archmig("check", "--db", "nowhere/*.db")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"archmig: --db 'nowhere/*.db': no file matches in {folder}/nowhere (correct the pattern)\n"


@pytest.mark.parametrize("words", EVERY)
def test_a_file_that_is_not_there_is_exit_2_with_the_most_similar_one(folder: Path, words: str) -> None:
    if words == "docs":
        words = "docs --out pages"
    shutil.copy("behind.db", "data/Acme.db")
    done = archmig(*words.split(), "--db", "data/acne.db")
    assert (done.code, done.out) == (2, ""), done.out
    assert done.err == f"archmig: {folder}/data/acne.db: no such file; nothing was created: did you mean 'Acme.db'?\n"
    assert not (folder / "data" / "acne.db").exists()


def test_a_file_that_is_not_there_is_not_made_whatever_the_policy_is(folder: Path) -> None:
    file = folder / "environments.toml"
    file.write_text(f'{file.read_text()}\n[defaults]\nuninitialised = "create"\n')
    done = archmig("upgrade", "--db", "new/x.db", "--db", "data/a.db", "--yes")
    assert done.err == (
        f"archmig: {folder}/new/x.db: no such file; nothing was created: correct the path, "
        "or create the database first\n"
    )
    assert ask(folder / "data" / "a.db", "SELECT version_num FROM alembic_version") == [("002_tags",)]
    listed = archmig("upgrade", "--db", "gone.db", "--yes")
    assert listed.err == (
        f"archmig: {folder}/gone.db: no such file; nothing was created: name the environment instead, with -e gone\n"
    )


def test_a_database_that_is_gone_is_brought_back_by_its_path(folder: Path) -> None:
    archmig("backup", "create", "--db", "data/a.db")
    (folder / "data" / "a.db").unlink()
    assert archmig("log", "--db", "data/a.db").code == 0
    assert archmig("backup", "list", "--db", "data/a.db").code == 0
    assert archmig("status", "--db", "data/a.db").code == 2
    assert archmig("backup", "restore", "--db", "data/a.db", "--yes").code == 0
    assert (folder / "data" / "a.db").exists()


def test_the_same_file_twice_is_refused(folder: Path) -> None:
    assert archmig("status", "--db", "data/*.db", "--db", "data/a.db").code == 2
