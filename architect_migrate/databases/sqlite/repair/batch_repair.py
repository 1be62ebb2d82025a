"""Restore what a revision removed beyond what it removes in the chain, or refuse the run.

Alembic's batch operations create a table again from what they reflect of it. They lose triggers, expression indexes,
AUTOINCREMENT, unnamed checks and other objects that only this database has. The history says what a revision removes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from architect_migrate.core.chain_errors import RevisionLosesError
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.names import fold, quote
from architect_migrate.core.text import shortlist
from architect_migrate.databases.sqlite.compile_check import compile_triggers, compile_view
from architect_migrate.databases.sqlite.definitions import copy_definitions
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.repair.carried import Stored, carried_along, done_renames, renamed_key
from architect_migrate.databases.sqlite.repair.rebuild import rebuild_table
from architect_migrate.databases.sqlite.repair.renamed_tables import effects_under, renamed_tables, under_new_names
from architect_migrate.databases.sqlite.repair.strings import turned_into_strings
from architect_migrate.databases.sqlite.repair.successors import columns_in, last_name, left_behind, own_parts
from architect_migrate.databases.sqlite.sql.lexer import canonical
from architect_migrate.databases.sqlite.sql.nodes import Check, NotNull, PrimaryKey, Unique
from architect_migrate.databases.sqlite.sql.parser import parse_table
from architect_migrate.databases.sqlite.sql.passing import carried
from architect_migrate.databases.sqlite.sql.render import constraint_texts
from architect_migrate.model.compare import compare
from architect_migrate.model.diff import Differs, Missing, diff, needs_repair
from architect_migrate.model.facts import (
    CheckFact,
    ConflictFact,
    ForeignKeyFact,
    IndexFact,
    NameFact,
    PrimaryKeyFact,
    describe,
    key,
    table_of,
)
from architect_migrate.model.history import effects, replays, snapshots
from architect_migrate.planning.table_edits import AddConstraint, SetAutoincrement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from architect_migrate.databases.base import Mend
    from architect_migrate.databases.values import Writes
    from architect_migrate.model.diff import Change
    from architect_migrate.model.history import Effects, History, Replayed
    from architect_migrate.model.schema import Key, Schema, Table
    from architect_migrate.planning.table_edits import Edit

_OBJECTS = """SELECT type, name, tbl_name, sql, rootpage FROM main.sqlite_master
              WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"""
_SHADOWS = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"
_ORDER = ("table", "index", "view", "trigger")
_OWN_ADVICE = "carry them over in the revision, or drop them by hand or by a [[resolve]] entry with drop = true"
_COUNTING = "AUTOINCREMENT of "
# An ON CONFLICT: its table, the kind of its constraint, the columns, and what it says.
_Clause: TypeAlias = "tuple[str, str, tuple[str, ...], str]"


@dataclass(frozen=True, slots=True)
class Before:
    """The texts of all objects and the AUTOINCREMENT values before a revision ran.

    Why texts: they are parsed only if the revision recreated a table, so reading them stays cheap.
    """

    objects: tuple[Stored, ...]
    sequences: tuple[tuple[str, int], ...]


def look(connection: sqlite3.Connection) -> Before:
    """Read the text of every object and the highest id of every AUTOINCREMENT table.

    Runs before and after every revision, so nothing is parsed here. Shadow tables are left out: SQLite makes and drops
    them with their virtual table, and a chain never names them.
    """
    objects = tuple(map(Stored._make, connection.execute(_OBJECTS)))
    if any(stored.kind == "table" and not stored.root for stored in objects):  # only a virtual table has no page
        shadows = {name for (name,) in connection.execute(_SHADOWS)}
        objects = tuple(stored for stored in objects if stored.name not in shadows)
    there = connection.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'sqlite_sequence'").fetchone()
    rows = connection.execute("SELECT name, seq FROM main.sqlite_sequence").fetchall() if there else []
    return Before(objects, tuple((fold(name), seq) for name, seq in rows if isinstance(seq, int)))


def mending(connection: sqlite3.Connection) -> Mend:
    """Look at a database before a revision runs; what is returned restores what the revision removed."""
    return partial(mend, connection, look(connection))


def mend(
    connection: sqlite3.Connection, before: Before, seen: Writes, revision: str, learn: Callable[[], History]
) -> tuple[str, ...]:
    """Restore what a revision removed although it does not remove it in the chain; return a line for each object.

    What was `seen` of it hears which tables it made anew, and what it wrote to their copies. `learn` is called only if
    something was removed. Raises RevisionLosesError.
    """
    after = look(connection)
    # Why read again: DROP TABLE also removes indexes and triggers, which the write log does not list.
    there = {stored.key for stored in after.objects}
    before, tables = _under_new_names(before, after, lambda: replays(learn())[revision])
    gone = {stored.key for stored in before.objects} - there
    remade = _made_anew(before, after, seen.dropped | {new for old, new in tables.items() if old in seen.dropped})
    remade -= _only_renamed(replays(learn())[revision], before, after) if remade & {*tables.values()} else frozenset()
    seen.remade |= remade
    _note_copies(seen, after, remade)
    if not gone and not remade:
        return ()
    history = learn()
    does = effects_under(effects(history)[revision], tables)
    renames = done_renames(replays(history)[revision].renames, before.objects, after.objects, remade)
    if lost := tuple(f"{kind} {name}" for kind, name in sorted(gone - _meant(does)) if kind == "table"):
        raise RevisionLosesError(revision, lost, "the chain keeps them")
    if lost := tuple(left_behind(history, revision, (before.objects, after.objects), gone)):
        raise RevisionLosesError(revision, lost, "the table that takes its place does not have them")
    expected = replace(before, objects=carried_along(before.objects, renames, remade))
    last = {name: last_name(name, seen.copies) for kind, name in gone if kind == "table"}
    dropped = {name: now for name, now in last.items() if now in seen.dropped}
    if own := tuple(own_parts(before.objects, after.objects, dropped, history)):
        cause = f"it drops {shortlist(sorted(dropped), 2)}, and these are not the chain's: {_OWN_ADVICE}"
        raise RevisionLosesError(revision, own, cause)
    meant = _meant(does) | {renamed_key(key, renames) for key in does.removed}
    case = _Case(connection, expected, after, remade, does, meant, revision, _written_so(history, remade))
    back = (*_remake(case), *_recreate(case))
    if remade:
        _require_working(case, before, history)
        _require_names(case, before, history)
    return back


def _under_new_names(before: Before, after: Before, learn: Callable[[], Replayed]) -> tuple[Before, dict[str, str]]:
    """What was there under the names that tables have now, with the folded names of those that were renamed.

    `learn` is called only where a table is gone, or its page is that of another name.
    """
    tables = {stored.key: stored.root for stored in before.objects if stored.kind == "table"}
    there = {stored.key: stored.root for stored in after.objects if stored.kind == "table"}
    pages = {root: key for key, root in tables.items() if root}
    if tables.keys() <= there.keys() and all(pages.get(root, key) == key for key, root in there.items()):
        return before, {}
    renamed = renamed_tables(learn(), before.objects, after.objects)
    objects = under_new_names(before.objects, renamed)
    if objects is None:
        return before, {}
    last = {fold(old): fold(new) for old, new in renamed.items()}
    return Before(objects, tuple((last.get(name, name), highest) for name, highest in before.sequences)), last


def _note_copies(seen: Writes, after: Before, remade: frozenset[str]) -> None:
    """Take what was written to the copy of a table for written to the table that it became."""
    if not remade:
        return
    texts = {stored.key[1]: stored.sql for stored in after.objects if stored.kind == "table" and stored.root}
    columns = {
        table: tuple(fold(column.name) for column in parse_table(texts[table]).columns)
        for table in remade & texts.keys()
    }
    copied = carried(seen.copies, columns)
    # What a copy computes is the revision's own word, as an UPDATE is. A CAST is Alembic's, where it changes a type.
    seen.updated |= copied.computed
    seen.cast |= copied.cast
    seen.updated |= {(table, new) for table, old, new in copied.renamed if (table, old) in seen.updated}
    seen.updated |= {(copied.names[table], column) for table, column in seen.updated if table in copied.names}
    seen.deleted |= {copied.names[table] for table in seen.deleted if table in copied.names}


def _made_anew(before: Before, after: Before, dropped: Collection[str]) -> frozenset[str]:
    """The folded names of tables that the revision recreated: dropped, replaced by a rename, or short of a column.

    Why three signs: a table that is created where the old one was dropped may get the same root page, and a table that
    was only altered keeps it.
    """
    old = {stored.key[1]: stored for stored in before.objects if stored.kind == "table"}
    new = {stored.key[1]: stored for stored in after.objects if stored.kind == "table"}
    return frozenset(name for name in old.keys() & new.keys() if name in dropped or _is_another(old[name], new[name]))


def _only_renamed(replayed: Replayed, before: Before, after: Before) -> frozenset[str]:
    """The folded names of tables on their old page that got other names for their columns, by what a replay saw.

    SQLite itself carries the names in indexes along; `Replayed.renames` does not say so where another table has taken
    the old name of the table.
    """
    pages = (
        {stored.key[1]: stored.root for stored in side.objects if stored.kind == "table"} for side in (before, after)
    )
    old, new = pages
    whole = {now for now, _ in replayed.stops[-1].whole} if replayed.stops else set()
    return frozenset(name for name in whole & old.keys() & new.keys() if old[name] == new[name])


def _is_another(old: Stored, new: Stored) -> bool:
    if old.root != new.root:
        return True
    if old.sql == new.sql or not old.root:  # a virtual table has no page of its own
        return False
    return not columns_in(old) <= columns_in(new)


@dataclass(frozen=True, slots=True)
class _Case:
    """One revision to repair after: `remade` are the tables that it recreated, `does` its effects in the chain.

    `before` has the names that it gives columns, and `meant` are the keys of what it does, by either name.
    `ours` are the ON CONFLICT clauses that the chain itself writes, and may lose as it does on an empty database.
    """

    connection: sqlite3.Connection
    before: Before
    after: Before
    remade: frozenset[str]
    does: Effects
    meant: frozenset[Key]
    revision: str
    ours: frozenset[_Clause]


def _remake(case: _Case) -> list[str]:
    """Give tables that were made anew what only they had and can be given back; raises where anything else is lost."""
    if not case.remade:
        return []
    before, after = _schema(case, case.before), _schema(case, case.after)
    old = {table.name: table for table in before.tables}
    lost = [other for change in diff(before, after) if (other := _loss(change, case)) is not None]
    given = [(change, _restoring(change, old)) for change in lost]
    beyond = [_said(change) for change, edits in given if not edits]
    beyond += [f"ON CONFLICT {name} of {table}({','.join(names)})" for table, _, names, name in _clauses_lost(case)]
    if beyond:
        cause = "only the revision can keep these: alter the table by its own statements"
        raise RevisionLosesError(case.revision, tuple(beyond), cause)
    for name in sorted({table_of(change.fact) for change, _ in given}):
        mine = [(change, edits) for change, edits in given if table_of(change.fact) == name]
        _give_back(case, old[name], mine)
    counting = {table.name for table in after.tables if table.autoincrement}
    counting |= {table_of(change.fact) for change in lost if _lost_autoincrement(change)}
    _restore_sequences(case, counting)
    return [_given(change) for change in lost]


def _restoring(change: Missing | Differs, before: Mapping[str, Table]) -> tuple[Edit, ...]:
    """The edits that give a table back what it lost; none where no edit can."""
    match change:
        case Missing(fact=CheckFact() as fact):
            return tuple(AddConstraint(text) for text in constraint_texts(before[fact.table], fact))
        case Differs(fact=PrimaryKeyFact() as fact) if _lost_autoincrement(change):
            return (SetAutoincrement(fact.columns[0]),)
        case _:
            return ()


def _give_back(case: _Case, table: Table, given: list[tuple[Missing | Differs, tuple[Edit, ...]]]) -> None:
    """Edit one table, so that its rows are copied once."""
    try:
        rebuild_table(case.connection, table.name, [edit for _, edits in given for edit in edits])
    except (ArchmigError, sqlite3.Error) as error:
        names = tuple(_given(change) for change, _ in given)
        raise RevisionLosesError(case.revision, names, str(error)) from error


def _given(change: Missing | Differs) -> str:
    """What a table is given back, as people name it."""
    return f"{_COUNTING}{table_of(change.fact)}" if _lost_autoincrement(change) else describe(change.fact)


def _schema(case: _Case, seen: Before) -> Schema:
    """Read the schema of the recreated tables from their texts, on a database in memory."""
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
    """Return the ON CONFLICT clauses that were removed, with those of checks."""
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


def _loss(change: Change, case: _Case) -> Missing | Differs | None:
    """What of a table is missing or another now, though the revision does nothing about that."""
    match change:
        case Missing(fact=IndexFact()) | Differs(fact=IndexFact()):
            return None  # an index is an object of its own, and put back as such
        case Missing(fact=ConflictFact()) | Differs(fact=ConflictFact()):
            return None  # those of the database's own are looked for by `_clauses_lost`
        case Missing(fact=NameFact()) | Differs(fact=NameFact()):
            return None  # a name of the chain's is asked for by the proof; one of the database's own does nothing
        case Missing(fact=ForeignKeyFact() as fact):
            # The chain may have several of the same columns, whose keys tell only how many there are.
            is_meant = key(fact) in {its_key[:4] for its_key in case.meant}
            return change if not is_meant and needs_repair(change) else None
        case Missing():
            return change if key(change.fact) not in case.meant and needs_repair(change) else None
        case Differs() if key(change.fact) not in case.meant or key(change.fact) in case.does.removed:
            # In the chain a column may get another type by this, and yet keep a collation that only this database has.
            beyond = tuple(
                difference
                for difference in change.differences
                if difference.respect not in _respects(key(change.fact), case.does)
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


def _said(change: Missing | Differs) -> str:
    """The change in words: what was and is, or what is missing."""
    if isinstance(change, Missing):
        return describe(change.fact)
    parts = (
        f"{difference.respect} was {difference.expected} and is {difference.actual}"
        for difference in change.differences
    )
    return f"{describe(change.fact)}: {', '.join(parts)}"


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
    """Return whether a revision removed an object, or changed an index, that it does not touch in the chain."""
    now, meant = {each.key: each.sql for each in case.after.objects}, case.meant
    table = ("table", fold(stored.table))
    if stored.kind == "table" or stored.key in meant or (stored.kind != "view" and table not in now and table in meant):
        return False
    made_anew = stored.kind == "index" and fold(stored.table) in case.remade
    return stored.key not in now or (made_anew and canonical(now[stored.key]) != canonical(stored.sql))


def _try_out(connection: sqlite3.Connection, stored: Stored) -> None:
    """Compile a statement that uses a view or trigger. Raises sqlite3.Error.

    Why: SQLite accepts a view or trigger that mentions tables and columns that do not exist.
    """
    if stored.kind == "view":
        compile_view(connection, stored.name)
    elif stored.kind == "trigger":
        compile_triggers(connection, stored.table)


def _require_working(case: _Case, before: Before, history: History) -> None:
    """Raise RevisionLosesError where a view or a trigger worked before a table was made anew, and does not now.

    Why not for what the chain itself leaves like that: a revision may drop a table before the views that read it.
    """
    reasons = {stored: _failure(case.connection, stored) for stored in case.after.objects}
    broken = [stored for stored, reason in reasons.items() if reason]
    if not broken:
        return
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        try:
            copy_definitions(scratch, [(stored.kind, stored.sql) for stored in before.objects])
        except sqlite3.Error:
            return  # a module of the application's is missing: nothing is known of before
        lost = [stored for stored in broken if not _failure(scratch, stored)]
    if lost and (lost := _working_in_chain(lost, snapshots(history)[case.revision])):
        names = tuple(f"what {stored.kind} {stored.name} reads" for stored in lost)
        raise RevisionLosesError(case.revision, names, reasons[lost[0]])


def _working_in_chain(objects: list[Stored], schema: Schema) -> list[Stored]:
    """The objects without those of the chain that do not work in its own schema."""
    there = {("view", one.name): one.sql for one in schema.views} | {
        ("trigger", t.name): t.sql for t in schema.triggers
    }
    if not any(stored.key in there for stored in objects):
        return objects
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        try:
            copy_definitions(scratch, [*(("table", one.sql) for one in schema.tables), *_texts(there)])
        except sqlite3.Error:
            return objects
        return [stored for stored in objects if stored.key not in there or not _failure(scratch, stored)]


def _texts(objects: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, str]]:
    yield from ((kind, sql) for (kind, _), sql in objects.items())


def _require_names(case: _Case, before: Before, history: History) -> None:
    """Raise RevisionLosesError where a name of a column that is gone became a string, in what the chain does not make.

    Why: SQLite says nothing of it. Where the chain has the object, it becomes the same by the chain itself.
    """
    chain = {(kind, name) for schema in snapshots(history).values() for kind, name in _objects_of(schema)}
    found = turned_into_strings(before.objects, look(case.connection).objects)
    if lost := tuple(f"what {stored.kind} {stored.name} reads" for stored in found if stored.key not in chain):
        cause = "it names a column in double quotes, and SQLite takes that for a text where there is no such column"
        raise RevisionLosesError(case.revision, lost, cause)


def _objects_of(schema: Schema) -> Iterator[tuple[str, str]]:
    yield from (("index", index.name) for index in schema.indexes)
    yield from (("view", view.name) for view in schema.views)
    yield from (("trigger", trigger.name) for trigger in schema.triggers)


def _failure(connection: sqlite3.Connection, stored: Stored) -> str:
    """Why a view or a trigger does not work, in SQLite's words; empty where it does."""
    try:
        _try_out(connection, stored)
    except sqlite3.Error as error:
        return str(error)
    return ""
