"""Relative revisions, as Alembic has them: `+1`, `-1`, `REV+1`, `REV-2`, `BRANCH@+1`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import RelativeRevisionError
from architect_migrate.core.text import pluralize
from architect_migrate.model.revision_graph import BASE, ancestry, heads, lineage, position_at

if TYPE_CHECKING:
    from architect_migrate.model.revision_graph import RevisionGraph

_FORM = re.compile(r"(?:([^@]+)@)?(.*?)([+-][0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Relative:
    """A relative revision: `steps` revisions after `start` (before it, if negative).

    `text` is the whole word. An empty `start` stands for the revision of the database; `branch` then says from which
    of several heads to count.
    """

    text: str
    branch: str
    start: str
    steps: int


def relative_of(graph: RevisionGraph, target: str) -> Relative | None:
    """Parse a target; None where it is no relative revision, and where a revision or branch has that name."""
    named = any(revision.id.startswith(target) or target in revision.labels for revision in graph.revisions)
    form = None if named else _FORM.fullmatch(target)
    if form is None:
        return None
    branch, start, steps = form.groups(default="")
    return Relative(target, branch, start, int(steps))


def moves(target: str) -> int:
    """How many revisions a target goes forward (back, if negative) from where a database is; 0 for any other."""
    form = _FORM.fullmatch(target)
    return 0 if form is None or form[2] else int(form[3])


def revision_at(graph: RevisionGraph, relative: Relative, position: frozenset[str]) -> str:
    """The id of the revision that a relative one means for a database at `position`, or `base`.

    Raises RelativeRevisionError where it means none or several, UnknownRevisionError for an unknown start.
    """
    start = _start(graph, relative, position)
    if relative.steps < 0:
        return _before(graph, relative, start)
    return _after(graph, relative, start)


def _start(graph: RevisionGraph, relative: Relative, position: frozenset[str]) -> str:
    """The revision from which to count; empty for the base."""
    if relative.start:
        position = position_at(graph, relative.start)
    tops = heads(graph, position)
    if len(tops) > 1 and relative.steps < 0 and not relative.start:
        # A downgrade to a revision of one branch would take the other branches back too.
        advice = f"name the revision that stays, or take one head back: archmig rollback --head {tops[-1]}"
        raise RelativeRevisionError(relative.text, f"there are several heads: {', '.join(tops)}", advice)
    if relative.branch:
        branch = lineage(graph, relative.branch)
        tops = tuple(revision for revision in tops if revision in branch)
        if not tops:
            raise RelativeRevisionError(relative.text, f"the branch {relative.branch} has not begun here", _IN_FULL)
    if len(tops) > 1:
        advice = f"name one of them: {tops[-1]}{relative.steps:+}"
        raise RelativeRevisionError(relative.text, f"there are several heads: {', '.join(tops)}", advice)
    return tops[0] if tops else ""


_IN_FULL = "name the revision in full"


def _after(graph: RevisionGraph, relative: Relative, start: str) -> str:
    """The revision so many steps after another one, where there is only one way to it."""
    at, own = start, [revision for revision in graph.revisions if revision.id != BASE]
    for step in range(relative.steps):
        following = [revision.id for revision in own if (at in revision.down if at else not revision.down)]
        if not following:
            left = f"only {pluralize(step, 'revision')}" if step else "no revision"
            raise RelativeRevisionError(relative.text, f"{left} after {start or 'base'}", "archmig history lists them")
        if len(following) > 1:
            problem = f"several revisions follow {at or 'base'}: {', '.join(following)}"
            raise RelativeRevisionError(relative.text, problem, _IN_FULL)
        at = following[0]
    between = ancestry(graph, [at]) - ancestry(graph, [start]) - {BASE}
    if len(between) != relative.steps:
        others = ", ".join(revision for revision in graph.order if revision in between and revision != at)
        raise RelativeRevisionError(relative.text, f"{at} also brings {others}", _IN_FULL)
    return at or "base"


def _before(graph: RevisionGraph, relative: Relative, start: str) -> str:
    """The revision so many steps before another one, where there is only one way to it."""
    down = {revision.id: revision.down for revision in graph.revisions}
    at = start
    for step in range(-relative.steps):
        if not at:
            left = f"only {pluralize(step, 'revision')}" if step else "no revision"
            raise RelativeRevisionError(relative.text, f"{left} to take back from {start or 'base'}", "")
        if len(down[at]) > 1:
            raise RelativeRevisionError(relative.text, f"{at} merges {', '.join(down[at])}", _IN_FULL)
        at = down[at][0] if down[at] else ""
    return at or "base"
