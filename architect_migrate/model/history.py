"""History of a chain as values: its revisions in order, and the changes that each of them makes.

A history comes from a replay (see `revisions.replay_process`). A position is the set of applied revisions, closed
under ancestry. Why a set: the revisions of a branched chain have no single order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.model.delta import Delta, Named, apply, name_of, touched
from architect_migrate.model.facts import (
    CheckFact,
    ColumnFact,
    ConflictFact,
    Fact,
    ForeignKeyFact,
    IndexFact,
    NameFact,
    ObjectFact,
    PrimaryKeyFact,
    TableFact,
    TriggerFact,
    UniqueFact,
    ViewFact,
    facts,
    table_of,
)
from architect_migrate.model.names import Names
from architect_migrate.model.schema import ConstraintName, Schema, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.model.schema import Column, Key, Trigger
    from architect_migrate.model.seed_rows import SeedRow
    from architect_migrate.model.stops import Interim, Place, Stop


@dataclass(frozen=True, slots=True)
class ReplayedStatement:
    """A statement that a revision ran: its text and its verb in lower case, that after common table expressions.

    `writes` and `reads` are the tables, by folded names, whose rows it writes itself (triggers aside) and reads,
    `columns` those that it sets in an UPDATE, `looks` the (table, column) that it reads where it writes rows.
    `in_data_step` says that `data_step()` ran it, `masked` that values of rows are left out of its text (see
    `unmasked`), `inexact` that the text does not show all values exactly.
    """

    verb: str
    text: str
    writes: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    in_data_step: bool = False
    columns: frozenset[str] = frozenset()
    masked: bool = False
    looks: frozenset[tuple[str, str]] = frozenset()
    inexact: bool = False


class Role(StrEnum):
    """Role of a table that exists only while its revision runs."""

    COPY = "copy"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class Passing:
    """A temporary table of a revision, by folded names.

    COPY: `name` is filled from `table` and then takes its name, as in Alembic's batch operations. ASIDE: `table` is
    renamed to `name` until its rows have been copied back.
    """

    name: str
    table: str
    role: str


@dataclass(frozen=True, slots=True)
class Rename:
    """A table, or a column of `table`, that a revision renames, by folded names."""

    old: str
    new: str
    table: str = ""

    def key(self, name: str) -> Key:
        """Return the key of the fact for this kind of object under a name."""
        return ("column", self.table, name) if self.table else ("table", name)


class Link(StrEnum):
    """How a revision is known to bring rows from one place to another.

    COPIED: one statement names both. READ: it reads the old place, as a loop over rows does, and makes the new one;
    what a loop writes is not seen in a replay on empty tables. ASIDE: it renames a column, makes another one of the
    same name and fills that one.
    """

    COPIED = "copied"
    ASIDE = "aside"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Move:
    """Rows, or the values of a column, that a revision brings from what it removes to what it makes, by folded names.

    An empty `column` or `new_column` stands for the whole table. `columns` pairs columns of `table` with those of
    `new_table` that are copied from them as they are; of a column that is the pair of it alone.
    """

    table: str
    column: str
    new_table: str
    new_column: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    link: str = Link.COPIED

    @property
    def old_key(self) -> Key:
        """The key of the fact that the old place exists."""
        return ("column", self.table, self.column) if self.column else ("table", self.table)

    @property
    def new_key(self) -> Key:
        """The key of the fact that the new place exists."""
        return ("column", self.new_table, self.new_column) if self.new_column else ("table", self.new_table)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A revision as replayed: its changes, its statements, and the tables that it wrote rows to.

    `passing` are its temporary tables, which an interrupted run may have left; `renames` are its lasting renames,
    `moves` are rows or values that it moves to another place. `replaced` are tables that it drops, or renames away, and
    creates again under the same name without their rows. `reads` are the tables that its own code reads outside of
    `data_step()`: such code writes nothing in a replay on empty tables, but may on others. `seeds` are the rows of
    constants that it inserts. `stops` are what each of its statements leaves, where it renames or puts aside what was
    there. `interims` are shapes that tables have only between two of its statements, where it changes rows. `apart` are
    the verbs of what it runs in autocommit, `refused` is the first thing that a run would not let it do, in words, and
    `refused_at` the line of its code. `commits` is the line of its first commit, which a run leaves out.
    `remade` are the (table, column) that it drops and makes again under the same name, `passing_triggers` are triggers
    that it makes and takes away again, `passing_columns` such columns of tables that it leaves, each with its table.
    `by_place` are the tables that its statements name by place, as INSERT without a list of columns and SELECT * do,
    with their columns in order at that moment.
    `outside` are words for what a run has to do outside of its transaction. `labels` are the types that exist and to
    which it adds labels, which statements can use after a commit only. `on_the_way` are the keys of what PostgreSQL has
    only between two of its statements.
    `came_with` are columns that it adds to tables that are there, each as (table, column, default) with the default,
    None for NULL, that the rows of that moment got; what its end says of all others is what they came with.
    """

    delta: Delta
    statements: tuple[ReplayedStatement, ...] = ()
    writes: frozenset[str] = frozenset()
    passing: tuple[Passing, ...] = ()
    renames: tuple[Rename, ...] = ()
    moves: tuple[Move, ...] = ()
    replaced: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    seeds: tuple[SeedRow, ...] = ()
    stops: tuple[Stop, ...] = ()
    interims: tuple[Interim, ...] = ()
    apart: tuple[str, ...] = ()
    refused: str = ""
    refused_at: str = ""
    commits: str = ""
    by_place: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    remade: frozenset[Place] = frozenset()
    passing_triggers: tuple[Trigger, ...] = ()
    passing_columns: tuple[tuple[str, Column], ...] = ()
    outside: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    on_the_way: frozenset[Key] = frozenset()
    came_with: frozenset[tuple[str, str, str | None]] = frozenset()


@dataclass(frozen=True, eq=False)
class History:
    """A chain and the replay of each of its revisions.

    `again` replays the chain once more and returns what `replayed` has, with the values of rows; None where
    `replayed` has them itself.
    Why equality is identity: histories are keys of the caches below, and comparing their contents would be slow.
    """

    graph: RevisionGraph
    replayed: tuple[Replayed, ...]
    again: Callable[[], tuple[Replayed, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects of one revision, as facts by key; a changed fact is in both, in its new and its old shape."""

    added: dict[Key, Fact]
    removed: dict[Key, Fact]


@lru_cache(maxsize=8)
def replays(history: History) -> dict[str, Replayed]:
    """Each revision with its replay, in replay order."""
    return dict(zip(history.graph.order, history.replayed, strict=True))


@lru_cache(maxsize=8)
def snapshots(history: History) -> dict[str, Schema]:
    """Return the schema after each revision, in replay order."""
    schemas, schema = {}, Schema()
    for revision, replayed in replays(history).items():
        schema = apply(schema, replayed.delta)
        schemas[revision] = schema
    return schemas


def names_ever(history: History) -> Names:
    """Return the names of all objects that revisions create, temporary tables included, and their ids."""
    found = Names(
        frozenset(passing.name for replayed in history.replayed for passing in replayed.passing),
        revisions=frozenset(map(fold, history.graph.order)),
    )
    for schema in {id(schema): schema for schema in snapshots(history).values()}.values():
        found |= names_of(schema)
    return found


def names_of(schema: Schema) -> Names:
    """Return the names of all objects in a schema."""
    return Names(
        frozenset(table.name for table in schema.tables),
        frozenset((table.name, column.name) for table in schema.tables for column in table.columns),
        frozenset(index.name for index in schema.indexes),
        frozenset(name for trigger in schema.triggers for name in (trigger.name, trigger.spelling)),
        frozenset(view.name for view in schema.views),
        frozenset(
            (table.name, name)
            for table in schema.tables
            for each in table.constraint_names
            for name in (each.name, fold(each.name))
        )
        | {(each.table, each.spelling) for each in schema.objects if each.table},
        frozenset((each.kind, name) for each in schema.objects for name in (each.name, each.spelling)),
    )


@lru_cache(maxsize=8)
def unmasked(history: History) -> dict[str, Replayed]:
    """Each revision with its replay and the values of rows in it, which takes another replay where they are masked.

    The rows must not reach a database: tokens, secrets and times in them are each database's own (see `replayed_anew`).
    """
    return replayed_anew(history)


def replayed_anew(history: History) -> dict[str, Replayed]:
    """The same as `unmasked`, but each call has values of its own where they are masked."""
    is_masked = any(statement.masked for replayed in history.replayed for statement in replayed.statements)
    if not is_masked or history.again is None:
        return replays(history)
    return dict(zip(history.graph.order, history.again(), strict=True))


def recorded_sql(history: History) -> dict[str, tuple[str, ...]]:
    """Return the texts of the statements that each revision ran, in replay order."""
    known = unmasked(history).items()
    return {revision: tuple(each.text for each in replayed.statements) for revision, replayed in known}


@lru_cache(maxsize=8)
def effects(history: History) -> dict[str, Effects]:
    """Return the effects of each revision, in replay order."""
    by_revision: dict[str, Effects] = {}
    schema = Schema()
    for revision, replayed in replays(history).items():
        after = apply(schema, replayed.delta)
        old, new = touched(schema, replayed.delta), facts(replayed.delta.changed)
        by_revision[revision] = Effects(
            {k: fact for k, fact in new.items() if old.get(k) != fact},
            {k: fact for k, fact in old.items() if new.get(k) != fact},
        )
        schema = after
    return by_revision


def dropped_tables(its: Effects) -> frozenset[str]:
    """Return the tables that a revision drops, with all that they have at whichever position it runs."""
    tables = frozenset(k[1] for k in its.removed if k[0] == "table")
    return tables - {k[1] for k in its.added if k[0] == "table"}


def row_statements(replayed: Replayed) -> tuple[ReplayedStatement, ...]:
    """The statements by which a revision changes rows: neither its data step's, nor those that only move rows.

    Rows are moved by a copy of a table into the one that takes its place.
    """
    return tuple(
        statement for statement in replayed.statements if is_of_rows(statement) and not _moves(statement, replayed)
    )


def writes_of(statements: Iterable[ReplayedStatement]) -> frozenset[str]:
    """The tables whose rows some statements write."""
    return frozenset[str]().union(*(statement.writes for statement in statements))


def is_of_rows(statement: ReplayedStatement) -> bool:
    """Whether a statement writes rows outside of a data step."""
    return statement.verb in WRITING and bool(statement.writes) and not statement.in_data_step


# The verbs of statements that write rows, and of those that insert some.
WRITING = frozenset({"delete", "insert", "replace", "update"})
INSERTING = frozenset({"insert", "replace"})


def is_of_constants(statement: ReplayedStatement) -> bool:
    """Whether a statement inserts rows without reading any, outside of a data step."""
    once = statement.verb in INSERTING and not statement.in_data_step
    return once and not statement.reads and len(statement.writes) == 1


def _moves(statement: ReplayedStatement, replayed: Replayed) -> bool:
    """Whether a statement only brings a table's rows to its copy or successor, or back from where they were put."""
    if statement.verb == "update":
        # What a column is filled with before the old one is dropped is looked for on both sides (see `both_sides`).
        filled = {move.new_column for move in replayed.moves if move.new_table in statement.writes}
        return bool(statement.columns) and statement.columns <= filled
    if statement.verb not in INSERTING or not statement.reads:
        return False
    copies = {(passing.table, passing.name) for passing in replayed.passing if passing.role == Role.COPY}
    aside = {(passing.name, passing.table) for passing in replayed.passing if passing.role == Role.ASIDE}
    made = {table.name for table in replayed.delta.changed.tables}
    gone = {name for kind, name in replayed.delta.removed if kind == "table"}
    # What such a table is called until then counts as it.
    gone |= {name for name, table in aside if table in gone}
    return all(
        (source, target) in copies | aside or (source in gone and target in made)
        for source in statement.reads - statement.writes
        for target in statement.writes
    ) and bool(statement.reads - statement.writes)


@lru_cache(maxsize=8)
def tables_ever(history: History) -> frozenset[str]:
    """Return the tables that the chain has after any of its revisions, by folded names."""
    return frozenset(k[1] for effect in effects(history).values() for k in effect.added if k[0] == "table")


def reference(history: History, position: frozenset[str]) -> Schema:
    """Return the schema that the chain makes of these revisions, even if the replay never stopped at this position."""
    return _reference(history, position)


@lru_cache(maxsize=64)
def _reference(history: History, position: frozenset[str]) -> Schema:
    order = history.graph.order
    if not position:
        return Schema()
    # Why a separate case: the replay itself stopped here, so its schema is exact, texts included.
    if position == frozenset(order[: len(position)]):
        return snapshots(history)[order[len(position) - 1]]
    merged: dict[Key, Fact] = {}
    for revision, effect in effects(history).items():
        if revision in position:
            gone = dropped_tables(effect)
            # By name: a revision of another branch, outside of the position, may have given it another shape.
            merged = {
                k: fact for k, fact in merged.items() if k not in effect.removed and table_of(fact) not in gone
            } | effect.added
    return _assemble(merged, history, position)


def _assemble(by_key: dict[Key, Fact], history: History, position: frozenset[str]) -> Schema:
    """Build a schema from facts; a table's text is the newest one in the position that declares exactly its facts."""
    tables: dict[str, Table] = {}
    indexes, triggers, views, objects = [], [], [], []
    # A table comes before what it has, also where a revision made it another one and left all of that.
    for fact in sorted(by_key.values(), key=lambda each: not isinstance(each, TableFact)):
        match fact:
            case TableFact():
                tables[fact.table] = Table(
                    fact.table,
                    (),
                    without_rowid=fact.without_rowid,
                    strict=fact.strict,
                    module=fact.module,
                    detail=fact.detail,
                )
            case IndexFact():
                indexes.append(fact.index)
            case TriggerFact():
                triggers.append(fact.trigger)
            case ViewFact():
                views.append(fact.view)
            case ObjectFact():
                objects.append(fact.object)
            case _:
                tables[fact.table] = _with(tables[fact.table], fact)
    newest = _newest(history, position)
    texts = _texts(history, position)
    ordered = (_in_order(table, newest.get(table.name)) for table in tables.values())
    whole = (replace(table, sql=texts.get(table, "")) for table in ordered)

    def by_name(items: Iterable[Named]) -> tuple[Named, ...]:
        return tuple(sorted(items, key=name_of))

    return Schema(by_name(whole), by_name(indexes), by_name(triggers), by_name(views), by_name(objects))


def _newest(history: History, position: frozenset[str]) -> dict[str, Table]:
    """Return each table as the last revision of a position left it in the replay."""
    its = (replayed for revision, replayed in replays(history).items() if revision in position)
    return {table.name: table for replayed in its for table in replayed.delta.changed.tables}


def _in_order(table: Table, newest: Table | None) -> Table:
    """Return a table spelt, and with its columns, as its newest text has it; columns that this lacks come last."""
    places = {column.name: at for at, column in enumerate(newest.columns if newest else ())}
    columns = tuple(sorted(table.columns, key=lambda one: places.get(one.name, len(places))))
    return replace(table, columns=columns, spelling=newest.spelling if newest else table.name)


def _with(table: Table, fact: Fact) -> Table:
    match fact:
        case ColumnFact():
            return replace(table, columns=(*table.columns, fact.column))
        case PrimaryKeyFact():
            return replace(table, primary_key=fact.columns, rowid_key=fact.rowid_key, autoincrement=fact.autoincrement)
        case UniqueFact():
            return replace(table, uniques=table.uniques | {fact.columns})
        case CheckFact():
            return replace(table, checks=table.checks | {fact.check})
        case ForeignKeyFact():
            return replace(table, foreign_keys=table.foreign_keys | {fact.foreign_key})
        case NameFact():
            named = {ConstraintName(name, fact.kind, fact.of) for name in fact.names}
            return replace(table, constraint_names=table.constraint_names | named)
        case ConflictFact():
            return replace(table, conflicts=table.conflicts | {fact.conflict})
        case _:
            return table


def _texts(history: History, position: frozenset[str]) -> dict[Table, str]:
    """Return the texts of tables as revisions of this position left them, newest last."""
    return {
        table: table.sql
        for revision, replayed in replays(history).items()
        if revision in position
        for table in replayed.delta.changed.tables
    }


@lru_cache(maxsize=64)
def facts_at(history: History, position: frozenset[str]) -> Mapping[Key, Fact]:
    """Return the facts of the schema at a position. Why cached: every database at that position shares them."""
    return facts(reference(history, position))
