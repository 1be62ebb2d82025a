"""Statements of a revision that adds the extra objects of a database to the chain, and of its downgrade."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.promotion import LeftOut, Promotion
from architect_migrate.databases.sqlite.repair.table import constant_default
from architect_migrate.databases.sqlite.sql.lexer import canonical
from architect_migrate.databases.sqlite.sql.nodes import Check, ForeignKey, PrimaryKey, Unique
from architect_migrate.databases.sqlite.sql.render import column_definition, declared_with, statement
from architect_migrate.model.diff import Differs, Extra, diff_of_facts, needs_repair
from architect_migrate.model.facts import (
    CheckFact,
    ColumnFact,
    Fact,
    ForeignKeyFact,
    IndexFact,
    ObjectFact,
    PrimaryKeyFact,
    TableFact,
    TriggerFact,
    UniqueFact,
    ViewFact,
    describe,
    facts,
    key,
    table_of,
)
from architect_migrate.planning.plan import AddColumn, CreateObject, DropColumn, DropObject

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from architect_migrate.model.schema import Key, Schema, Table
    from architect_migrate.planning.plan import Step

_REBUILD = "SQLite can only do that by rebuilding the table: write such a revision by hand"
# Objects that can be dropped and created without touching their table.
_BESIDE = (IndexFact, TriggerFact, ViewFact)
_UNNAMED = "whole tables and views are only promoted by name: --object NAME"
_ONCE = "the chain removed it, so it is only promoted by name: --object NAME"
_OTHERWISE = "in another shape than the chain makes"


@dataclass(slots=True)
class _Draft:
    """Objects chosen so far; each step has a rank, by which `_assembled` sorts, and its reverse."""

    steps: list[tuple[int, tuple[Step, ...], tuple[Step, ...]]] = field(default_factory=list)
    brought: list[Fact] = field(default_factory=list)
    replaced: list[Fact] = field(default_factory=list)
    left: list[LeftOut] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    inline: set[Key] = field(default_factory=set)


def promotion(reference: Schema, actual: Schema, names: Iterable[str], once: Container[Key]) -> Promotion:
    """Return the promotion of the objects of `actual` that `reference` lacks: those with one of the names.

    Names are those of tables, of columns (`bugs.mood`), of indexes, triggers and views. Without names, all extra
    objects of the chain's tables. Why whole tables and views are then left out: most are the application's own. Why
    facts in `once` are left out: the chain made and removed them, and a database that is behind still has them.
    """
    expected, extra = facts(reference), facts(actual)
    wanted, draft = {fold(name): name for name in names}, _Draft()
    tables, known = {table.name: table for table in actual.tables}, {table.name for table in reference.tables}
    met: set[str] = set()
    for change in diff_of_facts((reference, expected), (actual, extra)):
        if not isinstance(change, Extra | Differs):
            continue
        called = _called(change.fact, known)
        met |= called
        if wanted and not called & wanted.keys():
            continue
        if isinstance(change, Differs):
            (_replace if wanted and isinstance(change.fact, _BESIDE) else _leave)(change, draft)
        elif not wanted and key(change.fact) in once:
            draft.left.append(LeftOut(describe(change.fact), _ONCE))
        elif table_of(change.fact) in known or wanted:
            _extra(change.fact, tables, known, draft)
        elif isinstance(change.fact, TableFact | ViewFact):
            draft.left.append(LeftOut(describe(change.fact), _UNNAMED))
    return _assembled(draft, met, tuple(name for folded, name in wanted.items() if folded not in met))


def _called(fact: Fact, known: set[str]) -> set[str]:
    """Return the names that select a fact: its own, and that of its table."""
    match fact:
        case ViewFact():
            return {fact.view.name}
        case IndexFact():
            return {fact.index.name, fact.index.table}
        case TriggerFact():
            return {fact.trigger.name, fact.trigger.table}
        case ObjectFact():
            return {fact.object.name, fact.object.table}
        case _ if fact.table not in known:
            return {fact.table}
        case _:
            return {fact.table} | {f"{fact.table}.{name}" for name in _columns_of(fact)}


def _columns_of(fact: Fact) -> Iterable[str]:
    """Return the columns of a table's fact."""
    match fact:
        case ColumnFact():
            return (fact.column.name,)
        case CheckFact():
            return fact.check.mentions
        case ForeignKeyFact():
            return fact.foreign_key.columns
        case PrimaryKeyFact() | UniqueFact():
            return fact.columns
        case _:
            return ()


def _extra(fact: Fact, tables: Mapping[str, Table], known: set[str], draft: _Draft) -> None:
    match fact:
        case TableFact():
            table = tables[fact.table]
            create = CreateObject("table", table.spelling, table.sql)
            _add(draft, 0, fact, create, DropObject("table", table.spelling))
            draft.tables.append(table.spelling)
        case IndexFact() | TriggerFact() | ViewFact():
            rank, made, dropped = _object(fact)
            # Why no downgrade step on a new table: dropping the table drops its indexes and triggers.
            back = () if table_of(fact) in tables and table_of(fact) not in known else (dropped,)
            draft.steps.append((rank, (made,), back))
            draft.brought.append(fact)
        case ObjectFact():
            draft.left.append(LeftOut(describe(fact), _REBUILD))
        case _ if fact.table not in known:
            draft.brought.append(fact)
        case ColumnFact():
            _column(fact, tables[fact.table], draft)
        case _ if key(fact) in draft.inline:
            draft.brought.append(fact)
        case _:
            draft.left.append(LeftOut(describe(fact), _REBUILD))


def _leave(change: Differs, draft: _Draft) -> None:
    if needs_repair(change):
        by_name = isinstance(change.fact, _BESIDE)
        more = "and only promoted by name: --object NAME" if by_name else f"and {_REBUILD}"
        draft.left.append(LeftOut(describe(change.fact), f"{_OTHERWISE}, {more}"))


def _replace(change: Differs, draft: _Draft) -> None:
    """Add the steps that drop the chain's index, trigger or view and create the database's."""
    rank, made, dropped = _object(change.actual)
    _, made_before, dropped_before = _object(change.fact)
    draft.steps.append((rank, (dropped_before, made), (dropped, made_before)))
    draft.brought.append(change.actual)
    draft.replaced.append(change.fact)


def _object(fact: Fact) -> tuple[int, CreateObject, DropObject]:
    """Return the rank of an index, trigger or view among the steps, and the steps that create and drop it."""
    match fact:
        case IndexFact():
            rank, kind, spelling, sql = 2, "index", fact.index.spelling, fact.index.sql
        case ViewFact():
            rank, kind, spelling, sql = 3, "view", fact.view.spelling, fact.view.sql
        case TriggerFact():
            rank, kind, spelling, sql = 4, "trigger", fact.trigger.spelling, fact.trigger.sql
        case _:
            raise AssertionError(fact)
    return rank, CreateObject(kind, spelling, sql), DropObject(kind, spelling)


def _column(fact: ColumnFact, table: Table, draft: _Draft) -> None:
    column = fact.column
    why = _not_addable(table, fact)
    if why:
        draft.left.append(LeftOut(describe(fact), why))
        return
    definition = column_definition(table, column.name, (Unique, PrimaryKey))
    added = AddColumn(table.spelling, column.spelling, definition)
    _add(draft, 1, fact, added, DropColumn(table.spelling, column.spelling))
    for constraint in declared_with(table, column.name):
        match constraint:
            case Check():
                draft.inline.add(("check", table.name, canonical(constraint.expression)))
            case ForeignKey():
                draft.inline.add(("foreign key", table.name, column.name, fold(constraint.table)))
            case _:
                pass


def _not_addable(table: Table, fact: ColumnFact) -> str:
    """Say why ALTER TABLE cannot add a column to a table with rows; empty if it can."""
    column = fact.column
    if column.name in table.primary_key:
        return _REBUILD
    if column.not_null and column.default is None and column.generated is None:
        return "it is NOT NULL without a default, and the rows of other databases have no value for it"
    try:
        constant = constant_default(table, column)
    except UnreadableSqlError as error:
        return str(error)
    return "" if constant else f"its value is not the same for every row, and {_REBUILD}"


def _add(draft: _Draft, rank: int, fact: Fact, up: Step, down: Step) -> None:
    draft.steps.append((rank, (up,), (down,)))
    draft.brought.append(fact)


def _assembled(draft: _Draft, names: set[str], unknown: tuple[str, ...]) -> Promotion:
    """Build the promotion: tables first, then columns, indexes, views and triggers; the downgrade in reverse.

    Why this order: each kind may refer to those before it.
    """
    ordered = sorted(draft.steps, key=lambda step: step[0])
    return Promotion(
        upgrade=tuple(statement(step) for _, up, _ in ordered for step in up),
        downgrade=tuple(statement(step) for _, _, down in reversed(ordered) for step in down),
        brought=tuple(draft.brought),
        replaced=tuple(draft.replaced),
        left=tuple(draft.left),
        tables=tuple(draft.tables),
        names=tuple(sorted(names)),
        unknown=unknown,
    )
