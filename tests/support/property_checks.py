"""What reconcile must keep to, whatever the database is, checked without archmig's help."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.config.context import context_for
from architect_migrate.core.chain_errors import RevisionFailedError
from architect_migrate.core.urls import sqlite_url
from architect_migrate.model.chain_config import beside
from architect_migrate.model.choices import Uninitialised
from architect_migrate.model.environment import Environment, Policies, ProjectConfig, Tracker
from architect_migrate.model.history import snapshots, unmasked
from architect_migrate.planning.results import Outcome
from architect_migrate.revisions.replay import history_of
from architect_migrate.runs.reconcile import preview, reconcile

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Schema


@dataclass(frozen=True)
class Chain:
    """A chain of revisions with what it does."""

    ini: Path
    history: History

    @property
    def schemas(self) -> tuple[Schema, ...]:
        return tuple(snapshots(self.history).values())


def chain_of(ini: Path, cache: Path) -> Chain:
    return Chain(ini, history_of(beside(ini), cache))


@dataclass(frozen=True)
class Drifted:
    """A database after the first `revisions` of a chain and then these statements, of which any may fail."""

    revisions: int
    statements: tuple[str, ...]


def build(chain: Chain, drifted: Drifted, path: Path) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("BEGIN")
        for replayed in list(unmasked(chain.history).values())[: drifted.revisions]:
            for statement in replayed.statements:
                connection.execute(statement.text)
        connection.execute("COMMIT")
        for statement in drifted.statements:
            with suppress(sqlite3.Error):
                connection.execute(statement)
    return path


def setting_of(chain: Chain, path: Path, cache: Path | None) -> EnvironmentContext:
    project = ProjectConfig(path.parent / "environments.toml", (), beside(chain.ini), tracker=Tracker())
    policies = Policies(Uninitialised.CREATE)
    return context_for(project, Environment("it", sqlite_url(path), policies=policies, path_written=path), cache)


# What must hold, whatever the database is.


# Of the chain's own code: on what rests on a thing that it removes, on rows that it refuses.
OWN_FAILURES = ("OperationalError: error in ", "IntegrityError")


def assert_comes_home(
    chain: Chain,
    drifted: Drifted,
    folder: Path,
    cache: Path | None,
    failures: tuple[str, ...] = OWN_FAILURES,
    written: frozenset[tuple[str, ...]] = frozenset(),
) -> Outcome:
    """Reconcile one drifted database and check, independently of archmig, that it kept everything.

    Only the chain's own code may fail, in one of the words `failures`; it gives columns of `written` other values.
    """
    path = build(chain, drifted, folder / "it.db")
    context = setting_of(chain, path, cache)
    there, file = contents(path), path.read_bytes()
    seen = preview(context)
    assert path.read_bytes() == file, "reading wrote"
    if seen.outcome is not Outcome.PLANNED:
        assert seen.outcome in {Outcome.BLOCKED, Outcome.NOTHING}
        assert (seen.outcome is Outcome.BLOCKED) == bool(seen.plan and seen.plan.blockers), seen.plan
        return seen.outcome
    assert seen.plan is not None
    try:
        done = reconcile(context, seen.plan, lambda *_: None)
    except RevisionFailedError as error:
        return failed(path, file, error, failures)
    assert done.outcome is Outcome.DONE
    after = contents(path)
    assert_kept(there, after, removed(chain))
    assert_rows_kept(there, path, removed(chain) | written)
    assert stamps(path) == set(chain.history.graph.order[-1:])
    file = path.read_bytes()
    again = preview(context)
    assert (again.outcome, again.plan and again.plan.steps) in {(Outcome.NOTHING, None), (Outcome.NOTHING, ())}
    assert path.read_bytes() == file, "reading wrote"
    return done.outcome


def failed(path: Path, file: bytes, error: RevisionFailedError, failures: tuple[str, ...]) -> Outcome:
    assert any(failure in str(error) for failure in failures), error
    assert path.read_bytes() == file, "a failure wrote"
    return Outcome.FAILED


@dataclass(frozen=True)
class Contents:
    """Every table's columns and rows, and every object with its text, as SQLite tells them."""

    columns: dict[str, tuple[str, ...]]
    rows: dict[str, Counter[tuple[object, ...]]]
    objects: dict[tuple[str, str], str]
    owners: dict[tuple[str, str], str]


def contents(path: Path) -> Contents:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        assert connection.execute("PRAGMA integrity_check").fetchall() == [(b"ok",)]
        master = [
            tuple(one.decode() for one in row)
            for row in connection.execute("SELECT type, name, sql, tbl_name FROM sqlite_master WHERE sql IS NOT NULL")
        ]
        objects = {(kind, name): sql for kind, name, sql, _ in master}
        owners = {(kind, name): table for kind, name, _, table in master}
        names = [name for kind, name in objects if kind == "table" and not name.startswith("sqlite_")]
        columns = {name: _stored_columns(connection, name) for name in names}
        return Contents(columns, {name: rows(connection, name, columns[name]) for name in names}, objects, owners)


def _stored_columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    found = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    return tuple(name.decode() for (name,) in found)


def rows(connection: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> Counter[tuple[object, ...]]:
    terms = ", ".join(f'typeof("{column}"), "{column}"' for column in columns)
    return Counter(connection.execute(f'SELECT {terms} FROM "{table}"').fetchall())


def removed(chain: Chain) -> frozenset[tuple[str, ...]]:
    """What the chain itself takes away on its way: tables as (table,), columns as (table, column)."""
    found: set[tuple[str, ...]] = set()
    for before, after in itertools.pairwise(chain.schemas):
        there = {table.name: {column.name for column in table.columns} for table in after.tables}
        found |= {(table.name,) for table in before.tables if table.name not in there}
        found |= {
            (table.name, column.name)
            for table in before.tables
            for column in table.columns
            if column.name not in there.get(table.name, ())
        }
    return frozenset(found) | {("alembic_version",)}


def assert_kept(before: Contents, after: Contents, gone: frozenset[tuple[str, ...]]) -> None:
    for table, columns in before.columns.items():
        if (table,) not in gone:
            there = {column.lower() for column in after.columns[table]}
            left = [column for column in columns if column.lower() not in there and (table, column) not in gone]
            assert not left, f"columns of {table} are gone: {left}"
    for (kind, name), sql in before.objects.items():
        if name.startswith("x_") and (before.owners[kind, name],) not in gone:
            text = after.objects.get((kind, name))
            assert text is not None, f"{kind} {name} is gone"
            assert text == sql or kind not in {"trigger", "view"}


def assert_rows_kept(before: Contents, path: Path, gone: frozenset[tuple[str, ...]]) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        for table, one in before.rows.items():
            columns = tuple(column for column in before.columns[table] if (table, column) not in gone)
            if (table,) not in gone:
                kept = rows(connection, table, columns)
                lost = _without_columns(one, before.columns[table], columns) - kept
                assert not lost, f"rows of {table} are lost or changed: {list(lost)[:3]}"


def _without_columns(
    found: Counter[tuple[object, ...]], columns: tuple[str, ...], left: tuple[str, ...]
) -> Counter[tuple[object, ...]]:
    """Rows of pairs (class, value), without those of some columns."""
    places = [at for at, column in enumerate(columns) if column in left]
    some: Counter[tuple[object, ...]] = Counter()
    for row, count in found.items():
        some[tuple(value for at in places for value in row[2 * at : 2 * at + 2])] += count
    return some


def stamps(path: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
