"""Each command and option of archmig that the documents name is one of its own, and each link leads somewhere."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import typer

from architect_migrate.cli.app import application
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
MANAGER = (PROJECT / "docs" / "from-the-old-manager.md").read_text(encoding="utf-8")
# Commands stand in inline code and, after the prompt, in blocks of console.
INLINE = re.compile(r"(?<!`)`(archmig [^`]+)`(?!`)")
FENCED = re.compile(r"^ *```console\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"(?:^ *\$ |\$\()(archmig [^)\n]+)", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-[a-zA-Z])(?![\w-])")
OLD = ("status", "migrate", "pending", "generate", "rollback")


@cache
def root() -> Any:
    return typer.main.get_command(application())


def commands(text: str) -> Iterator[str]:
    """Every command line of archmig on a page, without what a comment says."""
    found = [*INLINE.findall(text), *(line for block in FENCED.findall(text) for line in PROMPT.findall(block))]
    for line in found:
        # Two in a row, or one whose output goes on elsewhere.
        yield re.split(r"\s+#|\s[|;&>]|\s&&", line)[0].strip()


def options(command: Any) -> set[str]:
    return {word for param in command.params for word in (*param.opts, *param.secondary_opts)} | {"--help"}


def wrong(line: str) -> str:
    """What of a command line there is not; empty where all is well."""
    words = [each for each in re.split(r"[\s|\[\]]+", line) if each][1:]
    command, known, named = root(), options(root()), []
    while words:
        word = words.pop(0)
        if OPTION.fullmatch(word):
            named.append(word)
            words = words[1:] if word in {"-c", "--config"} else words
        elif word in getattr(command, "commands", {}):
            command = command.commands[word]
            known |= options(command)
        elif hasattr(command, "commands"):
            return f"{line}: no command {word!r}"
    return "".join(f"{line}: no option {one}" for one in named if one not in known)


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_every_command_and_option_that_a_page_names_is_there(page: Path) -> None:
    lines = sorted(set(commands(page.read_text(encoding="utf-8"))))
    assert [line for line in map(wrong, lines) if line] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_every_file_that_a_page_links_to_is_there(page: Path) -> None:
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [one for one in linked if not (page.parent / one).exists()] == []


def rows(title: str) -> list[list[str]]:
    table = MANAGER.partition(f"| {title} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def test_every_old_command_has_a_new_one() -> None:
    found = rows("the old way")
    assert all(len(one) == 3 for one in found)
    assert [one[0] for one in found if "`archmig " not in one[1] and one[1] != "`architect_migrate.startup`"] == []
    old = {word for one in found for word in re.findall(r"`python -m migrations\.manager (\w+)", one[0])}
    assert old == set(OLD)
    assert {"`diagnose.py`", "`fix_all_environments.py`"} <= {one[0] for one in found}
    assert all("`archmig " in row[1] for row in rows("you are about to"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("archmig status --grid", ""),
        ("archmig -c FILE status", ""),
        ("archmig status -c x.toml -e dev", ""),
        ("archmig backup restore [BACKUP] -e E", ""),
        ("archmig docs [--env E|--revision R] --out DIR", ""),
        ("archmig --json", ""),
        ("archmig nothing", "archmig nothing: no command 'nothing'"),
        ("archmig -c FILE nothing", "archmig -c FILE nothing: no command 'nothing'"),
        ("archmig backup nothing", "archmig backup nothing: no command 'nothing'"),
        ("archmig status --nothing", "archmig status --nothing: no option --nothing"),
        ("archmig docs --grid", "archmig docs --grid: no option --grid"),
    ],
)
def test_what_there_is_not_is_noticed(line: str, expected: str) -> None:
    assert wrong(line) == expected


def test_commands_are_found_where_pages_have_them() -> None:
    page = (
        "Type `archmig check`.\n\n```console\n$ archmig status --grid   # all\narchmig: no\n$ vi $(archmig docs)\n```\n"
    )
    assert list(commands(page)) == ["archmig check", "archmig status --grid", "archmig docs"]
