"""What of a database's differences counts as drift: what matters, less what a person let stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.diff import Differs, Extra, Missing, OtherwiseNamed, Reordered, diff, explain, needs_repair
from architect_migrate.environment import Fill, Keep, Kind
from architect_migrate.facts import (
    ColumnFact,
    IndexFact,
    PrimaryKeyFact,
    TableFact,
    TriggerFact,
    describe,
    key,
    table_of,
)
from architect_migrate.history import effects, reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.diff import Change
    from architect_migrate.environment import Resolution, Subject
    from architect_migrate.facts import Fact
    from architect_migrate.history import History
    from architect_migrate.schema import Schema


def drift(
    history: History, position: frozenset[str], actual: Schema, resolutions: Iterable[Resolution]
) -> tuple[Change, ...]:
    """The breaking and behavioural differences from the chain at a position that no [[resolve]] entry lets stand.

    Of a table that is missing as a whole, its parts are not told one by one.
    """
    settled = tuple(resolutions)
    left = (_unsettled(it, settled) for it in diff(reference(history, position), actual))
    return _condensed(it for it in left if it is not None and needs_repair(it))


def in_the_way(
    history: History, position: frozenset[str], actual: Schema, resolutions: Iterable[Resolution]
) -> tuple[str, ...]:
    """Why the revisions after a position can fail, a line each: drift, and what they make that is there already."""
    later = {k for revision, its in effects(history).items() if revision not in position for k in its.added}
    differences = diff(reference(history, position), actual)
    early = _condensed(it for it in differences if isinstance(it, Extra) and key(it.fact) in later)
    already = tuple(f"{describe(it.fact)} is there already" for it in early if isinstance(it, Extra))
    return already + tuple(explain(it) for it in drift(history, position, actual, resolutions))


def _condensed(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes without the parts of tables that are missing, or too many, as a whole."""
    found = tuple(changes)
    whole = {it.fact.table for it in found if isinstance(it, Missing | Extra) and isinstance(it.fact, TableFact)}
    return tuple(
        it
        for it in found
        if isinstance(it, Reordered) or isinstance(it.fact, TableFact) or table_of(it.fact) not in whole
    )


def _unsettled(change: Change, resolutions: tuple[Resolution, ...]) -> Change | None:
    """What is left of a change when the entries that let something stand are honoured; None if nothing."""
    if isinstance(change, Reordered):
        return change
    for entry in resolutions:
        if isinstance(entry, Keep) and _is_about(entry.subject, change):
            return None
        if isinstance(entry, Fill) and entry.nullable and isinstance(change, Differs) and _names(entry, change.fact):
            others = tuple(it for it in change.differences if (it.respect, it.actual) != ("null", "allowed"))
            return replace(change, differences=others) if others else None
    return change


def _is_about(subject: Subject, change: Missing | Differs | Extra | OtherwiseNamed) -> bool:
    """Whether a kept subject covers a change; a column's shape covers how it serves as the table's key."""
    fact, name = change.fact, subject.name.lower()
    match subject.kind:
        case Kind.TABLE:
            return table_of(fact) == name
        case Kind.COLUMN:
            table = (subject.table or "").lower()
            if isinstance(fact, PrimaryKeyFact):
                return fact.table == table and _same_key(change, name)
            return isinstance(fact, ColumnFact) and (fact.table, fact.column.name) == (table, name)
        case Kind.INDEX:
            return isinstance(fact, IndexFact) and fact.index.name == name
        case Kind.TRIGGER:
            return isinstance(fact, TriggerFact) and fact.trigger.name == name
        case Kind.VIEW:
            return key(fact) == ("view", name)


def _same_key(change: Missing | Differs | Extra | OtherwiseNamed, column: str) -> bool:
    """Whether both sides have this very column as their primary key, and only its kind differs."""
    sides = (change.fact, change.actual) if isinstance(change, Differs) else ()
    return bool(sides) and all(isinstance(it, PrimaryKeyFact) and it.columns == (column,) for it in sides)


def _names(entry: Fill, fact: Fact) -> bool:
    return isinstance(fact, ColumnFact) and (fact.table, fact.column.name) == (
        entry.table.lower(),
        entry.column.lower(),
    )
