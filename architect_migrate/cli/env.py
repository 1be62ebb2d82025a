"""The commands of `archmig env`: create and drop, for environments that come and go."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.options import Yes
from architect_migrate.cli.present import narrating, present
from architect_migrate.cli.prompt import ask, require_somebody
from architect_migrate.cli.selection import project_of
from architect_migrate.cli.terminal import on_terminal, say
from architect_migrate.revisions.replay import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.model.environment import Environment


Name = Annotated[str, typer.Argument(metavar="NAME", help="The environment's name.")]
From = Annotated[str, typer.Option("--from", metavar="ENV", help="The environment whose database is copied.")]
NewPath = Annotated[
    Path | None, typer.Option("--path", metavar="FILE", help="The new database; else as ENV's, with the new name.")
]
NewTags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag for it; repeatable.")]
KeepFile = Annotated[bool, typer.Option("--keep-file", help="Only take it out of environments.toml.")]


def create(options: Options, name: Name, *, source: From, path: NewPath = None, tags: NewTags = None) -> int:
    """Make a feature environment from another one.

    It gets a verified copy of that one's database, and an entry in environments.toml that treats it alike. What guards
    the other (protected, requires, require_rehearsal) and its tags are not copied.
    """
    from architect_migrate.authoring import create_environment as service
    from architect_migrate.cli.report.env import created_report

    project = project_of(options)
    file = _as_written(project.file, path) if path else ""
    wanted = service.Wanted(name, source, file, tuple(tags or ()))
    made = service.create(project, os.environ, cache_folder(os.environ), wanted, _progress(options))
    return present(options, 0, created_report(made, project.file))


def drop(options: Options, name: Name, *, yes: Yes = False, keep_file: KeepFile = False) -> int:
    """Take a feature environment away again.

    Its database is backed up, which is kept, and removed while nobody has it; its entry in environments.toml goes.
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
    require_somebody("add --yes")
    name, database = environment.name, environment.url
    return ask(f"{name}: {what} ({database}) will go. Type its name to do that, anything else leaves it:") == name


def _progress(options: Options) -> Callable[[str], None]:
    """Who hears how far a copy is: somebody at a terminal."""
    return say if narrating(options) and on_terminal(sys.stderr) else lambda _words: None


def _as_written(file: Path, path: Path) -> str:
    """A path from here as the file says it: from its own folder where it is below that."""
    folder, place = file.absolute().parent, Path(os.path.normpath(path.absolute()))
    return str(place.relative_to(folder) if place.is_relative_to(folder) else place).replace("$", "$$")
