"""The commands of `archmig env`: create and drop, for environments that come and go."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from architect_migrate.cli.consent import require_somebody
from architect_migrate.cli.context import Options  # noqa: TC001  (Typer reads annotations when it runs)
from architect_migrate.cli.exit import say, write
from architect_migrate.cli.options import Yes  # noqa: TC001  (Typer reads annotations when it runs)
from architect_migrate.cli.screen import ask, on_terminal
from architect_migrate.cli.selection import matrix_of
from architect_migrate.revisions.replay import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.model.environment import Environment, Matrix

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
    from architect_migrate.cli.report.env import created_json, created_lines

    matrix = matrix_of(options)
    file = _as_written(matrix.file, path) if path else ""
    wanted = service.Wanted(name, source, file, tuple(tags or ()))
    made = service.create(matrix, os.environ, cache_folder(os.environ), wanted, _told(options))
    _tell(options, matrix, created_json(made), created_lines(made))
    return 0


def drop(options: Options, name: Name, *, yes: Yes = False, keep_file: KeepFile = False) -> int:
    """Take a feature environment away again.

    Its database is backed up, which is kept, and removed while nobody has it; its entry in environments.toml goes.
    """
    from architect_migrate.authoring import drop_environment as service
    from architect_migrate.cli.report.env import dropped_json, dropped_lines

    matrix = matrix_of(options)
    environment = service.droppable(matrix, os.environ, name)
    if not yes and not _agreed(environment, "entry" if keep_file else "database and entry"):
        say(f"{name}: left as it is")
        return 1
    work = service.forget if keep_file else service.drop
    gone = work(matrix, os.environ, cache_folder(os.environ), name)
    _tell(options, matrix, dropped_json(gone), dropped_lines(gone))
    return 0


def _tell(options: Options, matrix: Matrix, told: dict[str, Any], lines: tuple[str, ...]) -> None:
    """The document, or the first line as the result and the others as narration."""
    if options.as_json:
        from architect_migrate.cli.report.documents import document

        write(document(options.command, 0, [told], config=str(matrix.file)))
        return
    first, *rest = lines
    write(first)
    for line in rest:
        say(line)


def _agreed(environment: Environment, what: str) -> bool:
    """Whether the environment's name was typed."""
    require_somebody("add --yes")
    name, database = environment.name, environment.url
    return ask(f"{name}: {what} ({database}) will go. Type its name to do that, anything else leaves it:") == name


def _told(options: Options) -> Callable[[str], None]:
    """Who hears how far a copy is: somebody at a terminal."""
    return (lambda _words: None) if options.as_json or not on_terminal(sys.stderr) else say


def _as_written(file: Path, path: Path) -> str:
    """A path from here as the file says it: from its own folder where it is below that."""
    folder, place = file.absolute().parent, Path(os.path.normpath(path.absolute()))
    return str(place.relative_to(folder) if place.is_relative_to(folder) else place).replace("$", "$$")
