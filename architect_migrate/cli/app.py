"""The command `archmig`: its commands and the options before them. Only the cli modules print or exit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from architect_migrate.cli import (
    backup,
    baseline,
    change,
    docs,
    env,
    init,
    lint,
    log,
    new,
    read,
    rehearse,
    restore,
    squash,
)
from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import INTERRUPTED, misused
from architect_migrate.cli.help import help_
from architect_migrate.cli.options import preceding, selecting, selecting_by_option, solitary
from architect_migrate.cli.present import present
from architect_migrate.cli.terminal import flush, say, unwritten, write
from architect_migrate.cli.typer_defaults import Command, Group, RevisionCommand
from architect_migrate.core.errors import OutputError
from architect_migrate.core.interrupts import ignore_interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Wrap = Callable[[Callable[..., int]], Callable[..., None]]

# The sections of the help are those of typer_defaults.SECTIONS.
_EXAMPLES = {
    "status": "archmig status dev qa",
    "current": "archmig current",
    "pending": "archmig pending --db data/dev.db",
    "history": "archmig history dev qa",
    "diagnose": "archmig diagnose dev --revision 004",
    "check": "archmig check --all --json",
    "verify": "archmig verify prod",
    "log": "archmig log prod -n 5",
    "show": "archmig show 17",
    "reconcile": "archmig reconcile dev --dry-run --sql",
    "upgrade": "archmig upgrade +1 dev",
    "promote": "archmig promote prod --dry-run",
    "rehearse": "archmig rehearse prod --roundtrip",
    "downgrade": "archmig downgrade -1 dev",
    "rollback": "archmig rollback dev --dry-run",
    "undo": "archmig undo dev --dry-run",
    "new": 'archmig new "Add a mood to bugs"',
    "lint": "archmig lint 049",
    "init": "archmig init --dry-run",
    "baseline": "archmig baseline --env dev --dry-run",
    "squash": "archmig squash --to 048 --dry-run",
    "profile": "archmig profile prod",
    "docs": "archmig docs --out docs/schema",
    "demo": "archmig demo /tmp/demo && archmig status -c /tmp/demo/environments.toml",
    "help": "archmig help backup restore",
    "backup create": "archmig backup create --all",
    "backup list": "archmig backup list dev",
    "backup verify": "archmig backup verify --all",
    "backup restore": "archmig backup restore -e dev --dry-run",
    "backup prune": "archmig backup prune --dry-run",
    "env create": "archmig env create feature4 --from dev",
    "env drop": "archmig env drop feature4",
}


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        write(f"archmig {version('archmig')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
]
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new directory.")]


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
        code = _for_command(application(), arguments)(arguments, prog_name="archmig", standalone_mode=False)
        # Why here: a full disk can still decide the exit code of help and the version.
        flush()
    except (OSError, OutputError) as error:
        code = unwritten(error)
    except Exception as error:  # noqa: BLE001  (what is no usage error is raised again)
        code = misused(error)
    if code == INTERRUPTED:
        say("interrupted; nothing was changed, except for what is reported above")
    raise SystemExit(code)


def _for_command(app: typer.Typer, arguments: Sequence[str]) -> typer.Typer:
    """Leave out all other commands where the first word is one.

    Why: making Click's objects of every command takes longer than most runs without work.
    """
    first = arguments[0] if arguments else ""
    commands = [command for command in app.registered_commands if command.name == first != "help"]
    groups = [one for one in app.registered_groups if one.typer_instance and one.typer_instance.info.name == first]
    if commands or groups:
        app.registered_commands, app.registered_groups = commands, groups
    return app


def application() -> typer.Typer:
    """Make the Typer application with all commands."""
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
    _add(app, "Look", selecting, read.status, read.current, read.pending, read.history, read.diagnose, read.check)
    _add(app, "Look", selecting, rehearse.verify, log.log)
    _add(app, "Look", solitary, log.show)
    _add(app, "Change", selecting_by_option, change.reconcile, change.upgrade, cls=RevisionCommand)
    _add(app, "Change", solitary, change.promote)
    _add(app, "Change", selecting_by_option, rehearse.rehearse, cls=RevisionCommand)
    _add(app, "Go back", selecting, change.downgrade, cls=RevisionCommand)
    _add(app, "Go back", selecting, rehearse.rollback, restore.undo)
    _add(app, "Develop", solitary, init.init, new.new, lint.lint, baseline.baseline, squash.squash)
    _add(app, "Develop", selecting_by_option, rehearse.profile)
    _add(app, "Develop", selecting, docs.docs)
    _add(app, "Develop", solitary, demo)
    app.add_typer(_backup(), rich_help_panel="Administer")
    app.add_typer(_env(), rich_help_panel="Administer")
    app.command("help", cls=Command, rich_help_panel="Administer", epilog=f"Example: {_EXAMPLES['help']}")(help_)
    return app


def _add(
    app: typer.Typer, section: str | None, wrap: Wrap, *bodies: Callable[..., int], cls: type[Command] = Command
) -> None:
    """Add commands to the application or to a group, each under its function's name and with its example."""
    group = f"{app.info.name} " if section is None else ""
    for body in bodies:
        name = body.__name__.strip("_")
        example = f"Example: {_EXAMPLES[group + name]}"
        app.command(name, cls=cls, epilog=example, rich_help_panel=section)(wrap(body))


def _backup() -> typer.Typer:
    example = "Example: archmig backup list, then archmig backup restore -e dev --dry-run"
    group = _group("backup", "Create, list, verify, restore and prune backups.", example)
    _add(group, None, selecting, backup.create, backup.list_)
    _add(group, None, selecting_by_option, backup.verify, restore.restore)
    _add(group, None, selecting, backup.prune)
    return group


def _env() -> typer.Typer:
    example = "Example: archmig env create feature4 --from dev, and later archmig env drop feature4"
    group = _group("env", "Create and drop feature environments.", example)
    _add(group, None, solitary, env.create, env.drop)
    return group


def _group(name: str, about: str, example: str) -> typer.Typer:
    return typer.Typer(name=name, cls=Group, help=about, epilog=example, no_args_is_help=True, rich_markup_mode=None)


def demo(options: Options, directory: Directory) -> int:
    """Create a demo project with databases that have drifted.

    DIR gets the databases, their chain and their environments.toml. The demo is part of archmig and needs no project.
    """
    from architect_migrate.authoring.demo import build_demo
    from architect_migrate.cli.report.demo import demo_report
    from architect_migrate.config.loader import read_project

    file = build_demo(directory)
    names = [environment.name for environment in read_project(file, {}).environments]
    return present(options, 0, demo_report(file, names))
