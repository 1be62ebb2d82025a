"""Edits of one table's definition, as values that a plan holds and a kind of database carries out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class AddColumn:
    """A column after the last one, from its definition as CREATE TABLE has it."""

    definition: str


@dataclass(frozen=True, slots=True)
class SetNotNull:
    """NOT NULL on a column; nothing changes where it is there already."""

    column: str


@dataclass(frozen=True, slots=True)
class DropNotNull:
    """A column's NOT NULL taken out."""

    column: str


@dataclass(frozen=True, slots=True)
class SetDefault:
    """A column's default, added or replaced; an expression gets the parentheses that SQLite wants."""

    column: str
    expression: str


@dataclass(frozen=True, slots=True)
class DropDefault:
    """A column's default taken out."""

    column: str


@dataclass(frozen=True, slots=True)
class SetType:
    """A column's declared type, added or replaced; empty takes it out."""

    column: str
    type: str


@dataclass(frozen=True, slots=True)
class SetCollation:
    """A column's collation, added or replaced; empty takes it out."""

    column: str
    collation: str


@dataclass(frozen=True, slots=True)
class AddConstraint:
    """A constraint of the table, at its end, from its definition as CREATE TABLE has it."""

    definition: str


@dataclass(frozen=True, slots=True)
class DropCheck:
    """Every CHECK with that expression (compared in canonical form), of a column or of the table."""

    expression: str


@dataclass(frozen=True, slots=True)
class DropUnique:
    """Every UNIQUE over those columns, in any order."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropForeignKey:
    """Every foreign key of those columns, in that order, to that table."""

    columns: tuple[str, ...]
    parent_table: str


@dataclass(frozen=True, slots=True)
class SetAutoincrement:
    """AUTOINCREMENT on the primary key, which must be that column alone."""

    column: str


@dataclass(frozen=True, slots=True)
class SetPrimaryKey:
    """The primary key, added or put in place of the one there is."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamePrimaryKey:
    """The name of the primary key, added or put in place of the one there is."""

    name: str


@dataclass(frozen=True, slots=True)
class SetConflict:
    """What a constraint does with a row that breaks it, added, replaced, or with an empty action taken out.

    `kind` is `primary key` or `not null`.
    """

    kind: str
    columns: tuple[str, ...]
    action: str


Edit: TypeAlias = (
    AddColumn
    | SetNotNull
    | DropNotNull
    | SetDefault
    | DropDefault
    | SetType
    | SetCollation
    | AddConstraint
    | DropCheck
    | DropUnique
    | DropForeignKey
    | SetAutoincrement
    | SetPrimaryKey
    | NamePrimaryKey
    | SetConflict
)
