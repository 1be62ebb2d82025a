"""What [[resolve]] entries settle: which differences they allow, and which entry would settle a blocked one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.model.diff import Change, Differs, Extra, Missing, OtherwiseNamed, Reordered, needs_repair
from architect_migrate.model.environment import Drop, Fill, Keep, Kind
from architect_migrate.model.facts import (
    CheckFact,
    ColumnFact,
    ConflictFact,
    Fact,
    ForeignKeyFact,
    IndexFact,
    NameFact,
    ObjectFact,
    PrimaryKeyFact,
    TableFact,
    TriggerFact,
    UniqueFact,
    ViewFact,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.environment import Resolution, Subject


def unsettled(change: Change, resolutions: Iterable[Resolution]) -> Change | None:
    """What is left of a change when the entries that allow something are honoured; None if nothing."""
    if isinstance(change, Reordered):
        return change
    for entry in resolutions:
        if isinstance(entry, Keep) and _keeps(entry.subject, change):
            return None
        if isinstance(entry, Fill) and entry.nullable and isinstance(change, Differs) and _fills(entry, change.fact):
            left = tuple(
                difference
                for difference in change.differences
                if (difference.respect, difference.actual) != ("nullability", "NULL allowed")
            )
            return replace(change, differences=left) if left else None
    return change


def keeper(change: Change, resolutions: Iterable[Resolution]) -> Resolution | None:
    """The entry that allows a difference, if there is one."""
    for entry in resolutions:
        left = unsettled(change, [entry])
        if left is None or (left != change and not needs_repair(left)):
            return entry
    return None


def is_kept(fact: Fact, resolutions: Iterable[Resolution]) -> bool:
    """Whether an entry says to keep an object, whatever it is."""
    return any(isinstance(entry, Keep) and _covers(entry.subject, fact) for entry in resolutions)


def fill_of(resolutions: Iterable[Resolution], table: str, column: str) -> Fill | None:
    """The entry that says what a column's rows get."""
    mine = (resolution for resolution in resolutions if isinstance(resolution, Fill))
    return next(
        (resolution for resolution in mine if (resolution.table, resolution.column) == (table, column)),
        None,
    )


def drops(change: Change, resolutions: Iterable[Resolution]) -> bool:
    """Whether an entry tells an extra to go; a primary key never does."""
    return (
        isinstance(change, Extra)
        and not isinstance(change.fact, PrimaryKeyFact)
        and any(isinstance(resolution, Drop) and _names(resolution.subject, change.fact) for resolution in resolutions)
    )


def entry(table: str, column: str, *lines: str) -> str:
    """A [[resolve]] entry ready to paste."""
    about = [f"table = {_toml(table)}"] + ([f"column = {_toml(column)}"] if column else [])
    return "\n".join(["[[resolve]]", *about, *lines])


def copy_line(column: str) -> str:
    """The line that fills a column from another."""
    return f"copy_from = {_toml(column)}"


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _keeps(subject: Subject, change: Missing | Differs | Extra | OtherwiseNamed) -> bool:
    """Whether a change is about what a subject includes; a constraint may be named as the database names it."""
    if subject.kind is Kind.CONSTRAINT and isinstance(change, Differs) and _names(subject, change.actual):
        return True
    return _covers(subject, change.fact)


def _covers(subject: Subject, fact: Fact) -> bool:
    """Whether a subject's shape includes a fact: a table all of its facts, a column those that rest on it."""
    if _names(subject, fact):
        return True
    if subject.kind is Kind.TABLE:
        return table_of(fact) == subject.name
    if subject.kind is not Kind.COLUMN or table_of(fact) != subject.table:
        return False
    column = subject.name
    match fact:
        case PrimaryKeyFact() | UniqueFact():
            return column in fact.columns
        case ForeignKeyFact():
            return column in fact.foreign_key.columns
        case CheckFact():
            return column in fact.check.mentions
        case ConflictFact():
            return column in fact.conflict.columns
        case _:
            return False


def _names(subject: Subject, fact: Fact) -> bool:
    """Whether a subject is the object of a fact."""
    if subject.kind is Kind.CONSTRAINT:
        return table_of(fact) == subject.table and _is_constraint(subject, fact)
    name = subject.name
    match fact, subject.kind:
        case ColumnFact(), Kind.COLUMN:
            return (fact.table, fact.column.name) == (subject.table, name)
        case IndexFact(), Kind.INDEX:
            return fact.index.name == name
        case TriggerFact(), Kind.TRIGGER:
            # Why also by its spelling: where tables can have triggers of one name, the name contains the table.
            mine = subject.table in {None, fact.trigger.table}
            return fact.trigger.name == name or (mine and fact.trigger.spelling == name)
        case ViewFact(), Kind.VIEW:
            return fact.view.name == name
        case NameFact(), Kind.NAMES:
            return True
        case TableFact(), Kind.TABLE:
            return fact.table == name
        case ObjectFact(object=thing), kind:
            own = subject.table in {None, thing.table}
            return own and thing.kind == kind.value and name in {thing.name, thing.spelling}
        case _:
            return False


def _is_constraint(subject: Subject, fact: Fact) -> bool:
    """Whether a constraint's fact has the name or the columns of a subject, in any order; its name fact does too."""
    names: tuple[str, ...] = ()
    match fact:
        case PrimaryKeyFact():
            columns = fact.columns
        case UniqueFact() | NameFact():
            names, columns = fact.names, fact.columns
        case ConflictFact():
            names, columns = fact.names, fact.conflict.columns
        case CheckFact():
            names, columns = fact.names, tuple(fact.check.mentions)
        case ForeignKeyFact():
            names, columns = fact.names, fact.foreign_key.columns
        case ObjectFact(object=thing):
            return thing.kind == "exclusion constraint" and thing.spelling == subject.name
        case _:
            return False
    if subject.columns:
        return set(subject.columns) == set(columns)
    return subject.name in {*names, *map(fold, names)}


def _fills(entry: Fill, fact: Fact) -> bool:
    """Whether an entry is about the column of a fact."""
    if not isinstance(fact, ColumnFact):
        return False
    return (fact.table, fact.column.name) == (entry.table, entry.column)
