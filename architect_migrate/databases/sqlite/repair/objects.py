"""Decides how one index, trigger or view of an SQLite database gets the shape that the chain gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from architect_migrate.core.text import count
from architect_migrate.databases.sqlite.repair.blockers import examples
from architect_migrate.databases.sqlite.repair.ground import doubled
from architect_migrate.databases.sqlite.sql.render import name, not_unique
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import entry
from architect_migrate.model.diff import Change, Differs, Extra, Missing, OtherwiseNamed, Reordered
from architect_migrate.model.facts import ColumnFact, Fact, IndexFact, TableFact, TriggerFact, ViewFact
from architect_migrate.planning import plan

if TYPE_CHECKING:
    from architect_migrate.databases.sqlite.repair.ground import Ground
    from architect_migrate.model.schema import Index


def object_work(ground: Ground, change: Change, revision: str) -> plan.Work:
    """The work that a change to something beside a table takes."""
    match change:
        case Missing():
            return _created(ground, change.fact, revision)
        case Differs():
            return _replaced(ground, change, revision)
        case Extra(fact=IndexFact() as fact):
            kind, its = "index", fact.index
            loosened = plan.CreateObject(kind, its.spelling, not_unique(its.sql), revision)
            return plan.Work((plan.DropObject(kind, its.spelling, revision), loosened))
        case Extra() | OtherwiseNamed() | Reordered():
            return plan.Work()
        case _:
            assert_never(change)


def dropped(change: Extra) -> plan.Work:
    """The work of taking an extra away that a [[resolve]] entry tells to go."""
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
    """Kind, name as spelt, and stored text."""
    match fact:
        case IndexFact():
            return "index", fact.index.spelling, fact.index.sql
        case TriggerFact():
            return "trigger", fact.trigger.spelling, fact.trigger.sql
        case ViewFact():
            return "view", fact.view.spelling, fact.view.sql
        case _:
            raise AssertionError(fact)


def _created(ground: Ground, fact: Fact, revision: str) -> plan.Work:
    if isinstance(fact, IndexFact) and fact.index.unique and (blocker := _doubled(ground, fact.index)):
        return plan.Work((), (blocker,))
    return plan.Work((plan.CreateObject(*_parts(fact), revision),))


def _replaced(ground: Ground, change: Differs, revision: str) -> plan.Work:
    made = _created(ground, change.fact, revision)
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
    """A CREATE INDEX text under another name: its first token that spells the old one is the name."""
    from architect_migrate.databases.sqlite.sql.lexer import significant, unquote

    token = next(it for it in significant(sql) if unquote(it.text) == old)
    return sql[: token.start] + name(new) + sql[token.end :]


def _doubled(ground: Ground, index: Index) -> Finding | None:
    columns = tuple(term.expression for term in index.terms)
    wanted = {it.name for it in ground.expected[index.table].columns}
    if not set(columns) <= wanted:
        return None
    found = doubled(ground, index.table, columns, tuple(term.collation for term in index.terms), index.where)
    if not found.count:
        return None
    return Finding(
        Level.BLOCKING,
        "blocked-duplicates",
        f"index {index.name}",
        f"must be unique, but {count(found.count, 'value stands', 'values stand')} more than once{examples(found)}",
        "make the rows differ, or do without the index: add this to environments.toml",
        entry=entry(index.table, "", f'index = "{index.name}"', "keep = true"),
    )
