"""A schema as a frozen value.

Names are compared as SQLite compares them: without case. `name` fields hold the lower-cased name; `spelling`
and `sql` say how the database spells it and ride outside equality. Whoever builds these values (a reader of
one kind of database) has normalised expressions, defaults and types: equal values mean equal behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Generated:
    """How a generated column is computed: canonical expression, and whether the value is stored."""

    expression: str
    stored: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `default` is canonical text (None: no default), `declared` the type in upper case."""

    name: str
    declared: str
    affinity: str
    not_null: bool = False
    default: str | None = None
    collation: str = "binary"
    generated: Generated | None = None
    spelling: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; `parent_columns` are the parent's primary key where the text leaves them out."""

    columns: Key
    parent: str
    parent_columns: Key
    on_update: str = "no action"
    on_delete: str = "no action"
    deferred: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its canonical expression; `mentions` are the columns that it names."""

    expression: str
    mentions: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class ConstraintName:
    """The name of a constraint, as it is spelt: Alembic finds a constraint by it, letter for letter.

    `kind` is `primary key`, `unique`, `check` or `foreign key`; `of` says which one of its table: the columns, the
    canonical expression, or for a foreign key columns, parent and actions.
    """

    name: str
    kind: str
    of: Key = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `uniques` are the column sets (sorted) that constraints keep unique.

    `rowid_key` says that the primary key is another name of the rowid (SQLite's INTEGER PRIMARY KEY).

    `module` is the canonical text of a virtual table's module and arguments, else empty. `opaque` says why
    the table's text could not be read in full (its checks are then unknown), else it is empty.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: Key = ()
    rowid_key: bool = False
    autoincrement: bool = False
    uniques: frozenset[Key] = frozenset()
    foreign_keys: frozenset[ForeignKey] = frozenset()
    checks: frozenset[Check] = frozenset()
    without_rowid: bool = False
    strict: bool = False
    module: str = ""
    opaque: str = ""
    constraint_names: frozenset[ConstraintName] = frozenset()
    spelling: str = field(default="", compare=False)
    sql: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class IndexedColumn:
    """One term of an index: a column's name or a canonical expression."""

    expression: str
    collation: str = "binary"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An index that somebody created by name (those behind constraints belong to their table)."""

    name: str
    table: str
    terms: tuple[IndexedColumn, ...]
    unique: bool = False
    where: str = ""
    spelling: str = field(default="", compare=False)
    sql: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger, by its canonical text."""

    name: str
    table: str
    body: str
    spelling: str = field(default="", compare=False)
    sql: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class View:
    """A view, by its canonical text."""

    name: str
    body: str
    spelling: str = field(default="", compare=False)
    sql: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything that a database defines, each kind sorted by name."""

    tables: tuple[Table, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    views: tuple[View, ...] = ()


# Every class that a schema is made of: what a cache may hold of one.
CLASSES = (
    Schema,
    Table,
    Column,
    Generated,
    ForeignKey,
    Check,
    ConstraintName,
    Index,
    IndexedColumn,
    Trigger,
    View,
)
