"""Blocks plans with revisions that would fail on rows of their database: rows without a value, equal rows, and so on.

Rows that will refer to nothing are a warning, because the revision succeeds. Only certain results are reported: a table
has the rows that it has now until a step may have changed them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.core.names import BATCH_COPY, fold, quote
from architect_migrate.core.text import pluralize
from architect_migrate.databases.sqlite.repair.table import constant_default
from architect_migrate.databases.sqlite.rows.leaving import left_without_parent, rows_leaving
from architect_migrate.databases.sqlite.rows.questions import ask
from architect_migrate.databases.sqlite.rows.taken import Demand, keys_taken
from architect_migrate.databases.sqlite.rows.unfit import casts_of, default_of
from architect_migrate.databases.sqlite.sql.lexer import words_of
from architect_migrate.databases.sqlite.sql.render import check_text
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.facts import CheckFact, ColumnFact, ForeignKeyFact, IndexFact, UniqueFact, table_of
from architect_migrate.model.history import WRITING, effects, reference, replays, snapshots, tables_ever, writes_of
from architect_migrate.planning import blockers as blocked
from architect_migrate.planning.plan import DropObject, RenameTable, RunRevision, RunRows, Stamp, SyncTracker
from architect_migrate.planning.row_questions import DuplicatesOf, NullsIn, Orphans, RowsIn, Violating

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import Effects, History, Replayed
    from architect_migrate.model.schema import Column, ForeignKey, Key, Schema, Table
    from architect_migrate.planning.plan import Plan, Step
    from architect_migrate.planning.row_questions import Answer


def found_in_rows(connection: sqlite3.Connection, history: History, plan: Plan, there: Schema) -> tuple[Finding, ...]:
    """The rows that make revisions of a plan fail, or that refer to nothing by a key that one adds, as warnings.

    `there` is the schema of the database.
    """
    demands = [*_demands_of(history, plan, there), *_left_without_parent(history, plan, there)]
    answers = [(demand, _answer(connection, demand)) for demand in demands]
    return tuple(demand.found(answer) for demand, answer in answers if answer and answer.count)


def _answer(connection: sqlite3.Connection, demand: Demand) -> Answer | None:
    try:
        return ask(connection, demand.question)
    except QuestionError:  # an unknown function or collation: what the run will meet is not known
        return None


def _demands_of(history: History, plan: Plan, there: Schema) -> Iterator[Demand]:
    """What the revisions of a plan ask of the rows that are in a database now."""
    tables = {table.name: table for table in there.tables}
    for step in plan.steps:
        if isinstance(step, RunRevision | RunRows):
            yield from keys_taken(history, step, tables)
        if isinstance(step, RunRevision):
            yield from rows_leaving(history, step.revision, tables)
        if not isinstance(step, RunRevision):
            if not isinstance(step, Stamp | SyncTracker):
                tables = _without(tables, _words(step))
            continue
        replayed = replays(history)[step.revision]
        written = _written(replayed)
        # What code that looks into tables writes is not known, nor what triggers do.
        if _looks_at_rows(history, step.revision) or (written and there.triggers):
            return
        yield from left_without_parent(history, step.revision, tables)
        yield from casts_of(step.revision, replayed, tables)
        tables = _without(tables, written)
        yield from _demands(history, step.revision, tables)
        tables = _afterwards(tables, effects(history)[step.revision])


def _left_without_parent(history: History, plan: Plan, there: Schema) -> Iterator[Demand]:
    """Rows of the database's own tables that refer to one which the plan drops, or renames as batch operations do."""
    gone = dict(_dropped(history, plan))
    for table in there.tables:
        if table.name in tables_ever(history):
            continue
        for key in table.foreign_keys:
            if key.parent in gone:
                yield _referring(table, key, gone[key.parent])


def _dropped(history: History, plan: Plan) -> Iterator[tuple[str, str]]:
    """Each table that goes with the plan, folded, and what becomes of it, in words."""
    left = {table.name for table in reference(history, plan.after).tables}
    for step in plan.steps:
        match step:
            case RunRevision():
                renamed = {rename.old for rename in replays(history)[step.revision].renames if not rename.table}
                tables = {key[1] for key in effects(history)[step.revision].removed if key[0] == "table"}
                yield from ((table, f"which {step.revision} drops") for table in tables - left - renamed)
            case RenameTable():
                yield fold(step.table), "which gets another name"
            case DropObject(kind="table"):
                yield fold(step.name), "which is dropped"
            case _:
                pass


def _referring(table: Table, key: ForeignKey, fate: str) -> Demand:
    words = f"{{}} to {key.parent} by {', '.join(key.columns)}, {fate}"
    advice = "let them refer to another table by hand, or set them to NULL"
    nulls = " OR ".join(f"{quote(column)} IS NULL" for column in key.columns)

    def found(answer: Answer) -> Finding:
        problem = words.format(pluralize(answer.count, "row refers", "rows refer"))
        subject = f"table {table.spelling or table.name}"
        return Finding(Level.BLOCKING, "blocked-reference", subject, problem, advice)

    return Demand(table.name, Violating(table.spelling or table.name, nulls), found)


def _without(tables: Mapping[str, Table], names: set[str]) -> dict[str, Table]:
    return {name: table for name, table in tables.items() if name not in names}


def _afterwards(tables: Mapping[str, Table], its: Effects) -> dict[str, Table]:
    """The tables whose rows are still what they are now, with the columns whose values are."""
    keys = its.added.keys() | its.removed.keys()
    altered = {
        key for key in keys if key[0] == "column" and not _keeps_values(its.removed.get(key), its.added.get(key))
    }
    left = _without(tables, {key[1] for key in keys if key[0] == "table"})
    return {
        name: replace(table, columns=tuple(one for one in table.columns if ("column", name, one.name) not in altered))
        for name, table in left.items()
    }


def _keeps_values(before: Fact | None, after: Fact | None) -> bool:
    """Whether a column is there before and after, of the same type."""
    if not isinstance(before, ColumnFact) or not isinstance(after, ColumnFact):
        return False
    return before.column.declared == after.column.declared


def _words(step: Step) -> set[str]:
    """The tables that a step of a repair may concern, by every text that it has."""
    texts = (getattr(step, name) for name in step.__dataclass_fields__)
    return {word for text in texts if isinstance(text, str) for word in words_of(text)}


def _looks_at_rows(history: History, revision: str) -> bool:
    data_step = any(each.data_step for each in history.graph.revisions if each.id == revision)
    return data_step or bool(replays(history)[revision].reads)


def _written(replayed: Replayed) -> set[str]:
    """The tables whose rows are others after a revision's statements; a batch operation of Alembic copies them."""
    found = set(writes_of(each for each in replayed.statements if each.verb in WRITING))
    found |= {passing.table for passing in replayed.passing if not passing.name.startswith(BATCH_COPY)}
    found |= {rename.table or rename.new for rename in replayed.renames}
    # A column whose old name another one gets is renamed, too.
    found |= {each.table for stop in replayed.stops[-1:] for each in stop.origins if each.place != each.start}
    found |= {name for move in replayed.moves for name in (move.table, move.new_table)}
    return found | replayed.replaced


def _demands(history: History, revision: str, tables: Mapping[str, Table]) -> Iterator[Demand]:
    its, replayed = effects(history)[revision], replays(history)[revision]
    said = [(one.verb, words_of(one.text)) for one in replayed.statements]
    ways = {name: _ways(said, name) for name in tables}
    for key, fact in its.added.items():
        table = tables.get(table_of(fact))
        if table is None:
            continue
        after = next((one for one in snapshots(history)[revision].tables if one.name == table.name), None)
        if after is None:  # the revision gives it another name
            continue
        match fact:
            case ColumnFact() if key not in its.removed:
                yield from _new_column(revision, after, _as_added(replayed, fact), ways[table.name])
            case ColumnFact() if _has(table, {fact.column.name}):
                yield from _required(revision, after, fact.column, (key, its, ways[table.name]))
            case IndexFact() | UniqueFact():
                yield from _distinct(revision, table, fact, its)
            case ForeignKeyFact(foreign_key=new) if new.parent in tables:
                yield from _orphaned(revision, (table, tables[new.parent]), new)
            case CheckFact() if ways[table.name].batches:
                yield from _checked(revision, table, after, fact)
            case _:
                pass


def _as_added(replayed: Replayed, fact: ColumnFact) -> Column:
    """A new column with the default by which its rows get a value: the revision may take that away again."""
    came = {(table, column): default for table, column, default in replayed.came_with}
    return replace(fact.column, default=came.get((fact.table, fact.column.name), fact.column.default))


@dataclass(frozen=True, slots=True)
class _Ways:
    """How a revision alters a table: the number of copies by batch operations, the words of ALTER TABLE statements."""

    batches: int
    native: frozenset[str]

    @property
    def once(self) -> bool:
        """Whether one batch operation is all that alters the table."""
        return self.batches == 1 and not self.native


def _ways(said: Iterable[tuple[str, frozenset[str]]], table: str) -> _Ways:
    """How statements, by their verbs and words, alter a table."""
    copy = f"{BATCH_COPY}{table}"
    native = [words for verb, words in said if verb == "alter" and table in words and copy not in words]
    return _Ways(sum(verb == "create" and copy in words for verb, words in said), frozenset[str]().union(*native))


def _new_column(revision: str, after: Table, column: Column, ways: _Ways) -> Iterator[Demand]:
    is_rowid = after.rowid_key and column.name in after.primary_key
    if column.generated or is_rowid or not (ways.batches or column.name in ways.native):
        return
    if column.not_null and column.default is None:
        words = "it requires a value, and {} there, with none"
        advice = f"give it a server_default in {revision}, or add it there as nullable, fill it, then make it NOT NULL"
        yield _of_all_rows(revision, after.name, column, (words, f"{advice} (AM301)"))
    elif column.name in ways.native and not constant_default(after, column):
        words = (
            "its default is an expression, and {} there: ALTER TABLE adds such a column only to a table without rows"
        )
        advice = f'add it in {revision} by batch_alter_table("{after.name}", recreate="always")'
        yield _of_all_rows(revision, after.name, column, (words, f"{advice} (AM302)"))
    else:
        yield from default_of(revision, after, column)


def _of_all_rows(revision: str, table: str, column: Column, told: tuple[str, str]) -> Demand:
    words, advice = told
    subject = f"{table}.{column.name}"

    def found(answer: Answer) -> Finding:
        problem = words.format(pluralize(answer.count, "row is", "rows are"))
        return _finding(Finding(Level.BLOCKING, "blocked-required-column", subject, problem), revision, advice)

    return Demand(table, RowsIn(table), found)


def _required(revision: str, after: Table, column: Column, its: tuple[Key, Effects, _Ways]) -> Iterator[Demand]:
    """The demand of a column that a batch operation makes NOT NULL, where nothing else can have filled it."""
    key, effect, ways = its
    before = effect.removed.get(key)
    if ways.once and column.not_null and isinstance(before, ColumnFact) and not before.column.not_null:
        advice = f"set a value for these rows by hand, or in {revision} before it says NOT NULL (AM302)"
        yield Demand(
            after.name,
            NullsIn(after.name, column.name),
            lambda answer: _finding(blocked.null_rows(after, column, answer, None), revision, advice),
        )


def _distinct(revision: str, table: Table, fact: IndexFact | UniqueFact, its: Effects) -> Iterator[Demand]:
    question = _doubled(table.name, fact)
    if question is None:
        return
    columns = question.columns
    if not _has(table, set(columns)) or _are_altered(table, set(columns), its):
        return
    advice = f"make the values unique by hand, or in {revision} before (AM302)"
    yield Demand(
        table.name,
        question,
        lambda answer: _finding(blocked.duplicates(table.name, columns, answer), revision, advice),
    )


def _doubled(table: str, fact: IndexFact | UniqueFact) -> DuplicatesOf | None:
    """The question whether rows share what is to be unique; None for an index that is not."""
    if isinstance(fact, UniqueFact):
        return DuplicatesOf(table, fact.columns)
    terms = fact.index.terms
    columns, collations = (tuple(term.expression for term in terms), tuple(term.collation for term in terms))
    return DuplicatesOf(table, columns, collations, fact.index.where) if fact.index.unique else None


def _checked(revision: str, table: Table, after: Table, fact: CheckFact) -> Iterator[Demand]:
    if not _has(table, set(fact.check.mentions)):
        return
    text = check_text(after, fact.check.expression)
    advice = f"correct these rows by hand, or in {revision} before (AM302)"
    yield Demand(
        table.name,
        Violating(table.name, text),
        lambda answer: _finding(blocked.broken_check(table.name, "", text, answer), revision, advice),
    )


def _orphaned(revision: str, pair: tuple[Table, Table], key: ForeignKey) -> Iterator[Demand]:
    """A warning where rows refer to nothing by a new key: SQLite does not look at rows that are there already."""
    table, parent = pair
    if not _has(table, set(key.columns)) or not _has(parent, set(key.parent_columns)):
        return

    def found(answer: Answer) -> Finding:
        rows = pluralize(answer.count, "row refers", "rows refer")
        where = f"{table.name}({', '.join(key.columns)})"
        problem = f"{revision} adds a key to {parent.name} by which {rows} to nothing{blocked.examples(answer)}"
        advice = "archmig verify reports them until they are corrected"
        return Finding(Level.WARNING, "orphans-to-be", where, problem, advice, revision)

    yield Demand(table.name, Orphans(table.name, key.columns, parent.name, key.parent_columns), found)


def _has(table: Table, columns: set[str]) -> bool:
    return columns <= {column.name for column in table.columns}


def _are_altered(table: Table, columns: set[str], its: Effects) -> bool:
    return any(("column", table.name, column) in its.added for column in columns)


def _finding(finding: Finding, revision: str, advice: str) -> Finding:
    """A finding about a revision that would fail, for which no entry helps: it is run as it is written."""
    return replace(finding, found=f"{revision} would fail: {finding.found}", advice=advice, revision=revision, entry="")
