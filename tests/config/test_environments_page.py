"""docs/environments.md has every key that environments.toml may have, with its default and its meaning."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config import environments, loader, resolve_entries
from architect_migrate.config.loader import read_project
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from architect_migrate.config.toml_reader import Table

PAGE = PROJECT / "docs" / "environments.md"
EVERY_TABLE = """[alembic]
[backup]
[defaults]
[env.NAME]
path = "a.db"
[ledger]
[notify]
command = ["true"]
[postgresql]
[tracker]
[[resolve]]
table = "a"
keep = true
[[resolve]]
revision = "b"
rows = "done"
environments = ["NAME"]
[[resolve]]
stamp = "c"
drop = true
"""


def accepted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The keys that the loader takes in each table, as it asks for them."""
    keys = defaultdict[str, set[str]](set)

    def noted(table: Table, known: Collection[str]) -> None:
        place = re.sub(r"^resolve\[\d+\]$", "[resolve]", table.place)
        keys[f"[{place}]"].update(known)

    for module in (loader, environments, resolve_entries):
        monkeypatch.setattr(module, "known_keys", noted)
    file = folder / "environments.toml"
    file.write_text(EVERY_TABLE)
    read_project(file, {})
    return keys


def described() -> dict[str, dict[str, tuple[str, str]]]:
    """The keys of each section of the page, with their default and their meaning."""
    _, *sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rows = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", re.MULTILINE)
    return {
        section.partition("\n")[0]: {key: (default, text) for key, default, text in rows.findall(section)}
        for section in sections
    }


def test_the_page_has_every_key_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, page = accepted(tmp_path, monkeypatch), described()
    assert keys.pop("[]") == {title.strip("[]").partition(".")[0] for title in page if title.startswith("[")}
    # Why without these: a policy is described once, where its default is set.
    keys["[env.NAME]"] -= keys["[defaults]"]
    assert keys == {title: {*rows} for title, rows in page.items() if rows}


def test_each_key_has_a_default_and_a_meaning() -> None:
    for rows in described().values():
        for key, (default, meaning) in rows.items():
            assert default.strip(), key
            assert len(meaning) > 10, key


def test_the_examples_of_the_page_are_valid(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "instance" / "tenants").mkdir(parents=True)
    (tmp_path / "instance" / "tenants" / "canary.db").touch()
    file = tmp_path / "environments.toml"
    for block in blocks:
        known = "" if "env.tenants" in block else '[env.tenants]\npath = "instance/tenants/*.db"\n'
        file.write_text(known + block)
        assert read_project(file, {}).warnings == ()


@pytest.mark.parametrize("table", ["env.NAME", "defaults"])
def test_the_page_says_the_default_that_is_used(tmp_path: Path, table: str) -> None:
    file = tmp_path / "environments.toml"
    file.write_text('[env.NAME]\npath = "a.db"\n')
    bare = read_project(file, {})
    given = {key: default.strip("`") for key, (default, _) in described()["[defaults]"].items() if default != "none"}
    lines = "".join(f"{key} = {default}\n" for key, default in given.items())
    beginning = '[env.NAME]\npath = "a.db"\n'
    file.write_text(f"{beginning}{lines}" if table == "env.NAME" else f"{beginning}[defaults]\n{lines}")
    assert read_project(file, {}).environments == bare.environments
