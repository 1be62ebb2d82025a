"""The commands of `archmig backup` that change no database: create, list, verify and prune."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.gather import tried, worst
from architect_migrate.cli.present import present
from architect_migrate.cli.selection import NAME_THEM, to_read
from architect_migrate.core.errors import UsageError

if TYPE_CHECKING:
    from architect_migrate.backups.prune import Pruned
    from architect_migrate.backups.service import Verdict
    from architect_migrate.config.context import EnvironmentContext

OneBackup = Annotated[
    Path | None, typer.Argument(metavar="[BACKUP]", help="A backup, by its path or its name in the backup folder.")
]
DryPrune = Annotated[bool, typer.Option("--dry-run", help="Print which backups would be removed; remove none.")]


def create(options: Options) -> int:
    """Back up databases now, each into one verified file."""
    from architect_migrate.backups import service as backups
    from architect_migrate.cli.report.backup import created_report

    if not options.chosen:
        raise UsageError("archmig backup create needs databases, and none was named", NAME_THEM)
    contexts = to_read(options)
    found = tried(contexts, backups.create, options.jobs)
    return present(options, worst(found), created_report(contexts, found))


def list_(options: Options) -> int:
    """List backups, with the time and the reason of each.

    The column "verified" has the time at which the whole file was last read and matched its record.
    """
    from architect_migrate.backups import service as backups
    from architect_migrate.cli.report.backup import list_report

    contexts = to_read(options)
    found = tried(contexts, backups.catalogue)
    return present(options, worst(found), list_report(contexts, found, backups.purposes(contexts[0])))


def verify(options: Options, backup: OneBackup = None) -> int:
    """Read backups in full and compare them with their records.

    Runs SQLite's integrity check and compares every object and every row. Exit code 1: a backup is not intact. Name
    environments with -e, since a word is a BACKUP here.
    """
    from architect_migrate.cli.report.backup import verdict_report, verdicts_report

    contexts = to_read(options)
    if backup is not None:
        verdict = _verified(contexts[0], backup)
        return present(options, int(bool(verdict.problem)), verdict_report(verdict))
    found = tried(contexts, _verdicts, options.jobs)
    code = worst(found, lambda verdicts: int(any(verdict.problem for verdict in verdicts)))
    return present(options, code, verdicts_report(contexts, found))


def _verified(context: EnvironmentContext, named: Path) -> Verdict:
    from architect_migrate.backups import service as backups
    from architect_migrate.backups.restore import choose

    return backups.verify(choose(context, named))


def _verdicts(context: EnvironmentContext) -> tuple[Verdict, ...]:
    from architect_migrate.backups import service as backups

    return tuple(backups.verify(copy) for copy in backups.catalogue(context))


def prune(options: Options, *, dry_run: DryPrune = False) -> int:
    """Remove the backups that exceed keep and max_age of [backup].

    Always kept are the newest backup of a database, the one that archmig undo restores, and any that holds rows or
    objects which neither the database nor another backup has.
    """
    from architect_migrate.backups import prune as pruning
    from architect_migrate.cli.report.backup import pruned_report

    contexts = to_read(options)
    if contexts[0].keep is None and contexts[0].max_age is None:
        raise UsageError(
            'keep = "all" in [backup] of environments.toml: no backup is removed', "set keep or max_age instead"
        )
    found = tried(contexts, _judged if dry_run else pruning.prune)
    return present(options, worst(found), pruned_report(contexts, found, dry_run=dry_run))


def _judged(context: EnvironmentContext) -> tuple[Pruned, ...]:
    from architect_migrate.backups import prune as pruning

    return tuple(pruning.planned_removals(context))
