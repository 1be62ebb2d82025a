"""What a revision took away beyond what it does in the chain: put back where that is exact, else the run is refused.

Alembic's batch operations make a table anew from what they understand of it, and what they do not understand is gone:
triggers, expression indexes, AUTOINCREMENT, whatever only this database has. History says what was meant to go.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from architect_migrate.core.chain_errors import RevisionLosesError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.compile_check import compile_triggers, compile_view
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.repair.rebuild import rebuild_table
from architect_migrate.databases.sqlite.sql.nodes import Check, NotNull, PrimaryKey, Unique
from architect_migrate.databases.sqlite.sql.parser import parse_table
from architect_migrate.model.compare import compare
from architect_migrate.model.diff import Differs, Missing, diff, needs_repair
from architect_migrate.model.facts import ForeignKeyFact, IndexFact, NameFact, PrimaryKeyFact, describe, key
from architect_migrate.model.history import effects
from architect_migrate.planning.table_edits import SetAutoincrement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from architect_migrate.databases.sqlite.authorizer import WriteLog
    from architect_migrate.model.diff import Change
    from architect_migrate.model.history import Effects, History
    from architect_migrate.model.schema import Key, Schema

_OBJECTS = """SELECT type, name, tbl_name, sql, rootpage FROM main.sqlite_master
              WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"""
_ORDER = ("table", "index", "view", "trigger")
_COUNTING = "AUTOINCREMENT of "
# An ON CONFLICT: its table, the kind of its constraint, the columns, and what it says.
_Clause: TypeAlias = "tuple[str, str, tuple[str, ...], str]"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as sqlite_master has it; `root` is the page where its content begins."""

    kind: str
    name: str
    table: str
    sql: str
    root: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Kind and folded name: what it is called in history too."""
        return self.kind, fold(self.name)


@dataclass(frozen=True, slots=True)
class Before:
    """What was there before a revision ran, as texts: they are only read where a table was dropped."""

    objects: tuple[Stored, ...]
    sequences: tuple[tuple[str, int], ...]


def look(connection: sqlite3.Connection) -> Before:
    """Every object and every AUTOINCREMENT's highest id; cheap, since nothing is parsed."""
    objects = tuple(Stored(*row) for row in connection.execute(_OBJECTS))
    there = connection.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'sqlite_sequence'").fetchone()
    rows = connection.execute("SELECT name, seq FROM main.sqlite_sequence").fetchall() if there else []
    return Before(objects, tuple((fold(name), seq) for name, seq in rows if isinstance(seq, int)))


def mend(
    connection: sqlite3.Connection, before: Before, seen: WriteLog, revision: str, learn: Callable[[], History]
) -> tuple[str, ...]:
    """Put back what a revision took away and does not take away in the chain; what that was, as people name it.

    What was `seen` of it hears which tables it made anew. `learn` is called only where something is gone. Raises
    RevisionLosesError.
    """
    after = look(connection)
    there = {stored.key for stored in after.objects}
    gone = {stored.key for stored in before.objects} - there
    remade = _made_anew(before, after, seen.dropped)
    seen.remade |= remade
    if not gone and not remade:
        return ()
    history = learn()
    does = effects(history)[revision]
    if lost := tuple(f"{kind} {name}" for kind, name in sorted(gone - _meant(does)) if kind == "table"):
        raise RevisionLosesError(revision, lost, "in the chain it leaves them alone")
    case = _Case(connection, before, after, remade, does, revision, _written_so(history, remade))
    return (*_remake(case), *_recreate(case))


def _made_anew(before: Before, after: Before, dropped: Collection[str]) -> frozenset[str]:
    """Tables that are not the ones they were: dropped, put in place of another one by renaming, or short of a column.

    A table made where the old one was dropped may begin on the same page, and one that was only altered does.
    """
    old = {stored.key[1]: stored for stored in before.objects if stored.kind == "table"}
    new = {stored.key[1]: stored for stored in after.objects if stored.kind == "table"}
    return frozenset(name for name in old.keys() & new.keys() if name in dropped or _is_another(old[name], new[name]))


def _is_another(old: Stored, new: Stored) -> bool:
    if old.root != new.root:
        return True
    if old.sql == new.sql or not old.root:  # a virtual table has no page of its own
        return False
    before, after = ({fold(column.name) for column in parse_table(sql).columns} for sql in (old.sql, new.sql))
    return not before <= after


@dataclass(frozen=True, slots=True)
class _Case:
    """One revision's aftermath: `remade` are tables that it made anew, `does` is what it does in the chain.

    `ours` are the ON CONFLICT clauses that the chain itself writes, and may lose as it does on an empty database.
    """

    connection: sqlite3.Connection
    before: Before
    after: Before
    remade: frozenset[str]
    does: Effects
    revision: str
    ours: frozenset[_Clause]


def _remake(case: _Case) -> list[str]:
    """Give tables that were made anew their AUTOINCREMENT back; raises where anything else of them is lost."""
    if not case.remade:
        return []
    after = _schema(case, case.after)
    changes = diff(_schema(case, case.before), after)
    lost = [other for change in changes if (other := _loss(change, case.does)) is not None]
    beyond = [_said(change) for change in lost if not _lost_autoincrement(change)]
    beyond += [f"ON CONFLICT {name} of {table}({','.join(names)})" for table, _, names, name in _clauses_lost(case)]
    if beyond:
        cause = "only the revision can keep these: alter the table by statements of its own"
        raise RevisionLosesError(case.revision, tuple(beyond), cause)
    put_back = [_count_on(case, change) for change in lost]
    counting = {table.name for table in after.tables if table.autoincrement} | {
        name.removeprefix(_COUNTING) for name in put_back
    }
    _restore_sequences(case, counting)
    return put_back


def _schema(case: _Case, seen: Before) -> Schema:
    """The schema of the tables made anew, from their texts on a database in memory: the one before is gone."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        for stored in seen.objects:
            if stored.kind in {"table", "index"} and fold(stored.table) in case.remade:
                try:
                    scratch.execute(stored.sql)
                except sqlite3.Error as error:
                    cause = f"whether it is as it was cannot be told: {error}"
                    raise RevisionLosesError(case.revision, (f"{stored.kind} {stored.name}",), cause) from error
        return read_schema(scratch)


def _clauses_lost(case: _Case) -> list[_Clause]:
    """ON CONFLICT clauses that are gone: they are in no schema, since nothing but an INSERT tells them apart."""
    old, new = (
        _clauses(stored for stored in seen.objects if stored.key[1] in case.remade)
        for seen in (case.before, case.after)
    )
    return [path for path in sorted(old - new - case.ours) if not _is_meant(path, case.does)]


def _is_meant(clause: _Clause, does: Effects) -> bool:
    """Whether a clause goes with its column, its uniqueness or its NOT NULL."""
    table, kind, names, _ = clause
    gone, column = does.removed.keys() - does.added.keys(), ("column", table, *names)
    if kind == NotNull.__name__ and "nullability" in _respects(column, does):
        return True
    return column in gone or (kind == Unique.__name__ and ("unique", table, *sorted(names)) in gone)


def _clauses(objects: Iterable[Stored]) -> frozenset[_Clause]:
    """Every ON CONFLICT of tables."""
    return frozenset(
        (stored.key[1], type(clause).__name__, tuple(fold(column.name) for column in clause.columns), clause.conflict)
        for stored in objects
        if stored.kind == "table"
        for clause in parse_table(stored.sql).every_constraint
        if isinstance(clause, PrimaryKey | NotNull | Unique | Check) and clause.conflict
    )


def _written_so(history: History, remade: Collection[str]) -> frozenset[_Clause]:
    tables = (table for replayed in history.replayed for table in replayed.delta.changed.tables)
    # A table that was put together from branches has no text.
    return _clauses(
        Stored("table", table.name, table.name, table.sql) for table in tables if table.name in remade and table.sql
    )


def _loss(change: Change, does: Effects) -> Change | None:
    """What of a table is missing or another now, though the revision does nothing about that."""
    match change:
        case Missing(fact=IndexFact()) | Differs(fact=IndexFact()):
            return None  # an index is an object of its own, and put back as such
        case Missing(fact=NameFact()) | Differs(fact=NameFact()):
            return None  # a name of the chain's is asked for by the proof; one of the database's own does nothing
        case Missing(fact=ForeignKeyFact() as fact):
            # The chain may have several of the same columns, whose keys tell only how many there are.
            is_meant = key(fact) in {its_key[:4] for its_key in _meant(does)}
            return change if not is_meant and needs_repair(change) else None
        case Missing():
            return change if key(change.fact) not in _meant(does) and needs_repair(change) else None
        case Differs() if key(change.fact) not in _meant(does) or key(change.fact) in does.removed:
            # In the chain a column may get another type by this, and yet keep a collation that only this database has.
            beyond = tuple(
                difference
                for difference in change.differences
                if difference.respect not in _respects(key(change.fact), does)
            )
            left = replace(change, differences=beyond)
            return left if beyond and needs_repair(left) else None
        case _:
            return None


def _meant(does: Effects) -> frozenset[Key]:
    return frozenset(does.removed) | frozenset(does.added)


def _respects(its_key: Key, does: Effects) -> frozenset[str]:
    """In what respects the revision changes a fact that is there before and after it."""
    old, new = does.removed.get(its_key), does.added.get(its_key)
    return frozenset(difference.respect for difference in compare(old, new)) if old and new else frozenset()


def _lost_autoincrement(change: Change) -> bool:
    match change:
        case Differs(fact=PrimaryKeyFact() as old, actual=PrimaryKeyFact() as new):
            return old.autoincrement and new == replace(old, autoincrement=False)
        case _:
            return False


def _count_on(case: _Case, change: Change) -> str:
    """Put AUTOINCREMENT back on a table's key."""
    assert isinstance(change, Differs)
    assert isinstance(change.fact, PrimaryKeyFact)
    table, (column,) = change.fact.table, change.fact.columns
    try:
        rebuild_table(case.connection, table, [SetAutoincrement(column)])
    except (ArchmigError, sqlite3.Error) as error:
        raise RevisionLosesError(case.revision, (f"{_COUNTING}{table}",), str(error)) from error
    return f"{_COUNTING}{table}"


def _said(change: Change) -> str:
    """The change in words: what was and is, or what is missing."""
    match change:
        case Differs():
            parts = (
                f"{difference.respect} was {difference.expected} and is {difference.actual}"
                for difference in change.differences
            )
            return f"{describe(change.fact)}: {', '.join(parts)}"
        case Missing():
            return describe(change.fact)
        case _:
            raise AssertionError(change)


def _restore_sequences(case: _Case, counting: Collection[str]) -> None:
    """No id of a table that was made anew is given out twice."""
    spelt = {fold(stored.name): stored.name for stored in case.after.objects if stored.kind == "table"}
    now = dict(look(case.connection).sequences)
    for table, highest in case.before.sequences:
        if table in case.remade and table in counting and highest > now.get(table, -1):
            case.connection.execute("DELETE FROM main.sqlite_sequence WHERE name = ?", (spelt[table],))
            row = (spelt[table], highest)
            case.connection.execute("INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, ?)", row)


def _recreate(case: _Case) -> list[str]:
    """Create indexes, views and triggers again by their own texts."""
    done = []
    for stored in sorted(case.before.objects, key=lambda each: _ORDER.index(each.kind)):
        if not _is_to_be_recreated(case, stored):
            continue
        try:
            case.connection.execute(f"DROP {stored.kind} IF EXISTS main.{quote(stored.name)}")
            case.connection.execute(stored.sql)
            _try_out(case.connection, stored)
        except sqlite3.Error as error:
            raise RevisionLosesError(case.revision, (f"{stored.kind} {stored.name}",), str(error)) from error
        done.append(f"{stored.kind} {stored.name}")
    return done


def _is_to_be_recreated(case: _Case, stored: Stored) -> bool:
    """Whether an object is gone, or an index another now, and neither it nor its table was meant to go."""
    now, meant = {each.key: each.sql for each in case.after.objects}, _meant(case.does)
    table = ("table", fold(stored.table))
    if stored.kind == "table" or stored.key in meant or (stored.kind != "view" and table not in now and table in meant):
        return False
    made_anew = stored.kind == "index" and fold(stored.table) in case.remade
    return stored.key not in now or (made_anew and now[stored.key] != stored.sql)


def _try_out(connection: sqlite3.Connection, stored: Stored) -> None:
    """A view or a trigger is taken by SQLite whatever it mentions: compile what uses it."""
    if stored.kind == "view":
        compile_view(connection, stored.name)
    elif stored.kind == "trigger":
        compile_triggers(connection, stored.table)
