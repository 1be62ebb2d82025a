"""The commands of `archmig backup` that only look, or that write nothing but backups: create, list, verify, prune."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import complain, paint, width, write
from architect_migrate.cli.selection import to_read
from architect_migrate.core.errors import ArchmigError, UsageError
from architect_migrate.runs.fan_out import attempts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from architect_migrate.backups.prune import Pruned
    from architect_migrate.backups.record import Copy
    from architect_migrate.backups.service import Verdict
    from architect_migrate.config.context import Setting

OneBackup = Annotated[
    Path | None, typer.Argument(metavar="[BACKUP]", help="One backup: a path, or its name in the backup folder.")
]
DryPrune = Annotated[bool, typer.Option("--dry-run", help="Say which would go; remove nothing.")]
Value = TypeVar("Value")


def create(options: Options) -> int:
    """Back databases up now, each into one verified file."""
    from architect_migrate.backups import service as backups

    if not options.chosen:
        raise UsageError("no database was named", "name them with --env NAME, --tag TAG or --db PATH, or say --all")
    settings = to_read(options)
    found = tried(settings, backups.create, options.jobs)
    code = _worst(found)
    if options.as_json:
        from architect_migrate.cli.report.backup import made_json

        _document(options, settings, found, code, lambda it: {"backup": made_json(it)})
    elif any(not isinstance(it, ArchmigError) for it in found):
        from architect_migrate.cli.report.backup import created_text

        write(created_text(_good(settings, found), paint(), width()))
    return code


def list_(options: Options) -> int:
    """List backups: when they were taken and what for.

    verified is when the file was last read as a whole and was what had been recorded at taking.
    """
    from architect_migrate.backups import service as backups

    settings = to_read(options)
    found = tried(settings, backups.catalogue)
    purposes, code = backups.purposes(settings[0]), _worst(found)
    if options.as_json:
        from architect_migrate.cli.report.backup import copy_json

        _document(options, settings, found, code, lambda its: {"backups": [copy_json(it, purposes) for it in its]})
    else:
        from architect_migrate.cli.report.backup import list_text

        write(list_text(_good(settings, found), purposes, settings[0].backups, paint(), width()))
    return code


def verify(options: Options, backup: OneBackup = None) -> int:
    """Read backups as a whole and compare them with what was recorded.

    SQLite's integrity check, every object and every row. Exit code 1 when one is not sound.
    """
    settings = to_read(options)
    if backup is not None:
        return _verify_one(options, settings[0], backup)
    found = tried(settings, _verdicts, options.jobs)
    unsound = any(it.problem for its in found if not isinstance(its, ArchmigError) for it in its)
    code = _worst(found) or int(unsound)
    if options.as_json:
        from architect_migrate.cli.report.backup import verdict_json

        _document(options, settings, found, code, lambda its: {"backups": [verdict_json(it) for it in its]})
    else:
        from architect_migrate.cli.report.backup import verdicts_text

        told = [(name, it) for name, its in _good(settings, found) for it in its]
        write(verdicts_text(told, paint(), width()))
    return code


def _verify_one(options: Options, setting: Setting, named: Path) -> int:
    from architect_migrate.backups import service as backups
    from architect_migrate.backups.restore import choose

    verdict = backups.verify(choose(setting, named))
    code = int(bool(verdict.problem))
    if options.as_json:
        from architect_migrate.cli.report.backup import verdict_json
        from architect_migrate.cli.report.documents import document

        write(document(options.command, code, (), backup=verdict_json(verdict)))
    else:
        from architect_migrate.cli.report.backup import verdicts_text

        write(verdicts_text([(_owner(verdict.copy), verdict)], paint(), width()))
    return code


def _owner(copy: Copy) -> str:
    return copy.record.environment if copy.record else copy.name


def _verdicts(setting: Setting) -> tuple[Verdict, ...]:
    from architect_migrate.backups import service as backups

    return tuple(backups.verify(it) for it in backups.catalogue(setting))


def prune(options: Options, *, dry_run: DryPrune = False) -> int:
    """Remove backups that [backup] keep and max_age leave over.

    Never the newest of a database, never the one that archmig undo goes back to, and never one that holds anything
    that neither the database nor another backup has.
    """
    from architect_migrate.backups import prune as pruning

    settings = to_read(options)
    if settings[0].keep is None and settings[0].max_age is None:
        raise UsageError(
            "nothing says which backups may go", "write keep or max_age into [backup] of environments.toml"
        )
    found = tried(settings, _judged if dry_run else pruning.prune)
    code = _worst(found)
    if options.as_json:
        from architect_migrate.cli.report.backup import pruned_json

        _document(options, settings, found, code, lambda its: {"backups": [pruned_json(it, not dry_run) for it in its]})
    elif any(not isinstance(it, ArchmigError) for it in found):
        from architect_migrate.cli.report.backup import pruned_text

        told = [(name, it) for name, its in _good(settings, found) for it in its]
        write(pruned_text(told, "would go" if dry_run else "removed", paint(), width()))
    return code


def _judged(setting: Setting) -> tuple[Pruned, ...]:
    from architect_migrate.backups import prune as pruning

    return tuple(pruning.judged(setting))


def tried(
    settings: Sequence[Setting], service: Callable[[Setting], Value], jobs: int = 1
) -> list[Value | ArchmigError]:
    """The service's value for each environment, or what it raised, which is said on stderr."""
    found = list(attempts(settings, service, jobs))
    for setting, it in zip(settings, found, strict=True):
        if isinstance(it, ArchmigError):
            complain(f"{setting.environment.name}: {str(it).removeprefix(f'{setting.environment.name}: ')}")
    return found


def _worst(found: Sequence[object]) -> int:
    return 2 if any(isinstance(it, ArchmigError) for it in found) else 0


def _good(settings: Sequence[Setting], found: Sequence[Value | ArchmigError]) -> list[tuple[str, Value]]:
    return [
        (setting.environment.name, it)
        for setting, it in zip(settings, found, strict=True)
        if not isinstance(it, ArchmigError)
    ]


def _document(
    options: Options,
    settings: Sequence[Setting],
    found: Sequence[Value | ArchmigError],
    code: int,
    told: Callable[[Value], dict[str, object]],
) -> None:
    from architect_migrate.cli.report.backup import named_json
    from architect_migrate.cli.report.documents import document

    environments = (
        named_json(setting, it) if isinstance(it, ArchmigError) else {**named_json(setting), **told(it)}
        for setting, it in zip(settings, found, strict=True)
    )
    write(document(options.command, code, environments))
