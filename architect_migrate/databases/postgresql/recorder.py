"""Records what each revision of a chain does to a scratch database.

PostgreSQL says what a statement writes and reads: its plan names the tables, and the counters of the transaction show
what functions, triggers and DO blocks touch. What a revision renames is known by the numbers of the catalog.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from architect_migrate.core.server_errors import OtherSchemaError, SchemaOfChainError, ServerChangedError
from architect_migrate.databases.postgresql.catalog import (
    Places,
    labels_added,
    made_elsewhere,
    place_of_objects,
    rows_touched,
    server_digest,
)
from architect_migrate.databases.postgresql.code import may_write, written_by_functions
from architect_migrate.databases.postgresql.fingerprint import digest
from architect_migrate.databases.postgresql.on_the_way import OnTheWay
from architect_migrate.databases.postgresql.pinned import current_schema, in_own_texts
from architect_migrate.databases.postgresql.reflect import read_schema
from architect_migrate.databases.postgresql.seeds import Inserting, after, inserted, inserting
from architect_migrate.databases.postgresql.statement_plan import tables_of
from architect_migrate.databases.postgresql.statements import (
    ADDS_LABEL,
    READING,
    SILENT,
    is_of_server,
    names_in,
    set_columns,
    verb,
    words_outside,
)
from architect_migrate.model.delta import delta
from architect_migrate.model.history import INSERTING, WRITING, Link, Move, Rename, Replayed, ReplayedStatement
from architect_migrate.model.schema import Schema, columns_by_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from architect_migrate.databases.postgresql.lent import LentConnection
    from architect_migrate.model.seed_rows import SeedRow

# Verbs of statements that can run code, which may write and read other tables.
_CODE = frozenset({"call", "copy", "do", "merge", "prepare", "truncate"})


_LEFT = "what ran outside of a transaction is left there, to be removed by hand"
_NONE: frozenset[str] = frozenset()
# What a run can execute inside of its transaction too.
_EITHER = frozenset({ADDS_LABEL, "ANALYZE"})


@dataclass(slots=True)
class _Running:
    """The statement that runs: what PostgreSQL planned for it, and what had been touched before."""

    writes: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    touched: dict[str, tuple[int, int]] = field(default_factory=dict)
    inserts: Inserting | None = None


class Recording:
    """The recording so far: a `Replayed` for each revision, and the digest of the schema after it.

    `here` returns the line of the chain's code that is running.
    """

    def __init__(self, version_table: str, here: Callable[[], str] = str) -> None:
        self.version_table = version_table
        self.here = here
        self.found: list[Replayed] = []
        self.digests: list[str] = []
        self.in_data_step = False
        self._ran: list[ReplayedStatement] = []
        self._apart: list[str] = []
        self._outside: list[str | None] = []
        self._is_apart = False
        self._commits = self._refused = self._refused_at = ""
        self._schema = Schema()
        self._running = _Running()
        self._on_the_way = OnTheWay()
        self._rows: list[SeedRow] = []
        self._labels: dict[int, str] = {}
        self._revision = ""
        # Keys the digests of rows, so that they cannot be compared with those of other replays.
        self._key = secrets.token_hex(16)

    @contextmanager
    def of(self, connection: LentConnection, revision: str) -> Iterator[None]:
        """Record one revision, which runs in the block on this connection, and commit it."""
        places, touched = place_of_objects(connection), rows_touched(connection)
        # A server that is thrown away goes with its roles.
        server = server_digest(connection) if connection.is_shared else ""
        connection.hearing, self._revision = self, revision
        try:
            yield
        finally:
            connection.hearing = None
        wrote = _grown(touched, rows_touched(connection), 0)
        if connection.is_shared and server_digest(connection) != server:
            connection.really().rollback()
            raise ServerChangedError(_LEFT) if self._apart else ServerChangedError
        connection.really().commit()
        self._note(connection, revision, (places, place_of_objects(connection)), wrote)
        connection.really().commit()

    @contextmanager
    def autocommit(self, connection: LentConnection) -> Iterator[None]:
        """Run the block outside of a transaction, and note what it runs, as that of a revision's autocommit_block()."""
        really = connection.really()
        really.commit()
        really.set_autocommit(True)
        self._is_apart = True
        try:
            yield
        finally:
            self._is_apart = False
            really.set_autocommit(False)

    def hear_setting(self, pragma: str, value: str) -> None:
        """Take in a setting of the revision that runs; PostgreSQL's are statements."""

    def hear_again(self, values: Any) -> None:
        """Take in that a statement is about to run with a set of values; each is heard with its values."""

    def refuse(self, deed: str) -> None:
        """Take in something that a run would not let the revision do."""
        self._refused_at = self._refused_at if self._refused else self.here()
        self._refused = self._refused or deed

    def commits(self) -> None:
        """Take in a commit of the revision that runs."""
        self._commits = self._commits or self.here() or "its code"

    def functions(self, _connection: LentConnection) -> tuple[str, ...]:
        """Return the functions of this connection, and of no other one: none, since functions are in the database."""
        return ()

    def about_to_run(self, connection: LentConnection, text: str) -> None:
        """Take in a statement before it runs."""
        does = verb(text)
        if connection.is_shared and is_of_server(text):
            raise ServerChangedError
        self._running = _Running()
        self._on_the_way.about_to_run(connection, text)
        if does in SILENT or not (does in WRITING or does in READING or does in _CODE):
            return
        writes, reads = tables_of(connection, text)
        self._running = _Running(self._own(writes), self._own(reads), rows_touched(connection))
        if does in INSERTING and len(self._running.writes) == 1 and not self._running.reads and not self.in_data_step:
            self._running.inserts = inserting(connection, min(self._running.writes), text)

    def has_run(self, connection: LentConnection, text: str) -> None:
        """Take in a statement that has run."""
        does, running = verb(text), self._running
        if not does or does in SILENT:
            return
        self._on_the_way.has_run(connection, text)
        if self._is_apart:
            self._apart.append(does)
        if does in WRITING | READING | _CODE:
            does = self._take_in_code(connection, does, text, running)
        if does not in READING or running.reads:
            self._take_in_place(text)
        if running.inserts:
            of = self._revision, self._number_of_changes()
            with in_own_texts(connection):
                self._rows += inserted(connection, running.inserts, of, self._key)
        self._ran.append(self._statement(does, text, running))

    def _take_in_code(self, connection: LentConnection, does: str, text: str, running: _Running) -> str:
        """Add what code in a statement writes and reads; return the verb for what it does to rows."""
        now = rows_touched(connection)
        running.reads |= self._own(_grown(running.touched, now, 1)) - running.writes
        tables = self._own(running.touched.keys() | now.keys())
        if does in WRITING:
            running.writes |= written_by_functions(connection, text, tables)
            return does
        # What a MERGE writes itself PostgreSQL has said already.
        code = may_write if does in _CODE - {"merge"} else written_by_functions
        running.writes |= self._own(_grown(running.touched, now, 0)) | code(connection, text, tables)
        return "update" if does in _CODE or running.writes else does

    def _take_in_place(self, text: str) -> None:
        """Note what a statement does outside of the transaction: None if it is inside, empty if it may change rows."""
        if self._is_apart:
            self._outside.append(words_outside(text))
        elif self.version_table not in names_in(text):
            self._outside.append(None)

    def _leaves(self) -> tuple[str, ...]:
        """What the revision does outside of a transaction, and a run cannot do inside of one; none if that may be rows.

        A label that is added inside of one cannot be used there, so it may be the last that the revision does.
        """
        found = dict.fromkeys(each for each in self._outside if each is not None)
        after = self._outside[self._outside.index(ADDS_LABEL) :] if ADDS_LABEL in found else []
        needed = {*found} - _EITHER or {*after} - {ADDS_LABEL}
        return tuple(each for each in found if each) if needed and "" not in found else ()

    def _statement(self, does: str, text: str, running: _Running) -> ReplayedStatement:
        columns = columns_by_table(self._schema)
        named = names_in(text) if running.writes else frozenset()
        return ReplayedStatement(
            does,
            text,
            running.writes,
            running.reads,
            in_data_step=self.in_data_step,
            columns=set_columns(text) if does in WRITING else frozenset(),
            looks=frozenset(
                (table, name) for table in running.reads | running.writes for name in columns.get(table, _NONE) & named
            ),
        )

    def _number_of_changes(self) -> int:
        return sum(each.verb not in READING for each in self._ran)

    def _own(self, tables: Iterable[str]) -> frozenset[str]:
        """The tables among some that hold rows of an application."""
        return frozenset(tables) - {self.version_table}

    def _note(
        self, connection: LentConnection, revision: str, places: tuple[Places, Places], wrote: frozenset[str]
    ) -> None:
        refuse_other_schema(connection, current_schema(connection))
        if elsewhere := made_elsewhere(connection):
            its_schema, thing = elsewhere
            named = "Alembic's version table" if thing == f"relation {self.version_table}" else thing
            raise OtherSchemaError(its_schema, named, current_schema(connection))
        schema = read_schema(connection, [self.version_table])
        self.digests.append(digest(connection, [self.version_table]))
        change = delta(self._schema, schema)
        statements = tuple(each for each in self._ran if each.verb not in READING and not self._is_alembics(each))
        reads = (each.reads for each in self._ran if each.verb in READING and not each.in_data_step)
        renames, replaced = _renames(*places)
        known, self._labels = self._labels, labels_added(connection)
        seeds = self._seeds(connection, revision, schema)
        self.found.append(
            Replayed(
                change,
                statements,
                self._own(wrote),
                renames=renames,
                moves=tuple(_moves(self._schema, schema, statements, _dropped(*places))),
                replaced=replaced,
                reads=frozenset[str]().union(*reads),
                seeds=seeds,
                apart=tuple(self._apart),
                outside=self._leaves(),
                refused=self._refused,
                refused_at=self._refused_at,
                commits=self._commits,
                on_the_way=self._on_the_way.gone(connection),
                came_with=self._came_with(schema),
                labels=tuple(sorted({name for label, name in self._labels.items() if label not in known})),
            )
        )
        self._begin_after(schema)

    def _seeds(self, connection: LentConnection, revision: str, schema: Schema) -> tuple[SeedRow, ...]:
        """The rows of constants that a revision leaves; note with which one the rows of earlier ones went."""
        with in_own_texts(connection):
            for at, replayed in enumerate(self.found):
                left = tuple(after(connection, seed, revision, schema) for seed in replayed.seeds)
                self.found[at] = replace(replayed, seeds=left)
            seeds = [after(connection, seed, revision, schema) for seed in self._rows]
        return tuple(seed for seed in seeds if not seed.until)

    def _came_with(self, schema: Schema) -> frozenset[tuple[str, str, str | None]]:
        """The columns that a revision adds to tables that were there, with the defaults that they came with."""
        before, after = {table.name for table in self._schema.tables}, columns_by_table(schema)
        found = self._on_the_way.defaults.items()
        return frozenset(
            (table, column, default)
            for (table, column), default in found
            if table in before and column in after.get(table, _NONE)
        )

    def _begin_after(self, schema: Schema) -> None:
        """Begin anew, for the next revision, which finds this schema."""
        self._schema = schema
        self._ran, self._apart, self._outside, self._rows = [], [], [], []
        self._on_the_way = OnTheWay()
        self._commits = self._refused = self._refused_at = ""

    def _is_alembics(self, statement: ReplayedStatement) -> bool:
        """Whether a statement concerns Alembic's version table alone."""
        return self.version_table in names_in(statement.text) and not statement.writes


def refuse_other_schema(connection: LentConnection, schema: str) -> None:
    """Raise SchemaOfChainError if the chain works in another schema than the one that is read of its databases."""
    if connection.own_schema and schema != connection.own_schema:
        raise SchemaOfChainError(schema, connection.own_schema)


def recording(_connection: LentConnection, version_table: str, here: Callable[[], str] = str) -> Recording:
    """Return an empty recording of what the revisions of a chain do on a connection."""
    return Recording(version_table, here)


def _grown(before: dict[str, tuple[int, int]], now: dict[str, tuple[int, int]], part: int) -> frozenset[str]:
    """The tables of which one of the counters grew: 0 for rows written, 1 for scans."""
    return frozenset(name for name, counts in now.items() if counts[part] > before.get(name, (0, 0))[part])


def _renames(before: Places, now: Places) -> tuple[tuple[Rename, ...], frozenset[str]]:
    """What was renamed, and the tables that another one with the same name has taken the place of."""
    tables = [Rename(old, new) for number, old in before.tables.items() if (new := now.tables.get(number, old)) != old]
    columns = [
        Rename(old, new, now.tables[number[0]])
        for number, old in before.columns.items()
        if (new := now.columns.get(number, old)) != old and number[0] in now.tables
    ]
    numbers = {name: number for number, name in now.tables.items()}
    replaced = {name for number, name in before.tables.items() if numbers.get(name, number) != number}
    return (*tables, *columns), frozenset(replaced)


def _dropped(before: Places, now: Places) -> frozenset[tuple[str, str]]:
    """The columns that are gone, each with its table; not those that were renamed."""
    gone = {number: name for number, name in before.columns.items() if number not in now.columns}
    return frozenset((now.tables[number[0]], name) for number, name in gone.items() if number[0] in now.tables)


def _moves(
    before: Schema, now: Schema, statements: Iterable[ReplayedStatement], dropped: frozenset[tuple[str, str]]
) -> Iterator[Move]:
    """What a revision copies from what it removes to what it makes: tables, and columns of a table."""
    old, new = columns_by_table(before), columns_by_table(now)
    for statement in statements:
        if statement.verb in INSERTING:
            for source in statement.reads - new.keys():
                for target in statement.writes & new.keys() - old.keys():
                    shared = sorted(old.get(source, _NONE) & new[target])
                    yield Move(source, "", target, columns=tuple(zip(shared, shared, strict=True)), link=Link.COPIED)
        elif statement.verb == "update" and len(statement.writes) == 1:
            (table,) = statement.writes
            made = statement.columns & (new.get(table, _NONE) - old.get(table, _NONE))
            gone = {column for its, column in statement.looks & dropped if its == table}
            if len(made) == len(gone) == 1:
                yield Move(table, min(gone), table, min(made), link=Link.COPIED)
