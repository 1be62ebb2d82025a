"""The command that makes a revision file: `archmig new`. Its path is on stdout, all else is narration."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import say, width, write
from architect_migrate.cli.report.layout import plain
from architect_migrate.cli.report.lint import flaw_json
from architect_migrate.cli.selection import settings_named
from architect_migrate.config.chain_choice import labels_of, matrix_for_chain
from architect_migrate.core.chain_errors import NewRevisionError
from architect_migrate.core.errors import UsageError
from architect_migrate.core.text import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.authoring.hotfix import Hotfix
    from architect_migrate.authoring.new_revision import Made
    from architect_migrate.lint.rules import Flaw
    from architect_migrate.model.environment import Matrix


Title = Annotated[str, typer.Argument(metavar="TITLE", help="What it brings, in a line.")]
Branch = Annotated[
    str | None, typer.Option("--branch", metavar="LABEL", help="On this branch; begins it where there is none yet.")
]
Sql = Annotated[bool, typer.Option("--sql", help="One that holds SQL statements.")]
FromDb = Annotated[
    str | None, typer.Option("--from-db", metavar="ENV", help="Of what this environment has more than the chain.")
]
Objects = Annotated[
    list[str] | None,
    typer.Option("--object", metavar="NAME", help="With --from-db: this table, TABLE.COLUMN, index, trigger or view."),
]
Validate = Annotated[
    bool, typer.Option("--validate", help="Look for flaws in it (archmig lint); with an error nothing is written.")
]
DryNew = Annotated[bool, typer.Option("--dry-run", help="Print the file; write nothing.")]


def new(
    options: Options,
    title: Title,
    *,
    branch: Branch = None,
    sql: Sql = False,
    from_db: FromDb = None,
    objects: Objects = None,
    validate: Validate = False,
    dry_run: DryNew = False,
) -> int:
    """Make the next revision file, and print its path.

    Its id is the next number and the title's words; what it looks like is the chain's script.py.mako's to say. With
    --from-db it makes what was made by hand in one database, and is proven on a scratch database, there and back.
    """
    from architect_migrate.authoring import new_revision as service

    if sql and from_db:
        raise UsageError("--sql and --from-db contradict each other", "with --from-db the statements are there already")
    if objects and not from_db:
        raise UsageError("--object says what of a database is wanted", "say of which: --from-db ENV")
    matrix = matrix_for_chain(options.config, os.environ, Path.cwd())
    ini, labels = matrix.script.absolute(), labels_of(matrix)
    hotfix = _hotfix(matrix, from_db, tuple(objects or ())) if from_db else None
    body = service.Body.SQL if sql else service.Body.PYTHON
    judge = partial(_flaws, ini, labels) if validate else None
    request = service.Request(title, branch or "", body, hotfix, judge)
    with _hooks_on_stderr(), _flaws_told():
        made = (service.preview if dry_run else service.make)(ini, labels, request)
    _tell(options, matrix, made, hotfix, made.text.rstrip("\n") if dry_run else _shown(made.path))
    return 0


def _hotfix(matrix: Matrix, name: str, objects: tuple[str, ...]) -> Hotfix:
    from architect_migrate.authoring.hotfix import hotfix_of

    (setting,) = settings_named(matrix, [name])
    return hotfix_of(setting, objects)


def _tell(options: Options, matrix: Matrix, made: Made, hotfix: Hotfix | None, result: str) -> None:

    if options.as_json:
        from architect_migrate.cli.report.documents import document

        more = {"dry_run": True} if result != _shown(made.path) else {}
        write(document(options.command, 0, (), **more, revision=new_json(made, hotfix)))
        return
    write(result)
    listed_by = tuple(it.name for it in matrix.environments if made.begins in it.heads)
    _tell_flaws(made.flaws)
    for line in new_text(made, hotfix, listed_by):
        say(line)
    if result != _shown(made.path):
        say(f"nothing was written: it would be {_shown(made.path)}")


def _flaws(ini: Path, labels: frozenset[str], file: Path) -> tuple[Flaw, ...]:
    """What lint finds in a file, as though it were in the chain."""
    from architect_migrate.lint.lint import lint
    from architect_migrate.revisions.replay import cache_folder, source_of

    return lint(source_of(ini, cache_folder(os.environ)), frozenset(), labels, [file])


@contextmanager
def _flaws_told() -> Iterator[None]:
    """The flaws that keep a revision from being made, each of them, before the error says so."""
    try:
        yield
    except NewRevisionError as error:
        _tell_flaws(getattr(error, "flaws", ()))
        raise


def _tell_flaws(flaws: tuple[Flaw, ...]) -> None:
    if not flaws:
        return
    from architect_migrate.cli.report.lint import flaw_text

    for it in flaws:
        say(flaw_text(it, Path.cwd(), plain, width()).rstrip())


def _shown(path: Path) -> str:
    """The path from here where it is below here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@contextmanager
def _hooks_on_stderr() -> Iterator[None]:
    """What Alembic's post-write hooks print, programs of their own among them, is narration."""
    sys.stdout.flush()
    try:
        os.fstat(2)
        kept = os.dup(1)
    except OSError:  # one of the two is closed
        yield
        return
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


_MOST = 8


def new_text(made: Made, hotfix: Hotfix | None, listed_by: tuple[str, ...]) -> Iterator[str]:
    """Lines of narration; `listed_by` are the environments whose heads name the branch that it begins."""
    yield f"{made.id} comes after {made.parent}" if made.parent else f"{made.id} is the first revision"
    if made.begins:
        yield from _branch_lines(made.begins, listed_by)
    if hotfix:
        yield from _hotfix_lines(hotfix)


def _branch_lines(label: str, listed_by: tuple[str, ...]) -> Iterator[str]:
    if listed_by:
        yield f"the branch {label!r} begins with it; {', '.join(listed_by)} will have it, by heads in environments.toml"
        return
    yield f"the branch {label!r} begins with it, and as long as no environment lists it, all of them get it:"
    yield f'write heads = ["head", "{label}"] into environments.toml for those that are to have it to themselves'


def _hotfix_lines(hotfix: Hotfix) -> Iterator[str]:
    its = hotfix.promotion
    statements = count(len(its.upgrade), "statement")
    yield f"{statements} up, {len(its.downgrade)} down, proven on a scratch database, there and back"
    for table, rows in hotfix.rows:
        holds = "row stays" if rows == 1 else "rows stay"
        yield f"table {table}: its {rows:,} {holds} in {hotfix.environment}; a data_step() would bring them"
    from architect_migrate.authoring.hotfix_statements import told

    yield from (f"left: {it}" for it in told(its.left, _MOST))
    yield f"archmig reconcile --env {hotfix.environment} will find it there and stamp it; the others get it by upgrade"


def new_json(made: Made, hotfix: Hotfix | None) -> dict[str, Any]:
    """The revision's part of the document."""
    document: dict[str, Any] = {
        "id": made.id,
        "title": made.title,
        "parent": made.parent or None,
        "begins": made.begins or None,
        "path": str(made.path),
        "text": made.text,
        "upgrade": None,
        "downgrade": None,
        "left": [],
        "flaws": [flaw_json(it) for it in made.flaws],
    }
    if hotfix:
        its = hotfix.promotion
        document |= {"upgrade": [*its.upgrade], "downgrade": [*its.downgrade]}
        document["left"] = [{"object": it.what, "why": it.why} for it in its.left]
    return document
