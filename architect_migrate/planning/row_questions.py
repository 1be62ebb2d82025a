"""What a planner asks about the rows of a table, and the answer: values without a database behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.model.schema import Column, Key


@dataclass(frozen=True, slots=True)
class RowsIn:
    """How many rows the table has."""

    table: str


@dataclass(frozen=True, slots=True)
class NullsIn:
    """In how many rows the column is NULL."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class NullsOf:
    """For how many rows the SQL expression is NULL."""

    table: str
    expression: str


@dataclass(frozen=True, slots=True)
class DuplicatesOf:
    """How many values of the columns stand in more than one row; a value with a NULL in it never does.

    `collations` pairs with the columns (empty: the columns' own); `where` is SQL that a row must satisfy to count.
    """

    table: str
    columns: Key
    collations: Key = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Violating:
    """How many rows break the CHECK expression; one that is NULL for a row does not break."""

    table: str
    check: str


@dataclass(frozen=True, slots=True)
class ValuesBesides:
    """In how many rows the column holds none of some values, each an SQL expression: `NULL`, a default."""

    table: str
    column: str
    besides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValuesLacking:
    """In how many rows the column has a value that the other column, perhaps of another type, does not have.

    With `holding`, which is as `ValuesBesides.besides`, rows count only where the other column holds one of these.
    """

    table: str
    column: str
    other: str
    holding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changing:
    """How many values would be stored with another class or other bytes if the column had the declared type.

    In a STRICT table those count too that the type does not take.
    """

    table: str
    column: str
    declared: str
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Orphans:
    """How many rows refer to nothing: no column NULL, and no such row in the parent."""

    table: str
    columns: Key
    parent: str
    parent_columns: Key


@dataclass(frozen=True, slots=True)
class RowsBeyond:
    """How many rows of the table are not in the other one, by the columns that both have, duplicates counted.

    `renamed` are further columns of the table, each with what the other one calls it.
    """

    table: str
    other: str
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RowsLike:
    """How many of some rows the table has, each by digests of these columns, keyed with `key` (see `SeedRow`)."""

    table: str
    columns: Key
    rows: tuple[tuple[str, ...], ...]
    key: str


@dataclass(frozen=True, slots=True)
class KeysTaken:
    """Which rows of the table have one of some keys, each by digests of these columns, keyed with `key`."""

    table: str
    columns: Key
    rows: tuple[tuple[str, ...], ...]
    key: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many rows of the table the SELECTs of its copy leave out; 0 where that is not known."""

    table: str
    selects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alters:
    """Whether statements, run one after another, would change any value of a database: 0 or 1.

    `table` is one of the tables that they write to. `statements` returns their texts, which can take another replay:
    then it raises ReplayError where that fails.
    """

    table: str
    statements: Callable[[], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Orphaned:
    """Rows of a table that refer to something now, and would not once statements ran, one after another."""

    table: str
    statements: tuple[str, ...]


Question = (
    RowsBeyond
    | RowsIn
    | RowsLike
    | KeysTaken
    | LeftOut
    | NullsIn
    | NullsOf
    | DuplicatesOf
    | Violating
    | ValuesBesides
    | ValuesLacking
    | Changing
    | Orphans
    | Alters
    | Orphaned
)


def as_made(column: Column) -> tuple[str, ...]:
    """SQL for what ALTER TABLE gives a row in a column that it adds: NULL, or its default."""
    return ("NULL",) if column.default is None else ("NULL", column.default)


def with_column(question: Question, old: str, new: str) -> Question:
    """The same question with another name for a column, where it asks for one by name."""

    def renamed(columns: Key) -> Key:
        return tuple(new if fold(column) == fold(old) else column for column in columns)

    match question:
        case NullsIn(column=column) | ValuesBesides(column=column) | Changing(column=column):
            return replace(question, column=renamed((column,))[0])
        case ValuesLacking(column=column, other=other):
            return replace(question, column=renamed((column,))[0], other=renamed((other,))[0])
        case DuplicatesOf(columns=columns) | Orphans(columns=columns):
            return replace(question, columns=renamed(columns))
        case _:
            return question


@dataclass(frozen=True, slots=True)
class Answer:
    """How many there are, and the first few: `row 7: 'a value'`."""

    count: int
    examples: tuple[str, ...] = ()


def describe(question: Question) -> str:
    """The question as the object of "cannot tell ..."."""
    match question:
        case RowsIn():
            return "how many rows there are"
        case RowsLike(_, columns) | KeysTaken(_, columns):
            return f"which rows are there by their {', '.join(columns)}"
        case LeftOut():
            return "which rows its copy leaves out"
        case Alters():
            return "whether statements of a revision would change a value"
        case Orphaned():
            return "which rows refer to nothing after a revision"
        case RowsBeyond(_, other):
            return f"which rows are not in {other}"
        case NullsIn(_, column):
            return f"where {column} is NULL"
        case NullsOf(_, expression):
            return f"where {expression} is NULL"
        case DuplicatesOf(_, columns):
            return f"which rows have the same {', '.join(columns)}"
        case Violating(_, check):
            return f"which rows break CHECK ({check})"
        case ValuesBesides(_, column, besides):
            return f"which values of {column} are others than {', '.join(besides)}"
        case ValuesLacking(_, column, other):
            return f"which values of {column} are not in {other}"
        case Changing(_, column, declared):
            return f"which values of {column} would change as {declared or 'a column without a type'}"
        case Orphans(_, columns, parent):
            return f"which {', '.join(columns)} refer to nothing in {parent}"
