"""Plans that run the chain's revisions up or down, for databases whose schema matches their stamp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.text import pluralize
from architect_migrate.databases.questions import count_rows, count_values
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.diff import change_key
from architect_migrate.model.facts import ColumnFact, TableFact
from architect_migrate.model.history import effects, facts_at, replays
from architect_migrate.model.revision_graph import ancestry, heads
from architect_migrate.planning.interruptions import names_taken
from architect_migrate.planning.later_extras import out_of_the_way, refusing_later
from architect_migrate.planning.plan import Plan, RunDowngrade, RunRevision, Stamp
from architect_migrate.planning.results import DEPARTED, Loss
from architect_migrate.runs.contracts import Prepared
from architect_migrate.runs.one_transaction import cut
from architect_migrate.runs.prepare import empty
from architect_migrate.runs.promotion_gate import as_promoted
from architect_migrate.runs.survey import full_survey, wanted_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.model.history import Replayed
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.model.schema import Key
    from architect_migrate.planning.results import Survey
    from architect_migrate.runs.contracts import Prepare


def upgrading(target: str | None) -> Prepare:
    """A function that plans an upgrade on an open connection."""

    def make(context: EnvironmentContext, connection: Connection) -> Prepared:
        if prepared := empty(context, connection, target):
            return prepared
        seen = full_survey(context, connection, wanted_of(context, target))
        drifted = seen.state in DEPARTED
        return Prepared(seen, mismatch_plan(seen) if drifted else up(context, seen, target))

    return make


def downgrading(target: str | None) -> Prepare:
    """A function that plans a downgrade on an open connection."""

    def make(context: EnvironmentContext, connection: Connection) -> Prepared:
        seen = full_survey(context, connection, wanted_of(context, target))
        drifted = seen.state in DEPARTED
        return Prepared(seen, mismatch_plan(seen) if drifted else down(context, seen, target))

    return make


def up(context: EnvironmentContext, seen: Survey, target: str | None) -> Plan:
    """The plan of the pending revisions, then the stamp."""
    after = seen.position | wanted_of(context, target)
    steps = tuple(RunRevision(revision) for revision in seen.pending)
    stamp = (Stamp(heads(context.graph, after)),) if steps else ()
    taken = names_taken(context.history, seen.schema.tables, steps) if steps and seen.schema else ()
    if steps and seen.schema and seen.diagnosis:
        kept = {change_key(change) for change, _ in seen.kept}
        refusing = refusing_later(context.history, seen.diagnosis.changes, seen.schema, after, kept)
        taken += out_of_the_way(refusing)
    plan = as_promoted(context, Plan((*steps, *stamp), taken, seen.kept, seen.position, after))
    return context.synced(seen.claims, cut(context, plan))


def down(context: EnvironmentContext, seen: Survey, target: str | None) -> Plan:
    """The plan that takes back the revisions applied after the target, newest first, then sets the stamp."""
    graph = context.graph
    after = seen.position & wanted_of(context, target)
    steps = tuple(RunDowngrade(revision) for revision in reversed(graph.order) if revision in seen.position - after)
    stamp = (Stamp(heads(graph, after)),) if steps else ()
    plan = Plan((*steps, *stamp), tuple(_before_the_baseline(graph, steps)), seen.kept, seen.position, after)
    return context.synced(seen.claims, plan)


def _before_the_baseline(graph: RevisionGraph, steps: tuple[RunDowngrade, ...]) -> Iterator[Finding]:
    """Yield a blocker for a plan that takes back what the chain begins with."""
    begins = {revision.id for revision in graph.revisions if revision.baseline}
    for revision in [step.revision for step in steps if step.revision in begins][:1]:
        found, advice = "the chain begins with it, so what was before it is not known", "name a later revision"
        yield Finding(Level.BLOCKING, "baseline", revision, found, advice, revision)


def plan_of_alembic_run(
    graph: RevisionGraph, up: Collection[str], down: Collection[str], stamped: Iterable[str]
) -> Plan:
    """The plan that archmig would make for a run of Alembic from a stamp: the same steps, with the stamp at the end."""
    before = ancestry(graph, stamped)
    after = before - frozenset(down) | frozenset(up)
    back = [RunDowngrade(revision) for revision in reversed(graph.order) if revision in down]
    on = [RunRevision(revision) for revision in graph.order if revision in up]
    return Plan((*back, *on, Stamp(heads(graph, after))), (), (), before, after)


def mismatch_plan(seen: Survey) -> Plan:
    """A plan without steps, whose blockers say why the chain cannot run on this database."""
    stops = tuple(finding for finding in seen.findings if finding.level is Level.BLOCKING)
    serious = seen.drift.get("breaking", 0) + seen.drift.get("behavioural", 0)
    stamp = "no stamp" if seen.claims.stamp is None else f"stamp {', '.join(seen.claims.stamp) or 'base'}"
    matter = pluralize(serious, "difference from the chain matters", "differences from the chain matter")
    drift = Finding(
        Level.BLOCKING,
        "not-where-it-claims",
        stamp,
        matter if serious else "the schema shows another position",
        "run archmig reconcile first: it repairs the schema and stamps it",
    )
    return Plan((), stops or (drift,), (), seen.position, seen.position)


def losses(context: EnvironmentContext, plan: Plan, connection: Connection) -> tuple[Loss, ...]:
    """The rows of tables and the values of columns that taking these revisions back removes."""
    undone = {step.revision for step in plan.steps if isinstance(step, RunDowngrade)}
    left = facts_at(context.history, plan.after)
    lost: dict[Key, int] = {}
    brought: dict[Key, Key] = {}
    for revision, effect in effects(context.history).items():
        brought |= _brought(replays(context.history)[revision]) if revision in undone else {}
        for fact in effect.added.values() if revision in undone else ():
            match fact:
                case TableFact() if ("table", fact.table) not in left:
                    lost["table", fact.table] = count_rows(connection, fact.table)
                case ColumnFact() if ("column", fact.table, fact.column.name) not in left:
                    if ("table", fact.table) in left:
                        values = count_values(connection, fact.table, fact.column.name)
                        lost["column", fact.table, fact.column.name] = values
                case _:
                    pass
    return tuple(
        Loss(table, rows, "".join(column), _origin((kind, table, *column), brought, left))
        for (kind, table, *column), rows in lost.items()
        if rows
    )


def _brought(replayed: Replayed) -> dict[Key, Key]:
    """What a revision renames or moves, with where it was before."""
    renamed = {rename.key(rename.new): rename.key(rename.old) for rename in replayed.renames}
    return renamed | {move.new_key: move.old_key for move in replayed.moves}


def _origin(its_key: Key, brought: Mapping[Key, Key], left: Collection[Key]) -> str:
    """Where rows or values were before the revisions, in words; empty if that is not left after a downgrade."""
    passed = {its_key}
    while (before := brought.get(its_key)) and before not in passed:
        its_key = before
        passed.add(its_key)
    return f"{its_key[0]} {'.'.join(its_key[1:])}" if its_key in left else ""
