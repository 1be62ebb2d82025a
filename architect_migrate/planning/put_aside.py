"""Tables that people put aside under another name, as `x_old`, and whose rows the chain's table should hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import BATCH_COPY
from architect_migrate.core.text import joined, pluralize
from architect_migrate.planning.look import Interruption, columns_of, renames_of, shapes_of, spelt
from architect_migrate.planning.plan import RenameTable
from architect_migrate.planning.row_questions import RowsBeyond

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.model.schema import Table
    from architect_migrate.planning.look import Look

# What people add to the name of a table that they put aside.
_ASIDE = ("old", "bak", "backup", "copy", "orig", "tmp", "temp")


def put_aside(look: Look) -> Iterator[tuple[Table, str]]:
    """Tables that no revision makes, called like one of the chain's and with its columns, each with that name."""
    shapes = shapes_of(look.history)
    for left in of_no_revision(look):
        named = sorted(called_like(left.name) & shapes.keys())
        yield from ((left, of) for of in named if is_like(look, left, of))


def of_no_revision(look: Look) -> Iterator[Table]:
    """Yield the tables that no revision makes, not even on its way, by their names."""
    shapes = shapes_of(look.history)
    known = {BATCH_COPY + of for of in shapes}
    known |= {passing.name for replayed in look.history.replayed for passing in replayed.passing}
    yield from (look.tables[name] for name in sorted(look.tables.keys() - shapes.keys() - known))


def called_like(name: str) -> frozenset[str]:
    """Return what a table may have been called before it was put aside: `x` for `x_old`, `old_x`, `x_old_bak`, ..."""
    found, more = set[str](), {name}
    while more:
        found |= more
        ends = {each.removesuffix(f"_{word}") for each in more for word in _ASIDE}
        starts = {each.removeprefix(f"{word}_") for each in more for word in _ASIDE}
        more = (ends | starts | {each.removeprefix(BATCH_COPY) for each in more}) - found
    return frozenset(found - {name})


def rows_put_aside(look: Look) -> Iterator[Interruption]:
    """Those of them whose rows the chain's table should hold.

    That is missing or empty, or the database has the chain's indexes or triggers on the other one.
    """
    for left, of in put_aside(look):
        yield from _aside(look, left, of)
    yield from _on_their_way_put_aside(look)


def _on_their_way_put_aside(look: Look) -> Iterator[Interruption]:
    """Tables called like one that a revision makes on its way, where neither that one has rows nor the lasting one."""
    passing = {(one.name, one.table) for replayed in look.history.replayed for one in replayed.passing}
    for left in of_no_revision(look):
        for name, of in sorted(passing):
            there = [look.tables[each] for each in (of, name) if each in look.tables]
            is_its = name in called_like(left.name) and is_like(look, left, of) and look.expects(of)
            if is_its and look.rows(left) and not any(map(look.rows, there)):
                beside = f"{joined([each.spelling for each in there])} is empty" if there else f"there is no table {of}"
                held = f"it is called like {name}, has columns of {of} and {pluralize(look.rows(left), 'row')}"
                yield Interruption(left.spelling, f"{held}, and {beside}", missing="" if of in look.tables else of)
                break


def _aside(look: Look, left: Table, of: str) -> Iterator[Interruption]:
    rows, other = look.rows(left), look.tables.get(of)
    if other is None and (others := called_otherwise(look, of)):
        yield from _aside_of_another_name(look, left, of, [look.tables[name] for name in others])
    if not rows or not look.expects(of) or (other is None and others):
        return
    held = f"it has columns of {of} and {pluralize(rows, 'row')}"
    if other is None:
        steps = (RenameTable(left.spelling, spelt(look.history, "", of)),) if look.has_shape_of(left, of) else ()
        found = f"{held}, and there is no table {of}"
        yield Interruption(left.spelling, found, steps, missing=of, guessed=True)
    elif not look.rows(other):
        # No revision makes this table: it may be a copy that somebody keeps of rows that were deleted on purpose.
        yield Interruption(left.spelling, f"{held}, and {other.spelling} is empty")
    elif beyond := look.ask(RowsBeyond(left.spelling, other.spelling)).count:
        lacks = f"{other.spelling} lacks {pluralize(beyond, 'row')} of it"
        if look.has_objects_of(left, of):
            yield Interruption(left.spelling, f"it has indexes or triggers of {of}, and {lacks}")
        elif beyond == rows and look.has_shape_of(left, of):
            # A copy that somebody keeps has most rows in common with its table, and seldom its keys.
            yield Interruption(left.spelling, f"it has the columns and the key of {of}, and {lacks}, which is all")


def _aside_of_another_name(look: Look, left: Table, of: str, others: list[Table]) -> Iterator[Interruption]:
    """A table that was put aside, where the one of the new name was made by hand: it has not one of the rows.

    Where the stamp fits, rows may have been deleted on purpose; but an empty table is asked about.
    """
    rows = look.rows(left)
    if not rows or not look.has_shape_of(left, of) or (look.stamp_fits and any(map(look.rows, others))):
        return
    if all(look.ask(RowsBeyond(left.spelling, other.spelling)).count == rows for other in others):
        named = joined([other.spelling for other in others])
        found = f"it has the columns and the key of {of}, which is called {named} later, and that lacks all of its"
        yield Interruption(left.spelling, f"{found} {pluralize(rows, 'row')}")


def called_otherwise(look: Look, table: str) -> list[str]:
    """The tables that are there under the other names that a table has before or after renames.

    One that the chain has beside the table is another table, which got the name when the first was renamed.
    """
    others = (names_of(look, table) - {table}) & look.tables.keys()
    return sorted(other for other in others if not look.expects_both(table, other))


def names_of(look: Look, table: str) -> set[str]:
    """The names that renames give a table, its own included."""
    names, renames = {table}, [rename for _, rename in renames_of(look.history) if not rename.table]
    while more := {name for each in renames for name in (each.old, each.new) if {each.old, each.new} & names} - names:
        names |= more
    return names


def is_like(look: Look, left: Table, of: str) -> bool:
    """Whether a table has at least half of the columns that one of the chain's ever has."""
    columns = columns_of(left)
    return any(2 * len(columns & shape) >= len(shape) for shape in shapes_of(look.history).get(of, ()))
