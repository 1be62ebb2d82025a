"""The facts that a schema is made of: each says one thing of one object, and has a key and a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count, groupby
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.model.schema import (
        Check,
        Column,
        ForeignKey,
        Index,
        Key,
        Schema,
        Table,
        Trigger,
        View,
    )


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
    """That a constraint keeps this set of columns unique; `names` are what it is called."""

    table: str
    columns: Key
    names: Key = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class CheckFact:
    """That every row satisfies this canonical expression; `names` are what the check is called."""

    table: str
    check: Check
    names: Key = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ForeignKeyFact:
    """That these columns refer to a parent; `names` are what the foreign key is called."""

    table: str
    foreign_key: ForeignKey
    names: Key = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class NameFact:
    """What a constraint is called; of several that say the same, all their names.

    `kind` is `primary key`, `unique`, `check` or `foreign key`; `of` says which one (see `ConstraintName`).
    `columns` are those that the constraint is about.
    """

    table: str
    kind: str
    of: Key
    names: Key
    columns: Key = field(default=(), compare=False)


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
    | NameFact
    | IndexFact
    | TriggerFact
    | ViewFact
)

# What a [[resolve]] entry can drop from within a table.
Constraint = UniqueFact | CheckFact | ForeignKeyFact


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
        case NameFact():
            return ("name", fact.table, fact.kind, *fact.of)
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
        case NameFact():
            return f"name {', '.join(fact.names)} of {_constraint(fact)}"
        case IndexFact():
            return f"index {fact.index.name} on {fact.index.table}"
        case TriggerFact():
            return f"trigger {fact.trigger.name} on {fact.trigger.table}"
        case ViewFact():
            return f"view {fact.view.name}"


def _constraint(fact: NameFact) -> str:
    """The constraint that a name is of, as people call it."""
    of = fact.of
    match fact.kind:
        case "primary key":
            return f"the primary key of {fact.table}"
        case "check":
            return f"check on {fact.table}: {of[0]}"
        case "foreign key":
            return f"foreign key {fact.table}({of[0]}) to {of[1]}"
        case kind:
            return f"{kind} {fact.table}({', '.join(of)})"


def table_facts(table: Table) -> Iterator[Fact]:
    """The facts of one table, its existence first."""
    yield TableFact(table.name, table.without_rowid, table.strict, table.module)
    for column in table.columns:
        yield ColumnFact(table.name, column)
    if table.primary_key:
        yield PrimaryKeyFact(table.name, table.primary_key, table.rowid_key, table.autoincrement)
    named = _names(table) if table.constraint_names else {}
    for unique in sorted(table.uniques):
        yield UniqueFact(table.name, unique, named.get(("unique", unique), ()))
    for check in _ordered(table.checks):
        yield CheckFact(table.name, check, named.get(("check", (check.expression,)), ()))
    for foreign_key in _ordered(table.foreign_keys):
        of = (",".join(foreign_key.columns), foreign_key.parent, *actions(foreign_key))
        yield ForeignKeyFact(table.name, foreign_key, named.get(("foreign key", of), ()))
    for (kind, of), names in named.items():
        yield NameFact(table.name, kind, of, names, _columns_of(table, kind, of))


def _names(table: Table) -> dict[tuple[str, Key], Key]:
    """The names of a table's constraints, by their kind and what tells them apart."""
    ordered = sorted(table.constraint_names, key=lambda name: (name.kind, name.of, name.name))
    groups = groupby(ordered, key=lambda constraint_name: (constraint_name.kind, constraint_name.of))
    return {which: tuple(constraint_name.name for constraint_name in group) for which, group in groups}


def _columns_of(table: Table, kind: str, of: Key) -> Key:
    """The columns that a named constraint is about."""
    match kind:
        case "primary key":
            return table.primary_key
        case "foreign key":
            return tuple(of[0].split(","))
        case "check":
            mentions = (check.mentions for check in table.checks if check.expression == of[0])
            return tuple(sorted(next(mentions, frozenset())))
        case _:
            return of


def _ordered(found: frozenset[_Part]) -> Iterable[_Part]:
    """The same order every time; most tables have one such thing at most, and to write it out takes its time."""
    return sorted(found, key=repr) if len(found) > 1 else found


def facts(schema: Schema) -> dict[Key, Fact]:
    """Every fact of a schema by its key, tables first, then indexes, triggers and views.

    Foreign keys of the same columns to the same parent are facts of their own: the second one's key ends in "2".
    """
    listed = [fact for table in schema.tables for fact in table_facts(table)]
    listed += [IndexFact(index) for index in schema.indexes]
    listed += [TriggerFact(trigger) for trigger in schema.triggers]
    listed += [ViewFact(view) for view in schema.views]
    return keyed(listed)


def keyed(listed: Iterable[Fact]) -> dict[Key, Fact]:
    """Facts by their keys, each of several foreign keys under one of its own."""
    found: dict[Key, Fact] = {}
    for fact in listed:
        its_key = key(fact)
        if isinstance(fact, ForeignKeyFact) and its_key in found:
            its_key = next(k for k in alike(its_key) if k not in found)
        found[its_key] = fact
    return found


def alike(foreign_key: Key) -> Iterator[Key]:
    """The keys of all foreign keys of the same columns to the same parent, in their order."""
    base = foreign_key[:4]
    yield base
    yield from ((*base, str(number)) for number in count(2))


def named_constraint(fact: NameFact, among: Mapping[Key, Fact]) -> Key | None:
    """The key of the constraint that a name belongs to; None where it is not among these facts."""
    kind, table, of = fact.kind, fact.table, fact.of
    if kind != "foreign key":
        its_key: Key = (kind, table, *of)
        return its_key if its_key in among else None
    for its_key in alike((kind, table, *of[:2])):
        other = among.get(its_key)
        if other is None:
            return None
        if isinstance(other, ForeignKeyFact) and actions(other.foreign_key) == of[2:]:
            return its_key
    return None


def actions(foreign_key: ForeignKey) -> Key:
    """What tells foreign keys of the same columns to the same parent apart."""
    return (foreign_key.on_delete, foreign_key.on_update, "deferred" if foreign_key.deferred else "")
