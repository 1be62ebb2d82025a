"""What a database has more than the chain makes, as the statements of a revision that would make it, and unmake it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.core.text import shortlist
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

_REBUILD = "SQLite brings that only by making the table anew: write such a revision by hand"
_BESIDE = (IndexFact, TriggerFact, ViewFact)
_UNNAMED = "whole tables and views come only by name: --object NAME"
_ONCE = "the chain made it once and makes it no longer, so it comes only by name: --object NAME"
_OTHERWISE = "in another shape than the chain makes"


@dataclass(frozen=True, slots=True)
class Left:
    """What a revision does not bring, as people name it, and why."""

    what: str
    why: str


def left_out(left: Iterable[Left], most: int) -> tuple[str, ...]:
    """A line for each reason: what is left for it, of which those beyond `most` are only counted."""
    by_why: dict[str, list[str]] = {}
    for each in left:
        by_why.setdefault(each.why, []).append(each.what)
    return tuple(f"{shortlist(what, most)} ({why})" for why, what in by_why.items())


@dataclass(frozen=True, slots=True)
class Promotion:
    """A revision's statements, the facts that it brings, those that it replaces, and what it leaves.

    `tables` are those that it brings as a whole. `names` are what could have been named, `unknown` what was and means
    nothing that the database has more.
    """

    upgrade: tuple[str, ...]
    downgrade: tuple[str, ...]
    brought: tuple[Fact, ...]
    replaced: tuple[Fact, ...]
    left: tuple[Left, ...]
    tables: tuple[str, ...]
    names: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    """What has been chosen so far: steps up in the order of `_RANKS`, each with its way back."""

    steps: list[tuple[int, tuple[Step, ...], tuple[Step, ...]]] = field(default_factory=list)
    brought: list[Fact] = field(default_factory=list)
    replaced: list[Fact] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    inline: set[Key] = field(default_factory=set)


def promotion(reference: Schema, actual: Schema, names: Iterable[str], once: Container[Key]) -> Promotion:
    """What `actual` has and `reference` has not: what bears one of the names, or what stands on known tables.

    Names are those of tables, of columns (`bugs.mood`), of indexes, triggers and views. Without any, whole tables and
    views are left: most of those are an application's own, which nobody means to give to every database. So is what
    is in `once`, which the chain made and took away again: a database that is behind still has it.
    """
    expected, found = facts(reference), facts(actual)
    wanted, draft = {fold(name): name for name in names}, _Draft()
    tables, known = {table.name: table for table in actual.tables}, {table.name for table in reference.tables}
    met: set[str] = set()
    for change in diff_of_facts((reference, expected), (actual, found)):
        if not isinstance(change, Extra | Differs):
            continue
        called = _called(change.fact, known)
        met |= called
        if wanted and not called & wanted.keys():
            continue
        if isinstance(change, Differs):
            (_replace if wanted and isinstance(change.fact, _BESIDE) else _leave)(change, draft)
        elif not wanted and key(change.fact) in once:
            draft.left.append(Left(describe(change.fact), _ONCE))
        elif table_of(change.fact) in known or wanted:
            _extra(change.fact, tables, known, draft)
        elif isinstance(change.fact, TableFact | ViewFact):
            draft.left.append(Left(describe(change.fact), _UNNAMED))
    return _assembled(draft, met, tuple(name for folded, name in wanted.items() if folded not in met))


def _called(fact: Fact, known: set[str]) -> set[str]:
    """The words that mean a fact: its own name, and that of what it belongs to."""
    match fact:
        case ViewFact():
            return {fact.view.name}
        case IndexFact():
            return {fact.index.name, fact.index.table}
        case TriggerFact():
            return {fact.trigger.name, fact.trigger.table}
        case _ if fact.table not in known:
            return {fact.table}
        case _:
            return {fact.table} | {f"{fact.table}.{name}" for name in _columns_of(fact)}


def _columns_of(fact: Fact) -> Iterable[str]:
    """The columns that a fact of a table speaks of."""
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
            its = tables[fact.table]
            _add(draft, 0, fact, CreateObject("table", its.spelling, its.sql), DropObject("table", its.spelling))
            draft.tables.append(its.spelling)
        case IndexFact() | TriggerFact() | ViewFact():
            rank, made, dropped = _object(fact)
            # What stands on a table that is new goes with it.
            back = () if table_of(fact) in tables and table_of(fact) not in known else (dropped,)
            draft.steps.append((rank, (made,), back))
            draft.brought.append(fact)
        case _ if fact.table not in known:
            draft.brought.append(fact)
        case ColumnFact():
            _column(fact, tables[fact.table], draft)
        case _ if key(fact) in draft.inline:
            draft.brought.append(fact)
        case _:
            draft.left.append(Left(describe(fact), _REBUILD))


def _leave(change: Differs, draft: _Draft) -> None:
    if needs_repair(change):
        more = "and brought only by name: --object NAME" if isinstance(change.fact, _BESIDE) else f"and {_REBUILD}"
        draft.left.append(Left(describe(change.fact), f"{_OTHERWISE}, {more}"))


def _replace(change: Differs, draft: _Draft) -> None:
    """An index, trigger or view that the chain makes in another shape: it is dropped, and made as it is here."""
    rank, made, dropped = _object(change.actual)
    _, made_before, dropped_before = _object(change.fact)
    draft.steps.append((rank, (dropped_before, made), (dropped, made_before)))
    draft.brought.append(change.actual)
    draft.replaced.append(change.fact)


def _object(fact: Fact) -> tuple[int, CreateObject, DropObject]:
    """The rank of an index, trigger or view among the steps, its making, and its going."""
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
        draft.left.append(Left(describe(fact), why))
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
    """Why ALTER TABLE cannot add a column to tables that have rows; empty if it can."""
    column = fact.column
    if column.name in table.primary_key:
        return _REBUILD
    if column.not_null and column.default is None and column.generated is None:
        return "NOT NULL without a default, and the rows of other databases have no value for it"
    try:
        constant = constant_default(table, column)
    except UnreadableSqlError as error:
        return str(error)
    return "" if constant else f"its value is not the same for every row, and {_REBUILD}"


def _add(draft: _Draft, rank: int, fact: Fact, up: Step, down: Step) -> None:
    draft.steps.append((rank, (up,), (down,)))
    draft.brought.append(fact)


def _assembled(draft: _Draft, names: set[str], unknown: tuple[str, ...]) -> Promotion:
    """Tables first, then columns, indexes, views and triggers; back again the other way round."""
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
