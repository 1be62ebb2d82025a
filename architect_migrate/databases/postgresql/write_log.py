"""Logs what the chain's code writes on the connection of a run, and refuses what would end its transaction.

PostgreSQL has no authorizer. Its plan of a statement says which tables the statement writes, and the counters of the
transaction say which tables were written besides: by triggers, by foreign keys, by functions.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.core.names import quote
from architect_migrate.core.server_errors import OutsideError
from architect_migrate.databases.postgresql.catalog import OWN, Places, column_names, place_of_objects
from architect_migrate.databases.postgresql.code import code_in
from architect_migrate.databases.postgresql.held import HeldConnection, fire_deferred, still_inside
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.databases.postgresql.reflect import read_schema
from architect_migrate.databases.postgresql.statement_plan import operations_of
from architect_migrate.databases.postgresql.statements import (
    READING,
    SILENT,
    cast_columns,
    inserted_columns,
    names_in,
    set_columns,
    significant,
    verb,
    words_outside,
)
from architect_migrate.databases.values import Placed, TriggerWrite, Writes
from architect_migrate.model.history import WRITING
from architect_migrate.model.schema import Trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from architect_migrate.databases.postgresql.lent import LentConnection

_VERBS = ("insert", "update", "delete")
# Bits of pg_trigger.tgtype.
_EVENTS = {"insert": 4, "delete": 8, "update": 16}
_BEFORE_ROW = 1 | 2
_WRITES = WRITING | {"merge"}
# Statements that run code, which may write rows by itself.
_CODE = frozenset({"do", "call", "select", "with"})
# Tables of other schemas have these in their names, and are left out until they are written.
_COUNTED = f"""
    SELECT c.oid::bigint, CASE WHEN c.{OWN} THEN c.relname::text ELSE s.schemaname || '.' || c.relname END,
           s.n_tup_ins, s.n_tup_upd, s.n_tup_del, c.relfilenode::bigint,
           (SELECT r.relname::text FROM pg_class r WHERE r.oid = pg_partition_root(c.oid)), c.{OWN}
    FROM pg_class c JOIN pg_stat_xact_user_tables s ON s.relid = c.oid
    WHERE c.{OWN} OR (c.relpersistence <> 't' AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0)"""
# Triggers that fire, with the code that they run; not those by which foreign keys act.
_TRIGGERS = """
    SELECT t.tgname::text, c.relname::text, pg_get_triggerdef(t.oid), t.tgtype, t.tgdeferrable, p.prosrc
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND c.relnamespace = current_schema()::regnamespace"""
# Triggers that fire on statements about the schema, whatever table they name.
_OF_EVENTS = """
    SELECT e.evtname::text, e.evtevent::text, p.prosrc
    FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid WHERE e.evtenabled IN ('O', 'A')"""
# The foreign keys that act on the rows which refer to others: their table, the one referred to, what they do when rows
# of that are deleted and updated, their columns.
_CASCADES = """
    SELECT c.relname::text, p.relname::text, k.confdeltype::text, k.confupdtype::text,
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
    WHERE k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
          AND c.relnamespace = current_schema()::regnamespace"""


@dataclass(frozen=True, slots=True)
class _Count:
    """A table, how many of its rows the transaction has inserted, updated and deleted, and where they are stored.

    `own` says that it is in the schema of the run.
    """

    name: str
    rows: tuple[int, int, int]
    storage: int
    root: str | None
    own: bool


@dataclass(frozen=True, slots=True)
class _Fires:
    """A trigger that was there before: its name, its table, its text, and the names in the code that it runs.

    `events` are what fires it; `sets_values` says that it can change the row that is written, or leave it out, and
    `deferrable` that it may fire at the end of the transaction. `table` is empty for an event trigger.
    """

    name: str
    table: str
    text: str
    names: frozenset[str]
    read: Trigger | None
    events: frozenset[str] = frozenset()
    sets_values: bool = False
    deferrable: bool = False

    def wrote(self, does: str, table: str, columns: Iterable[str]) -> Iterator[TriggerWrite]:
        """Yield what it may have written to a table; of an update the columns that its code names, or any."""
        there = {*columns}
        for column in sorted(self.names & there or there) or [""] if does == "update" else [""]:
            yield TriggerWrite(self.name, self.table, self.text, does, table, column, self.read)

    def filters(self) -> TriggerWrite:
        """Return that it may change or leave out the rows that are written to its table, which no counter shows."""
        return TriggerWrite(self.name, self.table, self.text, "filter", self.table, "", self.read)


@dataclass(slots=True)
class WriteLog(Writes):
    """The writes that were heard of.

    `refused` is the first thing that was refused, `places` are the objects of which it has noted the names.
    """

    refused: str = ""
    before: Mapping[int, _Count] = field(default_factory=dict)
    planned: frozenset[tuple[str, str]] = frozenset()
    fires: tuple[_Fires, ...] = ()
    places: Places = field(default_factory=lambda: Places({}, {}))

    def about_to_run(self, connection: LentConnection, text: str) -> None:
        """Take in a statement before it runs."""
        if verb(text) in SILENT:
            # Why nothing is asked: after an error PostgreSQL runs nothing but what goes back to a savepoint.
            return
        planned, reads = operations_of(connection, text)
        self.planned = frozenset(_operations(planned, text))
        if isinstance(connection, HeldConnection) and connection.is_outside:
            _refuse_rows(text, self.planned)
        self.before = _counted(connection)
        self._note_places(connection, text, reads)

    def has_run(self, connection: LentConnection, text: str) -> None:
        """Take in a statement that has run."""
        if verb(text) in SILENT:
            return
        now = _counted(connection)
        grown = {*_grown(self.before, now)}
        for does, table in self.planned:
            self._write(does, table, _columns(connection, text, table, self.planned))
        written = grown | self.planned
        filters = [each for each in self.fires if each.sets_values]
        self.triggered |= {
            each.filters() for each in filters if any((does, each.table) in written for does in each.events)
        }
        fired = [each for each in self.fires if any((does, each.table) in grown for does in each.events)]
        for does, table in _grown_elsewhere(self.before, now):
            for each in fired or self._of_events(text, table):
                self.triggered |= {*each.wrote(does, table, ())}
        for does, table in grown - self.planned - self._of_partitions(connection, text, now):
            self._note_more(connection, (does, table), (text, fired, grown))
        table, columns = cast_columns(text)
        self._write("update", table, columns)
        if "truncate" in names_in(text):
            self.deleted |= {*_stored_anew(self.before, now)}
        for each in fired:
            # No counter shows what a trigger sets in the row that is written.
            if each.sets_values and ("update", each.table) in grown:
                self.triggered |= {*each.wrote("update", each.table, column_names(connection, each.table))}

    def _of_partitions(self, connection: LentConnection, text: str, now: Mapping[int, _Count]) -> set[tuple[str, str]]:
        """Note what a statement wrote to partitions of the tables that it names; return it by verb and table.

        A row that an update moves to another partition is deleted from one and inserted into the other.
        """
        found = set()
        whole = {count.name: count.root for count in now.values() if count.root}
        for does, table in _grown(self.before, now):
            root = whole.get(table, "")
            if root != table and any(each == root for _, each in self.planned):
                self._write(does, table, _columns(connection, text, root, self.planned))
                found.add((does, table))
        return found

    def note_catalog(self, connection: LentConnection) -> None:
        """Note what was dropped and renamed since the last time, by the numbers of tables and columns."""
        before, now = self.places, place_of_objects(connection)
        self.places = now
        for number, name in before.tables.items():
            if number not in now.tables:
                self.dropped.add(name)
            elif now.tables[number] != name:
                self.copied(f"ALTER TABLE {quote(name)} RENAME TO {quote(now.tables[number])}", alters=True, most=0)
        self.dropped_columns |= {
            (now.tables[number[0]], name)
            for number, name in before.columns.items()
            if number not in now.columns and number[0] in now.tables
        }

    def _write(self, does: str, table: str, columns: Iterable[str]) -> None:
        match does:
            case "insert":
                self.inserted.add(table)
            case "delete":
                self.deleted.add(table)
            case _:
                self.updated |= {(table, column) for column in columns}

    def _note_more(
        self,
        connection: LentConnection,
        wrote: tuple[str, str],
        by: tuple[str, list[_Fires], set[tuple[str, str]]],
    ) -> None:
        """Note what a statement wrote besides what PostgreSQL planned for it: by triggers, by keys, by code.

        Why triggers first: what one of the application's own does must not count as what a key of the chain does.
        """
        (does, table), (text, fired, grown) = wrote, by
        columns = column_names(connection, table)
        keys = [*_acting(connection, wrote, grown)]
        naming = [each for each in fired if table in each.names]
        if naming or (fired and not keys and verb(text) in _WRITES):
            for each in naming or fired:
                self.triggered |= {*each.wrote(does, table, columns)}
        elif by_event := self._of_events(text, table):
            for each in by_event:
                self.triggered |= {*each.wrote(does, table, columns)}
        elif keys:
            self._write(does, table, {column for key in keys for column in key})
        elif verb(text) not in _WRITES:
            self._write(does, table, code_in(text).names & {*columns} or columns)

    def _of_events(self, text: str, table: str) -> list[_Fires]:
        """Return the event triggers that may have written a table while a statement changed the schema."""
        if verb(text) in _WRITES:
            return []
        code = code_in(text).names if verb(text) in _CODE else frozenset()
        return [each for each in self.fires if not each.table and (table in each.names or table not in code)]

    def settle(self, connection: HeldConnection) -> None:
        """Fire what was deferred to the end of the transaction, and note what it wrote."""
        deferred = [each for each in self.fires if each.deferrable]
        before = _counted(connection)
        fire_deferred(connection)
        now = _counted(connection)
        for does, table in {*_grown(before, now), *_grown_elsewhere(before, now)}:
            for each in [each for each in deferred if table in each.names] or deferred:
                self.triggered |= {*each.wrote(does, table, column_names(connection, table))}

    def _note_places(self, connection: LentConnection, text: str, reads: frozenset[str]) -> None:
        """Note the tables that a statement names without their columns, so that it goes by their order."""
        targets = {table for does, table in self.planned if does == "insert"}
        tokens = [token.name for token in significant(text)]
        if not targets:
            return
        by_order = set() if inserted_columns(text) or "default" in tokens else set(targets)
        by_order |= reads if "*" in tokens else set()
        for table in by_order:
            self.by_place.setdefault(Placed(table, column_names(connection, table), alone=False), text)


def settled(connection: LentConnection) -> WriteLog:
    """Fire what was deferred to the end of a run's transaction; return what it wrote.

    Why before the proof: a trigger that fires in the COMMIT would change rows that are proven already.
    """
    seen = WriteLog()
    if isinstance(connection, HeldConnection):
        with connection.unheard():
            seen.fires = tuple(_firing(connection))
            seen.settle(connection)
    return seen


@contextmanager
def write_log(connection: LentConnection) -> Iterator[WriteLog]:
    """Let the chain's code run on a connection, and log its writes.

    Refuses COMMIT and ROLLBACK. Raises TransactionEndedError if one of them was attempted, even if the code ignored
    the refusal.
    """
    with connection.unheard():
        seen = WriteLog(fires=tuple(_firing(connection)), places=place_of_objects(connection))
    before = connection.hearing, connection.committed, connection.given_up
    connection.hearing = seen
    connection.committed, connection.given_up = _refusing(seen, "commit"), _refusing(seen, "roll back")
    try:
        yield seen
    except Exception as error:
        if seen.refused and not isinstance(error, TransactionEndedError):
            raise TransactionEndedError(seen.refused) from error
        raise
    finally:
        connection.hearing, connection.committed, connection.given_up = before
    if seen.refused:
        raise TransactionEndedError(seen.refused)
    still_inside(connection)
    with connection.unheard():
        seen.note_catalog(connection)


def _refuse_rows(text: str, planned: frozenset[tuple[str, str]]) -> None:
    """Raise OutsideError for a statement that may change rows, or more than a statement outside may change."""
    if planned or not (words_outside(text) or verb(text) in READING):
        raise OutsideError(verb(text).upper())


def _refusing(seen: WriteLog, attempt: str) -> Callable[[], object]:
    def refuse() -> None:
        seen.refused = seen.refused or attempt
        raise TransactionEndedError(attempt)

    return refuse


def _firing(connection: LentConnection) -> Iterator[_Fires]:
    rows = query(connection, _TRIGGERS).fetchall()
    read = {(each.table, each.spelling): each for each in read_schema(connection).triggers} if rows else {}
    for name, table, text, kind, deferrable, body in rows:
        events, sets_values = frozenset(does for does, bit in _EVENTS.items() if kind & bit), kind & _BEFORE_ROW
        its = read.get((table, name))
        yield _Fires(name, table, text, names_in(body), its, events, sets_values == _BEFORE_ROW, deferrable)
    for name, event, body in query(connection, _OF_EVENTS).fetchall():
        text = f"EVENT TRIGGER {quote(name)} ON {event}"
        yield _Fires(name, "", text, names_in(body), Trigger(name, "", f"{text} {body}"))


def _acting(
    connection: LentConnection, wrote: tuple[str, str], grown: set[tuple[str, str]]
) -> Iterator[tuple[str, ...]]:
    """Yield the columns of each foreign key by which a statement wrote a table, by what it did to the other one."""
    does, table = wrote
    for child, parent, on_delete, on_update, columns in query(connection, _CASCADES).fetchall():
        deletes, updates = (parent in {each for verb, each in grown if verb == kind} for kind in ("delete", "update"))
        cascades = does == "delete" and deletes and on_delete == "c"
        sets = does == "update" and ((deletes and on_delete in "nd") or (updates and on_update in "cnd"))
        if child == table and (cascades or sets):
            yield tuple(columns)


def _counted(connection: LentConnection) -> dict[int, _Count]:
    rows = query(connection, _COUNTED).fetchall()
    return {
        number: _Count(name, tuple(counts), storage, root, own) for number, name, *counts, storage, root, own in rows
    }


def _operations(planned: Iterable[tuple[str, str]], text: str) -> Iterator[tuple[str, str]]:
    """Yield what a statement does to tables: an INSERT may update, and a MERGE does anything."""
    for does, table in planned:
        if does == "merge":
            yield from ((each, table) for each in _VERBS)
        else:
            yield does, table
        if does == "insert" and set_columns(text):
            yield "update", table


def _grown(before: Mapping[int, _Count], now: Mapping[int, _Count]) -> Iterator[tuple[str, str]]:
    """Yield what was written since, by verb and table; of a partition as of the table that it is a part of too."""
    for does, count in _more(before, now):
        if count.own:
            yield does, count.name
            if count.root is not None and count.root != count.name:
                yield does, count.root


def _grown_elsewhere(before: Mapping[int, _Count], now: Mapping[int, _Count]) -> Iterator[tuple[str, str]]:
    """Yield what was written since to tables of other schemas."""
    return ((does, count.name) for does, count in _more(before, now) if not count.own)


def _more(before: Mapping[int, _Count], now: Mapping[int, _Count]) -> Iterator[tuple[str, _Count]]:
    for number, count in now.items():
        old = before[number].rows if number in before else (0, 0, 0)
        yield from ((does, count) for does, was, rows in zip(_VERBS, old, count.rows, strict=True) if rows > was)


def _stored_anew(before: Mapping[int, _Count], now: Mapping[int, _Count]) -> Iterator[str]:
    """Yield the tables whose rows are stored in another place."""
    for number, count in now.items():
        if number in before and before[number].storage != count.storage:
            yield count.name


def _columns(connection: LentConnection, text: str, table: str, planned: frozenset[tuple[str, str]]) -> frozenset[str]:
    """The columns of a table that a statement sets; where it writes several tables, those that it names."""
    there = frozenset(column_names(connection, table))
    if len({each for _, each in planned}) == 1 and verb(text) in {"insert", "update"}:
        return set_columns(text) & there
    return names_in(text) & there
