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

    from architect_migrate.model.revision_graph import RevisionGraph


def foreign(graph: RevisionGraph, reserved: Iterable[str], excluded: Iterable[str]) -> frozenset[str]:
    """The revisions that an environment does not get which lists none of the `excluded` among the `reserved` labels."""
    on = {label: lineage(graph, label) for label in reserved}
    every = frozenset[str]().union(*on.values())
    trunk = frozenset(graph.order) - every
    merged = {
        revision.id
        for revision in graph.revisions
        if revision.id in every and trunk & set(revision.down) and every & set(revision.down)
    }
    public = trunk | _after(graph, merged)
    private = every - ancestry(graph, public)
    return private & frozenset[str]().union(*(on.get(label, frozenset()) for label in excluded))


def _after(graph: RevisionGraph, ids: Iterable[str]) -> frozenset[str]:
    """These revisions and all that come after them."""
    found = set(ids)
    for revision in graph.revisions:
        if found & set(revision.down):
            found.add(revision.id)
    return frozenset(found)


def graph_without(graph: RevisionGraph, left_out: frozenset[str]) -> RevisionGraph:
    """A chain without some revisions, which nothing that stays comes after.

    Digests are known of the revisions that were replayed before the first that is left out.
    """
    if not left_out:
        return graph
    stay = tuple(revision for revision in graph.revisions if revision.id not in left_out)
    replayed_alike = min(at for at, name in enumerate(graph.order) if name in left_out)
    return replace(graph, revisions=stay, digests=graph.digests[:replayed_alike])


def history_without(history: History, left_out: frozenset[str]) -> History:
    """The same of a history: what each revision does where those that are left out never ran."""
    graph = graph_without(history.graph, left_out)
    if graph is history.graph:
        return history
    alike = min(at for at, name in enumerate(history.graph.order) if name in left_out)
    replayed = list(history.replayed[:alike])
    position = frozenset(graph.order[:alike])
    before = reference(history, position)
    known = dict(zip(history.graph.order, history.replayed, strict=True))
    for revision in graph.order[alike:]:
        position |= {revision}
        after = reference(history, position)
        its = known[revision]
        replayed.append(Replayed(delta(before, after), its.statements, its.writes, its.passing, its.renames))
        before = after
    return History(graph, tuple(replayed))
