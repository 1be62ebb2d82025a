"""Tables and columns that may have been renamed by hand: one of the chain is missing, one of its shape has values."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from architect_migrate.core.text import pluralize
from architect_migrate.model.facts import ColumnFact
from architect_migrate.planning.both_sides import own_values
from architect_migrate.planning.look import Interruption, shapes_of
from architect_migrate.planning.put_aside import called_like, called_otherwise, of_no_revision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.model.schema import Column, Table
    from architect_migrate.planning.look import Look


# How much of two names has to be the same: `label` and `lbl` are alike, `title` and `name` are not.
_LIKE = 0.6


def renamed_by_hand(look: Look) -> Iterator[Interruption]:
    """Yield what looks like a table or column of the chain under a name that no revision gives it."""
    for left in of_no_revision(look):
        yield from _table(look, left)
    for table in look.tables.values():
        yield from _columns(look, table)


def _table(look: Look, left: Table) -> Iterator[Interruption]:
    """A table with exactly the columns and the key of one that is missing, and with rows.

    One with a single column has the shape of many, and a name like one of the chain says more than a shape.
    """
    if len(left.columns) < 2 or called_like(left.name) & shapes_of(look.history).keys():
        return
    for of in shapes_of(look.history):
        is_missing = of not in look.tables and look.is_expected(("table", of))
        if is_missing and look.has_shape_of(left, of) and not called_otherwise(look, of) and (rows := look.rows(left)):
            told = f"it has exactly the columns and the key of {of} and {pluralize(rows, 'row')}"
            advice = f"rename it to {of} by hand; if it is another table, add this to environments.toml"
            yield Interruption(left.spelling, f"{told}, and there is no table {of}", advice=advice)
            return


def _columns(look: Look, table: Table) -> Iterator[Interruption]:
    """The columns of a table that have values, and the declaration and nearly the name of a missing one."""
    own = {*look.own_columns(table)}
    for column in (each for each in table.columns if each.spelling in own):
        like = next(_missing_like(look, table, column), None)
        if like and (held := own_values(look, table, column)):
            told = f"it is declared as {like.spelling} and has {pluralize(held, 'value')}"
            advice = f"rename it to {like.spelling} by hand; if it is another column, add this to environments.toml"
            yield Interruption(
                table.spelling,
                f"{told}, and there is no {table.spelling}.{like.spelling}",
                (),
                "",
                column.spelling,
                advice=advice,
            )


def _missing_like(look: Look, table: Table, column: Column) -> Iterator[Column]:
    there = {each.name for each in table.columns}
    for fact in look.expected_facts():
        if not isinstance(fact, ColumnFact) or fact.table != table.name or fact.column.name in there:
            continue
        if fact.column.not_null and fact.column.default is None:  # without values it stops the run anyway
            continue
        is_named_like = SequenceMatcher(None, fact.column.name, column.name).ratio() >= _LIKE
        if is_named_like and replace(fact.column, name=column.name) == column:
            yield fact.column
