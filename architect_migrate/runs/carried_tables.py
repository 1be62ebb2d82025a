"""Where the tables of before a run are after it: what its steps, and the revisions that they run, rename and drop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.databases.values import CopiedTable
from architect_migrate.model.history import Link, Role, effects, replays
from architect_migrate.planning.plan import DropObject, RenameTable, RunDowngrade, RunRevision

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from architect_migrate.model.history import History, Replayed
    from architect_migrate.model.schema import Key
    from architect_migrate.planning.plan import Plan, Step


@dataclass(slots=True)
class Carried:
    """What becomes of tables, by folded names.

    `now` has the last name of each table of before that is renamed or dropped, empty where it is dropped; `aliases` the
    last name for every name that such a table has on the way. `moved` are tables that are dropped after their rows were
    copied to another one, with that one and the pairs of columns that are copied as they are. `copied` are those that
    a revision copies to what takes their place.
    """

    now: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    moved: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=dict)
    copied: list[CopiedTable] = field(default_factory=list)

    @property
    def renamed(self) -> frozenset[tuple[str, str]]:
        """Each table of before that has another name, with that."""
        return frozenset((old, new) for old, new in self.now.items() if new and new != old)

    @property
    def dropped(self) -> frozenset[str]:
        """The tables of before that are dropped."""
        return frozenset(old for old, new in self.now.items() if not new)


def carried_tables(history: History, plan: Plan, renames: Collection[tuple[str, str]]) -> Carried:
    """Return what becomes of tables by a plan; `renames` are the (old, new) names of those that its code renamed."""
    found = Carried()
    # Who bears a name now: a table of before by its name of then, or one that the plan makes (empty).
    bearers: dict[str, str] = {}
    for step in plan.steps:
        moved, gone, made = _changes(history, step, renames)
        taken = {name: bearers.pop(name, name) for name in moved.keys() | gone}
        bearers |= dict.fromkeys(taken.keys() | made, "")
        for name in gone:
            found.now |= {taken[name]: ""} if taken[name] else {}
        for old, new in moved.items():
            bearers[new] = taken[old]
            found.now |= {taken[old]: new} if taken[old] else {}
        found.aliases = {name: moved.get(last, last) for name, last in found.aliases.items()} | moved
        found.moved |= _copied(history, step, {name: taken[name] for name in gone})
        if isinstance(step, RunRevision):
            called = bearers | {old: taken[old] for old in moved}
            found.copied += _copies(step.revision, replays(history)[step.revision], called)
    return found


def _copies(revision: str, replayed: Replayed, called: Mapping[str, str]) -> Iterator[CopiedTable]:
    """The tables of before that a revision copies to what takes their place.

    `called` are the tables of before by the names that they have for it.
    """
    for passing in replayed.passing:
        if table := called.get(passing.table, passing.table):
            ends = (passing.table, passing.name) if passing.role == Role.COPY else (passing.name, passing.table)
            yield CopiedTable(table, revision, *ends)


def _changes(
    history: History, step: Step, renames: Collection[tuple[str, str]]
) -> tuple[dict[str, str], set[str], set[str]]:
    """What one step renames, drops and makes."""
    match step:
        case RenameTable():
            return {fold(step.table): fold(step.new)}, set(), set()
        case DropObject(kind="table"):
            return {}, {fold(step.name)}, set()
        case RunRevision():
            replayed, does = replays(history)[step.revision], effects(history)[step.revision]
            moved = renamed_by(history, step.revision)
            removed, added = _tables(does.removed), _tables(does.added)
            gone = ((removed - added) | replayed.replaced) - moved.keys()
            return moved, gone, (added | replayed.replaced) - {*moved.values()}
        case RunDowngrade():
            replayed, does = replays(history)[step.revision], effects(history)[step.revision]
            back = {rename.new: rename.old for rename in replayed.renames if not rename.table}
            moved = {old: new for old, new in back.items() if (old, new) in renames}
            removed, added = _tables(does.added), _tables(does.removed)
            return moved, removed - added - moved.keys(), added - {*moved.values()}
        case _:
            return {}, set(), set()


def _tables(keys: Collection[Key]) -> set[str]:
    return {key[1] for key in keys if key[0] == "table"}


def _copied(history: History, step: Step, gone: dict[str, str]) -> dict[str, tuple[str, tuple[tuple[str, str], ...]]]:
    """The tables of before that a revision drops when it has copied their rows, with the copies."""
    if not isinstance(step, RunRevision):
        return {}
    moves = [move for move in replays(history)[step.revision].moves if move.link == Link.COPIED and not move.column]
    return {gone[move.table]: (move.new_table, move.columns) for move in moves if gone.get(move.table)}


def renamed_by(history: History, revision: str) -> dict[str, str]:
    """Return the tables that a revision renames, with their new names."""
    replayed = replays(history)[revision]
    displaced = {before: now for now, before in (replayed.stops[-1].whole if replayed.stops else ()) if now != before}
    return {rename.old: rename.new for rename in replayed.renames if not rename.table} | displaced
