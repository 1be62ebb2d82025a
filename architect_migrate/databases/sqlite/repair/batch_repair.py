"""Restore objects that Alembic's batch operations dropped by accident; refuse the run where that is not exact.

A batch operation recreates a table from SQLAlchemy's reflection of it. What the reflection does not see is lost:
triggers, expression indexes, AUTOINCREMENT, and objects that only this database has. The chain's history tells which
objects the revision is meant to remove.
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
    """A row of sqlite_master; `root` is the page where the object's content begins (0: it has none)."""

    kind: str
    name: str
    table: str
    sql: str
    root: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """The kind and the folded name, as history names objects."""
        return self.kind, fold(self.name)


@dataclass(frozen=True, slots=True)
class Before:
    """The texts of all objects and the AUTOINCREMENT values before a revision ran.

    Why texts: they are parsed only if the revision recreated a table, so reading them stays cheap.
    """

    objects: tuple[Stored, ...]
    sequences: tuple[tuple[str, int], ...]


def look(connection: sqlite3.Connection) -> Before:
    """Read the text of every object and the highest id of every AUTOINCREMENT table.

    Runs before and after every revision, so nothing is parsed here.
    """
    objects = tuple(Stored(*row) for row in connection.execute(_OBJECTS))
    there = connection.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'sqlite_sequence'").fetchone()
    rows = connection.execute("SELECT name, seq FROM main.sqlite_sequence").fetchall() if there else []
    return Before(objects, tuple((fold(name), seq) for name, seq in rows if isinstance(seq, int)))


def mend(
    connection: sqlite3.Connection, before: Before, seen: WriteLog, revision: str, learn: Callable[[], History]
) -> tuple[str, ...]:
    """Restore what a revision removed although it does not remove it in the chain; return a line for each object.

    The tables that the revision recreated are added to `seen.remade`. `learn` returns the chain's history and is called
    only if something is missing. Raises RevisionLosesError where a loss cannot be reversed exactly; the caller rolls
    back.
    """
    after = look(connection)
    # Why read again: DROP TABLE also removes indexes and triggers, which the write log does not list.
    there = {stored.key for stored in after.objects}
    gone = {stored.key for stored in before.objects} - there
    remade = _made_anew(before, after, seen.dropped)
    seen.remade |= remade
    if not gone and not remade:
        return ()
    history = learn()
    does = effects(history)[revision]
    if lost := tuple(f"{kind} {name}" for kind, name in sorted(gone - _meant(does)) if kind == "table"):
        raise RevisionLosesError(revision, lost, "the chain keeps them")
    case = _Case(connection, before, after, remade, does, revision, _written_so(history, remade))
    return (*_remake(case), *_recreate(case))


def _made_anew(before: Before, after: Before, dropped: Collection[str]) -> frozenset[str]:
    """The folded names of tables that the revision recreated: dropped, replaced by a rename, or short of a column.

    Why three signs: a table that is created where the old one was dropped may get the same root page, and a table that
    was only altered keeps it.
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
    """One revision to repair after: `remade` are the tables that it recreated, `does` its effects in the chain.

    `ours` are the ON CONFLICT clauses that the chain itself writes. The chain loses them on an empty database too, so
    their loss is no reason to refuse.
    """

    connection: sqlite3.Connection
    before: Before
    after: Before
    remade: frozenset[str]
    does: Effects
    revision: str
    ours: frozenset[_Clause]


def _remake(case: _Case) -> list[str]:
    """Restore AUTOINCREMENT on recreated tables; raise RevisionLosesError if anything else of them is lost."""
    if not case.remade:
        return []
    after = _schema(case, case.after)
    changes = diff(_schema(case, case.before), after)
    lost = [other for change in changes if (other := _loss(change, case.does)) is not None]
    beyond = [_in_words(change) for change in lost if not _lost_autoincrement(change)]
    beyond += [f"ON CONFLICT {name} of {table}({','.join(names)})" for table, _, names, name in _clauses_lost(case)]
    if beyond:
        cause = "only the revision can keep these: alter the table by its own statements"
        raise RevisionLosesError(case.revision, tuple(beyond), cause)
    # Why before the sequences: only a table with AUTOINCREMENT has a row in sqlite_sequence, and the rebuild writes it.
    put_back = [_count_on(case, change) for change in lost]
    counting = {table.name for table in after.tables if table.autoincrement} | {
        name.removeprefix(_COUNTING) for name in put_back
    }
    _restore_sequences(case, counting)
    return put_back


def _schema(case: _Case, seen: Before) -> Schema:
    """The schema of the recreated tables, read from their stored texts on a database in memory.

    Why: the tables as they were before no longer exist in the database itself.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        for stored in seen.objects:
            if stored.kind in {"table", "index"} and fold(stored.table) in case.remade:
                try:
                    scratch.execute(stored.sql)
                except sqlite3.Error as error:
                    cause = f"it cannot be compared with its state before the revision: {error}"
                    raise RevisionLosesError(case.revision, (f"{stored.kind} {stored.name}",), cause) from error
        return read_schema(scratch)


def _clauses_lost(case: _Case) -> list[_Clause]:
    """The ON CONFLICT clauses that are lost.

    Why apart from the schema comparison: a schema does not hold these clauses, because only an INSERT behaves
    differently.
    """
    old, new = (
        _clauses(stored for stored in seen.objects if stored.key[1] in case.remade)
        for seen in (case.before, case.after)
    )
    return [path for path in sorted(old - new - case.ours) if not _is_meant(path, case.does)]


def _is_meant(clause: _Clause, does: Effects) -> bool:
    """Whether the revision removes the clause's column, its uniqueness or its NOT NULL in the chain too."""
    table, kind, names, _ = clause
    gone, column = does.removed.keys() - does.added.keys(), ("column", table, *names)
    if kind == NotNull.__name__ and "nullability" in _respects(column, does):
        return True
    return column in gone or (kind == Unique.__name__ and ("unique", table, *sorted(names)) in gone)


def _clauses(objects: Iterable[Stored]) -> frozenset[_Clause]:
    """All ON CONFLICT clauses of the tables among `objects`."""
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
    """The change if a table lost or altered something that the revision does not touch in the chain, else None."""
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
    """The respects (type, nullability, ...) in which a revision changes a fact that exists before and after it."""
    old, new = does.removed.get(its_key), does.added.get(its_key)
    return frozenset(difference.respect for difference in compare(old, new)) if old and new else frozenset()


def _lost_autoincrement(change: Change) -> bool:
    match change:
        case Differs(fact=PrimaryKeyFact() as old, actual=PrimaryKeyFact() as new):
            return old.autoincrement and new == replace(old, autoincrement=False)
        case _:
            return False


def _count_on(case: _Case, change: Change) -> str:
    """Restore AUTOINCREMENT on a table's primary key; return the line for the report."""
    assert isinstance(change, Differs)
    assert isinstance(change.fact, PrimaryKeyFact)
    table, (column,) = change.fact.table, change.fact.columns
    try:
        rebuild_table(case.connection, table, [SetAutoincrement(column)])
    except (ArchmigError, sqlite3.Error) as error:
        raise RevisionLosesError(case.revision, (f"{_COUNTING}{table}",), str(error)) from error
    return f"{_COUNTING}{table}"


def _in_words(change: Change) -> str:
    """The change in words: the value before and after, or the object that is missing."""
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
    """Set the highest id of recreated tables again, so that AUTOINCREMENT gives no id out twice."""
    spelt = {fold(stored.name): stored.name for stored in case.after.objects if stored.kind == "table"}
    now = dict(look(case.connection).sequences)
    for table, highest in case.before.sequences:
        if table in case.remade and table in counting and highest > now.get(table, -1):
            case.connection.execute("DELETE FROM main.sqlite_sequence WHERE name = ?", (spelt[table],))
            row = (spelt[table], highest)
            case.connection.execute("INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, ?)", row)


def _recreate(case: _Case) -> list[str]:
    """Create lost indexes, views and triggers again from their stored texts; return a line for each."""
    done = []
    # Why in this order: triggers can be on views, and a view or trigger is compiled below against what it mentions.
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
    """Whether an object is missing or an index was altered, and the chain's revision keeps both it and its table."""
    now, meant = {each.key: each.sql for each in case.after.objects}, _meant(case.does)
    table = ("table", fold(stored.table))
    if stored.kind == "table" or stored.key in meant or (stored.kind != "view" and table not in now and table in meant):
        return False
    made_anew = stored.kind == "index" and fold(stored.table) in case.remade
    return stored.key not in now or (made_anew and now[stored.key] != stored.sql)


def _try_out(connection: sqlite3.Connection, stored: Stored) -> None:
    """Compile a statement that uses a view or trigger. Raises sqlite3.Error.

    Why: SQLite accepts a view or trigger that mentions tables and columns that do not exist.
    """
    if stored.kind == "view":
        compile_view(connection, stored.name)
    elif stored.kind == "trigger":
        compile_triggers(connection, stored.table)
