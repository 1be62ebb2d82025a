"""Proves a run before its commit: the schema matches the chain, no row is lost, and no new orphan appeared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.chain_errors import NotProvenError
from architect_migrate.core.names import fold
from architect_migrate.core.text import pluralize, shortlist
from architect_migrate.databases.registry import dialect, keeper, marks, reader
from architect_migrate.databases.values import Permitted, RowProof
from architect_migrate.diagnosis.drift import to_repair
from architect_migrate.model.compare import storage_class
from architect_migrate.model.diff import explain
from architect_migrate.model.facts import ColumnFact, ObjectFact, TableFact, ViewFact, describe, facts
from architect_migrate.model.history import effects, reference, replays, snapshots
from architect_migrate.model.leftovers import differences
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.plan import (
    AlterObject,
    DropColumn,
    ForgetRow,
    Plan,
    RebuildTable,
    RunDataStep,
    RunDowngrade,
    RunRevision,
    RunRows,
    SyncTracker,
)
from architect_migrate.runs.carried_columns import carried_columns, unmoved_columns
from architect_migrate.runs.carried_tables import carried_tables, renamed_by
from architect_migrate.runs.own_triggers import judged
from architect_migrate.runs.own_triggers import problems as refused_writes
from architect_migrate.runs.survey import as_the_chain_makes_it, in_texts_of_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Connection
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Key, Schema
    from architect_migrate.planning.plan import Step
    from architect_migrate.runs.carried_tables import Carried
    from architect_migrate.runs.own_triggers import Triggered
    from architect_migrate.runs.steps import Written

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome of a proof: the rows table by table, and the number of orphans before and after.

    `passed_on` are the names, folded, that may be another table's after the run.
    """

    rows: RowProof
    orphans_before: int
    orphans_after: int
    passed_on: frozenset[str]


def verify(
    context: EnvironmentContext,
    plan: Plan,
    connection: Connection,
    backup: Path | None,
    written: Written,
    *,
    broken: Counter[str],
) -> Proof:
    """Prove the state that a plan's execution left in the open transaction.

    `backup` is the copy of the rows before the run (None: the database was empty), `broken` the rows that violated
    their table's declarations before. Raises NotProvenError with what is wrong.
    """
    problems = [*_schema_problems(context, plan, connection), *_stamp_problems(context, plan, connection)]
    problems += _tracker_problems(context, plan, connection)
    with keeper.sides(connection, backup) as before:
        if backup is not None:
            problems += _tracker_losses(context, plan, before, connection)
        sides = _Sides(before, connection, context.graph.version_table)
        return _judged(problems, _compared(context, plan, sides, written, broken=broken))


def verify_rows(
    context: EnvironmentContext,
    plan: Callable[[], Plan],
    connection: Connection,
    backup: Path | None,
    written: Written,
    *,
    version_table: str,
    broken: Counter[str],
) -> Proof:
    """Prove the rows as `verify` does, and neither the schema nor the stamp: a run of Alembic may leave drift alone.

    Why first without a `plan`: what the chain does is learned only where something changed, since that takes a replay.
    """
    nothing = Plan((), (), (), frozenset(), frozenset())
    with keeper.sides(connection, backup) as before:
        sides = _Sides(before, connection, version_table)
        proof, problems = _compared(context, nothing, sides, written, broken=broken)
        return proof if not problems else _judged([], _compared(context, plan(), sides, written, broken=broken))


class _Sides(NamedTuple):
    """The rows before a run and after it, with the name of the version table."""

    before: Connection
    after: Connection
    version_table: str


def _judged(problems: list[str], compared: tuple[Proof, list[str]]) -> Proof:
    proof, more = compared
    problems += more
    if problems:
        raise NotProvenError(tuple(problems[:_SHOWN]), max(0, len(problems) - _SHOWN))
    return proof


def unwritten_tables(proof: Proof, version_table: str) -> set[str]:
    """The tables that no step wrote to and that have had their names throughout; not the version table."""
    others = {*proof.passed_on, fold(version_table)}
    return {table.table for table in proof.rows.tables if not table.compared and fold(table.table) not in others}


def rows_kept(rows: RowProof) -> str:
    """How many rows were there and are there, and how many are gone, table by table."""
    kept = [table for table in rows.tables if not table.dropped]
    number = sum(table.rows_before - table.gone for table in kept)
    unwritten = f"{pluralize(rows.unwritten, 'table')} not written"
    if rows.unwritten and not rows.tables:
        return unwritten
    said = f"{pluralize(number, 'row')} in {pluralize(len(kept), 'table')} kept"
    said += f", {unwritten}" if rows.unwritten else ""
    gone = [table for table in rows.tables if table.gone]
    each = [f"{table.gone:,} of {table.table}{' with the table' if table.dropped else ''}" for table in gone]
    return (
        f"{said}, {pluralize(sum(table.gone for table in gone), 'row')} gone ({shortlist(each, 3)})" if gone else said
    )


def _schema_problems(context: EnvironmentContext, plan: Plan, connection: Connection) -> list[str]:
    graph = context.graph
    if as_the_chain_makes_it(context, connection, graph, plan.after):
        return []
    schema = reader.read_schema(connection, context.hidden(graph.version_table))
    return unlike_the_chain(context, plan, schema) + _left_over(context, plan, schema)


def unlike_the_chain(context: EnvironmentContext, plan: Plan, schema: Schema) -> list[str]:
    """Return a line for each difference between a schema and the chain at the end of a plan, without allowed ones."""
    if not (unlike := _unlike(context, plan, schema)):
        return []
    # Why: a restored database keeps texts that its server would write otherwise.
    same = in_texts_of_chain(context, schema, plan.after)
    return unlike if same == schema else _unlike(context, plan, same)


def _unlike(context: EnvironmentContext, plan: Plan, schema: Schema) -> list[str]:
    changes = differences(context.history, plan.after, schema)
    return [explain(change) for change in to_repair(changes, context.resolutions)]


def _left_over(context: EnvironmentContext, plan: Plan, schema: Schema) -> list[str]:
    """Objects that a `downgrade()` should have removed and did not.

    Why a failure, although nothing breaks by them: the stamp would claim a schema that the database does not have.
    """
    actual, expected = facts(schema), facts(reference(context.history, plan.after))
    does = effects(context.history)
    undone = [step.revision for step in plan.steps if isinstance(step, RunDowngrade)]
    return [
        f"the downgrade() of {revision} leaves {describe(fact)}"
        for revision in undone
        for fact_key, fact in does[revision].added.items()
        if fact_key in actual
        and fact_key not in expected
        and isinstance(fact, TableFact | ColumnFact | ViewFact | ObjectFact)
    ]


def _stamp_problems(context: EnvironmentContext, plan: Plan, connection: Connection) -> list[str]:
    graph = context.graph
    stamp = marks.read_claims(connection, None, graph.version_table).stamp
    wanted = heads(graph, plan.after)
    return [] if set(stamp or ()) == set(wanted) else [f"the stamp is {stamp}, not {wanted}"]


def _tracker_problems(context: EnvironmentContext, plan: Plan, connection: Connection) -> list[str]:
    """Rows of the tracker that still need a correction, after the plan has corrected them."""
    graph = context.graph
    if context.tracker is None or not any(isinstance(step, SyncTracker) for step in plan.steps):
        return []
    left = context.corrections(marks.read_claims(connection, context.tracker, graph.version_table), plan.after)
    return [f"the tracker's row {name.version} still does not match the applied revisions" for name in left]


def _tracker_losses(context: EnvironmentContext, plan: Plan, before: Connection, after: Connection) -> Iterator[str]:
    """Rows of the tracker that changed although no step changes them."""
    graph = context.graph
    touched = {change.version for step in plan.steps if isinstance(step, SyncTracker) for change in step.changes}
    if context.tracker is None or not touched:
        return
    old, new = (
        Counter(marks.read_claims(connection, context.tracker, graph.version_table).rows)
        for connection in (before, after)
    )
    yield from (
        f"the tracker's row {name.version} was changed although no step changes it"
        for name in old - new
        if name.version not in touched
    )


def _compared(
    context: EnvironmentContext,
    plan: Plan,
    sides: _Sides,
    written: Written,
    *,
    broken: Counter[str],
) -> tuple[Proof, list[str]]:
    before, after, version_table = sides
    triggered = judged(context, written.triggered, written.changed | _replaced(context, plan))
    tables = carried_tables(context.history, plan, written.renames)
    permitted = _permitted(context, plan, (written, triggered, tables), version_table)
    permitted = replace(permitted, left_out=frozenset(_left_out(tables, written)))
    rows = keeper.prove_rows(before, after, permitted)
    problems = refused_writes(triggered.refused)
    problems += [f"{loss.table} {loss.key}: {loss.problem}".replace(" :", ":") for loss in rows.losses]
    problems += _ways_out({fold(loss.table) for loss in rows.losses}, context, plan)
    if rows.lost > len(rows.losses):
        problems.append(f"{rows.lost - len(rows.losses)} more rows")
    old, new, orphans = keeper.orphaned(before, after, permitted)
    problems += (*orphans, *keeper.worsened(before, after, permitted.touched, broken))
    renamed = {fold(name) for pair in permitted.renamed | written.renames for name in pair}
    return Proof(rows, old, new, permitted.removed_tables | renamed), problems


def _ways_out(lacking: set[str], context: EnvironmentContext, plan: Plan) -> Iterator[str]:
    """What to do where a revision copies rows into a table whose own clause leaves some of them out."""
    for step in plan.steps:
        if lacking and isinstance(step, RunRevision):
            copied = {passing.table for passing in replays(context.history)[step.revision].passing}
            tables = lacking & copied & _clashing(context.history, step.revision, {"replace", "ignore"})
            for table in sorted(tables):
                told = f"{step.revision} copies {table} into one whose ON CONFLICT clause keeps one row of equal ones"
                yield f"{told}: make the values unique by hand, or delete the others in {step.revision} before it"


def _permitted(
    context: EnvironmentContext, plan: Plan, seen: tuple[Written, Triggered, Carried], version_table: str
) -> Permitted:
    """The changes that the run may have made to rows.

    They are the writes of the chain's own code, and what the chain or a [[resolve]] entry removes or fills.
    """
    written, triggered, tables = seen
    updated = {(write.table, write.column) for write in triggered.permitted if write.verb == "update"}
    # A copy may cast values only where the chain gives the column another declaration.
    updated |= written.cast & {(new.table, new.column.name) for _, new in _redeclared(context, plan)}
    deleted = {write.table for write in triggered.permitted if write.verb == "delete"}
    replaced = _replaced(context, plan) & written.written
    # A row that is deleted and inserted anew may have any values.
    replaced |= written.deleted & written.inserted
    inserts = [write for write in triggered.permitted if write.verb == "insert"]
    replaced |= {write.table for write in inserts if dialect.replaces_rows(write.sql)}
    # `_tracker_losses` proves which rows of the tracker may change.
    synced = [step for step in plan.steps if isinstance(step, SyncTracker)]
    deleted |= {fold(step.table) for step in synced if any(isinstance(each, ForgetRow) for each in step.changes)}
    # `_stamp_problems` proves the stamp; back to base, or where branches meet, it has fewer rows than before.
    deleted.add(fold(version_table))
    of = _Renamed(tables.aliases)
    columns, new_names = _columns(context, plan, written, of)
    moves = ((old, of.table(new), pairs) for old, (new, pairs) in tables.moved.items())
    return Permitted(
        touched=of.tables(written.rewritten | written.written),
        updated=of.places(written.updated | updated | set(_filled(plan, version_table))),
        converted=of.places(_converted(context, plan)),
        removed_columns=columns,
        removed_tables=tables.dropped,
        deleted_from=of.tables(written.deleted | deleted | replaced),
        replaced=of.tables(replaced),
        remade=of.tables(written.remade),
        renamed=tables.renamed,
        renamed_columns=new_names,
        moved=frozenset(moves),
    )


class _Renamed(NamedTuple):
    """Tables that get another name, under which what was written to them counts as well."""

    aliases: Mapping[str, str]

    def table(self, name: str) -> str:
        """The last name of a table."""
        return self.aliases.get(name, name)

    def tables(self, names: Iterable[str]) -> frozenset[str]:
        """The same tables, under their last names too."""
        return frozenset(each for name in names for each in (name, self.table(name)))

    def places(self, places: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """The same columns, under the last names of their tables too."""
        return frozenset(each for table, column in places for each in ((table, column), (self.table(table), column)))


def _left_out(tables: Carried, written: Written) -> Iterator[tuple[str, int, int]]:
    """The tables that revisions copy by their own SELECT to what takes their place, with how many rows are left out.

    They are known by the names that they have afterwards. Rows that the run itself inserted may be among those left
    out.
    """
    last, found = dict(tables.renamed), Counter[str]()
    for copied in {*tables.copied}:
        number = written.left_out.get((copied.revision, copied.source, copied.target), 0)
        found[copied.table] += max(number, 0)
    grown = {copied.table for copied in tables.copied if {copied.table, copied.source} & written.inserted}
    for table, number in (+found).items():
        yield last.get(table, table), 0 if table in grown else number, number


def _columns(
    context: EnvironmentContext, plan: Plan, written: Written, of: _Renamed
) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str, str]]]:
    """The columns that the run takes away, and those that it renames, with their new names."""
    carried = carried_columns(context.history, plan, written.dropped_columns)
    named = {
        (of.table(place[0]), place[1], to[1])
        for place, to in carried.items()
        if to and of.table(place[0]) in {to[0], of.table(to[0])}
    }
    columns = of.places(_removed_columns(context, plan, written))
    columns |= {(of.table(table), column) for table, column in carried}
    columns -= {(table, column) for table, column, _ in named}
    return columns, frozenset(each for each in named if each[1] != each[2])


def _removed_columns(context: EnvironmentContext, plan: Plan, written: Written) -> set[tuple[str, str]]:
    columns = {(key[1], key[2]) for key in _removed(context, plan)}
    columns |= {(fold(step.table), fold(step.column)) for step in plan.steps if isinstance(step, DropColumn)}
    # A column that the chain's own ALTER TABLE drops and makes again has lost its values by its word.
    return columns | (written.dropped_columns - unmoved_columns(context.history, plan))


def _filled(plan: Plan, version_table: str) -> Iterator[tuple[str, str]]:
    """The columns that the plan's own steps write: the stamp, the tracker's words, and what an entry fills."""
    yield fold(version_table), "version_num"
    for step in plan.steps:
        match step:
            case RebuildTable():  # an entry fills NULLs of a column that is there, and keeps every other value
                yield from ((fold(step.table), fold(to)) for to, _ in step.fill)
            case AlterObject():
                yield from ((step.name, to) for to, _ in step.fill)
            case SyncTracker():
                words = step.tracker.description, step.tracker.checksum
                yield from ((fold(step.table), fold(name)) for name in words)
            case _:
                pass


def _removed(context: EnvironmentContext, plan: Plan) -> set[Key]:
    """The keys of columns that the chain's code removes; one that only gets another declaration stays."""
    gone = (gone.keys() - stays for _, gone, stays in _done(context, plan))
    return {key for keys in gone for key in keys if key[0] == "column"}


def _replaced(context: EnvironmentContext, plan: Plan) -> set[str]:
    """The tables in which statements of the chain take the place of rows with the same key.

    They say so themselves, or the chain's table does: `ON CONFLICT REPLACE`.
    """
    run = {step.revision for step in plan.steps if isinstance(step, RunRevision | RunDataStep | RunRows)}
    return {
        table
        for revision, replayed in (replays(context.history).items() if run else ())
        if revision in run
        for statement in replayed.statements
        for table in statement.writes
        if dialect.replaces_rows(statement.text) or table in _clashing(context.history, revision, {"replace"})
    }


def _clashing(history: History, revision: str, actions: set[str]) -> frozenset[str]:
    """The tables that the chain declares with one of these ON CONFLICT actions, as a revision leaves them."""
    words = {f"on conflict {action}" for action in actions}
    tables = snapshots(history)[revision].tables
    return frozenset(table.name for table in tables for each in table.conflicts if each.action in words)


def _converted(context: EnvironmentContext, plan: Plan) -> set[tuple[str, str]]:
    """The columns whose type the chain's code changes, or a step of the plan."""
    own = {place for step in plan.steps if isinstance(step, AlterObject) for place in step.converted}
    return own | {
        (new.table, new.column.name)
        for old, new in _redeclared(context, plan)
        if storage_class(old.column) != storage_class(new.column)
    }


def _redeclared(context: EnvironmentContext, plan: Plan) -> Iterator[tuple[ColumnFact, ColumnFact]]:
    """The columns that the chain's code gives another declaration, before and after."""
    for _, before, after in _done(context, plan):
        for key, old in before.items():
            if isinstance(old, ColumnFact) and isinstance(new := after.get(key), ColumnFact):
                yield old, new


def _done(context: EnvironmentContext, plan: Plan) -> Iterator[tuple[Step, Mapping[Key, Fact], Mapping[Key, Fact]]]:
    """The steps that run the chain's code, each with the facts that it removes and those that it makes."""
    for step in plan.steps:
        match step:
            case RunRevision():
                does = effects(context.history)[step.revision]
                of = _Renamed(renamed_by(context.history, step.revision))
                before = {(key[0], of.table(key[1]), *key[2:]): fact for key, fact in does.removed.items()}
                yield step, before, does.added
            case RunDowngrade():
                does = effects(context.history)[step.revision]
                yield step, does.added, does.removed
            case _:
                pass
