"""The commands of `archmig env`: create and drop, for feature environments."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.options import Yes
from architect_migrate.cli.present import narrating, present
from architect_migrate.cli.prompt import ask, require_terminal
from architect_migrate.cli.selection import project_of
from architect_migrate.cli.terminal import on_terminal, say
from architect_migrate.revisions.replay import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.model.environment import Environment


Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the feature environment.")]
From = Annotated[
    str,
    typer.Option("--from", metavar="ENV", help="The environment whose database is copied."),
]
NewPath = Annotated[
    Path | None,
    typer.Option("--path", metavar="FILE", help="The new database; default: beside ENV's, with the new name."),
]
NewTags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag of the new environment; repeatable.")
]
KeepFile = Annotated[bool, typer.Option("--keep-file", help="Keep the database; only remove the entry.")]


def create(options: Options, name: Name, *, source: From, path: NewPath = None, tags: NewTags = None) -> int:
    """Create a feature environment from another environment.

    It gets a verified copy of the database, and an entry in environments.toml with the same policies. Tags and the
    settings protected, requires and require_rehearsal are not copied.
    """
    from architect_migrate.authoring import create_environment as service
    from architect_migrate.cli.report.env import created_report

    project = project_of(options)
    file = _as_written(project.file, path) if path else ""
    wanted = service.EnvironmentRequest(name, source, file, tuple(tags or ()))
    made = service.create(project, os.environ, cache_folder(os.environ), wanted, _progress(options))
    return present(options, 0, created_report(made, project.file))


def drop(options: Options, name: Name, *, yes: Yes = False, keep_file: KeepFile = False) -> int:
    """Drop a feature environment: its database and its entry.

    The database is backed up first, and removed only while no other process has it open. The backup is kept.
    """
    from architect_migrate.authoring import drop_environment as service
    from architect_migrate.cli.report.env import dropped_report

    project = project_of(options)
    environment = service.droppable(project, os.environ, name)
    if not yes and not _agreed(environment, "entry" if keep_file else "database and entry"):
        say(f"{name}: left as it is")
        return 1
    work = service.forget if keep_file else service.drop
    gone = work(project, os.environ, cache_folder(os.environ), name)
    return present(options, 0, dropped_report(gone, project.file))


def _agreed(environment: Environment, what: str) -> bool:
    """Whether the environment's name was typed."""
    require_terminal("pass --yes")
    name, database = environment.name, environment.url
    question = f"{name}: {what} ({database}) will be removed. Type its name to confirm, anything else to keep it:"
    return ask(question) == name


def _progress(options: Options) -> Callable[[str], None]:
    """Print the progress of a copy where stderr is a terminal."""
    return say if narrating(options) and on_terminal(sys.stderr) else lambda _words: None


def _as_written(file: Path, path: Path) -> str:
    """A path as environments.toml has it: relative to the file's folder where it is below that."""
    folder, place = file.absolute().parent, Path(os.path.normpath(path.absolute()))
    return str(place.relative_to(folder) if place.is_relative_to(folder) else place).replace("$", "$$")
