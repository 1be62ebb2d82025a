"""Records what each revision of a chain does to a scratch database."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from architect_migrate.core.names import BATCH_COPY, fold
from architect_migrate.databases.sqlite.authorizer import WriteLog, loose_write_log, triggers_of
from architect_migrate.databases.sqlite.column_places import ColumnPlaces
from architect_migrate.databases.sqlite.fingerprint import digest
from architect_migrate.databases.sqlite.interims import (
    came_with,
    interims_of,
    is_changing,
    passing_columns,
    passing_triggers,
    schemas_between,
)
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.rows.seeds import after, seeds_of
from architect_migrate.databases.sqlite.savepoints import Savepoints
from architect_migrate.databases.sqlite.sql.bound import is_exact, with_all_digits
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote, verb, words_of
from architect_migrate.databases.sqlite.sql.passing import copied_table, on_the_way, puts_aside
from architect_migrate.databases.sqlite.stops import stops_of
from architect_migrate.model.delta import Delta, delta
from architect_migrate.model.history import Replayed, ReplayedStatement, is_of_rows
from architect_migrate.model.schema import Schema, columns_by_table
from architect_migrate.model.stops import displaces, remade_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

# Numbers that the application keeps in the header of the file.
_NUMBERS = frozenset({"user_version", "application_id"})
# Verbs of statements that change something; reads, transactions and PRAGMAs need not be executed again.
_CHANGING = frozenset({"alter", "create", "delete", "drop", "insert", "reindex", "replace", "update"})
_DEFINING = frozenset({"alter", "create"})
_WRITES = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_WRITING = frozenset({"delete", "insert", "replace", "update"})
# SQLite's own table of the numbers that AUTOINCREMENT goes by, which statements may write.
_COUNTERS = frozenset({"sqlite_sequence"})
_TRANSACTION = frozenset({"begin", "commit", "release", "rollback", "savepoint"})
_READING = frozenset({"select", "values"})


class Recording:
    """The recording so far: a `Replayed` for each revision, and the digest of the schema's texts after it.

    `here` returns the line of the chain's code that is running.
    """

    def __init__(self, version_table: str, here: Callable[[], str] = str) -> None:
        self.version_table = version_table
        self.here = here
        self.found: list[Replayed] = []
        self.digests: list[str] = []
        self.in_data_step = False
        self._apart: list[str] = []
        self._commits = self._refused_at = ""
        self._is_apart = False
        self._ran: list[ReplayedStatement] = []
        self._savepoints: Savepoints[int] = Savepoints()
        self._seen = WriteLog()
        self._heard: list[tuple[int, str, str]] = []
        self._prepared: tuple[str, list[tuple[int, str, str]]] = ("", [])
        self._places = ColumnPlaces()
        self._triggers: set[str] = set()
        # Whether what is being prepared sets off triggers, whether the last statement did, and whether a new run of it
        # was announced.
        self._fires = self._sets_off = self._again = False
        self._inexact: tuple[object, ...] = ()
        self._last = ""
        self._schema = Schema()
        # Keys the digests of rows, so that they cannot be compared with those of other replays.
        self._key = secrets.token_hex(16)

    @contextmanager
    def of(self, connection: sqlite3.Connection, revision: str) -> Iterator[None]:
        """Record one revision, which runs in the block on this connection."""
        # Why the trace callback: it gives statements with their bound values filled in, so that they can be executed
        # again.
        self._triggers = {*triggers_of(connection)}
        with loose_write_log(connection, self._hear) as seen:
            self._seen = seen
            connection.set_trace_callback(partial(self._trace, seen, connection))
            yield
        connection.set_trace_callback(None)
        self._note(connection, seen, revision)

    @contextmanager
    def autocommit(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Run the block outside of a transaction, and note what it runs, as that of a revision's autocommit_block()."""
        connection.commit()
        level, connection.isolation_level = connection.isolation_level, None
        self._is_apart = True
        try:
            yield
        finally:
            self._is_apart, connection.isolation_level = False, level

    def hear_setting(self, pragma: str, value: str) -> None:
        """Take in a PRAGMA of the revision that runs, where a lent connection left it out."""
        # Why the numbers only here: plain Alembic sets them within the transaction, and a lent connection leaves them
        # out.
        if self._seen.refuse(sqlite3.SQLITE_PRAGMA, pragma, value) or pragma.lower() in _NUMBERS:
            self.refuse(f"set PRAGMA {pragma}")

    def hear_again(self, values: Any) -> None:
        """Take in that a statement is about to run with a set of values."""
        self._again = True
        given = tuple(values.values() if isinstance(values, dict) else values)
        self._inexact = tuple(value for value in given if not is_exact(value))

    def refuse(self, deed: str) -> None:
        """Take in something that a run would not let the revision do."""
        self._seen.refused = self._seen.refused or deed
        self._refused_at = self._refused_at or self.here()

    def commits(self) -> None:
        """Take in a commit of the revision that runs."""
        self._commits = self._commits or self.here() or "its code"

    def functions(self, connection: sqlite3.Connection) -> tuple[str, ...]:
        """Return the functions and collations of this connection, and of no other one, that a definition may use."""
        with closing(sqlite3.connect(":memory:")) as other:
            own = _functions(connection) - _functions(other)
        defining = (each.text for replayed in self.found for each in replayed.statements if each.verb in _DEFINING)
        return tuple(sorted(own & frozenset[str]().union(*map(words_of, defining)))) if own else ()

    def _hear(self, action: int, table: str, column: str, trigger: str) -> None:
        """Take in what SQLite says of a statement when it is prepared, which is before it is run."""
        if self._places.asking:
            return
        if action == sqlite3.SQLITE_CREATE_TRIGGER:
            self._triggers.add(table)
        # SQLite names a view in the same place, and what is read through it is read all the same.
        by_trigger = trigger in self._triggers
        self._fires = self._fires or by_trigger
        if not by_trigger and ((action in _WRITES and not trigger) or action == sqlite3.SQLITE_READ):
            self._heard.append((action, table, column))

    def _trace(self, seen: WriteLog, connection: sqlite3.Connection, text: str) -> None:
        """Take in a statement that is run. One that runs again with other values was prepared once."""
        if self._places.asking or self._is_of_trigger(text):
            return
        self._places.hear(connection, text)
        does = verb(text)
        self._take_back(seen, text)
        # Python prepares a statement, runs BEGIN, then runs the statement.
        if not does or does in _TRANSACTION:
            return
        if self._is_apart:
            self._apart.append(does)
        if does == "vacuum":
            self.refuse("VACUUM")
        if self._heard or does != self._prepared[0]:
            self._prepared = (does, self._heard)
            self._sets_off, self._fires = self._fires, False
        self._heard, self._last, self._again = [], text, False
        events = self._prepared[1]
        writes = {table for action, table, _ in events if action in _WRITES} if does in _WRITING else set()
        reads = {table for action, table, _ in events if action == sqlite3.SQLITE_READ}
        reads |= {copied_table(text)} - {""} if writes and not reads else set()
        columns = {column for action, _, column in events if action == sqlite3.SQLITE_UPDATE} if writes else set()
        looks = {(table, column) for action, table, column in events if action == sqlite3.SQLITE_READ and column}
        self._ran.append(
            ReplayedStatement(
                does,
                with_all_digits(text, self._inexact),
                self._tables(writes) | (writes & _COUNTERS),
                self._tables(reads),
                in_data_step=self.in_data_step,
                columns=frozenset(columns),
                looks=frozenset(looks) if writes else frozenset(),
                inexact=bool(self._inexact),
            )
        )

    def _is_of_trigger(self, text: str) -> bool:
        """Whether this is a step of a trigger, for which Python reports the statement that set it off once more.

        A statement that runs again is prepared again, or is announced.
        """
        return self._sets_off and text == self._last and not self._heard and not self._again

    def _take_back(self, seen: WriteLog, text: str) -> None:
        """Forget the statements that are rolled back to a savepoint.

        What they read and wrote counts as read: on other rows the code may not roll them back.
        """
        seen.ran(text)
        if (mark := self._savepoints.hear(text, lambda: len(self._ran))) is not None:
            self._ran[mark:] = [
                each
                if each.verb in _READING
                else ReplayedStatement("select", "", reads=each.reads | each.writes, in_data_step=each.in_data_step)
                for each in self._ran[mark:]
            ]

    def _tables(self, names: set[str]) -> frozenset[str]:
        """The tables among names that hold rows of an application."""
        return frozenset(
            name for name in names if name != fold(self.version_table) and not name.startswith(("sqlite_", BATCH_COPY))
        )

    def _note(self, connection: sqlite3.Connection, seen: WriteLog, revision: str) -> None:
        schema = read_schema(connection, [self.version_table])
        told = [ran for ran in self._ran if self._tells(ran)]
        statements = tuple(ran for ran in told if ran.verb in _CHANGING)
        reads = frozenset[str]().union(*(ran.reads for ran in told if ran.verb in _READING and not ran.in_data_step))
        writes = seen.tables() - {fold(self.version_table)}
        way = on_the_way((ran.text for ran in told), columns_by_table(self._schema), columns_by_table(schema))
        texts = [ran.text for ran in statements]
        ends, wrote = (self._schema, schema), any(map(is_of_rows, statements)) or bool(reads)
        stops = stops_of(self._schema, texts) if puts_aside(texts, columns_by_table(schema)) else ()
        between = schemas_between(self._schema, texts) if wrote or is_changing(texts) else ()
        interims, change = interims_of(*ends, between), delta(*ends)
        self._look_again(connection, revision, schema, seen.tables() | seen.dropped | _tables_of(change))
        self.found.append(
            Replayed(
                change,
                statements,
                writes,
                way.passing,
                way.renames,
                way.moves,
                way.replaced,
                reads=reads,
                seeds=seeds_of(connection, schema, (revision, statements), self._key),
                stops=stops if displaces(stops) else (),
                interims=interims if wrote else (),
                apart=tuple(self._apart),
                refused=seen.refused,
                refused_at=self._refused_at,
                commits=self._commits,
                by_place=frozenset((each.table, each.columns) for each in self._places.found),
                remade=remade_columns(interims, *ends, stops[-1] if stops else None),
                passing_triggers=passing_triggers(*ends, between),
                passing_columns=passing_columns(*ends, between),
                came_with=came_with(*ends, between),
            )
        )
        self.digests.append(digest(connection, [self.version_table]))
        self._schema = schema
        self._forget()

    def _forget(self) -> None:
        """Begin anew, for the next revision."""
        self._ran.clear()
        self._apart.clear()
        self._places = ColumnPlaces()
        self._commits = self._refused_at = ""

    def _look_again(
        self, connection: sqlite3.Connection, revision: str, schema: Schema, changed: AbstractSet[str]
    ) -> None:
        """Note with which revision the rows of earlier ones went, or got other values. `changed` are tables."""
        columns = columns_by_table(schema)
        for at, replayed in enumerate(self.found):
            seeds = tuple(
                after(connection, seed, revision, columns.get(seed.table, ())) if seed.table in changed else seed
                for seed in replayed.seeds
            )
            if seeds != replayed.seeds:
                self.found[at] = replace(replayed, seeds=seeds)

    def _tells(self, statement: ReplayedStatement) -> bool:
        """Whether a statement concerns anything other than Alembic's version table."""
        return fold(self.version_table) not in {fold(unquote(token.text)) for token in significant(statement.text)}


def _tables_of(change: Delta) -> set[str]:
    """The tables that a change of the schema makes, changes or takes away."""
    return {name for _, name in change.removed} | {table.name for table in change.changed.tables}


def recording(_connection: sqlite3.Connection, version_table: str, here: Callable[[], str] = str) -> Recording:
    """Return an empty recording of what the revisions of a chain do on a connection."""
    return Recording(version_table, here)


def _functions(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the functions that are not SQLite's own, and the collations."""
    asked = "SELECT name FROM pragma_function_list WHERE NOT builtin UNION ALL SELECT name FROM pragma_collation_list"
    return frozenset(fold(name) for (name,) in connection.execute(asked))


def scratch_connection(path: Path | str) -> sqlite3.Connection:
    """Open a connection to a database that is deleted after the replay; it prepares each statement anew.

    Why: a statement from the cache of statements is not shown to the authorizer, which says what it writes and reads.
    """
    connection = sqlite3.connect(path, cached_statements=0)
    # Why in memory and without sync: the replay is repeated after a crash, so nothing has to survive one. Without any
    # journal SQLite does not roll back to savepoints.
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")
    return connection
