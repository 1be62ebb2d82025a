"""Work that was interrupted: what revisions make on their way, or only half renamed, found in a database.

Such a table may hold the only copy of rows, so rows are counted on both sides before anything is concluded. Where one
side has everything, the repair is known; where both have rows of their own, a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.core.names import BATCH_COPY, fold, quote
from architect_migrate.core.text import pluralize
from architect_migrate.diagnosis.diagnose import Basis, Verdict
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import entry
from architect_migrate.model.environment import Drop, Keep, Kind
from architect_migrate.model.history import Passing, Rename, Role, effects, facts_at, snapshots, tables_ever
from architect_migrate.planning.plan import CreateObject, DropColumn, DropObject, RenameColumn, RenameTable
from architect_migrate.planning.planner import native_revisions
from architect_migrate.planning.row_questions import NullsIn, RowsBeyond, RowsIn, Violating, with_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.diagnosis.diagnose import Diagnosis
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Index, Schema, Table, Trigger
    from architect_migrate.planning.plan import Step
    from architect_migrate.planning.row_questions import Answer, Question

    Ask = Callable[[Question], Answer]


# What people add to the name of a table that they put aside.
_ASIDE = ("old", "bak", "backup", "copy", "orig", "tmp", "temp")


@dataclass(frozen=True, slots=True)
class Interruption:
    """What an interrupted run left behind: where, what is found there, and the steps that put it in order.

    Without steps a person has to decide. `table` is spelt as the database spells it; `revision` is empty where no
    revision of the chain is known to make it.
    """

    table: str
    found: str
    steps: tuple[Step, ...] = ()
    revision: str = ""
    column: str = ""


def interruptions(
    history: History, schema: Schema, as_it_is: Diagnosis, resolutions: tuple[Resolution, ...], ask: Ask
) -> tuple[Interruption, ...]:
    """What interrupted runs left in a database, without what a [[resolve]] entry settles.

    `as_it_is` is where the database is by its schema as it stands. Where its stamp fits, a table that is only called
    like one that revisions make is the application's own, unless the table that should hold its rows is empty.
    """
    look = _Look(history, schema, {table.name: table for table in schema.tables}, as_it_is, ask)
    settled = {
        fold(resolution.subject.name)
        for resolution in resolutions
        if isinstance(resolution, Keep | Drop) and resolution.subject.kind is Kind.TABLE
    }
    found = [*_left_tables(look), *_put_aside(look)]
    found += [] if look.stamp_fits else _half_renamed(look, as_it_is.stamped)
    return tuple(interruption for interruption in found if fold(interruption.table) not in settled)


def unfinished_renames(history: History, schema: Schema, diagnosis: Diagnosis) -> tuple[Interruption, ...]:
    """Renames of revisions that ran in part: the old name is there, with the values, and the new one is not."""
    tables = {table.name: table for table in schema.tables}
    expected = facts_at(history, diagnosis.position)
    lasting = tables_ever(history)
    own = [trigger.body for trigger in schema.triggers] + [view.body for view in schema.views]
    referred = frozenset(name for name in tables if any(name in body for body in own))
    referred |= {key.parent for table in schema.tables if table.name not in lasting for key in table.foreign_keys}
    broken = {Verdict.PARTIAL, Verdict.CONFLICTING, Verdict.MISSING}
    # A revision that is run as a whole renames by itself.
    native = native_revisions(history, diagnosis, schema)
    part = {
        judgement.revision.id for judgement in diagnosis.judgements if judgement.verdict in broken
    } & diagnosis.position - native
    renames = [(revision, rename) for revision, rename in _renames(history) if revision in part]
    return tuple(
        made
        for revision, rename in renames
        if rename.key(rename.new) in expected and rename.key(rename.old) not in expected
        if (made := _finished(revision, rename, tables, referred)) is not None
    )


def _finished(revision: str, rename: Rename, tables: dict[str, Table], referred: frozenset[str]) -> Interruption | None:
    """The step that ends a rename; None where nothing is left to be renamed, or the new name is taken."""
    if not rename.table:
        if rename.old not in tables or rename.new in tables:
            return None
        old = tables[rename.old].spelling
        told = f"{revision}, which ran in part, calls it {rename.new}"
        # What refers to the old name would go on doing so: SQLite's own rename follows it, this one does not.
        steps = () if rename.old in referred else (RenameTable(old, rename.new, revision),)
        return Interruption(old, told, steps, revision)
    table = tables.get(rename.table)
    columns = {column.name: column.spelling for column in table.columns} if table else {}
    if table is None or rename.old not in columns or rename.new in columns:
        return None
    told = f"{revision}, which ran in part, calls it {rename.new}"
    step = RenameColumn(table.spelling, columns[rename.old], rename.new, revision)
    return Interruption(table.spelling, told, (step,), revision, columns[rename.old])


def steps_of(found: tuple[Interruption, ...]) -> tuple[Step, ...]:
    """The steps that put interrupted work in order; none for what a person has to decide."""
    return tuple(step for interruption in found for step in interruption.steps)


def as_it_is_now(question: Question, steps: tuple[Step, ...]) -> Question:
    """The same question, of the tables and columns as they are called before these steps."""
    for step in reversed(steps):
        match step:
            case RenameTable() if fold(question.table) == fold(step.new):
                question = replace(question, table=step.table)
            case RenameColumn() if fold(question.table) == fold(step.table):
                question = with_column(question, step.new, step.column)
            case _:
                pass
    return question


def finding_of(its: Interruption) -> Finding:
    """An interruption as it is told, with the entry that settles it where a person has to decide."""
    subject = f"column {its.table}.{its.column}" if its.column else f"table {its.table}"
    if its.steps:
        return Finding(Level.REPAIR, "interrupted", subject, its.found, "archmig reconcile repairs it", its.revision)
    advice = "bring the rows to where they belong by hand, or let both be as they are: add this to environments.toml"
    settles = entry(its.table, its.column, "keep = true")
    return Finding(Level.BLOCKING, "interrupted-undecided", subject, its.found, advice, its.revision, settles)


@dataclass(frozen=True, slots=True)
class _Look:
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
        """Whether the chain has a table at the stamp's position; at any other, where the stamp does not fit."""
        if self.as_it_is.basis is Basis.EVIDENCE or not self.as_it_is.stamped:
            return True
        return any(("table", table) in facts_at(self.history, position) for position in self._positions())

    def _positions(self) -> tuple[frozenset[str], ...]:
        return (self.as_it_is.stamped, self.as_it_is.position)

    def rows(self, table: Table) -> int:
        return self.ask(RowsIn(table.spelling)).count

    def objects(self, table: Table) -> list[tuple[str, Index | Trigger]]:
        """The indexes and triggers of a table, each with its kind."""
        indexes = [("index", index) for index in self.schema.indexes if index.table == table.name]
        return [*indexes, *(("trigger", trigger) for trigger in self.schema.triggers if trigger.table == table.name)]


def _left_tables(look: _Look) -> Iterator[Interruption]:
    for revision, passing in _passing(look):
        left, other = look.tables[passing.name], look.tables.get(passing.table)
        if not passing.name.startswith(BATCH_COPY) and (look.stamp_fits or not _is_like(look, left, passing.table)):
            continue
        if other is None and not look.expects(passing.table):
            continue
        told = f"an interrupted {f'run of {revision}' if revision else 'batch operation of Alembic'} left it"
        if other is not None:
            yield _beside(look, left, other, (revision, told))
        else:
            held = f"{pluralize(look.rows(left), 'row is', 'rows are')} in it"
            step = RenameTable(left.spelling, passing.table, revision)
            yield Interruption(
                left.spelling, f"{told}, and there is no table {passing.table}: {held}", (step,), revision
            )


def _passing(look: _Look) -> Iterator[tuple[str, Passing]]:
    """The tables of a database that revisions make on their way, each with the newest revision that does."""
    known: dict[str, tuple[str, Passing]] = {}
    for revision, replayed in zip(look.history.graph.order, look.history.replayed, strict=True):
        known |= {passing.name: (revision, passing) for passing in replayed.passing}
    lasting = tables_ever(look.history)
    for name in look.tables.keys() - lasting:
        of = name.removeprefix(BATCH_COPY)
        if name in known:
            yield known[name]
        elif of != name and of in lasting:
            yield "", Passing(name, of, Role.COPY)


def _put_aside(look: _Look) -> Iterator[Interruption]:
    """Tables that no revision makes, called like one of the chain's that is missing or empty, with its columns."""
    known = {name for name in look.tables if name.startswith(BATCH_COPY)}
    known |= {passing.name for replayed in look.history.replayed for passing in replayed.passing}
    shapes = _shapes(look.history)
    for name in sorted(look.tables.keys() - shapes.keys() - known):
        left = look.tables[name]
        for of in sorted(_called_like(name) & shapes.keys()):
            if _is_like(look, left, of):
                yield from _aside(look, left, of)


def _called_like(name: str) -> frozenset[str]:
    """What a table may have been called before somebody put it aside: `x` for `x_old`, `old_x` and the like."""
    ends = {name.removesuffix(f"_{word}") for word in _ASIDE} | {name.removeprefix(f"{word}_") for word in _ASIDE}
    return frozenset(ends - {name})


# Asked for every database that is read in full, and the same for all of one chain.
@lru_cache(maxsize=8)
def _shapes(history: History) -> dict[str, set[frozenset[str]]]:
    """The columns that each table of the chain ever has."""
    shapes: dict[str, set[frozenset[str]]] = {}
    for schema in snapshots(history).values():
        for table in schema.tables:
            shapes.setdefault(table.name, set()).add(frozenset(column.name for column in table.columns))
    return shapes


def _aside(look: _Look, left: Table, of: str) -> Iterator[Interruption]:
    rows, other = look.rows(left), look.tables.get(of)
    if not rows or not look.expects(of):
        return
    held = f"it has columns of {of} and {pluralize(rows, 'row')}"
    if other is None:
        yield Interruption(left.spelling, f"{held}, and there is no table {of}", (RenameTable(left.spelling, of),))
    elif not look.rows(other):
        # No revision makes this table: it may be a copy that somebody keeps of rows that were deleted on purpose.
        yield Interruption(left.spelling, f"{held}, and {other.spelling} is empty")


def _beside(look: _Look, left: Table, other: Table, by: tuple[str, str]) -> Interruption:
    """What a left-over table is beside one of the name that it was to get, or had."""
    (revision, told), rows = by, look.rows(left)
    gone = (DropObject("table", left.spelling, revision),)
    if not rows:
        return Interruption(left.spelling, f"{told}, and it is empty", gone, revision)
    if not look.rows(other):
        found = f"{told}: it holds {pluralize(rows, 'row')}, and {other.spelling} is empty"
        return Interruption(left.spelling, found, tuple(_in_place_of(look, left, other, revision)), revision)
    renamed = _renamed(look, left, other)
    beyond = look.ask(RowsBeyond(left.spelling, other.spelling, renamed)).count
    # A column that is not compared may hold the only values: then nothing is known of the rows.
    known = {column.name for column in other.columns} | {new for new, _ in renamed}
    if alone := [column.spelling for column in left.columns if column.name not in known]:
        found = f"{told}: it has {', '.join(alone)}, which {other.spelling} does not have"
        if any(look.ask(NullsIn(left.spelling, column)).count < rows for column in alone):
            return Interruption(left.spelling, found, (), revision)
    if not beyond:
        found = f"{told}: {other.spelling} has every one of its {pluralize(rows, 'row')}"
        return Interruption(left.spelling, found, gone, revision)
    found = f"{told}: it holds {pluralize(beyond, 'row')} that {other.spelling} does not have"
    return Interruption(left.spelling, found, (), revision)


def _renamed(look: _Look, left: Table, other: Table) -> tuple[tuple[str, str], ...]:
    """The columns of a copy that a revision renames on the way, each with its name in the original."""
    copied, original = ({column.name for column in table.columns} for table in (left, other))
    renames = dict.fromkeys(
        (rename.new, rename.old) for _, rename in _renames(look.history) if rename.table == other.name
    )
    return tuple((new, old) for new, old in renames if new in copied - original and old in original - copied)


def _in_place_of(look: _Look, left: Table, other: Table, revision: str) -> Iterator[Step]:
    """One table takes the place of an empty one, and what hangs on that one hangs on it."""
    yield DropObject("table", other.spelling, revision)
    yield RenameTable(left.spelling, other.spelling, revision)
    yield from (CreateObject(kind, one.spelling, one.sql, revision) for kind, one in look.objects(other))


def _half_renamed(look: _Look, stamped: frozenset[str]) -> Iterator[Interruption]:
    """Both names of a rename, though the chain never has both, where the old one has what the new one lacks."""
    together = _together(look.history)
    for revision, rename in _renames(look.history):
        if revision not in stamped and frozenset({rename.key(rename.old), rename.key(rename.new)}) not in together:
            yield from _half(look, revision, rename)


def half_made(history: History, schema: Schema, diagnosis: Diagnosis, ask: Ask) -> tuple[Interruption, ...]:
    """Tables made empty under a name that the chain gives another table later, where no position fits as it is."""
    look = _Look(history, schema, {table.name: table for table in schema.tables}, diagnosis, ask)
    renames = [
        (name, rename) for name, rename in _renames(history) if name not in diagnosis.stamped and not rename.table
    ]
    found = (_half(look, revision, rename) for revision, rename in renames)
    return tuple(interruption for group in found for interruption in group if interruption.steps)


@lru_cache(maxsize=8)
def _together(history: History) -> frozenset[frozenset[tuple[str, ...]]]:
    """The old and new names of renames that the chain at times has both: there, both being there says nothing."""
    pairs = [frozenset({rename.key(rename.old), rename.key(rename.new)}) for _, rename in _renames(history)]
    present: set[tuple[str, ...]] = set()
    found = set()
    for effect in effects(history).values():
        present = (present - effect.removed.keys()) | effect.added.keys()
        found |= {pair for pair in pairs if pair <= present}
    return frozenset(found)


def _half(look: _Look, revision: str, rename: Rename) -> Iterator[Interruption]:
    if rename.table:
        yield from _half_column(look, revision, rename)
    else:
        yield from _half_table(look, revision, rename)


def _half_table(look: _Look, revision: str, rename: Rename) -> Iterator[Interruption]:
    old, new = look.tables.get(rename.old), look.tables.get(rename.new)
    if old is None or new is None or _columns(old) != _columns(new) or not (rows := look.rows(old)):
        return
    if look.rows(new):
        if beyond := look.ask(RowsBeyond(old.spelling, new.spelling)).count:
            told = f"{revision} renames it to {new.spelling}, which has rows and lacks {pluralize(beyond, 'row')} of it"
            yield Interruption(old.spelling, told, (), revision)
        return
    told = f"it is empty, and {pluralize(rows, 'row is', 'rows are')} in {old.spelling}, which {revision} renames"
    ever = {(each.name, each.table) for schema in snapshots(look.history).values() for each in _objects(schema)}
    own = [one for _, one in look.objects(new) if (one.name, one.table) not in ever]
    # What hangs on the new table and is no revision's would be lost with it, and the revision brings it no other.
    steps = () if own else (DropObject("table", new.spelling, revision),)
    yield Interruption(new.spelling, told, steps, revision)


def _columns(table: Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns)


def _is_like(look: _Look, left: Table, of: str) -> bool:
    """Whether a table has at least half of the columns that one of the chain's ever has."""
    columns = _columns(left)
    return any(2 * len(columns & shape) >= len(shape) for shape in _shapes(look.history).get(of, ()))


def _objects(schema: Schema) -> tuple[Index | Trigger, ...]:
    return (*schema.indexes, *schema.triggers)


def _half_column(look: _Look, revision: str, rename: Rename) -> Iterator[Interruption]:
    table = look.tables.get(rename.table)
    names = {column.name: column.spelling for column in table.columns} if table else {}
    if table is None or not {rename.old, rename.new} <= names.keys():
        return
    old, new = names[rename.old], names[rename.new]
    lacking = look.ask(Violating(table.spelling, f"{quote(new)} IS NOT NULL OR {quote(old)} IS NULL")).count
    if not lacking:
        return
    values = pluralize(lacking, "value is", "values are")
    if look.ask(NullsIn(table.spelling, rename.new)).count == look.rows(table):
        told = f"it holds nothing, and {values} in {table.spelling}.{old}, which {revision} renames"
        yield Interruption(table.spelling, told, (DropColumn(table.spelling, new, revision),), revision, new)
    else:
        told = (
            f"{revision} renames it to {new}, which is there, holds values of its own, and lacks {lacking:,} of these"
        )
        yield Interruption(table.spelling, told, (), revision, old)


def _renames(history: History) -> Iterator[tuple[str, Rename]]:
    for revision, replayed in zip(history.graph.order, history.replayed, strict=True):
        yield from ((revision, rename) for rename in replayed.renames)
