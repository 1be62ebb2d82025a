"""The commands of `archmig env`: create and drop, for environments that come and go."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import ask, on_terminal, require_somebody, say, write
from architect_migrate.cli.options import Yes
from architect_migrate.cli.selection import matrix_of
from architect_migrate.core.text import count
from architect_migrate.revisions.replay import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.authoring.create_environment import Created
    from architect_migrate.authoring.drop_environment import Dropped
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


def created_lines(made: Created) -> tuple[str, ...]:
    """The result, and what is to be said beside it."""
    name, source = made.environment.name, made.source.name
    rows, tables = count(made.copy.rows, "row"), count(made.copy.tables, "table")
    entries = tuple(
        f"{it.origin} holds for {source} and not for {name}: name it there too if it is to" for it in made.elsewhere
    )
    return (f"{name}: {made.path}, a copy of {source}: {rows} in {tables}", *entries, *made.warnings)


def created_json(made: Created) -> dict[str, Any]:
    """The environment's part of the document."""
    return {
        "name": made.environment.name,
        "database": str(made.environment.url),
        "error": None,
        "from": made.source.name,
        "path": str(made.path),
        "size": made.copy.size,
        "tables": made.copy.tables,
        "rows": made.copy.rows,
        "digest": made.copy.digest,
        "not_resolved": [str(it.origin) for it in made.elsewhere],
        "warnings": [*made.warnings],
    }


def dropped_lines(gone: Dropped) -> tuple[str, ...]:
    """The result, and what is to be said beside it."""
    name = gone.environment.name
    if not gone.removed:
        return (f"{name}: taken out of environments.toml; no file was removed", *gone.warnings)
    kept = f"its last backup is {gone.backup}" if gone.backup else "there was nothing in it to back up"
    lock = "its lock file stays, for whoever may be waiting for it"
    return (f"{name}: gone; {kept}", f"removed {gone.removed}; {lock}", *gone.warnings)


def dropped_json(gone: Dropped) -> dict[str, Any]:
    """The environment's part of the document."""
    return {
        "name": gone.environment.name,
        "database": str(gone.environment.url),
        "error": None,
        "backup": None if gone.backup is None else str(gone.backup),
        "removed": None if gone.removed is None else str(gone.removed),
        "warnings": [*gone.warnings],
    }
