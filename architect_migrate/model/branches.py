"""Reserved branches: their revisions, and the chain without them.

A branch is reserved when any environment's `heads` lists its label. A revision on it is then only for environments that
list every reserved branch that it is on. Revisions merged with the trunk, or that the trunk depends on, are for all.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.model.delta import delta
from architect_migrate.model.history import History, reference, replayed_anew, replays
from architect_migrate.model.revision_graph import ancestry, lineage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.history import Replayed
    from architect_migrate.model.revision_graph import RevisionGraph


def foreign(graph: RevisionGraph, reserved: Iterable[str], excluded: Iterable[str]) -> frozenset[str]:
    """Return the revisions to leave out for an environment whose `heads` lack the `excluded` of the `reserved` labels.

    `excluded` is a subset of `reserved`; both are branch labels.
    """
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
    """Return these revisions and their descendants by down_revision."""
    after = set(ids)
    # One pass is enough: the graph lists parents before children.
    for revision in graph.revisions:
        if after & set(revision.down):
            after.add(revision.id)
    return frozenset(after)


def graph_without(graph: RevisionGraph, left_out: frozenset[str]) -> RevisionGraph:
    """Return a graph without some revisions; no remaining revision may depend on one of them.

    Why digests are cut: a digest describes the schema after all earlier revisions of the replay, so those from the
    first omitted revision on are wrong for the smaller chain.
    """
    if not left_out:
        return graph
    stay = tuple(revision for revision in graph.revisions if revision.id not in left_out)
    first_omitted = min(at for at, name in enumerate(graph.order) if name in left_out)
    return replace(graph, revisions=stay, digests=graph.digests[:first_omitted])


def history_without(history: History, left_out: frozenset[str]) -> History:
    """Return a history without some revisions: the changes of each remaining one as if the others never ran."""
    graph = graph_without(history.graph, left_out)
    if graph is history.graph:
        return history
    first_omitted = min(at for at, name in enumerate(history.graph.order) if name in left_out)
    replayed = list(history.replayed[:first_omitted])
    position = frozenset(graph.order[:first_omitted])
    before = reference(history, position)
    known = replays(history)
    for revision in graph.order[first_omitted:]:
        position |= {revision}
        after = reference(history, position)
        replayed.append(replace(known[revision], delta=delta(before, after)))
        before = after
    return History(graph, tuple(replayed), partial(_stay, history, graph) if history.again else None)


def _stay(history: History, graph: RevisionGraph) -> tuple[Replayed, ...]:
    """What the whole chain's replay has now of the revisions that stay: only their statements are asked for."""
    known = replayed_anew(history)
    return tuple(known[revision] for revision in graph.order)
