"""environments.toml with one entry more or less: every other line stays where it was, and two at once both count."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config.editor import apply_change, preview_change, raw_entry, with_entry, without_entry
from architect_migrate.core.errors import ConfigError, EntryError
from support.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {"path": "x.db", "tags": ["a", 'b"c']}
ENTRY = '[env.x]  # why\npath = "x.db"\ntags = ["a", "b\\"c"]\n'
# Before, and after; the entry stands where ENTRY is.
CASES = {
    "after the last environment": ('[env.a]\npath = "a"\n', f'[env.a]\npath = "a"\n\n{ENTRY}'),
    "before what follows": (
        '[env.a]\npath = "a"\n\n# about the tracker\n[tracker]\n',
        f'[env.a]\npath = "a"\n\n{ENTRY}\n# about the tracker\n[tracker]\n',
    ),
    "after a comment of the last environment's own": (
        '[env.a]\npath = "a"\n# of a\n\n# of b\n[[resolve]]\n',
        f'[env.a]\npath = "a"\n# of a\n\n{ENTRY}\n# of b\n[[resolve]]\n',
    ),
    "environments on both sides of an array of tables": (
        '[env.a]\npath = "a"\n[[resolve]]\nview = "v"\n[env.b]\npath = "b"',
        f'[env.a]\npath = "a"\n[[resolve]]\nview = "v"\n[env.b]\npath = "b"\n\n{ENTRY}',
    ),
    "without a blank line anywhere": (
        '[env.a]\npath = "a"\n[tracker]\n',
        f'[env.a]\npath = "a"\n\n{ENTRY}\n[tracker]\n',
    ),
    "what looks like a header and is none": (
        '[env.a]\npath = """\n[env.b]\n"""\ntags = [\n  "c", # [env.d]\n["e"]]\n[tracker]\n',
        f'[env.a]\npath = """\n[env.b]\n"""\ntags = [\n  "c", # [env.d]\n["e"]]\n\n{ENTRY}\n[tracker]\n',
    ),
    "a table that holds environments": (
        '[env]\na = { path = "a" }\n[tracker]\n',
        f'[env]\na = {{ path = "a" }}\n[tracker]\n\n{ENTRY}',
    ),
    "a quoted name with a space and a dot": (
        '[ env . "a.b c" ]\npath = "a"\n[tracker]\n',
        f'[ env . "a.b c" ]\npath = "a"\n\n{ENTRY}\n[tracker]\n',
    ),
    "none yet": ("# nothing\n", f"# nothing\n\n{ENTRY}"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_entry_comes_and_goes_and_nothing_else_moves(case: tuple[str, str]) -> None:
    before, after = case
    assert with_entry(before, "x", VALUES, "why", "f") == after
    ended = before if before.endswith("\n") else f"{before}\n"
    left = without_entry(after, "x", "f")
    assert left.replace("\n\n", "\n") == ended.replace("\n\n", "\n")
    assert tomllib.loads(left) == tomllib.loads(before)


def test_line_ends_of_another_system_stay_what_they_are() -> None:
    before = '[env.a]\r\npath = "a"\r\n\r\n# c\r\n[tracker]\r\n'
    after = with_entry(before, "x", VALUES, "why", "f")
    assert after.replace("\r\n", "") == after.replace("\r\n", "\n").replace("\n", "")
    assert without_entry(after, "x", "f") == before


def test_the_projects_own_file_gets_one_behind_its_last_and_loses_any() -> None:
    text = (PROJECT / "environments.toml").read_text(encoding="utf-8")
    after = with_entry(text, "x", VALUES, "why", "f")
    assert after == text.replace("\n# Decisions that archmig cannot", f"\n{ENTRY}\n# Decisions that archmig cannot")
    assert without_entry(after, "x", "f") == text
    for name in tomllib.loads(text)["env"]:
        left = without_entry(text, name, "f")
        assert [line for line in text.splitlines() if line.startswith("#")] == [
            line for line in left.splitlines() if line.startswith("#")
        ]


REFUSED = {
    "one that is in it": (partial(with_entry, name="a", values=VALUES, comment="", file="f"), '[env.a]\npath = "a"\n'),
    "an inline table that holds them all": (
        partial(with_entry, name="x", values=VALUES, comment="", file="f"),
        'env = { a = { path = "a" } }\n',
    ),
    "one that is not there": (partial(without_entry, name="x", file="f"), '[env.a]\npath = "a"\n'),
    "one that is no table of its own": (partial(without_entry, name="a", file="f"), 'env.a.path = "a"\n'),
    "one whose table is in two places": (
        partial(without_entry, name="a", file="f"),
        '[env.a]\npath = "a"\n[tracker]\n[env.a.more]\nx = 1\n',
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_without_changing_more_is_refused(case: tuple[partial[str], str]) -> None:
    change, text = case
    with pytest.raises(EntryError, match=r"nothing was written"):
        change(text)


def project(folder: Path) -> Path:
    (folder / "environments.toml").write_text('# mine\n[env.a]\npath = "a.db"\n', encoding="utf-8")
    return folder / "environments.toml"


def adding(name: str, path: str = "") -> partial[str]:
    return partial(with_entry, name=name, values={"path": path or f"{name}.db"}, comment="c", file="f")


def test_the_file_keeps_its_mode_and_a_link_leads_to_it(tmp_path: Path) -> None:
    file = project(tmp_path)
    file.chmod(0o640)
    (tmp_path / "other").mkdir()
    link = tmp_path / "other" / "environments.toml"
    link.symlink_to(file)
    found = apply_change(link, {}, adding("b"))
    assert [environment.name for environment in found.environments] == ["a", "b"]
    assert (link.is_symlink(), file.stat().st_mode & 0o777) == (True, 0o640)
    assert file.read_text(encoding="utf-8").endswith('[env.b]  # c\npath = "b.db"\n')
    # A link's own folder is where relative paths start.
    assert found.environments[1].url.path == tmp_path / "other" / "b.db"


@pytest.mark.parametrize("change", [adding("b", "a.db"), adding("b", " "), adding(" b")])
def test_what_could_not_be_read_afterwards_is_not_written(tmp_path: Path, change: partial[str]) -> None:
    file = project(tmp_path)
    before = file.read_bytes()
    for work in (preview_change, apply_change):
        with pytest.raises(ConfigError) as raised:
            work(file, {}, change)
        assert str(raised.value).startswith(str(file))
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["environments.toml"]


def test_two_at_once_lose_nothing(tmp_path: Path) -> None:
    file = project(tmp_path)
    names = [f"e{number}" for number in range(12)]
    with ThreadPoolExecutor(max_workers=6) as pool:
        list(pool.map(lambda name: apply_change(file, {}, adding(name)), names))
    assert sorted(tomllib.loads(file.read_text(encoding="utf-8"))["env"]) == sorted(["a", *names])


def test_what_an_entry_says_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "f").write_text('[env.a]\npath = "${X}/a.db"\n', encoding="utf-8")
    assert raw_entry(tmp_path / "f", "a") == {"path": "${X}/a.db"}
    assert raw_entry(tmp_path / "f", "b") == {}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("architect_migrate.config.editor.sync", full)
    with pytest.raises(ConfigError, match=r"cannot be changed: No space left on device \(nothing was written"):
        apply_change(file, {}, adding("b"))
    assert [path.name for path in tmp_path.iterdir()] == ["environments.toml"]
