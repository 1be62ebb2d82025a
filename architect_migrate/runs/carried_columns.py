"""Where the columns of before a run are after it: what its steps, and the revisions that they run, rename."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.model.history import effects, replays
from architect_migrate.planning.plan import DropColumn, RenameColumn, RunRevision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Key
    from architect_migrate.model.stops import Place
    from architect_migrate.planning.plan import Plan, Step

    Moves = dict[Place, Place | None]


def carried_columns(history: History, plan: Plan, dropped: AbstractSet[Place] = frozenset()) -> Moves:
    """Return the new place of each column that a plan renames; None for one whose values it takes away or changes.

    Places are (table, column), with tables as they are called after the plan's own renames. `dropped` are the columns
    that an ALTER TABLE of the chain's was seen to drop.
    """
    now: Moves = {}
    made: set[Place] = set()
    for step in plan.steps:
        moves, fresh = _moves(history, step, dropped)
        came_from = {place: origin for origin, place in now.items() if place}
        now |= {came_from.get(place, place): to for place, to in moves.items() if place not in made}
        made = {to for place in made if (to := moves.get(place, place))} | fresh
    return {place: to for place, to in now.items() if to != place}


def _moves(history: History, step: Step, dropped: AbstractSet[Place]) -> tuple[Moves, set[Place]]:
    """What one step does to columns: where they go, and those that it makes."""
    match step:
        case RenameColumn():
            table = fold(step.table)
            return {(table, fold(step.column)): (table, fold(step.new))}, set()
        case DropColumn():
            return {(fold(step.table), fold(step.column)): None}, set()
        case RunRevision():
            moves, fresh = _moves_of(history, step.revision)
            # What it drops and makes again has lost its values, also where the table came by its name before.
            remade = replays(history)[step.revision].remade & dropped
            return moves | dict.fromkeys(remade), fresh | remade
        case _:
            return {}, set()


def _moves_of(history: History, revision: str) -> tuple[Moves, set[Place]]:
    """What a revision does to columns, apart from those that it makes again under the same name."""
    if not (stops := replays(history)[revision].stops):
        # Else a column that an earlier revision moved with its table would count as one that only has to be there.
        does = effects(history)[revision]
        gone, fresh = does.removed.keys() - does.added.keys(), does.added.keys() - does.removed.keys()
        return dict.fromkeys(_columns(gone)), set(_columns(fresh))
    end = stops[-1]
    before = [(table, column) for table, columns in stops[0].tables for column in columns]
    after = {(table, column) for table, columns in end.tables for column in columns}
    held = set(end.places.values())
    # A column that is there and holds the values of none is what a copy computed: it is compared in its place.
    kept = [place for place in before if place in end.places or place in held or place not in after]
    return {place: end.places.get(place) for place in kept}, after - held


def _columns(keys: Iterable[Key]) -> Iterator[Place]:
    return ((key[1], key[2]) for key in keys if key[0] == "column")


def unmoved_columns(history: History, plan: Plan) -> frozenset[Place]:
    """Return the columns that a revision takes away and brings back with their values, under the same name."""
    revisions = [step.revision for step in plan.steps if isinstance(step, RunRevision)]
    ends = (replays(history)[revision].stops[-1] for revision in revisions if replays(history)[revision].stops)
    return frozenset(place for end in ends for place, to in end.places.items() if to == place)
