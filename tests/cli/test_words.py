"""Environments and relative revisions as words of a command line, and what is answered where a word is ambiguous."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig, ask, build, plainly

if TYPE_CHECKING:
    from pathlib import Path

STAMP = "SELECT version_num FROM alembic_version"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    plainly(monkeypatch)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("status", "--grid"),
        ("current",),
        ("pending",),
        ("history",),
        ("diagnose",),
        ("check",),
        ("log",),
        ("reconcile", "--dry-run"),
        ("upgrade", "--dry-run"),
        ("upgrade", "002", "--dry-run"),
        ("downgrade", "001", "--dry-run"),
        ("undo", "--dry-run"),
        ("backup", "list"),
    ],
    ids=" ".join,
)
def test_environments_as_words_are_those_of_the_option(folder: Path, command: tuple[str, ...]) -> None:
    by_word, by_option = archmig(*command, "home", "behind"), archmig(*command, "-e", "home", "-e", "behind")
    assert by_word == by_option
    assert by_word.code in {0, 1, 2}
    assert archmig(*command, "home", "-e", "behind") == by_option


@pytest.mark.parametrize("command", ["verify", "rehearse", "profile", "rollback"])
def test_commands_that_run_on_copies_take_them_too(folder: Path, command: str) -> None:
    told = json.loads(archmig(command, "behind", "--json", *(["--dry-run"] if command == "rollback" else [])).out)
    assert [one["name"] for one in told["environments"]] == ["behind"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("status", "hom"), "{file}: no environment 'hom' (did you mean 'home'?)"),
        (("status", "x"), "{file}: no environment 'x' (known: behind, empty, gone, home, lost)"),
        (("upgrade", "hom", "--yes"), "{file}: no environment 'hom' (did you mean 'home'?)"),
        (("upgrade", "004", "home"), "the chain has no revision '004' (known: 001_notes, 002_tags, 003_due)"),
        (("upgrade", "004+1", "home"), "the chain has no revision '004' (known: 001_notes, 002_tags, 003_due)"),
        (("reconcile", "002", "003", "home"), "2 revisions were given: 002, 003 (give one)"),
        (("status", "--all", "home"), "--all contradicts the name of an environment or a tag (give one of them)"),
        (("upgrade", "-1", "home"), "archmig upgrade goes forward, and -1 lies behind (archmig downgrade -1)"),
        (("rehearse", "-1", "home"), "archmig rehearse goes forward, and -1 lies behind (archmig downgrade -1)"),
        (("downgrade", "+1", "home"), "archmig downgrade goes back, and +1 lies ahead (archmig upgrade +1)"),
        (("promote",), "archmig promote changes a database, and none was named (name it: archmig promote ENV)"),
    ],
)
def test_words_that_mean_nothing_are_refused_in_a_line(folder: Path, words: tuple[str, ...], line: str) -> None:
    done = archmig(*words)
    expected = line.replace("{file}", f"{folder}/environments.toml")
    assert (done.out, done.err, done.code) == ("", f"archmig: {expected}\n", 2)


@pytest.mark.parametrize(("name", "advice"), [("002", "002@head"), ("head", "head@head")])
def test_a_word_that_is_an_environment_and_a_revision_is_refused(folder: Path, name: str, advice: str) -> None:
    config = folder / "environments.toml"
    config.write_text(f"{config.read_text()}\n[env.{name}]\npath = '{name}.db'\nuninitialised = 'create'\n")
    done = archmig("upgrade", name, "--yes")
    assert (done.code, done.err) == (
        2,
        (
            f"archmig: '{name}' is the name of an environment, and also names a revision or branch "
            f"(write -e {name} for the environment, the whole id or {advice} for the revision)\n"
        ),
    )
    assert not (folder / f"{name}.db").exists()
    assert archmig("status", name).code == 0


def test_a_missing_environments_toml_is_said_for_words_too(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for words in (("status", "home"), ("upgrade", "home")):
        done = archmig(*words)
        assert (done.code, done.err.startswith("archmig: no environments.toml: looked at ")) == (2, True)


def test_a_file_can_be_upgraded_to_a_revision_without_any_environments_toml(folder: Path) -> None:
    (folder / "environments.toml").unlink()
    assert archmig("upgrade", "+1", "--db", "behind.db", "--yes").code == 0
    assert ask(folder / "behind.db", STAMP) == [("003_due",)]


def test_plus_one_and_minus_one_go_a_revision_from_where_each_database_is(folder: Path) -> None:
    assert archmig("downgrade", "-1", "home", "behind", "--yes").code == 0
    assert [ask(folder / f"{name}.db", STAMP) for name in ("home", "behind")] == [[("002_tags",)], [("001_notes",)]]
    assert archmig("upgrade", "+1", "home", "behind", "--yes", "-j", "2").code == 0
    assert [ask(folder / f"{name}.db", STAMP) for name in ("home", "behind")] == [[("003_due",)], [("002_tags",)]]
    assert archmig("reconcile", "001+2", "behind", "--yes").code == 0
    assert ask(folder / "behind.db", STAMP) == [("003_due",)]
    assert archmig("downgrade", "head-2", "behind", "--yes").code == 0
    assert ask(folder / "behind.db", STAMP) == [("001_notes",)]
    assert archmig("downgrade", "-1", "behind", "--yes").code == 0
    assert ask(folder / "behind.db", STAMP) == []


def test_a_relative_revision_that_one_database_lacks_stops_no_other(folder: Path) -> None:
    done = archmig("upgrade", "+1", "home", "behind", "--yes")
    assert done.code == 2
    assert "archmig: home: +1: no revision after 003_due (archmig history lists them)\n" in done.err
    assert ask(folder / "behind.db", STAMP) == [("003_due",)]


@pytest.mark.parametrize("option", ["--nothing", "-x"])
def test_an_option_that_is_none_is_still_refused_beside_a_relative_revision(folder: Path, option: str) -> None:
    done = archmig("downgrade", option, "-1", "home", "--yes")
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(f"Error: No such option: {option}\n")
    assert archmig("status", "-1").err.endswith("Error: No such option: -1\n")
