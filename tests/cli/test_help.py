"""`archmig --help`, `archmig help COMMAND` and the help of every command: whole, and within 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer

from architect_migrate.cli.app import application
from architect_migrate.cli.typer_defaults import first_line
from support.cli import archmig, plainly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELP = """\
Usage: archmig [OPTIONS] COMMAND [ARGS]...

  Detect and repair schema drift in databases managed by Alembic.

Options:
  -c, --config FILE     The environments.toml to use, instead of the nearest
                        one.
  --json                Print one JSON document on stdout (docs/json.md).
  --debug               Print the traceback of an error.
  --version             Print the version and exit.
  --install-completion  Install completion for the current shell.
  --show-completion     Show completion for the current shell, to copy it or
                        customize the installation.
  --help                Show this message and exit.

Look:
  status     Show where each database is on the chain and what it claims.
  current    Show the revision of each database.
  pending    List the revisions that are left to run on each database.
  history    List the revisions of the chain, oldest first.
  diagnose   Judge each revision by what of it the database has.
  check      Exit with 0 if all databases are at their target and clean.
  verify     Check a database in full: schema, stamp, integrity and rows.
  log        List what archmig did, newest first.
  show       Show one entry of the log in full, by default the newest.

Change:
  reconcile  Repair, upgrade and stamp databases that have drifted.
  upgrade    Run pending revisions on databases without drift.
  promote    Give an environment the revisions that others have had.
  rehearse   Run the plan on a copy of the database and report.

Go back:
  downgrade  Take revisions back, newest first, down to REV.
  rollback   Take the newest revision back, after a rehearsal on a copy.
  undo       Restore databases to before the last run of archmig.

Develop:
  init       Write environments.toml for a project that has an Alembic chain.
  new        Create the next revision file and print its path.
  lint       Check revision files and try each on a scratch database.
  baseline   Write down what was there before the chain's first revision.
  squash     Make one revision of those up to REV, proven by replay.
  profile    Measure the time, statements and rows of each revision.
  docs       Write Markdown pages of the schema, with diagrams.
  demo       Create a demo project with databases that have drifted.

Administer:
  backup     Create, list, verify, restore and prune backups.
  env        Create and drop feature environments.
  help       Show the help of archmig or of one command.

  Begin with: archmig init, then archmig reconcile --all --dry-run
"""
DOWNGRADE = """\
Usage: archmig downgrade [OPTIONS] REV [ENV]...

  Take revisions back, newest first, down to REV.

  The rows that would be lost are listed before anything is changed.

Arguments:
  REV       The newest revision that stays: an id, base, -N or REV-N.
  [ENV]...  Environments by name, like -e ENV.

Options:
  --dry-run          Print the steps of the plan; change nothing.
  --sql              Print the steps and every SQL statement; change nothing.
  --yes              Do not ask for confirmation.
  -e, --env ENV      An environment by name; repeatable.
  --tag TAG          All environments with this tag; repeatable.
  --all              All environments.
  --db PATH          A database file, or a pattern like 'data/*.db'; repeatable.
  -j, --jobs N       Work on N databases at a time.  [default: 1; x>=1]
  -c, --config FILE  The environments.toml to use, instead of the nearest one.
  --json             Print one JSON document on stdout (docs/json.md).
  --debug            Print the traceback of an error.
  --help             Show this message and exit.

  Example: archmig downgrade -1 dev
"""
BACKUP = """\
Usage: archmig backup [OPTIONS] COMMAND [ARGS]...

  Create, list, verify, restore and prune backups.

Options:
  --help  Show this message and exit.

Commands:
  create   Back up databases now, each into one verified file.
  list     List backups, with the time and the reason of each.
  verify   Read backups in full and compare them with their records.
  restore  Restore a database from a backup, by default its newest.
  prune    Remove the backups that exceed keep and max_age of [backup].

  Example: archmig backup list, then archmig backup restore -e dev --dry-run
"""


@pytest.fixture(autouse=True)
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen of 80 columns, and a folder without environments.toml."""
    plainly(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def commands(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group below a command, by its words."""
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *words, name)


ALL = dict(commands(typer.main.get_command(application())))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--help",), HELP),
        (("help",), HELP),
        (("downgrade", "--help"), DOWNGRADE),
        (("help", "downgrade"), DOWNGRADE),
        (("backup", "--help"), BACKUP),
        (("help", "backup"), BACKUP),
    ],
)
@pytest.mark.parametrize("colours", ["NO_COLOR", "FORCE_COLOR", ""])
def test_help_is_this_text(words: tuple[str, ...], text: str, colours: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if colours:
        monkeypatch.setenv(colours, "1")
    done = archmig(*words)
    assert (done.out, done.err, done.code) == (text, "", 0)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_the_help_of_a_command_fits_80_columns_and_help_prints_the_same(words: tuple[str, ...]) -> None:
    text = archmig(*words, "--help").out
    assert text == archmig("help", *words).out
    assert [
        line for line in text.splitlines() if len(line) > 80 or (line.endswith("...") and "Usage:" not in line)
    ] == []
    assert words == () or ("Example: archmig" in text and first_line(ALL[words]) in text)


@pytest.mark.parametrize("words", [words for words in ALL if words], ids=" ".join)
def test_the_first_line_of_a_command_stands_on_one_line_of_the_list(words: tuple[str, ...]) -> None:
    assert first_line(ALL[words]) in archmig("help", *words[:-1]).out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("help", "stauts"), "Error: No such command 'stauts'. Did you mean 'status'?\n"),
        (("help", "backup", "lst"), "Error: No such command 'lst'. Did you mean 'list'?\n"),
        (("help", "status", "more"), "Error: archmig status has no command 'more'.\n"),
    ],
)
def test_help_of_what_there_is_not_is_a_usage_error(words: tuple[str, ...], line: str) -> None:
    done = archmig(*words)
    assert (done.out, done.code) == ("", 2)
    assert done.err.endswith(line)


def test_without_a_command_the_help_is_printed(tmp_path: Path) -> None:
    done = archmig()
    assert done.out + done.err == HELP
