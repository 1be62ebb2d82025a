"""A new revision in words and as JSON: where it stands, what it brings, and what it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from architect_migrate.authoring.hotfix_statements import told
from architect_migrate.cli.report.lint import flaw_json
from architect_migrate.core.text import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.authoring.hotfix import Hotfix
    from architect_migrate.authoring.new_revision import Made

_MOST = 8


def new_text(made: Made, hotfix: Hotfix | None, listed_by: tuple[str, ...]) -> Iterator[str]:
    """Lines of narration; `listed_by` are the environments whose heads name the branch that it begins."""
    yield f"{made.id} comes after {made.parent}" if made.parent else f"{made.id} is the first revision"
    if made.begins:
        yield from _branch_lines(made.begins, listed_by)
    if hotfix:
        yield from _hotfix_lines(hotfix)


def _branch_lines(label: str, listed_by: tuple[str, ...]) -> Iterator[str]:
    if listed_by:
        yield f"the branch {label!r} begins with it; {', '.join(listed_by)} will have it, by heads in environments.toml"
        return
    yield f"the branch {label!r} begins with it, and as long as no environment lists it, all of them get it:"
    yield f'write heads = ["head", "{label}"] into environments.toml for those that are to have it to themselves'


def _hotfix_lines(hotfix: Hotfix) -> Iterator[str]:
    its = hotfix.promotion
    statements = count(len(its.upgrade), "statement")
    yield f"{statements} up, {len(its.downgrade)} down, proven on a scratch database, there and back"
    for table, rows in hotfix.rows:
        holds = "row stays" if rows == 1 else "rows stay"
        yield f"table {table}: its {rows:,} {holds} in {hotfix.environment}; a data_step() would bring them"
    yield from (f"left: {it}" for it in told(its.left, _MOST))
    yield f"archmig reconcile --env {hotfix.environment} will find it there and stamp it; the others get it by upgrade"


def new_json(made: Made, hotfix: Hotfix | None) -> dict[str, Any]:
    """The revision's part of the document."""
    document: dict[str, Any] = {
        "id": made.id,
        "title": made.title,
        "parent": made.parent or None,
        "begins": made.begins or None,
        "path": str(made.path),
        "text": made.text,
        "upgrade": None,
        "downgrade": None,
        "left": [],
        "flaws": [flaw_json(it) for it in made.flaws],
    }
    if hotfix:
        its = hotfix.promotion
        document |= {"upgrade": [*its.upgrade], "downgrade": [*its.downgrade]}
        document["left"] = [{"object": it.what, "why": it.why} for it in its.left]
    return document
