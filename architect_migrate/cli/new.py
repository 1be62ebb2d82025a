"""The command `archmig new`, which creates a revision file. Its path goes to stdout, everything else to stderr."""

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
from architect_migrate.cli.selection import context_named
from architect_migrate.cli.terminal import say, width
from architect_migrate.config.chain_choice import labels_of, project_for_chain
from architect_migrate.core.chain_errors import NewRevisionError
from architect_migrate.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.authoring.hotfix import Hotfix
    from architect_migrate.lint.rules import Violation
    from architect_migrate.model.environment import ProjectConfig


Title = Annotated[str, typer.Argument(metavar="TITLE", help="What the revision does, in one line.")]
Branch = Annotated[
    str | None,
    typer.Option("--branch", metavar="LABEL", help="Put it on this branch; start the branch if it does not exist."),
]
Sql = Annotated[bool, typer.Option("--sql", help="Write functions that hold SQL statements.")]
FromDb = Annotated[
    str | None,
    typer.Option("--from-db", metavar="ENV", help="Create what this environment has and the chain lacks."),
]
Objects = Annotated[
    list[str] | None,
    typer.Option(
        "--object",
        metavar="NAME",
        help="With --from-db: only this table, TABLE.COLUMN, index, trigger or view; repeatable.",
    ),
]
Autogenerate = Annotated[
    bool, typer.Option("--autogenerate", help="Write what the models have beyond the chain, which is replayed for it.")
]
Models = Annotated[
    str | None,
    typer.Option("--models", metavar="MODULE:METADATA", help="With --autogenerate: these models, not env.py's."),
]
Validate = Annotated[
    bool, typer.Option("--validate", help="Check it as archmig lint does; write nothing if there is an error.")
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
    autogenerate: Autogenerate = False,
    models: Models = None,
    validate: Validate = False,
    dry_run: DryNew = False,
) -> int:
    """Create the next revision file and print its path.

    The id is the next number and the words of the title; the file follows the chain's script.py.mako. With --from-db
    the revision creates what was changed by hand in one database; it is tried on a scratch database, up and down. With
    --autogenerate it makes what the models have and the replayed chain lacks, as Alembic writes it; no database is
    needed.
    """
    from architect_migrate.authoring import new_revision as service
    from architect_migrate.cli.report.new import new_report
    from architect_migrate.config.context import chain_alone
    from architect_migrate.databases.registry import refuse_on_servers

    _refuse_contradictions(sql=sql, from_db=from_db, objects=objects, autogenerate=autogenerate, models=models)
    project = project_for_chain(options.config, os.environ, Path.cwd())
    chain, labels = project.chain, labels_of(project)
    hotfix = _hotfix(project, from_db, tuple(objects or ())) if from_db else None
    body = service.Body.SQL if sql else service.Body.PYTHON
    if autogenerate:
        refuse_on_servers(chain_alone(project).kind, "compare models with databases")
    judge = partial(_violations, project, labels) if validate else None
    request = service.Request(title, branch or "", body, hotfix, judge, (models or "") if autogenerate else None)
    with _hooks_on_stderr(), _violations_text():
        made = (service.preview if dry_run else service.make)(chain, labels, request)
    listed_by = tuple(
        environment.name for environment in project.environments if made.begins in environment.policies.heads
    )
    return present(options, 0, new_report(made, hotfix, listed_by, width(), dry_run=dry_run))


def _refuse_contradictions(
    *, sql: bool, from_db: str | None, objects: list[str] | None, autogenerate: bool, models: str | None
) -> None:
    """Raise UsageError for options that do not go together."""
    if sql and from_db:
        raise UsageError("--sql contradicts --from-db, which writes the statements itself", "give one of them")
    if objects and not from_db:
        raise UsageError("--object needs --from-db", "name the database: --from-db ENV")
    if autogenerate and (sql or from_db):
        raise UsageError("--autogenerate writes the functions itself", "leave --sql and --from-db out")
    if models and not autogenerate:
        raise UsageError("--models needs --autogenerate", "give both")


def _hotfix(project: ProjectConfig, name: str, objects: tuple[str, ...]) -> Hotfix:
    from architect_migrate.authoring.hotfix import hotfix_of

    context = context_named(project, name)
    return hotfix_of(context, objects)


def _violations(project: ProjectConfig, labels: frozenset[str], file: Path) -> tuple[Violation, ...]:
    """The violations in a file, linted as part of the chain."""
    from architect_migrate.config.context import chain_alone
    from architect_migrate.lint.lint import lint
    from architect_migrate.revisions.replay import cache_folder, source_of

    return lint(source_of(chain_alone(project), cache_folder(os.environ)), frozenset(), labels, [file])


@contextmanager
def _violations_text() -> Iterator[None]:
    """Print the violations that prevent a revision, before its error is raised."""
    try:
        yield
    except NewRevisionError as error:
        from architect_migrate.cli.report.lint import violation_texts

        for text in violation_texts(getattr(error, "violations", ()), Path.cwd(), width()):
            say(text)
        raise


@contextmanager
def _hooks_on_stderr() -> Iterator[None]:
    """Send to stderr what Alembic's post-write hooks print; a hook may be a program with a stdout of its own."""
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
