"""Targets of commands: checked once against the chain, and made absolute for each database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.model.relative import relative_of, revision_at
from architect_migrate.model.revision_graph import position_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.revision_graph import RevisionGraph


def chain_to_run(contexts: Sequence[EnvironmentContext], target: str | None) -> RevisionGraph:
    """Return the chain of the databases on which a run is asked for; a `target` has to be in it.

    Raises UnknownRevisionError.
    """
    graph = contexts[0].chain
    require_known(graph, target)
    return graph


def require_known(graph: RevisionGraph, target: str | None) -> None:
    """Raise UnknownRevisionError for a target that the chain does not have, before any database is opened."""
    if target is None:
        return
    relative = relative_of(graph, target)
    if relative is None:
        position_at(graph, target)
        return
    for word in filter(None, (relative.branch, relative.start)):
        position_at(graph, word)


def absolute(context: EnvironmentContext, target: str | None) -> str | None:
    """The target for one database; of a relative revision, the one that it means from where the database is.

    Raises RelativeRevisionError where it means none or several, and as `survey` where the database has to be read.
    """
    relative = relative_of(context.graph, target) if target else None
    if relative is None:
        return target
    if relative.start:
        return revision_at(context.graph, relative, frozenset())
    from architect_migrate.runs.survey import survey

    return revision_at(context.graph, relative, survey(context).position)
