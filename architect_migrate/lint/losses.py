"""Flaws of what a revision takes away: tables, columns, rows, and what a table made anew does not have any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.sql.lexer import BATCH_COPY
from architect_migrate.lint.files import place_of
from architect_migrate.lint.rules import Flaw, flaw
from architect_migrate.model.diff import Differs, Missing, diff, needs_repair
from architect_migrate.model.facts import (
    CheckFact,
    ColumnFact,
    ForeignKeyFact,
    IndexFact,
    TriggerFact,
    UniqueFact,
    describe,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.sqlite.statement import Statement
    from architect_migrate.lint.rules import Place
    from architect_migrate.lint.trial import Tried
    from architect_migrate.model.schema import Table


def loss_flaws(it: Tried) -> Iterator[Flaw]:
    """What upgrade() takes away."""
    yield from _dropped(it)
    yield from _lost(it)


def _dropped(it: Tried) -> Iterator[Flaw]:
    before, after = it.before, it.after
    strange = {name for one in it.up.statements for kind, name in one.deeds.dropped if kind == "table"} - set(before)
    made_of = frozenset[tuple[str, str]]().union(*(one.deeds.made_of for one in it.up.statements))
    for one in it.up.statements:
        place = place_of(it.file, one.line)
        for kind, name in sorted(one.deeds.dropped):
            if kind != "table" or name not in before:
                continue
            if name not in after:
                yield flaw("AM401", place, f"table {name} is dropped with all of its rows", sql=one.sql)
            else:
                lost = [c.name for c in before[name].columns if not _has(after[name], c.name)]
                yield from _lost_columns(place, name, [c for c in lost if (name, c) not in made_of], one)
        for table, column in sorted(one.deeds.dropped_columns):
            yield from _lost_columns(place, table, [column] if _has(before.get(table), column) else [], one)
        for table in sorted(one.deeds.altered & set(before) - set(after)):
            if strange:
                yield flaw("AM401", place, f"table {table} is renamed, and dropped with all of its rows", sql=one.sql)
        for table in sorted(one.deeds.deleted & set(before) & set(after)):
            yield flaw("AM403", place, f"rows of {table} are deleted", sql=one.sql)


def _lost_columns(place: Place, table: str, columns: Iterable[str], one: Statement) -> Iterator[Flaw]:
    for column in columns:
        yield flaw("AM402", place, f"column {table}.{column} is dropped with all of its values", sql=one.sql)


def _has(table: Table | None, column: str) -> bool:
    return table is not None and any(one.name == column for one in table.columns)


def _lost(it: Tried) -> Iterator[Flaw]:
    """The chain itself loses these, so nothing that archmig does puts them back."""
    remade, lost = _remade(it), dict[str, list[str]]()
    for change in losses(it):
        if said := in_words(change):
            lost.setdefault(table_of(change.fact), []).append(said)
    for table, features in lost.items():
        message = f"{table} is made anew and loses {listed(features, '; ')}"
        yield flaw("AM404", place_of(it.file, remade[table].line), message)


def losses(it: Tried) -> Iterator[Missing | Differs]:
    """What tables that are made anew lose beyond what was asked for."""
    if not (remade := _remade(it)):
        return
    named = [one.deeds.dropped for one in it.up.statements if not any(kind == "table" for kind, _ in one.deeds.dropped)]
    dropped = frozenset[tuple[str, str]]().union(*named)
    for change in diff(it.ways[0], it.ways[1]):
        if not isinstance(change, Missing | Differs) or not needs_repair(change):
            continue
        if table_of(change.fact) in remade and not _is_asked_for(change, it, dropped):
            yield change


def _remade(it: Tried) -> dict[str, Statement]:
    """The tables that upgrade() drops and has again in the end, and the statement that drops each."""
    before, after = it.before, it.after
    return {
        name: one
        for one in it.up.statements
        for kind, name in one.deeds.dropped
        if kind == "table" and name in before and name in after
    }


def _is_asked_for(change: Missing | Differs, it: Tried, dropped: frozenset[tuple[str, str]]) -> bool:
    """Whether a loss follows from what the revision says: an object dropped by name, a column altered or dropped."""
    fact, after = change.fact, it.after[table_of(change.fact)]
    columns = {one.name for one in after.columns}
    by_batch = any(table.startswith(BATCH_COPY) for one in it.up.statements for table in one.deeds.inserted)
    match fact:
        case ColumnFact():
            altered = ("column", fact.column.name) in it.up.asked
            return isinstance(change, Missing) or altered or not by_batch
        case IndexFact():
            named = {("index", fact.index.name)} & (dropped | it.up.asked)
            return bool(named) or _lacks(columns, (term.expression for term in fact.index.terms))
        case CheckFact():
            return ("constraint", "") in it.up.asked or _lacks(columns, fact.check.mentions)
        case UniqueFact():
            return ("constraint", "") in it.up.asked or _lacks(columns, fact.columns)
        case ForeignKeyFact():
            return ("constraint", "") in it.up.asked or _lacks(columns, fact.foreign_key.columns)
        case TriggerFact():
            return ("trigger", fact.trigger.name) in dropped
        case _:
            return False


def _lacks(columns: set[str], names: Iterable[str]) -> bool:
    return any(name.isidentifier() and name not in columns for name in names)


def in_words(change: Missing | Differs) -> str:
    """A thing that is gone, or what of it is another; empty where that follows from something else (a collation)."""
    if isinstance(change, Missing):
        return describe(change.fact)
    parts = [f"{it.respect} was {it.expected}, is {it.actual}" for it in change.differences if it.expected != it.actual]
    return f"{describe(change.fact)}: {', '.join(parts)}" if parts else ""


def listed(words: Iterable[str], between: str = ", ") -> str:
    """The first four words, and how many more there are."""
    found = list(words)
    more = f" and {len(found) - 4} more" if len(found) > 4 else ""
    return between.join(found[:4]) + more
