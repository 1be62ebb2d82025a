"""The command `archmig baseline`, which writes down with what a chain begins."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.by_path import existing
from architect_migrate.cli.context import Options
from architect_migrate.cli.present import present
from architect_migrate.cli.selection import cache, context_named
from architect_migrate.config.chain_choice import project_for_chain
from architect_migrate.config.context import context_for
from architect_migrate.core.errors import UsageError

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.environment import ProjectConfig

Env = Annotated[str | None, typer.Option("--env", "-e", metavar="NAME", help="Work it out from this database.")]
Db = Annotated[Path | None, typer.Option("--db", metavar="PATH", help="Work it out from this database file.")]
Models = Annotated[
    str | None,
    typer.Option("--models", metavar="MODULE:METADATA", help="Work it out from the tables of these models."),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="REV", help="Put it in the place of the revisions up to this one, which are then never run."
    ),
]
Whole = Annotated[bool, typer.Option("--whole", help="Take the tables that no revision needs too.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="The file; baseline.sql beside environments.toml if not given."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the file; write nothing.")]


def baseline(
    options: Options,
    *,
    env: Env = None,
    db: Db = None,
    models: Models = None,
    at: At = None,
    whole: Whole = False,
    out: Out = None,
    force: Force = False,
    dry_run: DryRun = False,
) -> int:
    """Write down what was there before the chain's first revision.

    For a chain that begins beside tables of the application, or with a revision that calls create_all(). The tables and
    columns that the revisions need but do not make are worked out by trying, and the chain is replayed on the result.
    """
    from architect_migrate.authoring import baseline as service
    from architect_migrate.cli.report.baseline import baseline_report

    if [bool(env), bool(db), bool(models)].count(True) != 1:
        raise UsageError(
            "a baseline is worked out from one thing", "give --env NAME, --db PATH or --models MODULE:METADATA"
        )
    project = project_for_chain(options.config, os.environ, Path.cwd())
    path = (Path.cwd() / out) if out else project.file.parent / "baseline.sql"
    wish = service.Wish(at or "", models or "", whole)
    new = service.baseline_for(project.chain, _context(project, env, db), path, wish)
    if not dry_run and new.found.tables:
        service.write_baseline(new, force=force)
    return present(options, new.exit_code, baseline_report(new, project.file, dry_run=dry_run))


def _context(project: ProjectConfig, env: str | None, db: Path | None) -> EnvironmentContext | None:
    if env:
        return context_named(project, env)
    if db is None:
        return None
    return context_for(project, existing(project, db, "baseline"), cache())
