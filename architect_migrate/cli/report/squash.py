"""A squashed revision as text and as JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.cli.report.shared import Report
from architect_migrate.core.text import joined, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.authoring.squash import Squashed
    from architect_migrate.cli.documents.changing import SquashJson


def squash_report(new: Squashed, behind: tuple[str, ...], *, dry_run: bool) -> Report:
    """The file's path, or with a dry run its text; `behind` are environments that are at an older revision."""
    return Report(
        lambda *_: new.text.rstrip("\n") if dry_run else _shown(new.path),
        more=lambda: {**({"dry_run": True} if dry_run else {}), "squash": _json(new, behind)},
        notes=lambda: _notes(new, behind, dry_run=dry_run),
    )


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _notes(new: Squashed, behind: tuple[str, ...], *, dry_run: bool) -> Iterator[str]:
    made = f"{pluralize(new.objects, 'object')} and {pluralize(new.rows, 'row')}"
    yield f"{new.revision} makes what {pluralize(len(new.old), 'revision')} made: {made}, replayed and equal"
    folder = _shown(Path(os.path.commonpath([place.parent for _, place in new.old])))
    files = pluralize(len(new.old), "old file")
    if dry_run:
        yield f"Nothing was written: it would be {_shown(new.path)}, and the {files} would be in {folder}"
    else:
        yield f"the {files} are in {folder}"
    if new.moment:
        does = "reads the clock or makes" if len(new.moment) == 1 else "read the clock or make"
        which = "where a date that was computed from today's, and what is equal in two replays by chance, is a constant"
        yield f"{joined(new.moment)} {does} random values: look through the rows of {_shown(new.path)}, {which}"
    if behind:
        yield f"{joined(behind)} must first be upgraded to {new.revision} with the old files"


def _json(new: Squashed, behind: tuple[str, ...]) -> SquashJson:
    return {
        "revision": new.revision,
        "path": str(new.path),
        "text": new.text,
        "replaces": [*new.replaces],
        "old_files": [{"from": str(file), "to": str(place)} for file, place in new.old],
        "objects": new.objects,
        "rows": new.rows,
        "moment": [*new.moment],
        "behind": [*behind],
    }
