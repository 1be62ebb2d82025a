"""Facts of a schema: each states one property of one object, and has a key and a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, groupby
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from architect_migrate.model.detail import Detail
    from architect_migrate.model.schema import (
        Check,
        Column,
        Conflict,
        ForeignKey,
        Index,
        Key,
        Object,
        Schema,
        Table,
        Trigger,
        View,
    )


_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class TableFact:
    """Existence and options of a table."""

    table: str
    without_rowid: bool = False
    strict: bool = False
    module: str = ""
    detail: Detail | None = None


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column of a table."""

    table: str
    column: Column


@dataclass(frozen=True, slots=True)
class PrimaryKeyFact:
    """The primary key of a table."""

    table: str
    columns: Key
    rowid_key: bool = False
    autoincrement: bool = False


@dataclass(frozen=True, slots=True)
class UniqueFact:
    """A unique constraint on a set of columns; `names` are the constraint's names."""

    table: str
    columns: Key
    names: Key = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class CheckFact:
    """A check constraint by its canonical expression; `names` are the constraint's names."""

    table: str
    check: Check
    names: Key = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ForeignKeyFact:
    """A foreign key; `names` are the constraint's names."""

    table: str
    foreign_key: ForeignKey
    names: Key = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class NameFact:
    """The name of a constraint; if several constraints are equal, all their names.

    `kind` is `primary key`, `unique`, `check` or `foreign key`; `of` identifies the constraint (see `ConstraintName`).
    `columns` are the constraint's columns.
    """

    table: str
    kind: str
    of: Key
    names: Key
    columns: Key = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ConflictFact:
    """A clause of a constraint that is not the usual one; `names` are the constraint's names."""

    table: str
    conflict: Conflict
    names: Key = field(default=(), compare=False)

    @property
    def constraint(self) -> Key:
        """The key of the fact for the constraint: for NOT NULL that of its column."""
        kind = "column" if self.conflict.kind == "not null" else self.conflict.kind
        return (kind, self.table, *self.conflict.columns)


@dataclass(frozen=True, slots=True)
class IndexFact:
    """An index."""

    index: Index


@dataclass(frozen=True, slots=True)
class TriggerFact:
    """A trigger."""

    trigger: Trigger


@dataclass(frozen=True, slots=True)
class ViewFact:
    """A view."""

    view: View


@dataclass(frozen=True, slots=True)
class ObjectFact:
    """An object of another kind than those above."""

    object: Object


Fact = (
    TableFact
    | ColumnFact
    | PrimaryKeyFact
    | UniqueFact
    | CheckFact
    | ForeignKeyFact
    | NameFact
    | ConflictFact
    | IndexFact
    | TriggerFact
    | ViewFact
    | ObjectFact
)

# The constraints that a [[resolve]] entry can drop.
Constraint = UniqueFact | CheckFact | ForeignKeyFact


def key(fact: Fact) -> Key:
    """Return the key of a fact's object, without the object's shape: a schema has one fact per key."""
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
            foreign_key = fact.foreign_key
            return ("foreign key", fact.table, ",".join(foreign_key.columns), foreign_key.parent)
        case NameFact():
            return ("name", fact.table, fact.kind, *fact.of)
        case ConflictFact():
            return ("conflict", fact.table, fact.conflict.kind, *fact.conflict.columns)
        case IndexFact():
            return ("index", fact.index.name)
        case TriggerFact():
            return ("trigger", fact.trigger.name)
        case ViewFact():
            return ("view", fact.view.name)
        case ObjectFact():
            return (fact.object.kind, fact.object.name)


def table_of(fact: Fact) -> str:
    """Return the table of a fact; empty for an object that belongs to none."""
    match fact:
        case IndexFact():
            return fact.index.table
        case TriggerFact():
            return fact.trigger.table
        case ViewFact():
            return ""
        case ObjectFact():
            return fact.object.table
        case _:
            return fact.table


def owner(fact: Fact) -> str:
    """Return the table, view or object under which a fact is reported."""
    match fact:
        case ViewFact():
            return fact.view.name
        case ObjectFact():
            return fact.object.table or fact.object.name
        case _:
            return table_of(fact)


def describe(fact: Fact) -> str:
    """Return the display name of a fact's object: `column bugs.screenshot`, `unique users(username)`."""
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
            foreign_key = fact.foreign_key
            return f"foreign key {fact.table}({', '.join(foreign_key.columns)}) to {foreign_key.parent}"
        case NameFact():
            return f"name {', '.join(fact.names)} of {_constraint(fact)}"
        case ConflictFact(table=table, conflict=conflict):
            columns = ", ".join(conflict.columns)
            of = f"{conflict.kind} {table}({columns})" if columns else f"{conflict.kind} of {table}"
            return f"{conflict.action.upper()} of {of}"
        case IndexFact():
            return f"index {fact.index.name} on {fact.index.table}"
        case TriggerFact():
            return f"trigger {fact.trigger.name} on {fact.trigger.table}"
        case ViewFact():
            return f"view {fact.view.name}"
        case ObjectFact(object=thing):
            return f"{thing.kind} {thing.name}" + f" on {thing.table}" * bool(thing.table)


def _constraint(fact: NameFact) -> str:
    """Return the display name of the constraint that a name belongs to."""
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
    """Yield the facts of one table, its existence first."""
    yield TableFact(table.name, table.without_rowid, table.strict, table.module, table.detail)
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
    for conflict in _ordered(table.conflicts):
        yield ConflictFact(table.name, conflict, named.get((conflict.kind, conflict.columns), ()))


def _names(table: Table) -> dict[tuple[str, Key], Key]:
    """Return the names of a table's constraints by (kind, of), sorted."""
    ordered = sorted(table.constraint_names, key=lambda name: (name.kind, name.of, name.name))
    groups = groupby(ordered, key=lambda constraint_name: (constraint_name.kind, constraint_name.of))
    return {which: tuple(constraint_name.name for constraint_name in group) for which, group in groups}


def _columns_of(table: Table, kind: str, of: Key) -> Key:
    """Return the columns of a named constraint."""
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


def _ordered(parts: frozenset[_Part]) -> Iterable[_Part]:
    """Return the parts in a stable order."""
    # Why the length is checked: `repr` is slow, and most tables have at most one check or foreign key.
    return sorted(parts, key=repr) if len(parts) > 1 else parts


def facts(schema: Schema) -> dict[Key, Fact]:
    """Return every fact of a schema by its key, tables first, then indexes, triggers, views and others.

    Foreign keys of the same columns to the same parent are separate facts: the second one's key ends in "2".
    """
    listed: list[Fact] = [IndexFact(index) for index in schema.indexes]
    listed += [TriggerFact(trigger) for trigger in schema.triggers]
    listed += [ViewFact(view) for view in schema.views]
    listed += [ObjectFact(thing) for thing in schema.objects]
    return _of_tables(schema.tables) | keyed(listed)


def facts_of(schema: Schema, tables: Collection[str]) -> dict[Key, Fact]:
    """Return the facts of some tables, and of the indexes, triggers and other objects on them."""
    listed: list[Fact] = [IndexFact(index) for index in schema.indexes if index.table in tables]
    listed += [TriggerFact(trigger) for trigger in schema.triggers if trigger.table in tables]
    listed += [ObjectFact(thing) for thing in schema.objects if thing.table in tables]
    return _of_tables(table for table in schema.tables if table.name in tables) | keyed(listed)


def _of_tables(tables: Iterable[Table]) -> dict[Key, Fact]:
    by_key: dict[Key, Fact] = {}
    for table in tables:
        by_key.update(_of_table(_Itself(table)))
    return by_key


class _Itself:
    """A table as the key of a cache, where it is no other table's. Why: equal tables may be spelt differently."""

    __slots__ = ("table",)

    def __init__(self, table: Table) -> None:
        self.table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.table is self.table

    def __hash__(self) -> int:
        return id(self.table)


# Why cached: the schemas of a chain share most of their tables, and a database is read several times in one run.
@lru_cache(maxsize=4096)
def _of_table(itself: _Itself) -> Mapping[Key, Fact]:
    return keyed(table_facts(itself.table))


def keyed(listed: Iterable[Fact]) -> dict[Key, Fact]:
    """Return facts by their keys; foreign keys of the same columns and parent are numbered."""
    by_key: dict[Key, Fact] = {}
    for fact in listed:
        its_key = key(fact)
        if isinstance(fact, ForeignKeyFact) and its_key in by_key:
            its_key = next(k for k in numbered_keys(its_key) if k not in by_key)
        by_key[its_key] = fact
    return by_key


def numbered_keys(foreign_key: Key) -> Iterator[Key]:
    """Yield, without end, the keys of foreign keys of the same columns to the same parent, in their order."""
    base = foreign_key[:4]
    yield base
    yield from ((*base, str(number)) for number in count(2))


def named_constraint(fact: NameFact, among: Mapping[Key, Fact]) -> Key | None:
    """Return the key of the constraint that a name belongs to; None if it is not among these facts."""
    kind, table, of = fact.kind, fact.table, fact.of
    if kind != "foreign key":
        its_key: Key = (kind, table, *of)
        return its_key if its_key in among else None
    for its_key in numbered_keys((kind, table, *of[:2])):
        other = among.get(its_key)
        if other is None:
            return None
        if isinstance(other, ForeignKeyFact) and actions(other.foreign_key) == of[2:]:
            return its_key
    return None


def actions(foreign_key: ForeignKey) -> Key:
    """Return the actions and deferral of a foreign key, which distinguish those of the same columns and parent."""
    return (foreign_key.on_delete, foreign_key.on_update, "deferred" if foreign_key.deferred else "")


def stored_text(fact: Fact) -> str:
    """Return the statement that makes an index, trigger, view or other object; empty for other facts."""
    match fact:
        case IndexFact():
            return fact.index.sql
        case TriggerFact():
            return fact.trigger.sql
        case ViewFact():
            return fact.view.sql
        case ObjectFact():
            return fact.object.sql
        case _:
            return ""
