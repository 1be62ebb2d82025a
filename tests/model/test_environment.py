from __future__ import annotations

from pathlib import Path

import pytest

from architect_migrate.config.loader import environment_at, read_project
from architect_migrate.core.errors import ArchmigError, ConfigError, ResolutionsClashError
from architect_migrate.core.names import fold
from architect_migrate.model.environment import (
    ProjectConfig,
    Repair,
    empty_project,
    every_environment,
    resolutions_for,
    select,
)

DEV = '[env.dev]\npath = "dev.db"\n'


def project(folder: Path, text: str) -> ProjectConfig:
    file = folder / "environments.toml"
    file.write_text(text)
    return read_project(file, {})


NARROWED = """
[env.dev]
path = "dev.db"
tags = ["work"]
[env.prod]
path = "prod.db"
[[resolve]]
table = "a"
keep = true
[[resolve]]
table = "b"
keep = true
environments = ["work"]
[[resolve]]
table = "b"
drop = true
environments = ["prod"]
"""


def test_an_entry_holds_for_the_environments_and_tags_it_names(tmp_path: Path) -> None:
    found = project(tmp_path, NARROWED)
    entries = [[one.origin.entry for one in resolutions_for(found, env, fold)] for env in found.environments]
    assert entries == [[1, 2], [1, 3]]


def test_a_file_named_by_path_gets_every_entry_and_two_that_clash_are_refused(tmp_path: Path) -> None:
    found = project(tmp_path, NARROWED.replace('"b"\ndrop', '"c"\ndrop'))
    stranger = environment_at(found, tmp_path / "x.db")
    assert [one.origin.entry for one in resolutions_for(found, stranger, fold)] == [1, 2, 3]
    clashing = project(tmp_path, NARROWED)
    with pytest.raises(ResolutionsClashError) as refused:
        resolutions_for(clashing, environment_at(clashing, Path("x.db")), fold)
    message = "resolve[3]: settles table b for 'x.db', as resolve[2] does (keep one of them)"
    assert str(refused.value) == f"{tmp_path}/environments.toml: {message}"


FOUR = """
[defaults]
environment = "b"
repair = "additive"
[env.a]
path = "a.db"
tags = ["x"]
[env.b]
path = "b.db"
tags = ["x", "y"]
[env.c]
path = "c.db"
protected = true
[env.d]
url = "postgresql://u:hunter2@h/d"
"""


@pytest.mark.parametrize(
    ("names", "tags", "paths", "chosen"),
    [
        ([], [], [], ["b"]),
        (["c", "a", "a"], [], [], ["a", "c"]),
        ([], ["x"], [], ["a", "b"]),
        (["b", "c"], ["y"], [], ["b", "c"]),
        ([], [], ["new.db"], ["FOLDER/new.db"]),
        (["a"], [], ["new.db", "c.db"], ["a", "FOLDER/new.db", "c"]),
    ],
)
def test_what_is_selected_comes_once_in_file_order_then_by_path(
    tmp_path: Path, names: list[str], tags: list[str], paths: list[str], chosen: list[str]
) -> None:
    four = project(tmp_path, FOUR)
    by_path = [environment_at(four, tmp_path / path) for path in paths]
    found = [one.name.replace(str(tmp_path), "FOLDER") for one in select(four, names, tags, by_path)]
    assert found == chosen


@pytest.mark.parametrize(
    ("names", "tags", "paths", "message"),
    [
        (["e"], [], [], "FOLDER/environments.toml: no environment 'e' (known: a, b, c, d)"),
        ([], ["xx"], [], "FOLDER/environments.toml: no tag 'xx' (did you mean 'x'?)"),
        (["a"], [], ["./a.db"], "'a' is chosen twice, by its name and by its path FOLDER/a.db (choose it once)"),
        (
            [],
            [],
            ["n.db", "link"],
            ("'FOLDER/n.db' and 'FOLDER/link' are one database, FOLDER/n.db (choose one of them)"),
        ),
    ],
)
def test_a_selection_that_means_nothing_or_one_file_twice_is_refused(
    tmp_path: Path, names: list[str], tags: list[str], paths: list[str], message: str
) -> None:
    four = project(tmp_path, FOUR)
    (tmp_path / "link").symlink_to("n.db")
    by_path = [environment_at(four, tmp_path / path) for path in paths]
    with pytest.raises(ArchmigError) as refused:
        select(four, names, tags, by_path)
    assert str(refused.value).replace(str(tmp_path), "FOLDER") == message


def test_without_a_default_environment_nothing_is_chosen_silently(tmp_path: Path) -> None:
    with pytest.raises(ArchmigError) as refused:
        select(project(tmp_path, DEV), [], [])
    message = 'no environment chosen (name one, or set environment = "NAME" in [defaults])'
    assert str(refused.value) == f"{tmp_path}/environments.toml: {message}"
    with pytest.raises(ArchmigError):
        every_environment(empty_project(tmp_path))


def test_a_listed_file_named_by_path_keeps_its_protection(tmp_path: Path) -> None:
    four = project(tmp_path, FOUR)
    (tmp_path / "alias").symlink_to("c.db")
    assert environment_at(four, tmp_path / "alias") == four.environments[2]
    stranger = environment_at(four, tmp_path / "new.db")
    assert (stranger.policies.repair, stranger.policies.protected) == (Repair.ADDITIVE, False)


def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        environment_at(empty_project(tmp_path), Path("a\0b"))
    assert str(refused.value) == r"'a\x00b': no file can have this name (name a database file)"


def test_a_line_break_in_a_path_is_that_very_file_shown_on_one_line(tmp_path: Path) -> None:
    found = environment_at(empty_project(tmp_path), tmp_path / "a\nb")
    assert (found.url.path, found.name) == (tmp_path / "a\nb", f"'{tmp_path}/a\\nb'")
