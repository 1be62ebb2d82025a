"""Revision graph: the revisions of a chain and their order, without their effects.

A position is the set of applied revisions, closed under ancestry: a branched chain has no single order to count along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ChainError, UnknownRevisionError
from architect_migrate.core.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable


# The revision that stands for what is there before the chain begins (see `revisions.baseline`). No stamp names it.
BASE = "base"


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of the chain; `parents` are its down revisions (`down`) and its depends_on.

    `labels` are the branches that begin with it. `legacy_version` is its number in the legacy tracker (empty: none),
    `legacy_aliases` are its earlier numbers. `data_step`: its file has a `data_step()` that can be called by itself.
    `baseline`: it is not run, because the chain's baseline stands for it. `replaces` are the ids of revisions that it
    stands for and that the chain does not have any more, in their order: after the last one a database has what this
    revision leaves.
    """

    id: str
    parents: tuple[str, ...]
    title: str = ""
    legacy_version: str = ""
    legacy_aliases: tuple[str, ...] = ()
    data_step: bool = False
    labels: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    baseline: bool = False
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionGraph:
    """A chain without the effects of its revisions, parents before children; it suffices to locate a database.

    `digests` are those of the stored texts after each revision (see `fingerprint.digest`): a database that has one
    of them has exactly the schema of that revision. `version_table` is the table of Alembic's stamp. `functions` are
    the functions and collations that env.py makes and that a definition of the chain may use: without them SQLite
    cannot make or check it. `callbacks` are the names of its `on_version_apply` callbacks.
    """

    revisions: tuple[Revision, ...]
    digests: tuple[str, ...] = ()
    version_table: str = "alembic_version"
    functions: tuple[str, ...] = ()
    callbacks: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """Hash the ends alone. Why: the hash of all revisions of a long chain takes longer than most that is asked."""
        return hash((len(self.revisions), self.revisions[-1:], self.version_table))

    @property
    def order(self) -> tuple[str, ...]:
        """Revision ids, parents before children."""
        return tuple(revision.id for revision in self.revisions)


def with_replaced(graph: RevisionGraph, replaced: tuple[tuple[str, tuple[str, ...]], ...]) -> RevisionGraph:
    """Return a graph whose revisions replace further ones. Raises ChainError."""
    more = dict(replaced)
    known = graph.order
    for revision in more:
        if revision not in known:
            problem = f"names {revision}, which the chain does not have"
            raise ChainError("[alembic] replaces", problem, nearest(revision, known) or "`archmig history` lists them")
    if more:
        revisions = (replace(each, replaces=(*each.replaces, *more.get(each.id, ()))) for each in graph.revisions)
        graph = replace(graph, revisions=tuple(revisions))
    _refuse_two_meanings(graph)
    return graph


def _refuse_two_meanings(graph: RevisionGraph) -> None:
    """Raise ChainError for a replaced revision that the chain still has, or that two revisions stand for.

    Why: a stamp of it would mean either, and what the other one does to rows would run once more, or never.
    """
    standing: dict[str, str] = {}
    living = frozenset(graph.order) if any(each.replaces for each in graph.revisions) else frozenset()
    for each in graph.revisions:
        for old in each.replaces:
            if old in living and old != each.id:
                raise ChainError(each.id, f"replaces {old}, which the chain still has", "take one of the two out")
            if standing.setdefault(old, each.id) != each.id:
                problem = f"replaces {old}, which {standing[old]} replaces too"
                raise ChainError(each.id, problem, "name it in one of the two only")


def ancestry(graph: RevisionGraph, ids: Iterable[str]) -> frozenset[str]:
    """Return these revisions and all their ancestors; unknown ids are left out."""
    parents = {each.id: each.parents for each in graph.revisions}
    ancestors: set[str] = set()
    waiting = [each for each in ids if each in parents]
    while waiting:
        revision = waiting.pop()
        if revision not in ancestors:
            ancestors.add(revision)
            waiting.extend(parents[revision])
    return frozenset(ancestors)


def lineage(graph: RevisionGraph, label: str) -> frozenset[str]:
    """Return the revisions of a branch: those with its label and their descendants; empty for an unknown label."""
    branch: set[str] = set()
    for revision in graph.revisions:
        if label in revision.labels or branch & set(revision.down):
            branch.add(revision.id)
    return frozenset(branch)


def on_branches(graph: RevisionGraph) -> frozenset[str]:
    """Return the revisions of all labelled branches."""
    labels = {label for revision in graph.revisions for label in revision.labels}
    return frozenset[str]().union(*(lineage(graph, label) for label in labels))


def replaced_by_baseline(graph: RevisionGraph, at: str) -> frozenset[str]:
    """Return the revisions that a baseline at a revision stands for. Raises UnknownRevisionError."""
    return frozenset() if at == BASE else ancestry(graph, [revision_named(graph, at)])


# Why cached: most databases of a run are at the same position, of a chain that may have thousands of revisions.
@lru_cache(maxsize=64)
def heads(graph: RevisionGraph, position: frozenset[str]) -> tuple[str, ...]:
    """Return the heads of a position, which a stamp records: the revisions without a descendant in it."""
    applied = [revision for revision in graph.revisions if revision.id in position]
    inner = {parent for revision in applied for parent in revision.parents}
    return tuple([revision.id for revision in applied if revision.id not in inner and revision.id != BASE])


def in_order(graph: RevisionGraph, stamped: tuple[str, ...]) -> tuple[str, ...]:
    """Return the revisions of a stamp in the order of the chain, and those that it does not have after them."""
    if len(stamped) <= 1:  # as almost all stamps
        return stamped
    places = {revision: place for place, revision in enumerate(graph.order)}
    return tuple(sorted(stamped, key=lambda revision: (places.get(revision, len(places)), revision)))


def position_at(graph: RevisionGraph, target: str) -> frozenset[str]:
    """Return the position that a target names: `head`, `heads`, `base`, a branch (`dev`, `dev@head`), or a revision.

    A revision is named by its id or an unambiguous beginning of it.
    Raises UnknownRevisionError if the target names no single revision.
    """
    if target in {"head", "heads"}:
        return frozenset(graph.order)
    if target == BASE:
        return frozenset(revision.id for revision in graph.revisions if revision.id == BASE)
    if branch := lineage(graph, target.removesuffix("@head")):
        return ancestry(graph, branch)
    return ancestry(graph, [revision_named(graph, target)])


def revision_named(graph: RevisionGraph, word: str) -> str:
    """The revision of an id or an unambiguous beginning of one. Raises UnknownRevisionError."""
    candidates = tuple(revision for revision in graph.order if revision == word or (word and revision.startswith(word)))
    exact = tuple(candidate for candidate in candidates if candidate == word) or candidates
    if len(exact) != 1:
        labels = tuple(label for revision in graph.revisions for label in revision.labels)
        raise UnknownRevisionError(word, candidates, (*graph.order, *labels))
    return exact[0]
