"""A new revision file as text and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.cli.report.lint import violation_json, violation_texts
from architect_migrate.cli.report.shared import Report
from architect_migrate.core.text import pluralize
from architect_migrate.databases.promotion import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.authoring.hotfix import Hotfix
    from architect_migrate.authoring.new_revision import NewRevision
    from architect_migrate.cli.documents.changing import NewRevisionJson

_MOST = 8


def new_report(
    made: NewRevision, hotfix: Hotfix | None, listed_by: tuple[str, ...], width: int, *, dry_run: bool
) -> Report:
    """The file's path, or with a dry run its text; `listed_by` are environments whose heads name its branch."""
    return Report(
        lambda *_: made.text.rstrip("\n") if dry_run else _shown(made.path),
        more=lambda: {**({"dry_run": True} if dry_run else {}), "revision": _revision_json(made, hotfix)},
        notes=lambda: _notes(made, hotfix, listed_by, width, dry_run),
    )


def _shown(path: Path) -> str:
    """The path from here where it is below here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _notes(
    made: NewRevision, hotfix: Hotfix | None, listed_by: tuple[str, ...], width: int, dry_run: bool
) -> Iterator[str]:
    yield from violation_texts(made.violations, Path.cwd(), width)
    yield f"{made.id} comes after {made.parent}" if made.parent else f"{made.id} is the first revision"
    if made.begins:
        yield from _branch_lines(made.begins, listed_by)
    if hotfix:
        yield from _hotfix_lines(hotfix)
    if made.left:
        yield f"the models still differ from the chain with it, by Alembic's comparison: {', '.join(made.left)}"
    if dry_run:
        yield f"nothing was written: it would be {_shown(made.path)}"


def _branch_lines(label: str, listed_by: tuple[str, ...]) -> Iterator[str]:
    if listed_by:
        yield f"the branch {label!r} begins with it; {', '.join(listed_by)} will have it, by heads in environments.toml"
        return
    yield f"the branch {label!r} begins with it, and as long as no environment lists it, all of them get it:"
    yield f'write heads = ["head", "{label}"] into environments.toml for those that are to have it to themselves'


def _hotfix_lines(hotfix: Hotfix) -> Iterator[str]:
    its = hotfix.promotion
    statements = pluralize(len(its.upgrade), "statement")
    yield f"{statements} up, {len(its.downgrade)} down, proven on a scratch database, there and back"
    for table, rows in hotfix.rows:
        holds = "row stays" if rows == 1 else "rows stay"
        yield f"table {table}: its {rows:,} {holds} in {hotfix.environment}; a data_step() would bring them"
    yield from (f"left: {name}" for name in left_out(its.left, _MOST))
    yield f"archmig reconcile --env {hotfix.environment} will find it there and stamp it; the others get it by upgrade"


def _revision_json(made: NewRevision, hotfix: Hotfix | None) -> NewRevisionJson:
    its = hotfix.promotion if hotfix else None
    return {
        "id": made.id,
        "title": made.title,
        "parent": made.parent or None,
        "begins": made.begins or None,
        "path": str(made.path),
        "text": made.text,
        "upgrade": [*its.upgrade] if its else None,
        "downgrade": [*its.downgrade] if its else None,
        "left": [{"object": left.what, "why": left.why} for left in its.left] if its else [],
        "flaws": [violation_json(violation) for violation in made.violations],
    }
