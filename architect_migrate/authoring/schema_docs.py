"""Contents of the schema documentation: the chain's schema at a position, or an environment's schema beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.authoring.provenance import provenance
from architect_migrate.authoring.table_groups import groups
from architect_migrate.databases.registry import access, reader
from architect_migrate.model.diff import Reordered, severity
from architect_migrate.model.facts import owner
from architect_migrate.model.history import reference
from architect_migrate.model.revision_graph import position_at
from architect_migrate.planning.results import Outcome, Result
from architect_migrate.runs.survey import full_survey, quick_survey, wanted_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.authoring.provenance import Provenance
    from architect_migrate.authoring.table_groups import Group
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.diff import Change
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.history import History
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.model.schema import Schema
    from architect_migrate.revisions.replay import Source


@dataclass(frozen=True, slots=True)
class Documented:
    """A schema with everything that its documentation shows.

    `seen` is None for the chain's own schema, which has no `rows` (counts by table). `changes` are the differences from
    the chain, by table or view and worst first; `kept` are those that a [[resolve]] entry keeps.
    """

    graph: RevisionGraph
    position: frozenset[str]
    schema: Schema
    provenance: Provenance
    groups: tuple[Group, ...]
    seen: Result | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    kept: Mapping[Change, Resolution] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        """The environment's name; empty for the chain's own schema."""
        return self.seen.environment if self.seen else ""


def of_chain(source: Source, target: str) -> Documented:
    """Return the schema that the chain makes up to a target. Raises as `Source.history` and `position_at`."""
    history = source.history
    position = position_at(history.graph, target)
    return _documented(history, position, reference(history, position))


def of_environment(context: EnvironmentContext) -> Documented:
    """Return an environment's schema and its differences from the chain, read in one transaction.

    Raises as `reading` and `wanted_of`.
    """
    environment = context.environment
    graph, wanted = context.graph, wanted_of(context, None)
    with access.reading(environment.url, environment.policies.lock_timeout) as connection:
        seen = quick_survey(context, connection, graph, wanted) or full_survey(context, connection, wanted)
        schema = seen.schema or reader.read_schema(connection, context.hidden(graph.version_table))
        rows = reader.row_counts(connection)
    documented = _documented(context.history, seen.position, schema)
    changes: dict[str, list[Change]] = {}
    for change in seen.diagnosis.changes if seen.diagnosis else ():
        changes.setdefault(_owner(change), []).append(change)
    return Documented(
        documented.graph,
        documented.position,
        schema,
        documented.provenance,
        documented.groups,
        Result(environment.name, str(environment.url), "docs", Outcome.NOTHING, survey=seen),
        {table.name: rows[table.name] for table in schema.tables if table.name in rows},
        {name: tuple(sorted(each, key=_rank)) for name, each in changes.items()},
        dict(seen.kept),
    )


def _documented(history: History, position: frozenset[str], schema: Schema) -> Documented:
    graph, origins = history.graph, provenance(history, position)
    places = {revision: number for number, revision in enumerate(graph.order)}
    known = {table.name: origins.origins.get(("table", table.name)) for table in schema.tables}
    brought = {name: places[origin.brought] for name, origin in known.items() if origin}
    return Documented(graph, position, schema, origins, groups(schema, brought))


def _owner(change: Change) -> str:
    return change.table if isinstance(change, Reordered) else owner(change.fact)


def _rank(change: Change) -> int:
    return severity(change).rank
