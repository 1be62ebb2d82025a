"""Old and new place of rows that a revision renames or moves, both there: what an interrupted run of it left.

Rows are counted on both sides. A new place that holds nothing makes way for the revision, which then runs as a whole;
but where a stamp says that the revision ran, a person decides, as where both sides have rows of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.core.text import pluralize
from architect_migrate.model.history import Link, Move, Rename, Role, effects, facts_at, replays
from architect_migrate.planning.look import Interruption, Look, columns_of, renames_of, shapes_of
from architect_migrate.planning.plan import DropColumn, DropObject
from architect_migrate.planning.row_questions import NullsIn, RowsBeyond, ValuesBesides, ValuesLacking, as_made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Column, Table
    from architect_migrate.planning.plan import Step

    Pair = frozenset[tuple[str, ...]]

# What the types of bytes are called.
_BYTES = ("BLOB", "bytea")


def on_both_sides(look: Look) -> Iterator[Interruption]:
    """What is there under the old and the new name, though the chain never has both, or not where the database is."""
    for revision, rename in lasting_renames(look.history):
        if not _belong_together(look, frozenset({rename.key(rename.old), rename.key(rename.new)})):
            yield from _half(look, revision, rename)
    for revision, moves in _lasting_moves(look.history).items():
        apart = [move for move in moves if not _belong_together(look, frozenset({move.old_key, move.new_key}))]
        yield from _half_moved(look, revision, apart)


def _belong_together(look: Look, pair: Pair) -> bool:
    """Whether the chain has both where the database is: a name can be given again after its table was renamed."""
    return pair in _together(look.history) and look.expects_all(pair)


def empty_successors(look: Look) -> Iterator[Interruption]:
    """Tables made empty under a name that the chain gives another table later, where no position fits as it is."""
    for revision, rename in renames_of(look.history):
        if not rename.table and not _is_covered(look, revision):
            yield from (found for found in _half_table(look, revision, rename) if found.steps)


@lru_cache(maxsize=8)
def lasting_renames(history: History) -> tuple[tuple[str, Rename], ...]:
    """Every rename with its revision, and what several of them do together: `a` to `b` to `c` is `a` to `c`.

    Why: where nothing is called `b`, a table or column `c` beside `a` is as much in the way of its rows. What a column
    is called goes with its table: where `t` is renamed to `u`, the column `a` of `t` that is `b` now may be in `u`.
    """
    found: list[tuple[str, Rename]] = []
    for revision, rename in renames_of(history):
        before = [each for _, each in found if each.table == rename.table and each.new == rename.old]
        along = (
            [] if rename.table else [replace(each, table=rename.new) for _, each in found if each.table == rename.old]
        )
        whole = [Rename(each.old, rename.new, rename.table) for each in before]
        found += [(revision, each) for each in (rename, *whole, *along)]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Composed:
    """What moves and renames of some revisions, of which `revision` is the last, do together."""

    revision: str
    move: Move
    revisions: frozenset[str]
    renames_only: bool


@lru_cache(maxsize=8)
def _composed(history: History) -> tuple[_Composed, ...]:
    """What moves and renames end of earlier ones: `a` to `b` and then `b` to `c` is `a` to `c`.

    Why: a table or column `c` that somebody made lacks what is in `a`, and neither of the two moves has both its ends.
    """
    found: list[_Composed] = []
    earlier: list[_Composed] = []
    for revision, replayed in replays(history).items():
        whole = [
            (replace(move, columns=move.columns or tuple(_by_place(history, revision, move).items())), False)
            for move in replayed.moves
            if move.link == Link.COPIED
        ]
        whole += [(_as_move(rename), True) for rename in replayed.renames]
        ended = [
            _Composed(
                revision,
                replace(first.move, new_table=move.new_table, new_column=move.new_column, columns=pairs),
                first.revisions | {revision},
                first.renames_only and is_rename,
            )
            for move, is_rename in whole
            for first in earlier
            if first.move.new_key == move.old_key
            for pairs in [_pairs_through(first, move, is_rename=is_rename)]
        ]
        earlier += [*ended, *(_Composed(revision, move, frozenset({revision}), each) for move, each in whole)]
        found += ended
    return tuple(found)


def _pairs_through(first: _Composed, move: Move, *, is_rename: bool) -> tuple[tuple[str, str], ...]:
    """The columns of a table that two moves copy as they are; none of a column, or where one of them is not known."""
    if move.column:
        return ()
    if is_rename:
        return first.move.columns
    then = dict(move.columns)
    return move.columns if first.renames_only else tuple((a, then[b]) for a, b in first.move.columns if b in then)


@lru_cache(maxsize=8)
def _lasting_moves(history: History) -> dict[str, tuple[Move, ...]]:
    """By revision, its moves, and what they do together with earlier ones; renames alone are `lasting_renames`."""
    composed = [each for each in _composed(history) if not each.renames_only]
    return {
        revision: (*replayed.moves, *(each.move for each in composed if each.revision == revision))
        for revision, replayed in replays(history).items()
    }


@lru_cache(maxsize=8)
def _together(history: History) -> frozenset[Pair]:
    """The old and new places that the chain at times has both: there, both being there says nothing."""
    pairs = [frozenset({rename.key(rename.old), rename.key(rename.new)}) for _, rename in lasting_renames(history)]
    pairs += [frozenset({move.old_key, move.new_key}) for moves in _lasting_moves(history).values() for move in moves]
    present: set[tuple[str, ...]] = set()
    found = set()
    for effect in effects(history).values():
        present = (present - effect.removed.keys()) | effect.added.keys()
        found |= {pair for pair in pairs if pair <= present}
    return frozenset(found)


def _is_covered(look: Look, revision: str) -> bool:
    """Whether a stamp says that a revision ran, so that nothing may be taken for an interrupted run without asking."""
    return look.stamp_fits or revision in look.as_it_is.stamped


def _half(look: Look, revision: str, rename: Rename) -> Iterator[Interruption]:
    if rename.table:
        yield from _half_column(look, revision, rename)
    else:
        yield from _half_table(look, revision, rename)


def _half_table(look: Look, revision: str, rename: Rename) -> Iterator[Interruption]:
    old, new = look.tables.get(rename.old), look.tables.get(rename.new)
    if old is None or new is None:
        return
    renamed = _renamed_columns(look.history, old, new)
    # They are alike if the new one has at least half of the old one's columns.
    shared = len(columns_of(old) & columns_of(new)) + len(renamed)
    if 2 * shared < len(old.columns) or not (rows := look.rows(old)):
        return
    if look.rows(new):
        # Where the stamp fits, the application may have a table of the old name; hardly one with exactly these columns.
        own = look.stamp_fits and columns_of(old) not in shapes_of(look.history)[rename.old]
        beyond = 0 if own else look.ask(RowsBeyond(old.spelling, new.spelling, renamed)).count
        if beyond:
            told = f"{revision} renames it to {new.spelling}, which has rows and lacks {pluralize(beyond, 'row')} of it"
            yield Interruption(old.spelling, told, (), revision)
    elif _is_covered(look, revision):
        told = f"{revision} renames it to {new.spelling}, which is empty: it has {pluralize(rows, 'row')}"
        yield Interruption(old.spelling, told, (), revision)
    else:
        told = f"it is empty, and {pluralize(rows, 'row is', 'rows are')} in {old.spelling}, which {revision} renames"
        yield Interruption(new.spelling, told, _without(look, new, revision), revision)


def _renamed_columns(history: History, old: Table, new: Table) -> tuple[tuple[str, str], ...]:
    """The columns of a table that are called otherwise in the one that it is renamed to, with what that calls them."""
    only_old, only_new = columns_of(old) - columns_of(new), columns_of(new) - columns_of(old)
    renames = [rename for _, rename in lasting_renames(history) if rename.table == new.name]
    found = {each.old: each.new for each in renames if each.old in only_old and each.new in only_new}
    return tuple(found.items())


def _without(look: Look, new: Table, revision: str) -> tuple[Step, ...]:
    """The step that takes an empty table away; none where something hangs on it that no revision would bring again."""
    return () if look.has_own(new) else (DropObject("table", new.spelling, revision),)


def _half_column(look: Look, revision: str, rename: Rename) -> Iterator[Interruption]:
    table = look.tables.get(rename.table)
    old, new = _column(table, rename.old), _column(table, rename.new)
    if table is None or old is None or new is None:
        return
    lacking = _lacking(look, table, old, new)
    if not lacking:
        yield from _other_values(look, table, (old, new), f"{revision} renames it", revision)
        return
    values = pluralize(lacking, "value is", "values are")
    if not own_values(look, table, new) and not _is_covered(look, revision):
        told = f"it holds nothing, and {values} in {table.spelling}.{old.spelling}, which {revision} renames"
        step = DropColumn(table.spelling, new.spelling, revision)
        yield Interruption(table.spelling, told, (step,), revision, new.spelling)
    else:
        told = f"{revision} renames it to {new.spelling}, which is there and lacks {pluralize(lacking, 'value')} of it"
        yield Interruption(table.spelling, told, (), revision, old.spelling)


def _other_values(
    look: Look, table: Table, pair: tuple[Column, Column], does: str, revision: str
) -> Iterator[Interruption]:
    """Two columns that no revision leaves beside one another, with other values in the new one, before the stamp.

    Somebody made the new one by hand, or wrote to the old one after the revision was interrupted.
    """
    old, new = pair
    if _is_covered(look, revision):
        return
    if differing := look.ask(ValuesLacking(table.spelling, old.spelling, new.spelling)).count:
        told = f"{does} to {new.spelling}, which is there with another value in {pluralize(differing, 'row')}"
        yield Interruption(table.spelling, told, (), revision, old.spelling)


def _column(table: Table | None, name: str) -> Column | None:
    return next((column for column in table.columns if column.name == name), None) if table else None


def _blanks(column: Column) -> tuple[str, ...]:
    """SQL for what a new column holds by itself: NULL, its default, or no text; no bytes are a value."""
    return as_made(column) if column.affinity in _BYTES else (*as_made(column), "''")


def own_values(look: Look, table: Table, column: Column) -> int:
    """In how many rows a column holds something that somebody wrote; where that is not known, any value counts."""
    asked = ValuesBesides(table.spelling, column.spelling, _blanks(column))
    try:
        return look.ask(asked).count
    except QuestionError:
        return look.ask(replace(asked, besides=("NULL",))).count


def _lacking(look: Look, table: Table, old: Column, new: Column) -> int:
    """In how many rows the old column has a value and the new one has none."""
    return look.ask(ValuesLacking(table.spelling, old.spelling, new.spelling, _blanks(new))).count


def _half_moved(look: Look, revision: str, moves: list[Move]) -> Iterator[Interruption]:
    """Rows that a revision brings from what it removes to what it makes, and that are in the old place alone."""
    told: set[tuple[str, str]] = set()
    read = [move for move in moves if move.link == Link.READ]
    for move in moves:
        lacking = _unmoved(look, revision, move)
        # Of a loop it is not known where it brings the rows: one place that has some will do.
        if move.link == Link.READ and any(
            _unmoved(look, revision, one) == 0 for one in read if one.old_key == move.old_key
        ):
            continue
        if lacking and (move.new_table, move.new_column) not in told:
            told.add((move.new_table, move.new_column))
            yield _moved(look, revision, move, lacking)
        elif lacking == 0 and move.column and move.columns and move.table == move.new_table:
            table = look.tables[move.table]
            if (old := _column(table, move.column)) and (new := _column(table, move.new_column)):
                yield from _other_values(look, table, (old, new), f"{revision} copies it", revision)


def missing_places(look: Look, revisions: frozenset[str]) -> Iterator[Interruption]:
    """Old places that are full, where the new place is to be made by repair and not by the revision that fills it."""
    expected = facts_at(look.history, look.as_it_is.position)
    for revision, every in _moves_of(look, revisions).items():
        moves = {
            move.old_key: move
            for move in every
            # What a revision copies it also removes: if it is expected, a later one makes another of its name.
            if (move.old_key not in expected or move.link == Link.COPIED)
            and move.new_key in expected
            and not _is_there(look, move.new_key)
        }
        for move in moves.values():
            if held := _held(look, move):
                target = f"{move.new_table}.{move.new_column}" if move.new_column else move.new_table
                values = pluralize(held, "value" if move.column else "row")
                found = f"{revision}, interrupted, brings {values} of it to {target}, which is not there"
                old = look.tables[move.table]
                column = _column(old, move.column)
                yield Interruption(old.spelling, found, (), revision, column.spelling if column else "")


def _moves_of(look: Look, revisions: frozenset[str]) -> dict[str, list[Move]]:
    """By revision, its moves if it is one of these, and what it ends of moves that began with one of these."""
    found = {
        revision: [move for move in replayed.moves if revision in revisions or move.link == Link.ASIDE]
        for revision, replayed in replays(look.history).items()
    }
    for each in _composed(look.history):
        if each.revisions <= look.as_it_is.position and each.revisions & revisions:
            found[each.revision].append(each.move)
    return found


def _as_move(rename: Rename) -> Move:
    if rename.table:
        return Move(rename.table, rename.old, rename.table, rename.new)
    return Move(rename.old, "", rename.new)


def _is_there(look: Look, its_key: tuple[str, ...]) -> bool:
    table = look.tables.get(its_key[1])
    return table is not None and (its_key[0] == "table" or _column(table, its_key[2]) is not None)


def _held(look: Look, move: Move) -> int:
    """How many rows or values are in the old place; none where it is not there."""
    old, column = look.tables.get(move.table), _column(look.tables.get(move.table), move.column)
    if old is None or (move.column and not column):
        return 0
    rows = look.rows(old)
    return rows - look.ask(NullsIn(old.spelling, column.spelling)).count if column else rows


def _moved(look: Look, revision: str, move: Move, lacking: int) -> Interruption:
    old, new = look.tables[move.table], look.tables[move.new_table]
    column, new_column = _column(old, move.column), _column(new, move.new_column)
    source = f"{old.spelling}.{column.spelling}" if column else old.spelling
    target = f"{new.spelling}.{new_column.spelling}" if new_column else new.spelling
    held = pluralize(lacking, "value" if column else "row")
    empty = not (own_values(look, new, new_column) if new_column else look.rows(new))
    if empty and move.link == Link.COPIED and not _is_covered(look, revision):
        steps = (
            (DropColumn(new.spelling, new_column.spelling, revision),) if new_column else _without(look, new, revision)
        )
        found = f"it holds nothing, and {held} of {source} that {revision} brings to it are there alone"
        spelt = new_column.spelling if new_column else ""
        return Interruption(new.spelling, found, steps, revision, spelt, runs=revision)
    found = f"{revision} brings {held} of it to {target}, which lacks them, and then removes it"
    return Interruption(old.spelling, found, (), revision, column.spelling if column else "")


def _unmoved(look: Look, revision: str, move: Move) -> int | None:
    """How many rows or values the new place lacks; None where one of the two places is not there."""
    old, new = look.tables.get(move.table), look.tables.get(move.new_table)
    column, new_column = _column(old, move.column), _column(new, move.new_column)
    if old is None or new is None or (move.column and not column) or (move.new_column and not new_column):
        return None
    if column and new_column and old is new:
        lacking = _lacking(look, old, column, new_column)
        return 0 if look.stamp_fits and own_values(look, new, new_column) else lacking
    held = _held(look, move)
    there = own_values(look, new, new_column) if new_column else look.rows(new)
    if not there or look.stamp_fits:
        return 0 if there else held
    pairs = {} if move.column else dict(move.columns) or _by_place(look.history, revision, move)
    pairs = _as_called(look.history, pairs, old, new)
    shared = columns_of(old) & columns_of(new)
    if pairs and all(pairs.get(name) == name for name in shared):
        renamed = tuple((source, to) for source, to in pairs.items() if source != to)
        return look.ask(RowsBeyond(old.spelling, new.spelling, renamed)).count
    # What the rows become on the way is not known: all that can be compared is how many there are.
    return max(0, held - there)


def _as_called(history: History, pairs: dict[str, str], old: Table, new: Table) -> dict[str, str]:
    """The same pairs of columns, by the names that these have before they are renamed, or afterwards."""
    renames = [(rename.table, rename.old, rename.new) for _, rename in lasting_renames(history)]
    here, there = columns_of(old), columns_of(new)
    earlier = {now: then for table, then, now in renames if table == old.name and then in here and now not in here}
    later = {then: now for table, then, now in renames if table == new.name and now in there and then not in there}
    return {earlier.get(source, source): later.get(to, to) for source, to in pairs.items()}


def _by_place(history: History, revision: str, move: Move) -> dict[str, str]:
    """The columns that `INSERT INTO new SELECT * FROM old` copies, with those that they become; else none."""
    replayed = replays(history)[revision]
    places = dict(replayed.by_place)
    names = [
        move.table,
        *(each.name for each in replayed.passing if (each.table, each.role) == (move.table, Role.ASIDE)),
    ]
    old = next((places[name] for name in names if name in places), ())
    new = places.get(move.new_table, ())
    return dict(zip(old, new, strict=True)) if len(old) == len(new) and not move.new_column else {}
