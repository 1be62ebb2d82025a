"""Rows and tables in an order that foreign keys allow while they are enforced."""

from __future__ import annotations

from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, TypeVar

from architect_migrate.core.names import fold
from architect_migrate.databases.registry import temporary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from architect_migrate.databases.values import Snapshot, StoredObject, TableRows
    from architect_migrate.model.schema import ForeignKey

_Node = TypeVar("_Node", int, str)


def parents_first(content: Snapshot) -> tuple[TableRows, ...]:
    """Return the rows of a database's tables, those that others refer to before these.

    Where rows refer to each other in a circle, their order stays: none suits them.
    """
    keys = _keys(content.objects)
    rows = {fold(each.table): each for each in content.rows}
    parents = {name: {key.parent for key in keys.get(name, ())} & rows.keys() - {name} for name in rows}
    own = {name: [key for key in keys.get(name, ()) if key.parent == name] for name in rows}
    return tuple(_within(rows[name], own[name]) for name in _sorted(parents))


def tables_parents_first(objects: Iterable[StoredObject]) -> tuple[str, ...]:
    """Return the names of tables, each after those that it refers to; in a circle, in the order of their creation."""
    tables = tuple(each for each in objects if each.kind == "table")
    names = {fold(each.name): each.name for each in tables}
    keys = _keys(tables)
    parents = {name: {key.parent for key in keys.get(name, ())} & names.keys() - {name} for name in names}
    return tuple(names[name] for name in _sorted(parents))


def _keys(objects: Iterable[StoredObject]) -> Mapping[str, Iterable[ForeignKey]]:
    schema = temporary.schema_of([(each.kind, each.sql) for each in objects], ())
    return {table.name: table.foreign_keys for table in schema.tables}


def _sorted(parents: Mapping[_Node, Iterable[_Node]]) -> tuple[_Node, ...]:
    try:
        return tuple(TopologicalSorter(parents).static_order())
    except CycleError:
        return tuple(parents)


def _within(table: TableRows, keys: list[ForeignKey]) -> TableRows:
    """The rows of a table, each after those of the same table that it refers to."""
    places = {fold(name): at for at, name in enumerate(table.columns)}
    parents: dict[int, set[int]] = {at: set() for at in range(len(table.rows))}
    for key in keys:
        if not {*key.columns, *key.parent_columns} <= places.keys():
            continue
        child, parent = ([places[name] for name in names] for names in (key.columns, key.parent_columns))
        owners = {tuple(row[at] for at in parent): number for number, row in enumerate(table.rows)}
        for number, row in enumerate(table.rows):
            owner = owners.get(tuple(row[at] for at in child), number)
            parents[number] |= {owner} - {number}
    return replace(table, rows=tuple(table.rows[number] for number in _sorted(parents))) if keys else table
