"""What a command line may say, where it may say it, and what is answered when it says too little."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig, build, plainly

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("status", "diagnose", "reconcile", "upgrade", "downgrade", "check", "history", "pending")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(build(tmp_path / "project"))
    plainly(monkeypatch)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "{file}", "--json", "status", "-e", "home"],
        ["status", "-c", "{file}", "--json", "-e", "home"],
        ["--config", "{file}", "status", "-e", "home", "--json"],
        ["--json", "status", "--config", "{file}", "--env", "home"],
        ["-c", "nowhere.toml", "status", "-c", "{file}", "-e", "home", "--json"],
    ],
)
def test_config_and_json_stand_before_the_command_or_after_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(folder / "elsewhere")
    file = str(folder / "project" / "environments.toml")
    done = archmig(*(word.replace("{file}", file) for word in words))
    assert (done.code, [load["name"] for load in json.loads(done.out)["environments"]]) == (0, ["home"])


def test_the_config_is_found_in_a_folder_above(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "project" / "chain" / "versions")
    assert archmig("check", "-e", "home").code == 0


def test_the_config_is_found_by_its_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "elsewhere")
    monkeypatch.setenv("ARCHMIG_CONFIG", "../project/environments.toml")
    assert archmig("check", "-e", "home").code == 0


def test_no_config_at_all_is_said_in_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "elsewhere")
    done = archmig("status")
    assert (done.out, done.code) == ("", 2)
    assert done.err == (
        f"archmig: no environments.toml: looked at {folder}/elsewhere, every folder above it "
        "(archmig init writes one; -c FILE names another)\n"
    )


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["-e", "home", "-e", "gone"], ["home", "gone"]),
        (["--tag", "fine", "--tag", "live"], ["home", "lost"]),
        (["--tag", "live", "-e", "empty"], ["lost", "empty"]),
        (["--db", "lost.db"], ["lost"]),
        (["--all", "--db", "home.db"], ["home", "behind", "lost", "empty", "gone"]),
        ([], ["home", "behind", "lost", "empty", "gone"]),
    ],
)
def test_environments_are_chosen_by_name_tag_or_path(folder: Path, words: list[str], names: list[str]) -> None:
    told = json.loads(archmig("status", "--json", *words).out)
    assert [one["name"] for one in told["environments"]] == names


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["status", "-e", "hom"], "{file}: no environment 'hom' (did you mean 'home'?)"),
        (["status", "--tag", "fin"], "{file}: no tag 'fin' (did you mean 'fine'?)"),
        (
            ["status", "--all", "-e", "home"],
            "--all contradicts the name of an environment or a tag (give one of them)",
        ),
        (
            ["status", "-e", "home", "--db", "home.db"],
            "'home' is chosen twice, by its name and by its path {folder}/home.db (choose it once)",
        ),
        (
            ["upgrade", "004", "--all", "--yes"],
            "the chain has no revision '004' (known: 001_notes, 002_tags, 003_due)",
        ),
        (
            ["diagnose", "--revision", "00"],
            "00 is the beginning of 3 revisions: 001_notes, 002_tags, 003_due (write one in full)",
        ),
        (
            ["demo", "."],
            ".: no demo: environments.toml exists: choose another directory, or remove it first (nothing was written)",
        ),
    ],
)
def test_what_cannot_be_followed_is_one_line_and_exit_2(folder: Path, words: list[str], line: str) -> None:
    project = folder / "project"
    done = archmig(*words)
    expected = line.replace("{file}", f"{project}/environments.toml").replace("{folder}", str(project))
    assert (done.out, done.err, done.code) == ("", f"archmig: {expected}\n", 2)


def test_with_json_an_error_is_a_document_too(folder: Path) -> None:
    done = archmig("check", "-e", "hom", "--json")
    told = json.loads(done.out)
    assert (done.code, told["exit_code"], told["error"]["type"]) == (2, 2, "UnknownEnvironmentError")


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        (["stauts"], "No such command 'stauts'."),
        (["status", "--nothing"], "No such option: --nothing"),
        (["downgrade"], "Missing argument 'REV'."),
    ],
)
def test_usage_errors_exit_2_and_say_what_is_wrong(folder: Path, words: list[str], ending: str) -> None:
    done = archmig(*words)
    assert (done.out, done.code) == ("", 2)
    assert ending in done.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_the_shared_options_and_shows_an_example(command: str) -> None:
    text = archmig(command, "--help").out
    for option in ("--env", "-e", "--tag", "--all", "--db", "--config", "-c", "--json", "--debug", "--jobs", "-j"):
        assert option in text
    assert f"Example: archmig {command}" in text


def test_version_is_the_packages(folder: Path) -> None:
    from importlib.metadata import version

    assert archmig("--version").out == f"archmig {version('archmig')}\n"


def test_colours_are_forced_and_forbidden_by_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32mup to date\x1b[0m" in archmig("status").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in archmig("status").out


def test_a_narrow_terminal_continues_cells_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = archmig("check", "-e", "lost").out
    assert text == (
        "environment  state    verdict  why\n"
        "lost         drifted  differs  5 breaking and 2 behavioural\n"
        "                               differences from the chain\n"
    )


def test_secrets_of_a_url_are_never_shown(folder: Path) -> None:
    file = folder / "project" / "environments.toml"
    file.write_text(f"{file.read_text()}\n[env.far]\nurl = 'postgresql://user:s3cret@host/db?sslpassword=hidden'\n")
    for words in (["status"], ["status", "--json"], ["diagnose"], ["check", "--debug"]):
        done = archmig(*words)
        assert done.code == 2
        assert "s3cret" not in done.out + done.err
        assert "hidden" not in done.out + done.err
        assert "postgresql://***@host/db" in done.err
