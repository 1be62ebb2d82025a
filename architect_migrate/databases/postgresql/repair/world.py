"""What a plan knows while it is made: which changes are still to come, and what its steps have made so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.repair.context import names_in_full
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.model.diff import Differs, Extra, Missing, Reordered, change_key
from architect_migrate.model.facts import (
    IndexFact,
    ObjectFact,
    TriggerFact,
    ViewFact,
    stored_text,
    table_of,
)
from architect_migrate.planning.plan import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from architect_migrate.databases.postgresql.repair.context import RepairContext
    from architect_migrate.databases.postgresql.repair.dependants import Dependant
    from architect_migrate.model.diff import Change
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Key

# The objects of other kinds that are made again by the chain's text at once where that is another one.
_BY_TEXT = frozenset({"function", "materialized view", "policy", "procedure", "rule", "statistics"})
# The objects that the texts of others name.
_NAMED_BY_OTHERS = frozenset({"function", "materialized view", "procedure", "view"})
# The depth of what a plan makes itself: it can depend on everything that was there.
_MADE = 1000


@dataclass(frozen=True, slots=True)
class Around:
    """What is taken down for a change and made again after it, in words too; and why that cannot be done."""

    down: tuple[str, ...] = ()
    up: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(slots=True)
class World:
    """`foreseen` are the changes that repair settles, `done` the keys of those that steps have settled so far.

    `made` is what steps have made that depends on something, `gone` the keys of what they have dropped. `working` are
    the tables whose work is being planned, `waiting` foreign keys whose parents are: (parent, table, clause).
    `released` are statements for the end of the work on a table, by its name. `settle` plans the work for one change,
    or for all of its table.
    """

    context: RepairContext
    history: History
    foreseen: dict[Key, Change] = field(default_factory=dict)
    done: set[Key] = field(default_factory=set)
    made: list[Dependant] = field(default_factory=list)
    gone: set[Key] = field(default_factory=set)
    working: set[str] = field(default_factory=set)
    waiting: list[tuple[str, str, str]] = field(default_factory=list)
    released: dict[str, list[str]] = field(default_factory=dict)
    settle: Callable[[Change, str], Work] = lambda _change, _revision: Work()

    def expect(self, changes: Iterable[Change]) -> None:
        """Take in every change that repair settles, in the order of the schema."""
        self.foreseen.update({change_key(change): change for change in changes})

    def pending(self) -> Iterator[Change]:
        """Yield the changes that no step has settled yet."""
        yield from [change for key, change in self.foreseen.items() if key not in self.done]

    def of_table(self, table: str) -> tuple[Change, ...]:
        """The changes of a table itself that no step has settled yet."""
        return tuple(change for change in self.pending() if is_of_table(change) and its_table(change) == table)

    def needed(self, text: str) -> list[Change]:
        """The changes of objects that a text names, and extensions, which bring names of their own."""
        names = names_in_full(text)
        return [change for change in self.pending() if _is_needed(change, names)]

    def record(self, dependant: Dependant) -> None:
        """Take in that a step has made something that depends on other objects."""
        self.made.append(replace(dependant, depth=_MADE + len(self.made)))

    def around(
        self, starts: Iterable[Start], table: str = "", own: tuple[Iterable[str], Iterable[str]] = ((), ())
    ) -> Around:
        """What is in the way of changes; `own` are columns and constraints of their table that go anyway."""
        starts = tuple(starts)
        if not starts:
            return Around()
        away = {("column", table, name) for name in own[0]} | {("constraint", table, name) for name in own[1]}
        found = [each for each in self.context.in_the_way(starts) if each.key not in self.gone | away]
        found += self._made_on(found, starts)
        now = [self._as_planned(each, table) for each in found]
        return Around(
            tuple(each.drop for each in reversed(now)),
            tuple(text for each in now for text in (each.create, *each.extras)),
            tuple(each.shown for each in now),
            tuple(each.create for each in now),
            tuple(each.why for each in found if each.why),
        )

    def _made_on(self, found: list[Dependant], starts: tuple[Start, ...]) -> list[Dependant]:
        """What steps have made that may depend on what is to be changed, or on something that is taken down for it."""
        names = {each.key[-1].partition("(")[0] for each in found if each.key[0] in _NAMED_BY_OTHERS}
        using: list[Dependant] = []
        for each in self.made:
            is_used = any(_uses(each, start) for start in starts) or names & names_in_full(each.create)
            if is_used and each.key not in self.gone:
                using.append(each)
                names.add(each.key[-1])
        return using

    def _as_planned(self, each: Dependant, table: str) -> Dependant:
        """A dependant as it is made again: by the chain's text if that is another one."""
        change = self.foreseen.get(each.key)
        if not isinstance(change, Differs) or not _is_by_text(change.fact):
            return each
        # A table whose work has begun may not have yet what the chain's text names.
        begun = self.working - {table}
        if change_key(change) not in self.done and begun & names_in_full(stored_text(change.fact)):
            return each
        self.done.add(each.key)
        extras = self.context.extras_of(start_of(change.fact))
        return replace(each, create=stored_text(change.fact), extras=extras)


def start_of(fact: Fact) -> Start:
    """An object beside tables, as what depends on it and what it has beside its definition are asked for."""
    match fact:
        case IndexFact():
            return Start("relation", fact.index.name)
        case ViewFact():
            return Start("relation", fact.view.name)
        case TriggerFact(trigger=one):
            return Start("trigger", one.table, one.spelling)
        case ObjectFact(object=thing) if thing.kind in {"policy", "rule"}:
            return Start(thing.kind, thing.table, thing.spelling)
        case ObjectFact(object=thing) if thing.kind == "exclusion constraint":
            return Start("constraint", thing.table, thing.spelling)
        case ObjectFact(object=thing):
            return Start(_STARTS.get(thing.kind, "relation"), thing.name)
        case _:
            raise AssertionError(fact)


_STARTS = {
    "aggregate": "function",
    "domain": "type",
    "event trigger": "event trigger",
    "function": "function",
    "procedure": "function",
    "statistics": "statistics",
    "type": "type",
}


def its_table(change: Change) -> str:
    """The table of a change."""
    return change.table if isinstance(change, Reordered) else table_of(change.fact)


def is_of_table(change: Change) -> bool:
    """Whether a change is one of a table itself, and not of an object beside it."""
    return not isinstance(change, Reordered) and not isinstance(
        change.fact, IndexFact | TriggerFact | ViewFact | ObjectFact
    )


def _is_needed(change: Change, names: frozenset[str]) -> bool:
    match change:
        case Missing(fact=ObjectFact(object=thing)) if thing.kind == "extension":
            return True
        case Missing(fact=ObjectFact(object=thing)) | Differs(fact=ObjectFact(object=thing)):
            return thing.spelling in names
        case Missing(fact=ViewFact(view=view)) | Differs(fact=ViewFact(view=view)):
            return view.name in names
        case Missing(fact=IndexFact()) | Differs(fact=IndexFact()) | Extra() | Reordered():
            return False
        case Missing(fact=TriggerFact()) | Differs(fact=TriggerFact()):
            return False
        case _:
            return its_table(change) in names


def _is_by_text(fact: Fact) -> bool:
    return isinstance(fact, ViewFact | TriggerFact) or (isinstance(fact, ObjectFact) and fact.object.kind in _BY_TEXT)


def _uses(each: Dependant, start: Start) -> bool:
    """Whether something that a step has made may depend on what is to be changed: its text names it."""
    names = names_in_full(each.create)
    if start.kind in {"altered column", "column"}:
        return {start.name, start.part} <= names
    if start.kind == "constraint":
        return False
    return start.name.partition("(")[0] in names
