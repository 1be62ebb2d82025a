"""Backups as text and as JSON: the list, the result of reading them, and what prune removes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from architect_migrate.cli.report.layout import Cell, Style, block, listing, table
from architect_migrate.cli.report.shared import Report, environment_json, environments_json, size_text
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import pluralize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from architect_migrate.backups.prune import Pruned
    from architect_migrate.backups.record import Copy
    from architect_migrate.backups.service import Verdict
    from architect_migrate.cli.documents.changing import (
        BackedUpJson,
        ListedBackupsJson,
        ListedJson,
        PrunedBackupsJson,
        TakenJson,
        VerifiedBackupsJson,
        VerifiedJson,
    )
    from architect_migrate.cli.documents.common import EnvironmentJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.values import Backup


Value = TypeVar("Value")

_LISTED = ("environment", "taken", "taken for", "size", "rows", "verified", "backup")


def taken_for(copy: Copy, purposes: Mapping[str, str]) -> str:
    """What a backup was taken for: by its record, else by the ledger."""
    return copy.record.purpose if copy.record else purposes.get(str(copy.path), "")


def list_text(
    found: Sequence[tuple[str, tuple[Copy, ...]]], purposes: Mapping[str, str], folder: Path, paint: Paint, width: int
) -> str:
    """The backups of each environment, oldest first, and a line of totals."""
    rows = [_listed(name, copy, purposes) for name, copies in found for copy in copies]
    number, size = len(rows), sum(copy.size for _, copies in found for copy in copies)
    owners = sum(bool(copies) for _, copies in found)
    total = f"{pluralize(number, 'backup')} of {pluralize(owners, 'environment')}, {size_text(size)}, in {folder}"
    if not rows:
        return "\n".join(block(f"no backups in {folder}", "", width, "  "))
    return "\n".join([*table(_LISTED, rows, paint, width), "", *block(total, "", width, "  ")])


def _listed(name: str, copy: Copy, purposes: Mapping[str, str]) -> list[Cell]:
    record = copy.record
    if copy.problem:
        verified = Cell(f"no: {copy.problem}", Style.BAD)
    elif record:
        verified = Cell(record.checked_at[:16].replace("T", " "), Style.GOOD)
    else:
        verified = Cell("nothing recorded", Style.CAUTION)
    return [
        Cell(name, Style.BOLD),
        Cell(f"{copy.taken_at:%Y-%m-%d %H:%M}"),
        Cell(taken_for(copy, purposes) or "-"),
        Cell(size_text(copy.size)),
        Cell(f"{record.content.rows:,}" if record else "-"),
        verified,
        Cell(copy.path.name),
    ]


def created_text(made: Sequence[tuple[str, Backup | None]], paint: Paint, width: int) -> str:
    """The backups that were taken, and where they are."""
    rows = [[Cell(name, Style.BOLD), *_created(backup)] for name, backup in made]
    folders = dict.fromkeys(str(backup.path.parent) for _, backup in made if backup)
    lines = table(("environment", "backup", "size", "rows", "tables"), rows, paint, width)
    where = (line for folder in folders for line in block(f"verified, in {folder}", "", width, "  "))
    return "\n".join([*lines, "", *where]).rstrip()


def _created(backup: Backup | None) -> list[Cell]:
    if backup is None:
        return [Cell("nothing is there", Style.DIM), *[Cell("-", Style.DIM)] * 3]
    return [Cell(backup.path.name), Cell(size_text(backup.size)), Cell(f"{backup.rows:,}"), Cell(f"{backup.tables:,}")]


def verdicts_text(found: Sequence[tuple[str, Verdict]], paint: Paint, width: int) -> str:
    """What reading each backup as a whole came to."""
    rows = [
        [
            Cell(name, Style.BOLD),
            Cell(verdict.copy.path.name),
            _sound(verdict.problem),
            Cell(verdict.problem or _holds(verdict)),
        ]
        for name, verdict in found
    ]
    return "\n".join(listing(("environment", "backup", "verdict", "why"), rows, paint, width)) if rows else "no backups"


def _sound(problem: str) -> Cell:
    return Cell("not sound", Style.BAD) if problem else Cell("sound", Style.GOOD)


def _holds(verdict: Verdict) -> str:
    holds = f"{pluralize(verdict.rows, 'row')} in {pluralize(verdict.tables, 'table')}"
    return f"{holds}, as recorded" if verdict.copy.record else f"{holds}; nothing was recorded to compare with"


def pruned_text(found: Sequence[tuple[str, Pruned]], removed: str, paint: Paint, width: int) -> str:
    """Which backups went (`removed` is the word for it), and which stay though they are left over."""
    rows = [
        [
            Cell(name, Style.BOLD),
            Cell(pruned.copy.path.name),
            Cell("kept" if pruned.kept_for else removed),
            Cell(pruned.kept_for),
        ]
        for name, pruned in found
    ]
    if not rows:
        return "no backup is left over"
    gone = [pruned for _, pruned in found if pruned.removed]
    total = f"{pluralize(len(gone), 'backup')} {removed}, {size_text(sum(name.copy.size for name in gone))}"
    kept = len(found) - len(gone)
    more = f"; {kept} kept: archmig deletes nothing that is the only copy of something" if kept else ""
    headers = ("environment", "backup", "outcome", "why")
    return "\n".join([*listing(headers, rows, paint, width), "", *block(total + more, "", width, "  ")])


def created_report(contexts: Sequence[EnvironmentContext], found: Sequence[Backup | ArchmigError | None]) -> Report:
    """The backups that were taken."""
    made = _good(contexts, found)
    return Report(
        lambda paint, width: created_text(made, paint, width) if made else "",
        lambda: environments_json(contexts, found, _created_json),
    )


def list_report(
    contexts: Sequence[EnvironmentContext],
    found: Sequence[tuple[Copy, ...] | ArchmigError],
    purposes: Mapping[str, str],
) -> Report:
    """The backups of each environment; `purposes` are what the ledger says that they were taken for."""
    return Report(
        partial(list_text, _good(contexts, found), purposes, contexts[0].backups),
        lambda: environments_json(contexts, found, partial(_listed_json, purposes)),
    )


def verdicts_report(
    contexts: Sequence[EnvironmentContext], found: Sequence[tuple[Verdict, ...] | ArchmigError]
) -> Report:
    """What reading every backup of each environment came to."""
    verdicts = [(name, verdict) for name, verdicts in _good(contexts, found) for verdict in verdicts]
    return Report(
        partial(verdicts_text, verdicts),
        lambda: environments_json(contexts, found, _verified_json),
    )


def verdict_report(verdict: Verdict) -> Report:
    """What reading one backup came to."""
    copy = verdict.copy
    owner = copy.record.environment if copy.record else copy.name
    return Report(partial(verdicts_text, [(owner, verdict)]), more=lambda: {"backup": _verdict_json(verdict)})


def pruned_report(
    contexts: Sequence[EnvironmentContext], found: Sequence[tuple[Pruned, ...] | ArchmigError], *, dry_run: bool
) -> Report:
    """Which backups are left over, and which of them went, or would."""
    good = _good(contexts, found)
    pruned = [(name, one) for name, those in good for one in those]
    word = "would go" if dry_run else "removed"
    return Report(
        lambda paint, width: pruned_text(pruned, word, paint, width) if good else "",
        lambda: environments_json(contexts, found, partial(_pruned_json, dry_run)),
    )


def _good(contexts: Sequence[EnvironmentContext], found: Sequence[Value | ArchmigError]) -> list[tuple[str, Value]]:
    """The environments that did not fail, by name."""
    return [
        (context.environment.name, value)
        for context, value in zip(contexts, found, strict=True)
        if not isinstance(value, ArchmigError)
    ]


def _named(context: EnvironmentContext) -> EnvironmentJson:
    return environment_json(context.environment.name, context.environment.url)


def _created_json(context: EnvironmentContext, made: Backup | None) -> BackedUpJson:
    return {**_named(context), "backup": None if made is None else _taken_json(made)}


def _taken_json(made: Backup) -> TakenJson:
    return {"path": str(made.path), "size": made.size, "tables": made.tables, "rows": made.rows, "digest": made.digest}


def _listed_json(
    purposes: Mapping[str, str], context: EnvironmentContext, copies: tuple[Copy, ...]
) -> ListedBackupsJson:
    return {**_named(context), "backups": [_copy_json(copy, purposes) for copy in copies]}


def _copy_json(copy: Copy, purposes: Mapping[str, str]) -> ListedJson:
    record = copy.record
    return {
        "path": str(copy.path),
        "taken_at": copy.taken_at.isoformat(),
        "taken_for": taken_for(copy, purposes) or None,
        "size": copy.size,
        "tables": len(record.content.tables) if record else None,
        "rows": record.content.rows if record else None,
        "digest": record.digest if record else None,
        "verified_at": record.checked_at if record else None,
        "problem": copy.problem or None,
    }


def _verified_json(context: EnvironmentContext, verdicts: tuple[Verdict, ...]) -> VerifiedBackupsJson:
    return {**_named(context), "backups": [_verdict_json(verdict) for verdict in verdicts]}


def _verdict_json(verdict: Verdict) -> VerifiedJson:
    recorded = verdict.copy.record is not None
    return {"path": str(verdict.copy.path), "problem": verdict.problem or None, "recorded": recorded}


def _pruned_json(dry_run: bool, context: EnvironmentContext, pruned: tuple[Pruned, ...]) -> PrunedBackupsJson:
    return {
        **_named(context),
        "backups": [
            {
                "path": str(one.copy.path),
                "removed": one.removed and not dry_run,
                "kept_for": one.kept_for or None,
            }
            for one in pruned
        ],
    }
