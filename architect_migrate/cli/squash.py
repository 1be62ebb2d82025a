"""The command `archmig squash`, which makes one revision of the beginning of a chain."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.present import present
from architect_migrate.config.chain_choice import project_for_chain

To = Annotated[
    str, typer.Option("--to", metavar="REV", help="The newest revision to squash, which keeps its id; required.")
]
Stay = Annotated[
    bool,
    typer.Option(
        "--stay", help="Leave the old files in their folder, under names that Alembic does not read (NAME.py.squashed)."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Prove it and print the file; write nothing.")]


def squash(options: Options, *, to: To, stay: Stay = False, dry_run: DryRun = False) -> int:
    """Make one revision of those up to REV, proven by replay.

    The new revision keeps the id of the last one, so that databases at or after it need no new stamp. It creates the
    same objects from their stored text, brings the rows that are constant, and carries the data steps as code. Both
    chains are replayed, and the file is written only if they make the same objects, names and rows. The old files are
    moved to a folder beside those of the revisions.
    """
    from architect_migrate.authoring import squash as service
    from architect_migrate.authoring.squash_files import OldFiles
    from architect_migrate.cli.report.squash import squash_report
    from architect_migrate.cli.selection import cache
    from architect_migrate.config.context import chain_alone, contexts_for
    from architect_migrate.databases.registry import refuse_on_servers
    from architect_migrate.revisions.replay import source_of

    project = project_for_chain(options.config, os.environ, Path.cwd())
    place = OldFiles.STAY if stay else OldFiles.MOVE
    refuse_on_servers(chain_alone(project).kind, "squash chains on databases")
    new = service.squashed(source_of(project.chain, cache()), to, place)
    behind = service.behind(contexts_for(project, project.environments, cache()), new)
    if not dry_run:
        service.write(project.chain, new)
    return present(options, 0, squash_report(new, behind, dry_run=dry_run))
