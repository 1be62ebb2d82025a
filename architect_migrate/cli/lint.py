"""The command `archmig lint`, which checks revision files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.present import present
from architect_migrate.core.errors import UsageError

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[REV|FILE]...", help="Revisions by id, or files that need not be in the chain."),
]
Every = Annotated[bool, typer.Option("--all", help="All revisions; the default without REV or FILE.")]


def lint(options: Options, words: Words = None, *, every: Every = False) -> int:
    """Check revision files and try each on a scratch database.

    Each revision is upgraded, upgraded on tables with rows, and downgraded there; no database of the project is
    opened. A comment in the file, "# archmig: allow AM401 REASON", accepts a violation.
    """
    from architect_migrate.cli.report.lint import lint_report
    from architect_migrate.config.chain_choice import labels_of, project_for_chain
    from architect_migrate.config.context import chain_alone
    from architect_migrate.lint.lint import examine, files_and_revisions
    from architect_migrate.revisions.replay import cache_folder, source_of

    if every and words:
        raise UsageError("--all contradicts a revision or file", "give one of them")
    project = project_for_chain(options.config, os.environ, Path.cwd())
    source = source_of(chain_alone(project), cache_folder(os.environ))
    only, files = files_and_revisions(source, words) if words else (None, ())
    examined = examine(source, only, labels_of(project), files)
    return present(options, int(bool(examined.violations)), lint_report(examined, Path.cwd()))
