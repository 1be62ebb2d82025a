"""Branches that belong to some environments: which revisions those are, and the chain as the others have it.

A branch is reserved when any environment's `heads` lists its label. A revision on it is then only for environments that
list every reserved branch that it is on; what is merged with the trunk, or what the trunk depends on, is everybody's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.model.history import History, Replayed, delta, reference
from architect_migrate.model.revision_graph import ancestry, lineage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.revision_graph import Outline


def foreign(outline: Outline, reserved: Iterable[str], excluded: Iterable[str]) -> frozenset[str]:
    """The revisions that an environment does not get which lists none of the `excluded` among the `reserved` labels."""
    on = {label: lineage(outline, label) for label in reserved}
    every = frozenset[str]().union(*on.values())
    trunk = frozenset(outline.order) - every
    merged = {it.id for it in outline.revisions if it.id in every and trunk & set(it.down) and every & set(it.down)}
    public = trunk | _after(outline, merged)
    private = every - ancestry(outline, public)
    return private & frozenset[str]().union(*(on.get(label, frozenset()) for label in excluded))


def _after(outline: Outline, ids: Iterable[str]) -> frozenset[str]:
    """These revisions and all that come after them."""
    found = set(ids)
    for it in outline.revisions:
        if found & set(it.down):
            found.add(it.id)
    return frozenset(found)


def outline_without(outline: Outline, left_out: frozenset[str]) -> Outline:
    """A chain without some revisions, which nothing that stays comes after.

    Digests are known of the revisions that were replayed before the first that is left out.
    """
    if not left_out:
        return outline
    stay = tuple(it for it in outline.revisions if it.id not in left_out)
    replayed_alike = min(at for at, it in enumerate(outline.order) if it in left_out)
    return replace(outline, revisions=stay, digests=outline.digests[:replayed_alike])


def history_without(history: History, left_out: frozenset[str]) -> History:
    """The same of a history: what each revision does where those that are left out never ran."""
    outline = outline_without(history.outline, left_out)
    if outline is history.outline:
        return history
    alike = min(at for at, it in enumerate(history.outline.order) if it in left_out)
    replayed = list(history.replayed[:alike])
    position = frozenset(outline.order[:alike])
    before = reference(history, position)
    known = dict(zip(history.outline.order, history.replayed, strict=True))
    for revision in outline.order[alike:]:
        position |= {revision}
        after = reference(history, position)
        its = known[revision]
        replayed.append(Replayed(delta(before, after), its.statements, its.writes, its.passing, its.renames))
        before = after
    return History(outline, tuple(replayed))
