"""Which files a pattern matches, and what they are called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config.file_patterns import OwnFiles, matching, names_of

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = OwnFiles()


def make(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def names(folder: Path, pattern: str, own: OwnFiles = NOTHING) -> list[str]:
    return list(names_of(folder / pattern, matching(folder / pattern, own)))


TREE = ("a.db", "b.db", "c.sqlite", "eu/a.db", "eu/west/d.db", "us/app.db", ".hidden.db", ".git/x.db")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.db", ["a", "b"]),
        ("*", ["a.db", "b.db", "c.sqlite"]),
        ("*.*", ["a.db", "b.db", "c.sqlite"]),
        ("a*", ["a.db"]),
        ("*/*.db", ["eu/a", "us/app"]),
        ("*/app.db", ["us/app"]),
        ("**/*.db", ["a", "b", "eu/a", "eu/west/d", "us/app"]),
        ("**", ["a.db", "b.db", "c.sqlite", "eu/a.db", "eu/west/d.db", "us/app.db"]),
        ("eu/**/*.db", ["a", "west/d"]),
        ("**/west/*.db", ["eu/west/d"]),
        (".h*.db", [".hidden"]),
        ("none/*.db", []),
        ("a.db/*.db", []),
        ("*.DB", []),
    ],
)
def test_a_star_is_part_of_a_name_and_two_are_folders(tmp_path: Path, pattern: str, found: list[str]) -> None:
    assert names(make(tmp_path, *TREE), pattern) == found


ODD = ["-x", "a b", "a[1]", "a\\b", 'it\'s "x"', "q?", "ünï", "a\nb", "a\\nb", "\udcff", "$HOME", "%20"]


def test_every_name_of_a_file_can_be_typed_and_none_is_that_of_another(tmp_path: Path) -> None:
    found = names(make(tmp_path, *(f"{name}.db" for name in ODD)), "*.db")
    assert len(set(found)) == len(ODD)
    assert all(name.isprintable() for name in found)
    assert {"-x", "a b", "a[1]", "a\\\\b", "a\\nb", "a\\\\nb", "\\udcff", "ünï"} <= {*found}


BESIDE = ("a.db-wal", "a.db-shm", "a.db-journal", "a.db.archmig-lock", ".archmig-0123456789abcdef01234567.tmp")


def test_what_lies_beside_a_database_is_none(tmp_path: Path) -> None:
    backup = "a-20261129T134938Z-1.db"
    make(tmp_path, "a.db", *BESIDE, backup, f"{backup}.json", "a-20261129T134938Z-1-damaged.db")
    (tmp_path / "folder.db").mkdir()
    os.mkfifo(tmp_path / "pipe.db")
    assert names(tmp_path, "*") == ["a.db"]


def test_the_ledger_and_the_folder_of_backups_never_match(tmp_path: Path) -> None:
    make(tmp_path, "a.db", "ledger.db", "kept/any.db", "more/kept/b.db")
    (tmp_path / "link.db").symlink_to("ledger.db")
    own = OwnFiles(tmp_path / "ledger.db", tmp_path / "kept")
    assert names(tmp_path, "**/*.db", own) == ["a", "more/kept/b"]
    assert names(tmp_path, "*/*.db", own) == []


def test_a_link_to_a_file_that_matches_too_is_no_second_database(tmp_path: Path) -> None:
    make(tmp_path / "in", "b.db")
    make(tmp_path, "outside.db")
    for link, to in (("a.db", "b.db"), ("c.db", "../outside.db"), ("d.db", "c.db"), ("gone.db", "nowhere.db")):
        (tmp_path / "in" / link).symlink_to(to)
    (tmp_path / "in" / "round.db").symlink_to("round.db")
    found = matching(tmp_path / "in" / "*.db", NOTHING)
    assert [(file.written.name, file.real.name) for file in found.files] == [
        ("b.db", "b.db"),
        ("c.db", "outside.db"),
        ("gone.db", "nowhere.db"),
        ("round.db", "round.db"),
    ]


def test_folders_that_lead_back_end(tmp_path: Path) -> None:
    make(tmp_path, "eu/a.db")
    (tmp_path / "eu" / "back").symlink_to(tmp_path)
    assert names(tmp_path, "**/*.db") == ["eu/a"]
    assert names(tmp_path, "*/*/*.db") == []


def test_folders_of_any_depth_are_walked(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 900)
    make(tmp_path, f"{deep}/a.db")
    assert names(tmp_path, "**/*.db") == [f"{deep}/a"]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.db", "eu/b.db")
    listed = os.scandir

    def refusing(path: Path) -> object:
        if str(path).endswith("eu"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = matching(tmp_path / "**" / "*.db", NOTHING)
    assert [file.written.name for file in found.files] == ["a.db"]
    assert found.unread == (f"{tmp_path}/eu cannot be listed: Permission denied",)
