"""Finds out with what a chain begins: which tables and columns of a database its revisions need but do not make.

The chain is replayed again and again, each time on a better draft. A table that a revision lacks is added to the draft
as the database has it; a table, column or index that a revision makes itself is taken out.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

from alembic.operations import AbstractOperations
from alembic.operations.ops import AddColumnOp, CreateIndexOp, CreateTableOp

from architect_migrate.core.chain_errors import ReplayError
from architect_migrate.core.names import fold
from architect_migrate.databases.registry import dialect
from architect_migrate.databases.values import StoredObject
from architect_migrate.model.revision_graph import BASE
from architect_migrate.revisions.alembic_runtime import replay
from architect_migrate.revisions.baseline import noting_create_all
from architect_migrate.revisions.failures import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.model.chain_config import ChainConfig

_NO_TABLE = ("no such table: ", "NoSuchTableError: ")
_TAKEN = ("table ", "index ", "trigger ", "view ")


@dataclass(frozen=True, slots=True)
class Job:
    """What to look through: the objects of a database, or the models ("module:metadata") whose tables they are.

    `at` is the revision at which the baseline is to stand, `whole` whether it has tables that no revision needs.
    """

    objects: tuple[StoredObject, ...]
    models: str
    at: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A baseline that the chain runs on; or none, with the revision and the reason in `lacks`.

    `made` are what was taken out of its tables because revisions make it, as (object or
    TABLE.COLUMN, revision). `left` are the tables of the database that no revision needs.
    """

    at: str
    script: str = ""
    tables: tuple[str, ...] = ()
    made: tuple[tuple[str, str], ...] = ()
    left: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


JOB_CLASSES = (Job, StoredObject, Found)


@dataclass(slots=True)
class _Draft:
    """What the baseline has so far, and what revisions turned out to make themselves."""

    all: tuple[StoredObject, ...]
    objects: tuple[StoredObject, ...] = ()
    made: dict[str, str] = field(default_factory=dict)

    def table(self, name: str) -> StoredObject | None:
        """Return a table or view of the draft."""
        found = (each for each in self.objects if fold(each.name) == fold(name) and each.kind in {"table", "view"})
        return next(found, None)

    def add(self, name: str) -> bool:
        """Add a table as the database has it; return whether that changes the draft."""
        if self.table(name) or not name:
            return False
        own = tuple(each for each in self.all if fold(each.table) == fold(name) and each.name not in self.made)
        self.objects += own
        return bool(own)

    def take_out(self, revision: str, name: str) -> bool:
        """Take out an object that a revision makes; return whether that changes the draft."""
        kept = tuple(each for each in self.objects if fold(name) not in {fold(each.name), fold(each.table)})
        if len(kept) == len(self.objects) or self.table(name) is None:
            kept = tuple(each for each in self.objects if fold(each.name) != fold(name))
        if len(kept) == len(self.objects):
            return False
        self.objects, self.made[name] = kept, revision
        return True

    def take_column_out(self, revision: str, table: str, column: str) -> bool:
        """Take out a column that a revision adds; return whether that changes the draft."""
        its = self.table(table)
        if its is None or fold(column) not in dialect.columns_of(its):
            return False
        self.objects = dialect.without_column(self.objects, table, column)
        self.made[f"{table}.{column}"] = revision
        return True


def find_baseline(
    chain: ChainConfig, objects: tuple[StoredObject, ...], at: str, folder: Path, *, whole: bool
) -> Found:
    """Find the baseline at a revision (empty: where the chain begins) among the objects of a database.

    `whole` takes all tables that no revision makes, and not only those that revisions need. Works in `folder`.
    """
    bare = replace(chain, baseline="", baseline_at=BASE)
    draft = _Draft(objects)
    if not at:
        at = _first_creator(bare, folder)
    if whole or at != BASE:
        draft.objects = objects
    # Why a limit: each round but the last changes the draft, and nothing is changed twice.
    for number in range(4 + 2 * sum(2 + len(dialect.columns_of(each)) for each in objects)):
        tried = _Try(bare, draft, at, folder / f"{number}")
        lacks = tried.run()
        if not tried.has_changed:
            break
    tables = tuple(sorted(each.name for each in draft.objects if each.kind == "table"))
    if lacks:
        return Found(at, lacks=lacks, tables=tables)
    left = {each.name for each in objects if each.kind == "table"} - {*tables, *draft.made}
    left -= tried.known
    return Found(at, dialect.script_of(draft.objects), tables, tuple(sorted(draft.made.items())), tuple(sorted(left)))


def _first_creator(chain: ChainConfig, folder: Path) -> str:
    """Return the first revision, if it calls create_all() and the chain does not run; else `base`."""
    current, creators = [""], list[str]()
    (folder / "first").mkdir()

    def note(revision: str) -> None:
        current[0] = revision

    try:
        with noting_create_all(lambda: creators.append(current[0])):
            replay(chain, folder / "first" / "scratch.db", None, note)
    except ReplayError:
        return next(filter(None, creators), BASE)
    return BASE


class _Try:
    """One replay on a draft, by which the draft is bettered."""

    def __init__(self, chain: ChainConfig, draft: _Draft, at: str, folder: Path) -> None:
        self.chain, self.draft, self.at, self.folder = chain, draft, at, folder
        self.current = ""
        self.has_changed = False
        self.known: frozenset[str] = frozenset()
        self.begins = draft.objects
        self.done: list[tuple[str, Any]] = []

    def run(self) -> tuple[str, ...]:
        """Replay the chain; return the revision and the cause of a failure, empty if there was none."""
        self.folder.mkdir()
        file = self.folder / "baseline.sql"
        file.write_text(dialect.script_of(self.draft.objects), encoding="utf-8")
        chain = replace(self.chain, baseline=str(file), baseline_at=self.at)
        try:
            with _noting_operations(self._note_operation):
                history = replay(chain, self.folder / "scratch.db", None, self._note)
        except ReplayError as error:
            self._better_by_operations()
            if not self.has_changed:
                self._better_by_error(error)
            return (error.revision, error.cause)
        self._better_by_operations()
        from architect_migrate.model.history import snapshots

        last = snapshots(history)[history.graph.order[-1]]
        there = {table.name for table in last.tables}
        self.known = frozenset(
            table.spelling or table.name for schema in snapshots(history).values() for table in schema.tables
        )
        for parent in sorted({key.parent for table in last.tables for key in table.foreign_keys} - there):
            self._changed(self.draft.add(parent))
        return ()

    def _note(self, revision: str) -> None:
        self.current = revision

    def _note_operation(self, operation: Any) -> None:
        self.done.append((self.current, operation))

    def _changed(self, did: bool) -> None:
        self.has_changed = self.has_changed or did

    def _better_by_operations(self) -> None:
        """Take out what revisions were seen to make: a batch operation replaces a column without an error."""
        for revision, operation in self.done:
            match operation:
                case AddColumnOp():
                    name = operation.column.name
                    self._changed(self.draft.take_column_out(revision, operation.table_name, name))
                case CreateIndexOp():
                    self._changed(self.draft.take_out(revision, str(operation.index_name)))
                case CreateTableOp():
                    self._changed(self.draft.take_out(revision, operation.table_name))

    def _better_by_error(self, error: ReplayError) -> None:
        # Why not the error's own words: they may say more, for example that env.py ignores it.
        cause = words_of(error.__cause__) if error.__cause__ else error.cause
        statement = str(getattr(error.__cause__, "statement", None) or "")
        for beginning in _NO_TABLE:
            if beginning in cause:
                name = cause.partition(beginning)[2].split()[0].removeprefix("main.")
                self._changed(self.draft.add(name))
                return
        if "duplicate column name: " in cause:
            column = cause.partition("duplicate column name: ")[2].strip()
            tables = sorted(dialect.words_of(statement) & {fold(each.name) for each in self.draft.objects})
            for table in tables:
                self._changed(self.draft.take_column_out(error.revision, table, column))
            return
        if "already exists" in cause:
            words = cause.partition(" already exists")[0].split()
            self._changed(self.draft.take_out(error.revision, words[-1].strip('"')))


@contextmanager
def _noting_operations(note: Any) -> Iterator[None]:
    """Call `note` with each operation that a revision asks of Alembic."""
    usual = AbstractOperations.invoke

    @wraps(usual)
    def invoke(self: AbstractOperations, operation: Any) -> Any:
        note(operation)
        return usual(self, operation)

    setattr(AbstractOperations, "invoke", invoke)  # noqa: B010  (a method, for as long as the replay takes)
    try:
        yield
    finally:
        setattr(AbstractOperations, "invoke", usual)  # noqa: B010  (as it was)
