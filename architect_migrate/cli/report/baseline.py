"""A new baseline as text and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.authoring.baseline import assumptions
from architect_migrate.cli.report.chain import place, short_names
from architect_migrate.cli.report.shared import Report
from architect_migrate.core.text import pluralize
from architect_migrate.model.revision_graph import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.authoring.baseline import NewBaseline
    from architect_migrate.cli.documents.changing import BaselineJson


def baseline_report(new: NewBaseline, file: Path, *, dry_run: bool) -> Report:
    """The file's path, or with a dry run its text; `file` is the environments.toml that is to name it."""
    return Report(
        lambda *_: _text(new, dry_run=dry_run),
        more=lambda: {**({"dry_run": True} if dry_run else {}), "baseline": _json(new, file)},
        notes=lambda: _notes(new, file, dry_run=dry_run),
    )


def _text(new: NewBaseline, *, dry_run: bool) -> str:
    if not new.found.tables:
        return ""
    here = Path.cwd()
    shown = new.path.relative_to(here) if new.path.is_relative_to(here) else new.path
    return new.text.rstrip("\n") if dry_run else str(shown)


def _notes(new: NewBaseline, file: Path, *, dry_run: bool) -> Iterator[str]:
    if not new.found.tables:
        yield "the chain needs no baseline: it runs on an empty database; nothing was written"
        return
    where = (
        "before the first revision" if new.found.at == BASE else f"in the place of the revisions up to {new.found.at}"
    )
    yield f"{pluralize(len(new.found.tables), 'table')} {where}; the chain runs on it"
    yield from assumptions(new.found)
    if new.found.left:
        yield f"Not taken, because no revision needs them (--whole takes them too): {', '.join(new.found.left)}"
    if new.survey:
        names = short_names(new.graph)
        yield f"{new.source} is then at {place(new.graph, new.survey.position, names)}: {new.survey.state.value}"
    if dry_run:
        yield f"Nothing was written: it would be {new.path}"
    yield f"Write in {file.name}:"
    yield from entry(new, file).splitlines()


def entry(new: NewBaseline, file: Path) -> str:
    """The lines of environments.toml that name a baseline."""
    folder = file.parent
    path = new.path.relative_to(folder) if new.path.is_relative_to(folder) else new.path
    lines = ["[alembic]", f'baseline = "{path}"']
    return "\n".join([*lines, *([f'baseline_at = "{new.found.at}"'] if new.found.at != BASE else [])])


def _json(new: NewBaseline, file: Path) -> BaselineJson:
    seen = new.survey
    return {
        "path": str(new.path),
        "at": new.found.at,
        "text": new.text,
        "entry": entry(new, file),
        "tables": [*new.found.tables],
        "assumes": [*assumptions(new.found)],
        "made": [{"object": name, "revision": revision} for name, revision in new.found.made],
        "left": [*new.found.left],
        "state": seen.state.value if seen else None,
        "position": [revision for revision in new.graph.order if revision in seen.position] if seen else None,
    }
