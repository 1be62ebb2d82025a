"""The command `archmig`: its commands and the options before them. Only the cli modules print or exit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from architect_migrate.cli import (
    backup,
    change,
    docs,
    env,
    lint,
    log,
    new,
    read,
    rehearse,
    restore,
)
from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import INTERRUPTED, misused
from architect_migrate.cli.options import preceding, selecting, solitary
from architect_migrate.cli.present import present
from architect_migrate.cli.terminal import flush, say, unwritten, write
from architect_migrate.cli.typer_defaults import Command, Group
from architect_migrate.core.errors import OutputError
from architect_migrate.core.interrupts import ignored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_EXAMPLES = {
    "status": "archmig status --grid",
    "diagnose": "archmig diagnose -e dev --revision 004",
    "reconcile": "archmig reconcile --all --dry-run",
    "upgrade": "archmig upgrade --tag testing --yes",
    "downgrade": "archmig downgrade 046 -e dev",
    "check": "archmig check --all --json",
    "history": "archmig history -e dev -e qa",
    "pending": "archmig pending --db data/dev.db",
    "undo": "archmig undo -e dev --dry-run",
    "log": "archmig log -e prod -n 5",
    "show": "archmig show 17",
    "promote": "archmig promote --to prod --dry-run",
    "lint": "archmig lint 049",
    "rehearse": "archmig rehearse --env prod --roundtrip",
    "verify": "archmig verify --env prod",
    "rollback": "archmig rollback --env dev --dry-run",
    "profile": "archmig profile --env prod",
    "docs": "archmig docs --out docs/schema",
    "new": 'archmig new "Add a mood to bugs"',
    "demo": "archmig demo /tmp/demo && archmig status -c /tmp/demo/environments.toml",
}
_BACKUP_EXAMPLES = {
    "create": "archmig backup create --all",
    "list": "archmig backup list -e dev",
    "verify": "archmig backup verify --all",
    "restore": "archmig backup restore -e dev --dry-run",
    "prune": "archmig backup prune --dry-run",
}
_ENV_EXAMPLES = {
    "create": "archmig env create feature4 --from dev",
    "drop": "archmig env drop feature4",
}


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        write(f"archmig {version('archmig')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")]
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new directory.")]


def main() -> None:
    """Run `archmig` with the process's arguments; exits 0 (done or clean), 1 (differences), 2 (could not).

    A KeyboardInterrupt that comes before a command has begun is the caller's.
    """
    try:
        run(sys.argv[1:])
    finally:
        # All is done and said: a Ctrl-C while the interpreter clears up must not make a success a death by signal.
        ignored()


def run(arguments: Sequence[str]) -> NoReturn:
    """Run `archmig` with these arguments. A command raises SystemExit; what Typer ends itself ends here."""
    try:
        # Typer answered itself: 0 after help and the version, 130 after a Ctrl-C outside of a command.
        code = application()(arguments, prog_name="archmig", standalone_mode=False)
        # What help or the version wrote is sent off here, while a full disk can still be told and decide the exit code.
        flush()
    except (OSError, OutputError) as error:
        code = unwritten(error)
    except Exception as error:  # noqa: BLE001  (what is no usage error is raised again)
        code = misused(error)
    if code == INTERRUPTED:
        say("interrupted; but for what is told above, nothing was changed")
    raise SystemExit(code)


def application() -> typer.Typer:
    """The commands, as Typer knows them."""
    app = typer.Typer(
        name="archmig",
        help="Brings drifted databases home to Alembic.",
        epilog="Example: archmig status, then archmig reconcile --all --dry-run",
        no_args_is_help=True,
        cls=Group,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(preceding(Version))
    bodies: tuple[Callable[..., int], ...] = (
        read.status,
        read.diagnose,
        change.reconcile,
        change.upgrade,
        change.downgrade,
        restore.undo,
        read.check,
        read.history,
        read.pending,
        rehearse.rehearse,
        rehearse.verify,
        rehearse.rollback,
        rehearse.profile,
        docs.docs,
        log.log,
    )
    for body in bodies:
        app.command(cls=Command, epilog=f"Example: {_EXAMPLES[body.__name__]}")(selecting(body))
    app.command(cls=Command, epilog=f"Example: {_EXAMPLES['promote']}")(solitary(change.promote))
    app.command(cls=Command, epilog=f"Example: {_EXAMPLES['show']}")(solitary(log.show))
    app.add_typer(_backup())
    app.command(cls=Command, epilog=f"Example: {_EXAMPLES['lint']}")(solitary(lint.lint))
    app.command(cls=Command, epilog=f"Example: {_EXAMPLES['new']}")(solitary(new.new))
    app.add_typer(_env())
    app.command(cls=Command, epilog=f"Example: {_EXAMPLES['demo']}")(solitary(demo))
    return app


def _backup() -> typer.Typer:
    example = "Example: archmig backup list, then archmig backup restore -e dev --dry-run"
    group = _group("backup", "Take, list, verify, restore and prune backups.", example)
    bodies: tuple[Callable[..., int], ...] = (
        backup.create,
        backup.list_,
        backup.verify,
        restore.restore,
        backup.prune,
    )
    for body in bodies:
        name = body.__name__.strip("_")
        group.command(name, cls=Command, epilog=f"Example: {_BACKUP_EXAMPLES[name]}")(selecting(body))
    return group


def _env() -> typer.Typer:
    example = "Example: archmig env create feature4 --from dev, and later archmig env drop feature4"
    group = _group("env", "Make and take away feature environments.", example)
    for body in (env.create, env.drop):
        name = body.__name__
        group.command(name, cls=Command, epilog=f"Example: {_ENV_EXAMPLES[name]}")(solitary(body))
    return group


def _group(name: str, about: str, example: str) -> typer.Typer:
    return typer.Typer(name=name, cls=Group, help=about, epilog=example, no_args_is_help=True, rich_markup_mode=None)


def demo(options: Options, directory: Directory) -> int:
    """Write a demo project: twelve drifted databases, their chain and their environments.toml.

    The demo needs no project of your own: it is part of archmig.
    """
    from architect_migrate.authoring.demo import build_demo
    from architect_migrate.cli.report.demo import demo_report
    from architect_migrate.config.loader import read_project

    file = build_demo(directory)
    names = [environment.name for environment in read_project(file, {}).environments]
    return present(options, 0, demo_report(file, names))
