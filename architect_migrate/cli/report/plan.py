"""A plan as text, its steps drawn together, as the SQL that it comes to, and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, assert_never

from architect_migrate.cli.report.chain import ranges, short_names, titled, with_title
from architect_migrate.cli.report.layout import Style, block, headed, plain
from architect_migrate.cli.report.shared import finding_json
from architect_migrate.core.names import literal
from architect_migrate.core.text import clean, pluralize
from architect_migrate.databases.registry import LOCAL, about, dialect, statements_of
from architect_migrate.planning.plan import (
    AddColumn,
    AlterObject,
    Checkpoint,
    CreateObject,
    DropColumn,
    DropObject,
    RebuildTable,
    RenameColumn,
    RenameTable,
    RunDataStep,
    RunDowngrade,
    RunOutside,
    RunRevision,
    RunRows,
    Stamp,
    SyncTracker,
    edit_words,
    headline,
)
from architect_migrate.planning.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.cli.documents.changing import PlanJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.plan import Plan, Step
    from architect_migrate.planning.results import Result

_NAMED = 2
_TITLED = 8


def plan_text(result: Result, graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """What would be done to one environment, neighbouring steps of a kind drawn together."""
    plan = result.plan
    if plan is None or not plan.steps or plan.blockers:
        said = result.detail or result.outcome.value
        words = said if said == result.state.value else f"{result.state.value}, {said}"
        return "\n".join(headed(result.environment, words, paint, width))
    said = f"{result.state.value}, {pluralize(len(plan.steps), 'step')}"
    lines = [*headed(result.environment, said, paint, width), *summary(plan, graph, width)]
    for loss in result.losses:
        lines += [
            f"  {paint(line.strip(), Style.BAD)}"
            for line in block(f"loses {loss.amount} of {loss.subject}{loss.condition}", "  ", width)
        ]
    for warning in result.warnings:
        first, *rest = block(f"warning: {warning}", "  ", width, "  ")
        lines += [first.replace("warning:", paint("warning:", Style.CAUTION), 1), *rest]
    return "\n".join(lines)


def together(results: Iterable[Result], sql: Mapping[str, str] | None = None) -> list[list[Result]]:
    """Group the results with equal states, plans, losses, warnings and SQL; any other result is a group by itself."""
    groups: dict[object, list[Result]] = {}
    for result in results:
        planned = result.plan is not None and result.outcome is Outcome.PLANNED
        told = (
            (result.state, result.plan.steps, result.losses, result.warnings)
            if planned and result.plan
            else result.environment
        )
        groups.setdefault((told, (sql or {}).get(result.environment)), []).append(result)
    return [*groups.values()]


def joined(group: list[Result]) -> Result:
    """The one result that is shown for a group, under the names of all its environments."""
    return replace(group[0], environment=", ".join(result.environment for result in group))


def summary(plan: Plan, graph: RevisionGraph, width: int) -> Iterator[str]:
    """A plan's steps in few lines, in their order: `run revisions 007..009`, `complete 003_x: add column ...`.

    Revisions are named with their titles where they are few.
    """
    for line, revisions in _summed_up(plan, graph):
        yield from block(line, "  ", width, "  ")
        yield from titled(graph, revisions, "    ", width)


def _summed_up(plan: Plan, graph: RevisionGraph) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each line, and the revisions whose titles go below it."""
    for (verb, revision), step in groupby(plan.steps, _sort):
        group = list(step)
        ids = tuple(
            each.revision for each in group if isinstance(each, RunRevision | RunDowngrade | RunDataStep | RunRows)
        )
        match verb:
            case "run" | "take back":
                yield _named(graph, f"{verb} revision", f"{verb} {len(ids)} revisions", ids)
            case "outside":
                yield from ((_outside(graph, each), ()) for each in group if isinstance(each, RunOutside))
            case "rows":
                yield _named(graph, "insert missing rows of", f"insert missing rows of {len(ids)} revisions", ids)
            case "statements":
                yield _named(graph, "run the row statements of", f"run the row statements of {len(ids)} revisions", ids)
            case "stamp" | "checkpoint" | "tracker":
                yield "; ".join(headline(each) for each in group), ()
            case _ if revision:
                yield f"{verb} {with_title(graph, revision)}: {_repairs(group)}", ()
            case _:
                yield f"repair: {_repairs(group)}", ()


def _outside(graph: RevisionGraph, step: RunOutside) -> str:
    return headline(step).replace(step.revision, with_title(graph, step.revision), 1)


def _named(graph: RevisionGraph, one: str, several: str, ids: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Revisions on the line itself, below it with their titles, or by their range where they are many."""
    if len(ids) == 1:
        return f"{one} {with_title(graph, *ids)}", ()
    if len(ids) <= _TITLED:
        return f"{several}:", ids
    return f"{several}: {ranges(graph, ids, short_names(graph))}", ()


def _repairs(group: list[Step]) -> str:
    """Steps of repair in words: few objects of a kind by name, many by number."""
    return ", ".join(_together(verb, list(step)) for verb, step in groupby(group, _verb))


def _verb(step: Step) -> str:
    match step:
        case CreateObject():
            return f"create {step.kind}"
        case DropObject():
            return f"drop {step.kind}"
        case AddColumn():
            return "add column"
        case DropColumn():
            return "drop column"
        case _:
            return headline(step)


def _together(verb: str, its: list[Step]) -> str:
    first = its[0]
    if isinstance(first, RebuildTable):
        return f"rebuild table {first.table} ({_edits(first)})"
    if isinstance(first, RenameTable | RenameColumn | AlterObject):
        return ", ".join(headline(step) for step in its)
    if len(its) <= _NAMED:
        return f"{verb} {', '.join(headline(word).removeprefix(f'{verb} ') for word in its)}"
    action, _, kind = verb.partition(" ")
    return f"{action} {pluralize(len(its), kind, 'indexes' if kind == 'index' else '')}"


def _edits(step: RebuildTable) -> str:
    if len(step.edits) <= _NAMED:
        return ", ".join(edit_words(edit) for edit in step.edits)
    verbs = [
        "".join(f" {word.lower()}" if word.isupper() else word for word in type(e).__name__).strip() for e in step.edits
    ]
    return ", ".join(f"{verbs.count(verb)}x {verb}" for verb in dict.fromkeys(verbs))


def _sort(step: Step) -> tuple[str, str]:
    match step:
        case RunOutside():
            return "outside", ""
        case RunRevision():
            return "run", ""
        case RunDowngrade():
            return "take back", ""
        case RunDataStep():
            return "rows", ""
        case RunRows():
            return "statements", ""
        case Stamp():
            return "stamp", ""
        case Checkpoint():
            return "checkpoint", ""
        case SyncTracker():
            return "tracker", ""
        case CreateObject() | DropObject() | RenameTable() | RenameColumn() | AddColumn() | DropColumn():
            return "complete", step.revision
        case RebuildTable() | AlterObject():
            return "complete", step.revision
        case _:
            assert_never(step)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What revisions run, by id: statements of `upgrade()` on an empty database, SQL of `downgrade()` as offline.

    `data_steps` are the revisions with a `data_step()`, `rows` the row statements of those that run these alone. A
    downgrade that cannot be printed offline is left out. `kind` is the kind of database.
    """

    upgrades: Mapping[str, tuple[str, ...]]
    data_steps: frozenset[str]
    downgrades: Mapping[str, str]
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kind: str = LOCAL


def plan_sql(plan: Plan, recorded: Recorded, version_table: str) -> str:
    """The plan's SQL, the statements of revisions among them as far as they are known before they run."""
    lines = [f"{about(recorded.kind).BEGIN};"]
    for step in plan.steps:
        lines += ["", *(f"-- {line}" for line in clean(headline(step)).splitlines())]
        lines += _step_sql(step, recorded, version_table)
    return "\n".join([*lines, "", "COMMIT;"])


def sync_sql(step: SyncTracker) -> str:
    """The SQL that makes the legacy tracker true, as one transaction."""
    return "\n".join(["BEGIN;", *(f"{each};" for each in dialect.tracker_statements(step)), "COMMIT;"])


def _step_sql(step: Step, recorded: Recorded, version_table: str) -> Iterator[str]:
    match step:
        case RunOutside():
            yield "COMMIT;"
            yield from _upgrade_sql(step.revision, recorded)
            yield f"{about(recorded.kind).BEGIN};"
        case RunRevision():
            yield from _upgrade_sql(step.revision, recorded)
        case RunDowngrade():
            yield from _downgrade_sql(step.revision, recorded)
        case RunDataStep():
            yield f"-- {step.revision}: data_step() inserts what is missing and overwrites nothing;"
            yield "-- its statements depend on the rows and are known only when it runs"
        case RunRows():
            yield from (_ended(text) for text in recorded.rows.get(step.revision, step.statements))
        case RebuildTable():
            yield _ended(step.sql)
            for column, value in step.fill:
                yield f"-- {dialect.name(column)} is filled with {' '.join(value.split())}"
            yield "-- every row is copied over, then indexes, triggers and views are made again as they were"
        case Stamp():
            key = dialect.name(f"{version_table}_pkc")
            columns = f"version_num VARCHAR(32) NOT NULL, CONSTRAINT {key} PRIMARY KEY (version_num)"
            yield f"CREATE TABLE IF NOT EXISTS {dialect.name(version_table)} ({columns});"
            yield f"DELETE FROM {dialect.name(version_table)};"
            for revision in step.revisions:
                yield f"INSERT INTO {dialect.name(version_table)} (version_num) VALUES ({literal(revision)});"
        case SyncTracker():
            yield from (_ended(each) for each in dialect.tracker_statements(step))
        case Checkpoint():
            yield from ("COMMIT;", f"{about(recorded.kind).BEGIN};")
        case (
            AlterObject() | CreateObject() | DropObject() | RenameTable() | RenameColumn() | AddColumn() | DropColumn()
        ):
            yield from (_ended(text) for text in statements_of(recorded.kind, step))
        case _:
            assert_never(step)


def _upgrade_sql(revision: str, recorded: Recorded) -> Iterator[str]:
    statements = recorded.upgrades.get(revision, ())
    yield from (_ended(statement) for statement in statements)
    if revision in recorded.data_steps:
        yield f"-- {revision}: these are its statements on an empty database; those of data_step() depend on the rows"
        yield "-- and are known only when it runs"
    elif not statements:
        yield f"-- {revision}: runs no statement on an empty database"


def _downgrade_sql(revision: str, recorded: Recorded) -> Iterator[str]:
    if revision not in recorded.downgrades:
        yield f"-- {revision}: the statements of downgrade() are known only when it runs"
        return
    yield recorded.downgrades[revision] or f"-- {revision}: downgrade() runs no statement"


def _ended(sql: str) -> str:
    return f"{sql.strip().removesuffix(';')};"


def plan_json(plan: Plan, sql: str | None) -> PlanJson:
    """A plan's steps, what stands in its way, and what stays; `sql` where it was asked for."""
    from architect_migrate.model.diff import explain

    return {
        "steps": [
            {"kind": type(step).__name__, "revision": getattr(step, "revision", "") or None, "headline": headline(step)}
            for step in plan.steps
        ],
        "blockers": [finding_json(finding) for finding in plan.blockers],
        "kept": [
            {"found": explain(change), "by": str(why.origin), "reason": why.reason or None} for change, why in plan.kept
        ],
        "sql": sql,
    }
