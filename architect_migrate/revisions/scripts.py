"""Alembic's scripts as revisions of a graph, in the order of a replay."""

from __future__ import annotations

from typing import Any

from alembic.util import to_tuple

from architect_migrate.model.revision_graph import Revision, RevisionGraph, ancestry, on_branches


def trunk_first(revisions: tuple[Revision, ...]) -> tuple[Revision, ...]:
    """Sort revisions so that those on no labelled branch come first.

    Why: the replay then passes through the schema of a database without the branches, and records its digest.
    """
    graph = RevisionGraph(revisions)
    trunk = ancestry(graph, frozenset(graph.order) - on_branches(graph))
    return tuple(sorted(revisions, key=lambda revision: revision.id not in trunk))


def revision_of(script: Any) -> Revision:
    """Convert one of Alembic's scripts to a Revision."""
    module = script.module
    return Revision(
        id=script.revision,
        parents=tuple(sorted(script._all_down_revisions)),  # noqa: SLF001  (down_revision and depends_on, resolved)
        title=(script.doc or "").strip().splitlines()[0].rstrip(".") if script.doc else "",
        legacy_version=str(getattr(module, "legacy_version", "")),
        legacy_aliases=tuple(str(one) for one in getattr(module, "legacy_aliases", ())),
        data_step=_does_something(getattr(module, "data_step", None)),
        labels=tuple(to_tuple(getattr(module, "branch_labels", None), default=())),
        down=tuple(script._versioned_down_revisions),  # noqa: SLF001  (down_revision, as a tuple)
        replaces=to_tuple(getattr(module, "replaces", None), default=()),
    )


def _does_something(function: Any) -> bool:
    """Return whether a function uses any name; the empty function of the template does not."""
    code = getattr(function, "__code__", None)
    return callable(function) and (code is None or bool(code.co_names or code.co_freevars))
