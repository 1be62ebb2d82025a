"""Collects what a chain says about the values of columns: defaults at any revision, UPDATE statements, renames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.diagnosis.suggestions import FromChain
from architect_migrate.model.history import replays, snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from architect_migrate.model.history import History


def collected(
    history: History,
    filled: Callable[[Iterable[str]], Mapping[tuple[str, str], tuple[str, str]]],
    literal: Callable[[str], str | None],
) -> FromChain:
    """Return the values that revisions give the rows of each column; the newest one wins.

    `filled` returns by table and column what UPDATEs write: (column that is copied, literal), one of them empty.
    `literal` returns a default as a literal, None for another expression.
    """
    came = [each for replayed in history.replayed for each in replayed.came_with]
    first = (((table, column), literal(default)) for table, column, default in came if default is not None)
    literals = {place: default for place, default in first if default is not None}
    once: set[tuple[str, str]] = set()
    for schema in snapshots(history).values():
        for table in schema.tables:
            once |= {(table.name, column.name) for column in table.columns}
            given = ((column.name, literal(column.default)) for column in table.columns if column.default is not None)
            literals |= {(table.name, name): default for name, default in given if default is not None}
    sources: dict[tuple[str, str], tuple[str, ...]] = {}
    for replayed in history.replayed:
        updates = (one.text for one in replayed.statements if one.verb == "update" and not one.masked)
        for key, (source, written) in filled(updates).items():
            if source:
                sources[key] = (source, *sources.get(key, ()))
            else:
                literals[key] = written
        for rename in replayed.renames:
            key = (rename.table, rename.new)
            sources[key] = (rename.old, *sources.get(key, ()))
    return FromChain(literals, sources, frozenset(once), _added(history))


def _added(history: History) -> dict[tuple[str, str], str | None]:
    """The defaults with which revisions added columns to tables, the last time where one is added again."""
    renamed = {(rename.table, rename.new) for replayed in history.replayed for rename in replayed.renames}
    found: dict[tuple[str, str], str | None] = {}
    before: dict[str, set[str]] = {}
    for revision, schema in snapshots(history).items():
        for table in schema.tables:
            there = before.get(table.name)
            new = (each for each in table.columns if there is not None and each.name not in there)
            found |= {(table.name, each.name): each.default for each in new}
        found |= {(table, column): default for table, column, default in replays(history)[revision].came_with}
        before = {table.name: {column.name for column in table.columns} for table in schema.tables}
    return {place: default for place, default in found.items() if place not in renamed}
