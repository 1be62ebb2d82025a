"""What interrupted work is found by: the chain, a database with its rows, and where it is as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.core.names import BATCH_COPY
from architect_migrate.diagnosis.diagnose import Basis
from architect_migrate.model.history import Passing, Role, effects, facts_at, replays, snapshots, tables_ever
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.row_questions import RowsIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from architect_migrate.diagnosis.diagnose import Diagnosis
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.history import History, Rename
    from architect_migrate.model.schema import Column, Index, Key, Schema, Table, Trigger
    from architect_migrate.planning.plan import Step
    from architect_migrate.planning.row_questions import Answer, Question

    Ask = Callable[[Question], Answer]


@dataclass(frozen=True, slots=True)
class Interruption:
    """What an interrupted run left behind: where, what is found there, and the steps that put it in order.

    Without steps a person has to decide. `table` is spelt as the database spells it; `revision` is empty where no
    revision of the chain is known to make it. `missing` is the chain's table that the rows belong to and that is not
    there. `runs` is the revision that has to be run as a whole after the steps, so that rows come to where they belong.
    `advice` is what a person can do, where that is not to bring the rows to where they belong; `by_hand` is what a
    person has to do where no entry settles it.
    `guessed` says that no revision leaves such a thing: its steps are right only where a position fits after them.
    `ends` is the revision of which nothing is left to be done after the steps, `undoes` one that they undo as a whole.
    """

    table: str
    found: str
    steps: tuple[Step, ...] = ()
    revision: str = ""
    column: str = ""
    missing: str = ""
    runs: str = ""
    advice: str = ""
    by_hand: str = ""
    guessed: bool = False
    ends: str = ""
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """The chain, and a database with its rows to ask about."""

    history: History
    schema: Schema
    tables: dict[str, Table]
    as_it_is: Diagnosis
    ask: Ask

    @property
    def stamp_fits(self) -> bool:
        """Whether the database is where its stamp says, as it stands."""
        return self.as_it_is.basis is Basis.STAMP

    def expects(self, table: str) -> bool:
        """Whether the chain has a table where the stamp says that the database is, or the schema.

        A table that is missing can lead the evidence, and without a stamp the schema, to a position before it. So there
        every table is expected that the chain has not dropped by that position.
        """
        if self.as_it_is.basis is Basis.EVIDENCE:
            return True
        if not self.as_it_is.stamped and not self._was_made(table):
            return True
        return any(("table", table) in facts_at(self.history, position) for position in self._positions())

    def is_expected(self, its_key: Key) -> bool:
        """Whether the chain has something where the stamp says that the database is, or the schema; else anywhere."""
        known = any(self._positions())
        return (
            self.expects_all({its_key})
            if known
            else any(its_key in its.added for its in effects(self.history).values())
        )

    def expected_facts(self) -> Iterator[Fact]:
        """Everything that the chain has where the stamp says that the database is, or the schema."""
        for position in self._positions():
            yield from facts_at(self.history, position).values()

    def expects_both(self, table: str, other: str) -> bool:
        """Whether the chain has both tables where the stamp says that the database is, or the schema."""
        return self.expects_all({("table", table), ("table", other)})

    def expects_all(self, keys: AbstractSet[Key]) -> bool:
        """Whether the chain has all of some things where the stamp says that the database is, or the schema."""
        return any(keys <= facts_at(self.history, position).keys() for position in self._positions())

    def _was_made(self, table: str) -> bool:
        """Whether a revision of the position makes a table."""
        made = (effects(self.history)[revision].added for revision in self.as_it_is.position)
        return any(("table", table) in facts for facts in made)

    def _positions(self) -> tuple[frozenset[str], ...]:
        return (self.as_it_is.stamped, self.as_it_is.position)

    def has_shape_of(self, left: Table, of: str) -> bool:
        """Whether a table has exactly the columns and the key that some revision gives a table of the chain."""
        return _shape(left) in _whole_shapes(self.history).get(of, ())

    def rows(self, table: Table) -> int:
        """How many rows a table has."""
        return self.ask(RowsIn(table.spelling)).count

    def objects(self, table: Table) -> list[tuple[str, Index | Trigger]]:
        """The indexes and triggers of a table, each with its kind."""
        indexes = [("index", index) for index in self.schema.indexes if index.table == table.name]
        return [*indexes, *(("trigger", trigger) for trigger in self.schema.triggers if trigger.table == table.name)]

    def has_objects_of(self, left: Table, of: str) -> bool:
        """Whether a table has indexes or triggers that are called like those of a table of the chain."""
        return any((one.name, of) in _ever(self.history) for _, one in self.objects(left))

    def is_near(self, revision: str) -> bool:
        """Whether a revision is the last one that ran here on its branch, or the next one that would."""
        return self._is_near(revision, self.as_it_is.position)

    def is_near_stamp(self, revision: str) -> bool:
        """Whether the stamp says that of a revision.

        Tables that newer models made can lead the evidence past the revision that was interrupted, and a stamp not.
        """
        return bool(self.as_it_is.stamped) and self._is_near(revision, self.as_it_is.stamped)

    def _is_near(self, revision: str, position: frozenset[str]) -> bool:
        graph = self.history.graph
        parents = {each.id: set(each.parents) for each in graph.revisions}
        return revision in heads(graph, position) or (revision not in position and parents[revision] <= position)

    def is_own(self, one: Index | Trigger) -> bool:
        """Whether no revision ever makes this index or trigger."""
        return (one.name, one.table) not in _ever(self.history)

    def own_columns(self, table: Table) -> tuple[str, ...]:
        """The columns of a table of the chain that no revision ever makes, not even on its way."""
        known = _columns_ever(self.history).get(table.name)
        return tuple(each.spelling for each in table.columns if known is not None and each.name not in known)

    def has_own(self, table: Table) -> bool:
        """Whether a table has a column, index or trigger that no revision would bring again."""
        return bool(self.own_columns(table)) or any(self.is_own(one) for _, one in self.objects(table))


@lru_cache(maxsize=8)
def _ever(history: History) -> frozenset[tuple[str, str]]:
    """Every index and trigger of the chain, with its table."""
    schemas = snapshots(history).values()
    indexes = {(index.name, index.table) for schema in schemas for index in schema.indexes}
    return frozenset(indexes | {(trigger.name, trigger.table) for schema in schemas for trigger in schema.triggers})


@lru_cache(maxsize=8)
def _columns_ever(history: History) -> dict[str, frozenset[str]]:
    """The columns that each table of the chain has after any statement."""
    found: dict[str, set[str]] = {name: set().union(*shapes) for name, shapes in shapes_of(history).items()}
    for replayed in history.replayed:
        for table, columns in (item for stop in replayed.stops for item in stop.shape.items()):
            found.setdefault(table, set()).update(columns)
    return {name: frozenset(columns) for name, columns in found.items()}


def columns_of(table: Table) -> frozenset[str]:
    """The folded names of a table's columns."""
    return frozenset(column.name for column in table.columns)


def renames_of(history: History) -> Iterator[tuple[str, Rename]]:
    """What each revision renames permanently, in replay order."""
    for revision, replayed in replays(history).items():
        yield from ((revision, rename) for rename in replayed.renames)


_Shape = tuple["frozenset[Column]", tuple[str, ...]]


def _shape(table: Table) -> _Shape:
    return frozenset(table.columns), table.primary_key


@lru_cache(maxsize=8)
def _whole_shapes(history: History) -> dict[str, set[_Shape]]:
    """The columns, with their types, and the key that each table of the chain ever has."""
    shapes: dict[str, set[_Shape]] = {}
    for schema in snapshots(history).values():
        for table in schema.tables:
            shapes.setdefault(table.name, set()).add(_shape(table))
    return shapes


def spelt(history: History, revision: str, table: str, column: str = "") -> str:
    """The name of a table of the chain, or of a column of it, as the revision nearest to one spells it.

    Without a revision that is the last one.
    """
    return _spellings(history, revision).get((table, column)) or column or table


@lru_cache(maxsize=64)
def _spellings(history: History, revision: str) -> dict[tuple[str, str], str]:
    order = list(snapshots(history))
    at = order.index(revision) if revision else len(order)
    found: dict[tuple[str, str], str] = {}
    # What comes later wins.
    for each in (*reversed(order), *order[at : at + 1], *order[:at][-1:]):
        tables = snapshots(history)[each].tables
        found |= {(table.name, ""): table.spelling for table in tables}
        found |= {(table.name, column.name): column.spelling for table in tables for column in table.columns}
    return found


# Asked for every database that is read in full, and the same for all of one chain.
@lru_cache(maxsize=8)
def shapes_of(history: History) -> dict[str, set[frozenset[str]]]:
    """The columns that each table of the chain ever has."""
    shapes: dict[str, set[frozenset[str]]] = {}
    for schema in snapshots(history).values():
        for table in schema.tables:
            shapes.setdefault(table.name, set()).add(frozenset(column.name for column in table.columns))
    return shapes


def on_their_way(look: Look) -> Iterator[tuple[str, Passing]]:
    """The tables of a database that revisions make on their way, each with the revision that is most likely to have."""
    known: dict[str, tuple[str, Passing]] = {}
    for revision, passing in sorted(_passing_here(look), key=lambda one: _likeness(look, *one)):
        known[passing.name] = (revision, passing)
    lasting = tables_ever(look.history)
    # Why sorted: a plan that is made in another process must have the same steps in the same order.
    for name in sorted(look.tables.keys() - lasting):
        of = name.removeprefix(BATCH_COPY)
        if name in known:
            yield known[name]
        elif of != name and of in lasting:
            yield "", Passing(name, of, Role.COPY)


def _passing_here(look: Look) -> Iterator[tuple[str, Passing]]:
    for revision, replayed in replays(look.history).items():
        yield from ((revision, passing) for passing in replayed.passing if passing.name in look.tables)


def _likeness(look: Look, revision: str, passing: Passing) -> tuple[bool, ...]:
    """How well a table fits a revision that makes it on its way.

    Only the last revision that ran, or the next one, can have been interrupted, unless the stamp is wrong. Of those,
    and of the others, the newest one counts that gives the table which it makes this one for the same columns.
    """
    here, near = look.tables[passing.name], look.is_near(revision) or look.is_near_stamp(revision)
    after = next((each for each in snapshots(look.history)[revision].tables if each.name == passing.table), None)
    if after is None:
        return near, False, False
    return near, columns_of(here) == columns_of(after), {*here.columns} == {*after.columns}
