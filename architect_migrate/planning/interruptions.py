"""Work that was interrupted: tables and columns that a revision makes on its way, found in a database.

Such a table may hold the only copy of rows, so rows are counted on both sides before anything is concluded. Where one
side has everything, the repair is known; where both have rows of their own, a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, assert_never

from architect_migrate.core.text import count
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.diagnosis.resolutions import entry
from architect_migrate.model.environment import Drop, Keep, Kind
from architect_migrate.model.facts import ColumnFact
from architect_migrate.model.history import Passing, Role, effects, tables_ever
from architect_migrate.planning.plan import DropColumn, DropObject, RenameTable
from architect_migrate.planning.row_questions import NullsIn, RowsBeyond, RowsIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Column, Schema, Table
    from architect_migrate.planning.plan import Step
    from architect_migrate.planning.row_questions import Answer, Question

# What Alembic's batch operations call the table that they fill, before it gets the name of the one that it replaces.
BATCH_COPY = "_alembic_tmp_"


class Remedy(Enum):
    """What puts interrupted work in order."""

    MOVE = "move"
    DROP = "drop"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Interruption:
    """A table, or a `column` of one, that an interrupted run left behind; names as the database spells them.

    `beside` is the table or column that it was to become or that it was made from, `replaces` whether an empty table
    of that name has to go first. `revision` is empty where no revision of the chain is known to make it. `found` says
    in words what is there.
    """

    table: str
    beside: str
    remedy: Remedy
    found: str
    revision: str = ""
    column: str = ""
    replaces: bool = False


def interruptions(
    history: History,
    schema: Schema,
    stamped: frozenset[str],
    resolutions: tuple[Resolution, ...],
    ask: Callable[[Question], Answer],
) -> tuple[Interruption, ...]:
    """What interrupted runs left in a database, without what a [[resolve]] entry settles."""
    tables = {table.name: table for table in schema.tables}
    settled = {it.subject.name for it in resolutions if isinstance(it, Keep | Drop) and it.subject.kind is Kind.TABLE}
    found = [*_left_tables(history, tables, ask), *_half_renamed(history, tables, stamped, ask)]
    return tuple(it for it in found if it.table not in settled)


def steps_of(found: tuple[Interruption, ...]) -> tuple[Step, ...]:
    """The steps that put interrupted work in order; none for what a person has to decide."""
    return tuple(step for it in found for step in _steps(it))


def _steps(its: Interruption) -> Iterator[Step]:
    match its.remedy:
        case Remedy.MOVE:
            if its.replaces:
                yield DropObject("table", its.beside, its.revision)
            yield RenameTable(its.table, its.beside, its.revision)
        case Remedy.DROP if its.column:
            yield DropColumn(its.table, its.column, its.revision)
        case Remedy.DROP:
            yield DropObject("table", its.table, its.revision)
        case Remedy.ASK:
            pass
        case _:
            assert_never(its.remedy)


def finding_of(its: Interruption) -> Finding:
    """An interruption as it is told, with the entry that settles it where a person has to decide."""
    subject = f"column {its.table}.{its.column}" if its.column else f"table {its.table}"
    if its.remedy is not Remedy.ASK:
        return Finding(Level.REPAIR, "interrupted", subject, its.found, "archmig reconcile repairs it", its.revision)
    advice = (
        "compare the two by hand, move what is missing, and let the table go (or keep it: keep = true): "
        "add this to environments.toml"
    )
    settles = entry(its.table, "", "drop = true")
    return Finding(Level.BLOCKING, "interrupted-undecided", subject, its.found, advice, its.revision, settles)


def _passing(history: History, tables: dict[str, Table]) -> Iterator[tuple[str, Passing]]:
    """The tables of a database that revisions make on their way, each with the newest revision that does."""
    known: dict[str, tuple[str, Passing]] = {}
    for revision, replayed in zip(history.outline.order, history.replayed, strict=True):
        known |= {it.name: (revision, it) for it in replayed.passing}
    lasting = tables_ever(history)
    for name in tables:
        of = name.removeprefix(BATCH_COPY)
        if name in known and (name not in lasting or known[name][1].role == Role.RENAMED):
            yield known[name]
        elif of != name and of in lasting:
            yield "", Passing(name, of, Role.COPY)


def _left_tables(
    history: History, tables: dict[str, Table], ask: Callable[[Question], Answer]
) -> Iterator[Interruption]:
    for revision, its in _passing(history, tables):
        left, other = tables[its.name], tables.get(its.table)
        if its.role == Role.RENAMED:
            yield from _renamed(left, other, revision, ask)
        elif other is not None:
            yield _beside(left, other, revision, ask)
        else:
            rows = ask(RowsIn(left.spelling)).count
            held = f"its {count(rows, 'row')} are in" if rows != 1 else "its only row is in"
            told = f"{_by(revision)}, and {its.table} is missing: {held} {left.spelling}"
            yield Interruption(left.spelling, its.table, Remedy.MOVE, told, revision)


def _by(revision: str) -> str:
    run = f"run of {revision}" if revision else "batch operation of Alembic"
    return f"an interrupted {run} left it"


def _renamed(
    left: Table, other: Table | None, revision: str, ask: Callable[[Question], Answer]
) -> Iterator[Interruption]:
    """A table under its new name that is empty, beside the one under the old name that has the rows."""
    if other is None or ask(RowsIn(left.spelling)).count:
        return
    if rows := ask(RowsIn(other.spelling)).count:
        told = f"it is empty, and {count(rows, 'row is', 'rows are')} in {other.spelling}, which {revision} renames"
        yield Interruption(left.spelling, other.spelling, Remedy.DROP, told, revision)


def _beside(left: Table, other: Table, revision: str, ask: Callable[[Question], Answer]) -> Interruption:
    """What a left-over table is beside one of the name that it was to get, or had."""
    told = _by(revision)
    rows, there = (ask(RowsIn(it.spelling)).count for it in (left, other))
    if not rows:
        return Interruption(left.spelling, other.spelling, Remedy.DROP, f"{told}, and it is empty", revision)
    if not there:
        found = f"{told}: it holds {count(rows, 'row')}, and {other.spelling} is empty"
        return Interruption(left.spelling, other.spelling, Remedy.MOVE, found, revision, replaces=True)
    beyond = ask(RowsBeyond(left.spelling, other.spelling)).count
    if not beyond:
        found = f"{told}: {other.spelling} has every one of its {count(rows, 'row')}"
        return Interruption(left.spelling, other.spelling, Remedy.DROP, found, revision)
    found = f"{told}: it holds {count(beyond, 'row')} that {other.spelling} does not have"
    return Interruption(left.spelling, other.spelling, Remedy.ASK, found, revision)


def _half_renamed(
    history: History, tables: dict[str, Table], stamped: frozenset[str], ask: Callable[[Question], Answer]
) -> Iterator[Interruption]:
    """New columns that hold nothing, beside the old one of the same shape that a revision renames and that is full."""
    for revision, its in effects(history).items():
        if revision in stamped:
            continue
        gone = [fact for k, fact in its.removed.items() if isinstance(fact, ColumnFact) and k not in its.added]
        made = [fact for k, fact in its.added.items() if isinstance(fact, ColumnFact) and k not in its.removed]
        for old in gone:
            for new in made:
                if _renames(old, new) and (found := _half(tables.get(old.table), old.column, new.column, ask)):
                    table = tables[old.table].spelling
                    yield Interruption(table, old.column.name, Remedy.DROP, found, revision, new.column.name)


def _renames(old: ColumnFact, new: ColumnFact) -> bool:
    """Whether a column that goes and one that comes in the same revision can be one column under two names."""
    return old.table == new.table and (old.column.affinity, old.column.generated) == (new.column.affinity, None)


def _half(table: Table | None, old: Column, new: Column, ask: Callable[[Question], Answer]) -> str:
    """What is there of a renaming that was interrupted; empty where it was not."""
    names = {column.name for column in table.columns} if table else set()
    if table is None or not {old.name, new.name} <= names:
        return ""
    rows = ask(RowsIn(table.spelling)).count
    if not rows or ask(NullsIn(table.spelling, new.name)).count < rows:
        return ""
    full = rows - ask(NullsIn(table.spelling, old.name)).count
    return (
        f"it holds nothing, and {count(full, 'value is', 'values are')} in {table.spelling}.{old.name}" if full else ""
    )
