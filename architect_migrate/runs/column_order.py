"""Refuses what a revision wrote by the places of columns, where a table has them in another order than in the chain."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ColumnOrderError
from architect_migrate.core.names import fold
from architect_migrate.databases.registry import dialect
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.history import names_ever, reference, snapshots
from architect_migrate.planning.plan import AddColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.values import Placed, Writes
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.plan import Plan

COLUMN_ORDER = "blocked-column-order"
Orders = frozenset[tuple[str, tuple[str, ...]]]


def require_order(seen: Writes, revision: str, history: History, replayed: Orders) -> None:
    """Raise ColumnOrderError if a statement named a table by place whose columns are not in the chain's order.

    `replayed` has the tables, with their columns, that the same code named so in the replay. Others, as those that a
    loop over rows writes to, have the order of before or after the revision; what the chain does not have is left out.
    """
    own = _own_triggers(seen, history) if seen.by_place and seen.triggered else set()
    for placed, statement in seen.by_place.items():
        if statement in own:
            continue
        orders = {columns for table, columns in replayed if table == placed.table}
        orders = orders or set(_around(history, revision, placed.table))
        known = {column for order in orders for column in order}
        if orders and not any(_is_in_order(placed, order, known) for order in orders):
            here, chain = _first_difference(placed, max(orders, key=len))
            raise ColumnOrderError(revision, placed.table, here, chain, dialect.without_literals(statement))


def _own_triggers(seen: Writes, history: History) -> set[str]:
    """The texts of the application's own triggers, which are written for the order that is there."""
    chains = names_ever(history).triggers
    return {write.sql for write in seen.triggered if fold(write.trigger) not in chains}


def _around(history: History, revision: str, table: str) -> Iterator[tuple[str, ...]]:
    """The columns of a table before and after a revision, as replayed."""
    order = history.graph.order
    at = order.index(revision)
    for each in order[max(at - 1, 0) : at + 1]:
        for found in snapshots(history)[each].tables:
            if found.name == table:
                yield tuple(column.name for column in found.columns)


def _is_in_order(placed: Placed, order: tuple[str, ...], known: set[str]) -> bool:
    """Whether the columns are the chain's, with others only at the end, if they make no difference there."""
    extra = placed.columns[len(order) :]
    return placed.columns[: len(order)] == order and known.isdisjoint(extra) and (placed.alone or not extra)


def _first_difference(placed: Placed, order: tuple[str, ...]) -> tuple[str, str]:
    """The first column that differs, in the database and in the chain."""
    pairs = zip_longest(placed.columns, order, fillvalue="no column")
    return next((pair for pair in pairs if pair[0] != pair[1]), ("other columns", "none of them"))


def added_out_of_place(history: History, plan: Plan, there: Schema) -> Iterator[Finding]:
    """Yield a finding for each column that a repair adds behind those that the chain has after it, where it matters.

    It does for a trigger or view of the chain that goes by the order, whenever the application sets it off.
    """
    chain = reference(history, plan.after)
    adding = [step for step in plan.steps if isinstance(step, AddColumn)]
    objects = {f"trigger {each.spelling or each.name}": each.sql or each.body for each in chain.triggers}
    objects |= {f"view {each.spelling or each.name}": each.sql or each.body for each in chain.views}
    for step in adding:
        table = fold(step.table)
        present = [column.name for found in there.tables if found.name == table for column in found.columns]
        order = [column.name for found in chain.tables if found.name == table for column in found.columns]
        column = fold(step.column)
        later = [each for each in order[order.index(column) :] if each in present] if column in order else []
        by_place = [name for name, sql in objects.items() if table in dialect.named_by_place(sql)] if later else []
        if by_place:
            found = f"it would come after {later[0]}, which the chain has after it, and {by_place[0]} goes by the order"
            advice = f"make {step.table} again by hand with its columns in the chain's order"
            yield Finding(Level.BLOCKING, COLUMN_ORDER, f"{step.table}.{step.column}", found, advice, step.revision)
