"""The README names the commands and options that there are, and links to files that are there."""

from __future__ import annotations

import re
from functools import cache

from support.cli import archmig
from support.paths import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")


@cache
def help_of(*command: str) -> str:
    done = archmig(*command, "--help")
    assert done.code == 0, done.err
    return done.out


def commands() -> list[str]:
    listing = help_of().partition("Commands:\n")[2].partition("\n\n")[0]
    return [line.split()[0] for line in listing.splitlines() if line.startswith("  ") and line[2] != " "]


def test_the_readme_names_every_command_and_no_other() -> None:
    named = set(re.findall(r"`archmig ([a-z]+)", README))
    assert named == set(commands())


def test_every_option_that_the_readme_gives_a_command_is_one_of_its_own() -> None:
    for line in re.findall(r"archmig [a-z]+[^\n`#|]*", README):
        words = line.split()
        options = [word for word in words[2:] if word.startswith("--")]
        if words[1] in commands() and options:
            assert [option for option in options if option not in help_of(words[1])] == [], line


def test_every_file_that_the_readme_links_to_is_there() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [one for one in linked if not (PROJECT / one).exists()] == []
