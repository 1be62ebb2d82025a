"""Plans the repair of one index, trigger or view of an SQLite database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.core.names import fold
from architect_migrate.core.text import pluralize
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.databases.sqlite.sql.render import name, not_unique
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import entry, fill_of
from architect_migrate.diagnosis.suggestions import FromChain
from architect_migrate.model.diff import Change, Differs, Extra, Missing, OtherwiseNamed, Reordered
from architect_migrate.model.facts import ColumnFact, Fact, IndexFact, TableFact, TriggerFact, ViewFact
from architect_migrate.planning import plan
from architect_migrate.planning.blockers import examples
from architect_migrate.planning.row_questions import Answer, DuplicatesOf, RowsIn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from architect_migrate.model.environment import Repair, Resolution
    from architect_migrate.model.schema import Column, Index, Table
    from architect_migrate.planning.row_questions import Question


def object_work(repair_context: RepairContext, change: Change, revision: str) -> plan.Work:
    """The steps that repair one index, trigger or view, or the blockers; the steps name `revision`."""
    match change:
        case Missing():
            return _created(repair_context, change.fact, revision)
        case Differs():
            return _replaced(repair_context, change, revision)
        case Extra(fact=IndexFact() as fact):
            kind, index = "index", fact.index
            loosened = plan.CreateObject(kind, index.spelling, not_unique(index.sql), revision)
            return plan.Work((plan.DropObject(kind, index.spelling, revision), loosened))
        case Extra(fact=TriggerFact() as fact):
            return plan.Work((plan.DropObject("trigger", fact.trigger.spelling, revision),))
        case Extra() | OtherwiseNamed() | Reordered():
            return plan.Work()
        case _:
            assert_never(change)


def dropped(change: Extra) -> plan.Work:
    """The step that drops an object or column that a [[resolve]] entry says to drop; no step for anything else."""
    match change.fact:
        case ColumnFact() as fact:
            return plan.Work((plan.DropColumn(fact.table, fact.column.spelling),))
        case TableFact() as fact:
            return plan.Work((plan.DropObject("table", fact.table),))
        case IndexFact() | TriggerFact() | ViewFact() as fact:
            kind, spelling, _ = _parts(fact)
            return plan.Work((plan.DropObject(kind, spelling),))
        case _:
            return plan.Work()


def _parts(fact: Fact) -> tuple[str, str, str]:
    """The kind, the name as spelt, and the stored text of an index, trigger or view."""
    match fact:
        case IndexFact():
            return "index", fact.index.spelling, fact.index.sql
        case TriggerFact():
            return "trigger", fact.trigger.spelling, fact.trigger.sql
        case ViewFact():
            return "view", fact.view.spelling, fact.view.sql
        case _:
            raise AssertionError(fact)


def _created(repair_context: RepairContext, fact: Fact, revision: str) -> plan.Work:
    if isinstance(fact, IndexFact) and fact.index.unique and (blocker := _doubled(repair_context, fact.index)):
        return plan.Work((), (blocker,))
    return plan.Work((plan.CreateObject(*_parts(fact), revision),))


def _replaced(repair_context: RepairContext, change: Differs, revision: str) -> plan.Work:
    made = _created(repair_context, change.fact, revision)
    kind, spelling, sql = _parts(change.actual)
    steps: tuple[plan.Step, ...] = (plan.DropObject(kind, spelling, revision), *made.steps)
    if isinstance(change.fact, IndexFact) and isinstance(change.actual, IndexFact):
        other = change.actual.index
        if other.table != change.fact.index.table:
            # Another table's index bears the name that the chain needs: it stays, under a name of its own.
            again = f"{spelling}_{other.table}"
            steps = (*steps, plan.CreateObject(kind, again, _renamed(sql, spelling, again), revision))
    return plan.Work(steps if not made.blockers else (), made.blockers)


def _renamed(sql: str, old: str, new: str) -> str:
    """A CREATE INDEX text under another name; the first token that spells the old name is the index's own."""
    from architect_migrate.databases.sqlite.sql.lexer import significant, unquote

    token = next(each for each in significant(sql) if unquote(each.text) == old)
    return sql[: token.start] + name(new) + sql[token.end :]


def _doubled(repair_context: RepairContext, index: Index) -> Finding | None:
    columns = tuple(term.expression for term in index.terms)
    collations = tuple(term.collation for term in index.terms)
    try:
        found = doubled(repair_context, index.table, columns, collations, index.where)
    except QuestionError:
        if set(columns) <= {column.name for column in repair_context.expected[index.table].columns}:
            raise
        # An expression with a function that this connection does not have; then SQLite refuses what is not unique.
        return None
    if not found.count:
        return None
    return Finding(
        Level.BLOCKING,
        "blocked-duplicates",
        f"index {index.name}",
        f"must be unique, but {pluralize(found.count, 'value occurs', 'values occur')} more than once{examples(found)}",
        "make the values unique, or leave the index out: add this to environments.toml",
        entry=entry(index.table, "", f'index = "{index.name}"', "keep = true"),
    )


@dataclass(frozen=True, slots=True)
class RepairContext:
    """The inputs of repair planning: tables as the chain has them and as they are, resolutions, policy, row questions.

    `expected` and `actual` map folded names to tables; `ask` answers a question about rows of the database; `chain` is
    what the chain says about values, for suggesting entries.
    """

    expected: Mapping[str, Table]
    actual: Mapping[str, Table]
    resolutions: tuple[Resolution, ...]
    repair: Repair
    ask: Callable[[Question], Answer]
    chain: FromChain = field(default_factory=FromChain)

    def column(self, table: str, column: str) -> Column | None:
        """A column of the database by its folded names; None where the table or the column does not exist."""
        found = self.actual.get(table)
        return next((each for each in found.columns if each.name == column), None) if found else None

    def wanted(self, table: str, column: str) -> Column:
        """A column as the chain has it."""
        return next(each for each in self.expected[table].columns if each.name == column)

    def rows(self, table: str) -> int:
        """The number of rows of a table; 0 where the database does not have the table."""
        return self.ask(RowsIn(self.spelling(table))).count if table in self.actual else 0

    def spelling(self, table: str) -> str:
        """A table's name as the database spells it, else as the chain does."""
        found = self.actual.get(table) or self.expected[table]
        return found.spelling or found.name


def doubled(
    repair_context: RepairContext,
    table: str,
    columns: tuple[str, ...],
    collations: tuple[str, ...] = (),
    where: str = "",
) -> Answer:
    """Count the values of these columns, or expressions, that will occur more than once; NULLs do not count.

    For a column that the repair adds, the values that its rows will get are counted: those of the column that it is
    copied from, or its one default.
    """
    if table not in repair_context.actual or _names_new_column(repair_context, table, where):
        return Answer(0)
    held: dict[str, str] = {}
    for place, column in enumerate(columns):
        source = _source(repair_context, table, column)
        if source is None:
            return Answer(0)
        if source:
            held[source] = collations[place] if collations else ""
    if held:
        chosen = tuple(held.values()) if collations else ()
        return repair_context.ask(DuplicatesOf(repair_context.spelling(table), tuple(held), chosen, where))
    rows = repair_context.rows(table)
    return Answer(1, (f"one default in {rows} rows",)) if rows > 1 else Answer(0)


def _source(repair_context: RepairContext, table: str, column: str) -> str | None:
    """The column with a column's values: itself or the one it is copied from; "" for one default, None for NULLs."""
    if repair_context.column(table, column) is not None:
        return column
    if column not in {each.name for each in repair_context.expected[table].columns}:
        return None if _names_new_column(repair_context, table, column) else column
    fill = fill_of(repair_context.resolutions, table, column)
    if fill is not None and (fill.copy_from or fill.default is not None):
        return fill.copy_from or ""
    return None if repair_context.wanted(table, column).default is None else ""


def _names_new_column(repair_context: RepairContext, table: str, expression: str) -> bool:
    """Whether an expression names a column that the repair adds, so that it cannot be evaluated on today's rows."""
    yet = {
        column.name
        for column in repair_context.expected[table].columns
        if repair_context.column(table, column.name) is None
    }
    return any(fold(unquote(token.text)) in yet for token in significant(expression))
