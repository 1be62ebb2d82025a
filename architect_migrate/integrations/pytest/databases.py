"""Databases for tests: an empty one at any revision of a chain, and a copy of an environment's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.registry import keeper, marks, refuse_on_servers, temporary
from architect_migrate.model.revision_graph import heads, position_at
from architect_migrate.planning.plan import Plan, RunRevision
from architect_migrate.runs.steps import run_whole

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.model.environment import Environment
    from architect_migrate.revisions.replay import Source


def build_at(source: Source, target: str, path: Path) -> None:
    """Build a new database at `path` as the chain leaves it at `target`, with the chain's own rows and the stamp.

    Raises UnknownRevisionError, ChainError, ReplayError, and UnsupportedError for a chain that needs a server.
    """
    refuse_on_servers(source.chain.kind, "make test databases")
    history = source.history
    graph, position = history.graph, position_at(history.graph, target)
    with temporary.built(path) as connection:
        steps = tuple(RunRevision(revision) for revision in graph.order if revision in position)
        run_whole(source.chain, history, Plan(steps, (), (), frozenset(), position), connection, lambda *_: None)
        marks.write_stamp(connection, graph.version_table, heads(graph, position))


def copy_of(environment: Environment, folder: Path) -> Path:
    """Copy the committed state of an environment's database and compare the copy; the original is only read.

    Raises BackupError, and as `connection.reading`.
    """
    return keeper.take(environment.url, folder, environment.name).path
