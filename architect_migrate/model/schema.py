"""A schema as a frozen value.

`name` fields hold names as the kind of database compares them (SQLite: without case); `spelling` and `sql` are the
database's own texts and are not part of equality. `detail` is what only one kind of database says of an object, None
where it says no more. The reader of each kind of database normalises expressions, defaults and types, so that equal
values mean equal behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.model.detail import Detail

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Generated:
    """Definition of a generated column: its canonical expression, and whether the value is stored."""

    expression: str
    stored: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `default` is canonical text (None: no default), `declared` the type in upper case."""

    name: str
    declared: str
    affinity: str
    not_null: bool = False
    default: str | None = None
    collation: str = "binary"
    generated: Generated | None = None
    spelling: str = field(default="", compare=False)
    detail: Detail | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; `parent_columns` are the parent's primary key if the text leaves them out."""

    columns: Key
    parent: str
    parent_columns: Key
    on_update: str = "no action"
    on_delete: str = "no action"
    deferred: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A check constraint by its canonical expression; `mentions` are the columns that it names."""

    expression: str
    mentions: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class ConstraintName:
    """The name of a constraint as it is spelt; Alembic compares such names exactly.

    `kind` is `primary key`, `unique`, `check` or `foreign key`; `of` identifies the constraint in its table: by
    columns, canonical expression, or for a foreign key columns, parent and actions. `sql` is the definition where the
    table's own text has none.
    """

    name: str
    kind: str
    of: Key = ()
    sql: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A clause of a constraint that is not the usual one: `ON CONFLICT REPLACE`, `NOT VALID`, `DEFERRABLE`.

    `kind` is `primary key`, `unique`, `check`, `foreign key` or `not null`; `columns` identify the constraint: sorted
    for a unique, none for a primary key, the expression of a check, the columns and the parent of a foreign key.
    """

    kind: str
    columns: Key
    action: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `uniques` are the sorted column sets of its unique constraints.

    `rowid_key`: the primary key is an alias of the rowid (SQLite's INTEGER PRIMARY KEY). `module` is the canonical text
    of a virtual table's module and arguments, else empty. `opaque` says why the table's text could not be read in full,
    in which case its checks are unknown; else it is empty.
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
    conflicts: frozenset[Conflict] = frozenset()
    spelling: str = field(default="", compare=False)
    sql: str = field(default="", compare=False)
    detail: Detail | None = None


@dataclass(frozen=True, slots=True)
class IndexedColumn:
    """One term of an index: a column's name or a canonical expression."""

    expression: str
    collation: str = "binary"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An index made by CREATE INDEX; the automatic indexes of constraints belong to their table."""

    name: str
    table: str
    terms: tuple[IndexedColumn, ...]
    unique: bool = False
    where: str = ""
    spelling: str = field(default="", compare=False)
    sql: str = field(default="", compare=False)
    detail: Detail | None = None


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
class Object:
    """Any other thing that a database defines by a name and a text; `kind` is the word for it: `function`, `type`.

    `table` is the table that it belongs to, else empty.
    """

    kind: str
    name: str
    body: str
    table: str = ""
    spelling: str = field(default="", compare=False)
    sql: str = field(default="", compare=False)
    detail: Detail | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """All objects that a database defines, each kind sorted by name."""

    tables: tuple[Table, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    views: tuple[View, ...] = ()
    objects: tuple[Object, ...] = ()


def columns_by_table(schema: Schema) -> dict[str, frozenset[str]]:
    """Return the names of the columns of each table."""
    return {table.name: frozenset(column.name for column in table.columns) for table in schema.tables}


# The classes that `codec.load` may create when it reads a schema from a cache.
CLASSES = (
    Schema,
    Table,
    Column,
    Generated,
    ForeignKey,
    Check,
    ConstraintName,
    Conflict,
    Index,
    IndexedColumn,
    Trigger,
    View,
    Object,
)
