"""CREATE TABLE and CREATE INDEX as values: the declarations in a stored text, and their places in it.

Spans are (start, end) offsets into the parsed text and are ignored in comparisons: two tables are equal if they declare
the same in different words. `parser` creates these values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from architect_migrate.core.names import fold

Span: TypeAlias = tuple[int, int]
NOWHERE: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class IndexedColumn:
    """One term of a key or index: a column's name, or in an index the canonical text of an expression."""

    name: str
    collation: str | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class PrimaryKey:
    """PRIMARY KEY; `conflict` is the word after ON CONFLICT in upper case, or empty."""

    columns: tuple[IndexedColumn, ...]
    autoincrement: bool = False
    conflict: str = ""
    name: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class NotNull:
    """NOT NULL of one column."""

    columns: tuple[IndexedColumn, ...]
    conflict: str = ""
    name: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unique:
    """UNIQUE, of a column or of a table."""

    columns: tuple[IndexedColumn, ...]
    conflict: str = ""
    name: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Check:
    """CHECK; `expression` is the text between its parentheses as written."""

    columns: tuple[IndexedColumn, ...]
    expression: str
    conflict: str = ""
    name: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Default:
    """DEFAULT; `expression` as written, with the parentheses if it has any."""

    columns: tuple[IndexedColumn, ...]
    expression: str
    name: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Collate:
    """COLLATE of one column."""

    columns: tuple[IndexedColumn, ...]
    collation: str
    name: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """REFERENCES; no `parent_columns` means the parent's primary key. Actions and `deferrable` are in upper case."""

    columns: tuple[IndexedColumn, ...]
    table: str
    parent_columns: tuple[str, ...] = ()
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    match: str = ""
    deferrable: str = ""
    name: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Generated:
    """GENERATED ALWAYS AS; `expression` is the text between its parentheses as written."""

    columns: tuple[IndexedColumn, ...]
    expression: str
    stored: bool = False
    name: str = ""
    span: Span = field(default=NOWHERE, compare=False)


Constraint: TypeAlias = PrimaryKey | NotNull | Unique | Check | Default | Collate | ForeignKey | Generated
_C = TypeVar("_C", bound=Constraint)


@dataclass(frozen=True, slots=True)
class ParsedColumn:
    """A column as declared; `type` is the text as written, empty without one."""

    name: str
    type: str
    constraints: tuple[Constraint, ...]
    span: Span = field(default=NOWHERE, compare=False)
    type_span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ParsedTable:
    """A table as declared; `constraints` are the table's own, those of a column are with the column.

    `body` spans from the opening to the closing parenthesis, both included.
    """

    name: str
    columns: tuple[ParsedColumn, ...]
    constraints: tuple[Constraint, ...]
    without_rowid: bool = False
    strict: bool = False
    body: Span = field(default=NOWHERE, compare=False)

    @property
    def every_constraint(self) -> tuple[Constraint, ...]:
        """The constraints of columns and then of the table, in the order of the text."""
        own = [constraint for column in self.columns for constraint in column.constraints]
        return (*own, *self.constraints)

    def column(self, name: str) -> ParsedColumn | None:
        """The column of that name in any case; None if there is none."""
        wanted = fold(name)
        return next((column for column in self.columns if fold(column.name) == wanted), None)

    def of(self, kind: type[_C], column: str) -> tuple[_C, ...]:
        """A column's own constraints of one kind; empty if the column does not exist."""
        parsed = self.column(column)
        if parsed is None:
            return ()
        return tuple(constraint for constraint in parsed.constraints if isinstance(constraint, kind))

    def all(self, kind: type[_C]) -> tuple[_C, ...]:
        """All constraints of one kind, of columns and of the table."""
        return tuple(constraint for constraint in self.every_constraint if isinstance(constraint, kind))


@dataclass(frozen=True, slots=True)
class ParsedIndex:
    """An index as declared; `where` is the canonical text of the condition of a partial index."""

    name: str
    table: str
    unique: bool
    columns: tuple[IndexedColumn, ...]
    where: str | None = None
