"""The command `archmig`: its commands and the options before them. Only the cli modules print or exit."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, NamedTuple, NoReturn

import typer

from architect_migrate.cli.exit import INTERRUPTED, misused
from architect_migrate.cli.options import preceding, selecting, selecting_by_option, solitary
from architect_migrate.cli.terminal import flush, say, unwritten, write
from architect_migrate.cli.typer_defaults import Command, Group, RevisionCommand
from architect_migrate.core.errors import OutputError
from architect_migrate.core.interrupts import ignore_interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Wrap = Callable[[Callable[..., int]], Callable[..., None]]


class _Entry(NamedTuple):
    """A command: the function of its name (or its name and `_`) in a module of `cli`, and how it is made of that.

    The sections of the help are those of typer_defaults.SECTIONS; a command of a group has none.
    """

    section: str | None
    wrap: Wrap
    module: str
    example: str
    cls: type[Command] = Command


# In the order of the help.
_COMMANDS = {
    "status": _Entry("Look", selecting, "read", "archmig status dev qa"),
    "current": _Entry("Look", selecting, "read", "archmig current"),
    "pending": _Entry("Look", selecting, "read", "archmig pending --db data/dev.db"),
    "history": _Entry("Look", selecting, "read", "archmig history dev qa"),
    "diagnose": _Entry("Look", selecting, "read", "archmig diagnose dev --revision 004"),
    "check": _Entry("Look", selecting, "read", "archmig check --all --json"),
    "verify": _Entry("Look", selecting, "rehearse", "archmig verify prod"),
    "log": _Entry("Look", selecting, "log", "archmig log prod -n 5"),
    "show": _Entry("Look", solitary, "log", "archmig show 17"),
    "reconcile": _Entry(
        "Change", selecting_by_option, "change", "archmig reconcile dev --dry-run --sql", RevisionCommand
    ),
    "upgrade": _Entry("Change", selecting_by_option, "change", "archmig upgrade +1 dev", RevisionCommand),
    "promote": _Entry("Change", solitary, "change", "archmig promote prod --dry-run"),
    "rehearse": _Entry("Change", selecting_by_option, "rehearse", "archmig rehearse prod --roundtrip", RevisionCommand),
    "downgrade": _Entry("Go back", selecting, "change", "archmig downgrade -1 dev", RevisionCommand),
    "rollback": _Entry("Go back", selecting, "rehearse", "archmig rollback dev --dry-run"),
    "undo": _Entry("Go back", selecting, "restore", "archmig undo dev --dry-run"),
    "init": _Entry("Develop", solitary, "init", "archmig init --dry-run"),
    "new": _Entry("Develop", solitary, "new", 'archmig new "Add a mood to bugs"'),
    "lint": _Entry("Develop", solitary, "lint", "archmig lint 049"),
    "baseline": _Entry("Develop", solitary, "baseline", "archmig baseline --env dev --dry-run"),
    "squash": _Entry("Develop", solitary, "squash", "archmig squash --to 048 --dry-run"),
    "profile": _Entry("Develop", selecting_by_option, "rehearse", "archmig profile prod"),
    "docs": _Entry("Develop", selecting, "docs", "archmig docs --out docs/schema"),
    "demo": _Entry(
        "Develop", solitary, "demo", "archmig demo /tmp/demo && archmig status -c /tmp/demo/environments.toml"
    ),
    "backup create": _Entry(None, selecting, "backup", "archmig backup create --all"),
    "backup list": _Entry(None, selecting, "backup", "archmig backup list dev"),
    "backup verify": _Entry(None, selecting_by_option, "backup", "archmig backup verify --all"),
    "backup restore": _Entry(None, selecting_by_option, "restore", "archmig backup restore -e dev --dry-run"),
    "backup prune": _Entry(None, selecting, "backup", "archmig backup prune --dry-run"),
    "env create": _Entry(None, solitary, "env", "archmig env create feature4 --from dev"),
    "env drop": _Entry(None, solitary, "env", "archmig env drop feature4"),
}
_GROUPS = {
    "backup": (
        "Create, list, verify, restore and prune backups.",
        "Example: archmig backup list, then archmig backup restore -e dev --dry-run",
    ),
    "env": (
        "Create and drop feature environments.",
        "Example: archmig env create feature4 --from dev, and later archmig env drop feature4",
    ),
}


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        write(f"archmig {version('archmig')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
]


def main() -> None:
    """Run `archmig` with the process's arguments; exits 0 (done or clean), 1 (differences), 2 (could not).

    A KeyboardInterrupt before a command has begun is left to the caller.
    """
    try:
        run(sys.argv[1:])
    finally:
        # All is done and printed: a Ctrl-C during the interpreter's cleanup must not turn success into failure.
        ignore_interrupts()


def run(arguments: Sequence[str]) -> NoReturn:
    """Run `archmig` with these arguments. A command raises SystemExit; what Typer ends by itself ends here."""
    try:
        # Typer ended the run itself: with 0 after help and the version, with 130 after a Ctrl-C outside of a command.
        app = application(arguments[0] if arguments else "")
        code = app(arguments, prog_name="archmig", standalone_mode=False)
        # Why here: a full disk can still decide the exit code of help and the version.
        flush()
    except (OSError, OutputError) as error:
        code = unwritten(error)
    except Exception as error:  # noqa: BLE001  (what is no usage error is raised again)
        code = misused(error)
    if code == INTERRUPTED:
        say("interrupted; nothing was changed, except for what is reported above")
    raise SystemExit(code)


def application(word: str = "") -> typer.Typer:
    """Make the Typer application, with the command or the group of this name alone if there is one, else with all.

    Why: to import the modules of all commands, and to make Click's objects of them, takes longer than most runs
    without work.
    """
    app = typer.Typer(
        name="archmig",
        help="Detect and repair schema drift in databases managed by Alembic.",
        epilog="Begin with: archmig init, then archmig reconcile --all --dry-run",
        no_args_is_help=True,
        cls=Group,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(preceding(Version))
    groups: dict[str, typer.Typer] = {}
    for name in [each for each in _COMMANDS if each.split()[0] == word] or _COMMANDS:
        group, _, own = name.rpartition(" ")
        if group and group not in groups:
            groups[group] = _group(group)
            app.add_typer(groups[group], rich_help_panel="Administer")
        _add(groups.get(group, app), own, _COMMANDS[name])
    if word not in {name.split()[0] for name in _COMMANDS}:
        from architect_migrate.cli.help import help_

        example = "Example: archmig help backup restore"
        app.command("help", cls=Command, rich_help_panel="Administer", epilog=example)(help_)
    return app


def _add(app: typer.Typer, name: str, entry: _Entry) -> None:
    """Add a command to the application or to a group, with its example."""
    module = import_module(f"architect_migrate.cli.{entry.module}")
    body = getattr(module, name, None) or getattr(module, f"{name}_")
    epilog = f"Example: {entry.example}"
    app.command(name, cls=entry.cls, epilog=epilog, rich_help_panel=entry.section)(entry.wrap(body))


def _group(name: str) -> typer.Typer:
    about, example = _GROUPS[name]
    return typer.Typer(name=name, cls=Group, help=about, epilog=example, no_args_is_help=True, rich_markup_mode=None)
