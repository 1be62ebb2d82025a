"""A chain in outline: which revisions there are and what comes after what, without what they do.

A position is the set of applied revisions, closed under ancestry: a branched chain has no single line to count along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import UnknownRevisionError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of the chain; `parents` are what it comes after: its down revisions (`down`) and what it depends on.

    `labels` are the branches that begin with it.
    `legacy_version` is the number that the tracker knew it by (empty: none), `legacy_aliases` those that it bore
    before, `data_step` whether its file has a `data_step()` that can be called by itself.
    """

    id: str
    parents: tuple[str, ...]
    title: str = ""
    legacy_version: str = ""
    legacy_aliases: tuple[str, ...] = ()
    data_step: bool = False
    labels: tuple[str, ...] = ()
    down: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionGraph:
    """A chain without what its revisions do, parents before children: enough to say where a database stands.

    `digests` are those of the stored texts after each revision (see `fingerprint.digest`): a database that has one
    of them has exactly the schema of that revision. `version_table` is where Alembic keeps its stamp.
    """

    revisions: tuple[Revision, ...]
    digests: tuple[str, ...] = ()
    version_table: str = "alembic_version"

    @property
    def order(self) -> tuple[str, ...]:
        """Revision ids, parents before children."""
        return tuple(revision.id for revision in self.revisions)


def ancestry(graph: RevisionGraph, ids: Iterable[str]) -> frozenset[str]:
    """These revisions and everything that they come after; ids that the chain does not know are left out."""
    parents = {each.id: each.parents for each in graph.revisions}
    found: set[str] = set()
    waiting = [each for each in ids if each in parents]
    while waiting:
        revision = waiting.pop()
        if revision not in found:
            found.add(revision)
            waiting.extend(parents[revision])
    return frozenset(found)


def lineage(graph: RevisionGraph, label: str) -> frozenset[str]:
    """The revisions of a branch: those that bear its label, and what comes after them; none without one."""
    found: set[str] = set()
    for revision in graph.revisions:
        if label in revision.labels or found & set(revision.down):
            found.add(revision.id)
    return frozenset(found)


def on_branches(graph: RevisionGraph) -> frozenset[str]:
    """The revisions of all branches that have a label."""
    labels = {label for revision in graph.revisions for label in revision.labels}
    return frozenset[str]().union(*(lineage(graph, label) for label in labels))


def heads(graph: RevisionGraph, position: frozenset[str]) -> tuple[str, ...]:
    """The revisions of a position that nothing else in it comes after: what a stamp records."""
    applied = [revision for revision in graph.revisions if revision.id in position]
    inner = {parent for revision in applied for parent in revision.parents}
    return tuple([revision.id for revision in applied if revision.id not in inner])


def position_at(graph: RevisionGraph, target: str) -> frozenset[str]:
    """The position that a target names: `head`, `heads`, `base`, a branch (`dev`, `dev@head`), or a revision.

    A revision is named by its id or an unambiguous beginning of it.

    Raises UnknownRevisionError when the target names no single revision.
    """
    if target in {"head", "heads"}:
        return frozenset(graph.order)
    if target == "base":
        return frozenset()
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
