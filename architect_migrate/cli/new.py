"""The command that makes a revision file: `archmig new`. Its path is on stdout, all else is narration."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.present import present
from architect_migrate.cli.selection import contexts_named
from architect_migrate.cli.terminal import say, width
from architect_migrate.config.chain_choice import labels_of, project_for_chain
from architect_migrate.core.chain_errors import NewRevisionError
from architect_migrate.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.authoring.hotfix import Hotfix
    from architect_migrate.lint.rules import Violation
    from architect_migrate.model.environment import ProjectConfig


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
    from architect_migrate.cli.report.new import new_report

    if sql and from_db:
        raise UsageError("--sql and --from-db contradict each other", "with --from-db the statements are there already")
    if objects and not from_db:
        raise UsageError("--object says what of a database is wanted", "say of which: --from-db ENV")
    project = project_for_chain(options.config, os.environ, Path.cwd())
    ini, labels = project.script.absolute(), labels_of(project)
    hotfix = _hotfix(project, from_db, tuple(objects or ())) if from_db else None
    body = service.Body.SQL if sql else service.Body.PYTHON
    judge = partial(_violations, ini, labels) if validate else None
    request = service.Request(title, branch or "", body, hotfix, judge)
    with _hooks_on_stderr(), _violations_text():
        made = (service.preview if dry_run else service.make)(ini, labels, request)
    listed_by = tuple(
        environment.name for environment in project.environments if made.begins in environment.policies.heads
    )
    return present(options, 0, new_report(made, hotfix, listed_by, width(), dry_run=dry_run))


def _hotfix(project: ProjectConfig, name: str, objects: tuple[str, ...]) -> Hotfix:
    from architect_migrate.authoring.hotfix import hotfix_of

    (context,) = contexts_named(project, [name])
    return hotfix_of(context, objects)


def _violations(ini: Path, labels: frozenset[str], file: Path) -> tuple[Violation, ...]:
    """What lint finds in a file, as though it were in the chain."""
    from architect_migrate.lint.lint import lint
    from architect_migrate.revisions.replay import cache_folder, source_of

    return lint(source_of(ini, cache_folder(os.environ)), frozenset(), labels, [file])


@contextmanager
def _violations_text() -> Iterator[None]:
    """The flaws that keep a revision from being made, each of them, before the error says so."""
    try:
        yield
    except NewRevisionError as error:
        from architect_migrate.cli.report.lint import violation_texts

        for text in violation_texts(getattr(error, "violations", ()), Path.cwd(), width()):
            say(text)
        raise


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
