"""The facts that a schema is made of: each says one thing of one object, and has a key and a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.model.schema import Check, Column, ForeignKey, Index, Key, Schema, Table, Trigger, View


_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class TableFact:
    """That a table exists, and of what sort it is."""

    table: str
    without_rowid: bool = False
    strict: bool = False
    module: str = ""


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """That a table has a column of this shape."""

    table: str
    column: Column


@dataclass(frozen=True, slots=True)
class PrimaryKeyFact:
    """That these columns are the primary key."""

    table: str
    columns: Key
    rowid_key: bool = False
    autoincrement: bool = False


@dataclass(frozen=True, slots=True)
class UniqueFact:
    """That a constraint keeps this set of columns unique."""

    table: str
    columns: Key


@dataclass(frozen=True, slots=True)
class CheckFact:
    """That every row satisfies this canonical expression."""

    table: str
    check: Check


@dataclass(frozen=True, slots=True)
class ForeignKeyFact:
    """That these columns refer to a parent."""

    table: str
    foreign_key: ForeignKey


@dataclass(frozen=True, slots=True)
class IndexFact:
    """That an index exists."""

    index: Index


@dataclass(frozen=True, slots=True)
class TriggerFact:
    """That a trigger exists."""

    trigger: Trigger


@dataclass(frozen=True, slots=True)
class ViewFact:
    """That a view exists."""

    view: View


Fact = (
    TableFact
    | ColumnFact
    | PrimaryKeyFact
    | UniqueFact
    | CheckFact
    | ForeignKeyFact
    | IndexFact
    | TriggerFact
    | ViewFact
)


def key(fact: Fact) -> Key:
    """What a fact is about, whatever it says of it: two facts with one key compete for one place."""
    match fact:
        case TableFact():
            return ("table", fact.table)
        case ColumnFact():
            return ("column", fact.table, fact.column.name)
        case PrimaryKeyFact():
            return ("primary key", fact.table)
        case UniqueFact():
            return ("unique", fact.table, *fact.columns)
        case CheckFact():
            return ("check", fact.table, fact.check.expression)
        case ForeignKeyFact():
            found = fact.foreign_key
            return ("foreign key", fact.table, ",".join(found.columns), found.parent)
        case IndexFact():
            return ("index", fact.index.name)
        case TriggerFact():
            return ("trigger", fact.trigger.name)
        case ViewFact():
            return ("view", fact.view.name)


def table_of(fact: Fact) -> str:
    """The table that a fact belongs to; empty for a view."""
    match fact:
        case IndexFact():
            return fact.index.table
        case TriggerFact():
            return fact.trigger.table
        case ViewFact():
            return ""
        case _:
            return fact.table


def owner(fact: Fact) -> str:
    """The table or view that a fact is told with."""
    return fact.view.name if isinstance(fact, ViewFact) else table_of(fact)


def describe(fact: Fact) -> str:
    """A fact's object as people name it: `column bugs.screenshot`, `unique users(username)`."""
    match fact:
        case TableFact():
            return f"table {fact.table}"
        case ColumnFact():
            return f"column {fact.table}.{fact.column.name}"
        case PrimaryKeyFact():
            return f"primary key of {fact.table}"
        case UniqueFact():
            return f"unique {fact.table}({', '.join(fact.columns)})"
        case CheckFact():
            return f"check on {fact.table}: {fact.check.expression}"
        case ForeignKeyFact():
            found = fact.foreign_key
            return f"foreign key {fact.table}({', '.join(found.columns)}) to {found.parent}"
        case IndexFact():
            return f"index {fact.index.name} on {fact.index.table}"
        case TriggerFact():
            return f"trigger {fact.trigger.name} on {fact.trigger.table}"
        case ViewFact():
            return f"view {fact.view.name}"


def table_facts(table: Table) -> Iterator[Fact]:
    """The facts of one table, its existence first."""
    yield TableFact(table.name, table.without_rowid, table.strict, table.module)
    for column in table.columns:
        yield ColumnFact(table.name, column)
    if table.primary_key:
        yield PrimaryKeyFact(table.name, table.primary_key, table.rowid_key, table.autoincrement)
    for unique in sorted(table.uniques):
        yield UniqueFact(table.name, unique)
    for check in _ordered(table.checks):
        yield CheckFact(table.name, check)
    for foreign_key in _ordered(table.foreign_keys):
        yield ForeignKeyFact(table.name, foreign_key)


def _ordered(found: frozenset[_Part]) -> Iterable[_Part]:
    """The same order every time; most tables have one such thing at most, and to write it out takes its time."""
    return sorted(found, key=repr) if len(found) > 1 else found


def facts(schema: Schema) -> dict[Key, Fact]:
    """Every fact of a schema by its key, tables first, then indexes, triggers and views."""
    found = [fact for table in schema.tables for fact in table_facts(table)]
    found += [IndexFact(index) for index in schema.indexes]
    found += [TriggerFact(trigger) for trigger in schema.triggers]
    found += [ViewFact(view) for view in schema.views]
    return {key(fact): fact for fact in found}
