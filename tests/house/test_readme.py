"""The README shows what the commands print, and names the commands and options that there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")
ARCHMIG = Path(sys.executable).with_name("archmig")

# What differs from run to run: times, durations, and the folder of the demo.
VARIABLE = (
    (r"\d{8}T\d{6}Z-\d+", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME"),
    (r"\b\d+\.\d\b( s)?", "SECONDS"),
    (r"backups in \S+", "backups in FOLDER"),
    (r"[ \t]+", " "),
)


def archmig(*words: str, folder: Path) -> str:
    environ = {**os.environ, "COLUMNS": "120"}
    done = subprocess.run(
        [ARCHMIG, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def settled(text: str) -> str:
    for pattern, word in VARIABLE:
        text = re.sub(pattern, word, text)
    return text.strip()


def shown(command: str) -> list[str]:
    """What the README shows as the output of a command, each time that it shows it."""
    pattern = rf"^\$ {re.escape(command)}\n(.*?)(?=^\$ |^```)"
    return [match.group(1) for match in re.finditer(pattern, README, re.MULTILINE | re.DOTALL)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme") / "demo"
    archmig("demo", str(folder), folder=PROJECT)
    return folder


def test_the_demo_in_the_readme_is_what_a_run_prints(demo: Path) -> None:
    before = archmig("status", folder=demo)
    reconciled = archmig("reconcile", "--all", "--yes", folder=demo)
    after = archmig("status", folder=demo)
    first, last = shown("archmig status")
    assert settled(first) == settled(before)
    assert [settled(it) for it in shown("archmig reconcile --all --yes")] == [settled(reconciled)]
    assert settled(last) == settled(after)


def commands() -> list[str]:
    listing = archmig("--help", folder=PROJECT).partition("Commands:\n")[2].partition("\n\n")[0]
    return [line.split()[0] for line in listing.splitlines() if line.startswith("  ") and line[2] != " "]


def test_the_readme_names_every_command_and_no_other() -> None:
    named = set(re.findall(r"`archmig ([a-z]+)", README))
    assert named == set(commands())


def test_every_option_that_the_readme_gives_a_command_is_one_of_its_own() -> None:
    for line in re.findall(r"archmig [a-z]+[^\n`#|]*", README):
        words = line.split()
        options = [word for word in words[2:] if word.startswith("--")]
        if words[1] in commands() and options:
            known = archmig(words[1], "--help", folder=PROJECT)
            assert [it for it in options if it not in known] == [], line


def test_every_file_that_the_readme_links_to_is_there() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [it for it in linked if not (PROJECT / it).exists()] == []
