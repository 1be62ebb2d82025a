"""Small real databases with something wrong, a way home for them, and what must hold when they are there.

Nothing here uses archmig's own proof: rows are read and hashed again, by other means.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import struct
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.config.context import context_for
from architect_migrate.config.loader import read_project
from architect_migrate.ledger import store
from architect_migrate.planning.plan import CreateObject, headline
from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import preview, reconcile
from architect_migrate.runs.survey import survey
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.planning.plan import Plan
    from architect_migrate.planning.results import Result, Survey

INI = "[alembic]\nscript_location = %(here)s/alembic\n"
ENV = "from alembic import context\nfrom architect_migrate.alembic_env import run\n\nrun(context)\n"


@dataclass(frozen=True)
class Home:
    """One environment, `it`, in a folder of its own; `entries` are [[resolve]] entries, `policies` and
    `tracker` lines of their tables."""

    folder: Path
    ini: Path
    entries: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    tracker: tuple[str, ...] = ()
    head: str = ""
    file: str = "it.db"

    @property
    def database(self) -> Path:
        return self.folder / self.file

    def settled(self, *entries: str) -> Home:
        """The same, after a person has pasted entries into environments.toml."""
        return replace(self, entries=(*self.entries, *entries))

    def under(self, *policies: str) -> Home:
        return replace(self, policies=(*self.policies, *policies))

    def context(self) -> EnvironmentContext:
        """As a command would have it: environments.toml is written, then read."""
        lines = ["[alembic]", f"config = {json.dumps(str(self.ini))}", "[tracker]", *self.tracker]
        lines += ["[env.it]", f'path = "{self.file}"', *self.policies, *self.entries]
        text = "\n".join(lines) + "\n"
        (self.folder / "environments.toml").write_text(text, encoding="utf-8")
        project = read_project(self.folder / "environments.toml", {})
        return context_for(project, project.environments[0], Path(os.environ["ARCHMIG_CACHE"]))

    def survey(self) -> Survey:
        return survey(self.context())

    def preview(self) -> Result:
        return preview(self.context())

    def backups(self) -> list[Path]:
        folder = _folder_of_backups(self)
        return sorted(folder.glob("*.db")) if folder.exists() else []


# Why cached: nothing but what a home is decides on it, and to read a project takes longer than a look at a small one.
@lru_cache(maxsize=8)
def _folder_of_backups(home: Home) -> Path:
    return home.context().backups


@dataclass(frozen=True)
class Moment:
    """Everything in a database: objects by (type, name), columns and rows by table, foreign keys."""

    objects: Mapping[tuple[str, str], str]
    columns: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, Mapping[Any, tuple[bytes, ...]]]
    keys: frozenset[tuple[Any, ...]]
    dangling: frozenset[tuple[Any, ...]]


@dataclass(frozen=True)
class Allowed:
    """What a journey may do beyond keeping everything: columns that the chain's own code writes, objects that go."""

    written: frozenset[tuple[str, str]] = frozenset()
    gone: frozenset[str] = frozenset()


NOTHING_ELSE = Allowed()
BOOKKEEPING = ("alembic_version",)


def project(folder: Path, *entries: str) -> Home:
    """A home of the project's own chain."""
    return Home(folder, PROJECT / "alembic.ini", entries, head="048_crawl_results")


def own_chain(folder: Path, revisions: Mapping[str, str], head: str = "") -> Home:
    """A home of a chain written for a test: the text of each revision file by id, without imports."""
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(INI, encoding="utf-8")
    (folder / "alembic" / "env.py").write_text(ENV, encoding="utf-8")
    for name, text in revisions.items():
        (versions / f"{name}.py").write_text(f"from alembic import op\n\nrevision = {name!r}\n{text}", encoding="utf-8")
    return Home(folder, folder / "alembic.ini", head=head or list(revisions)[-1])


def revision(after: str | tuple[str, ...] | None, *statements: str, data: Iterable[str] = (), more: str = "") -> str:
    """A revision file's text: raw statements, and a data step where there are any rows to bring."""
    lines = [f"down_revision = {after!r}", more, "", "def upgrade():"]
    lines += [f"    op.execute({statement!r})" for statement in statements]
    if data:
        lines += ["    data_step()", "", "def data_step():", *(f"    op.execute({one!r})" for one in data)]
    return "\n".join([*lines, "    pass", "", "def downgrade():", "    pass", ""])


def script(path: Path, *statements: str) -> Path:
    """Run statements on a file, as a person with the sqlite3 shell would; foreign keys are not enforced."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for statement in statements:
            connection.execute(statement)
    return path


def stamp(*revisions: str) -> tuple[str, ...]:
    rows = (f"INSERT INTO alembic_version VALUES ('{each}')" for each in revisions)
    return ("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)", *rows)


def ask(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def moment(path: Path) -> Moment:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        master = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        objects = {(kind.decode(), name.decode().lower()): (sql or b"").decode() for kind, name, sql in master}
        names = [name for kind, name, _ in master if kind == b"table" and not name.startswith(b"sqlite_")]
        columns, keys = _columns(connection)
        rows = {name.decode().lower(): _rows(connection, name.decode(), columns[name], keys[name]) for name in names}
        named = {name.decode().lower(): tuple(one.lower() for one in columns[name]) for name in names}
        return Moment(objects, named, rows, *_orphans(connection))


def _columns(connection: sqlite3.Connection) -> tuple[dict[bytes, list[str]], dict[bytes, list[str]]]:
    """The columns of each table, and of each one what identifies a row.

    Why of all tables at once: SQLite goes through the whole schema for each question about its tables.
    """
    columns: dict[bytes, list[str]] = defaultdict(list)
    primary: dict[bytes, list[tuple[int, str]]] = defaultdict(list)
    of_all = """SELECT m.name, x.name, x.hidden, x.pk FROM sqlite_master AS m JOIN pragma_table_xinfo(m.name) AS x
                WHERE m.type = 'table' ORDER BY m.rowid, x.cid"""
    for table, name, hidden, place in connection.execute(of_all):
        if hidden != 1:
            columns[table].append(name.decode())
        if place:
            primary[table].append((place, name.decode()))
    sorts = connection.execute("SELECT name, wr FROM pragma_table_list WHERE schema = 'main'")
    keys = {table: [_quoted(one) for _, one in sorted(primary[table])] if wr else ["rowid"] for table, wr in sorts}
    return columns, keys


def _rows(
    connection: sqlite3.Connection, table: str, columns: list[str], key: list[str]
) -> dict[Any, tuple[bytes, ...]]:
    """Each row by its rowid (or key) as the type and the bytes of every column."""
    values = [part for column in columns for part in _exact(_quoted(column))]
    found = connection.execute(f"SELECT {', '.join([*key, *values])} FROM {_quoted(table)}")
    width = len(key)
    return {row[:width]: tuple(map(_bytes, row[width::2], row[width + 1 :: 2])) for row in found}


def _exact(column: str) -> tuple[str, str]:
    kind = f"typeof({column})"
    return kind, f"CASE WHEN {kind} IN ('text', 'blob') THEN CAST({column} AS BLOB) ELSE {column} END"


def _bytes(kind: bytes, value: object) -> bytes:
    if isinstance(value, bytes):
        return kind + value
    return kind + (struct.pack(">d", value) if isinstance(value, float) else repr(value).encode())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _orphans(connection: sqlite3.Connection) -> tuple[frozenset[tuple[Any, ...]], frozenset[tuple[Any, ...]]]:
    """Every foreign key that can be checked as (table, parent, columns), and the rows that refer to nothing by one."""
    keys: dict[tuple[str, int], tuple[str, str, tuple[str, ...]]] = {}
    found: set[tuple[Any, ...]] = set()
    having = """SELECT name FROM sqlite_master AS m
                WHERE type = 'table' AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(m.name))"""
    for (name,) in connection.execute(having).fetchall():
        table = name.decode()
        try:
            broken = connection.execute("SELECT rowid, fkid FROM pragma_foreign_key_check(?)", (table,)).fetchall()
        except sqlite3.OperationalError:
            continue  # a key to columns that are not unique: SQLite cannot tell
        listed = 'SELECT id, "table", lower("from") FROM pragma_foreign_key_list(?) ORDER BY id, seq'
        for number, parent, column in connection.execute(listed, (table,)).fetchall():
            *_, columns = keys.get((table, number), ("", "", ()))
            keys[table, number] = (table.lower(), parent.decode().lower(), (*columns, column.decode()))
        found |= {(*keys[table, number], rowid) for rowid, number in broken}
    return frozenset(keys.values()), frozenset(found)


def headlines(plan: Plan | None) -> list[str]:
    assert plan is not None
    return [headline(step) for step in plan.steps]


def come_home(home: Home, allowed: Allowed = NOTHING_ELSE) -> list[str]:
    """Reconcile, hold every promise against the file, and return the plan's steps in words."""
    before, bytes_before = moment(home.database), digest(home.database)
    shown = home.preview()
    assert shown.plan is not None, shown.detail
    assert shown.plan.blockers == ()
    assert shown.outcome is Outcome.PLANNED
    assert digest(home.database) == bytes_before, "reading changed the file"
    assert home.backups() == []
    done = reconcile(home.context(), shown.plan, lambda *_: None)
    assert (done.outcome, done.warnings) == (Outcome.DONE, ())
    is_home(home, before, allowed)
    made_anew = {step.name.lower() for step in shown.plan.steps if isinstance(step, CreateObject)}
    texts_kept(before, moment(home.database), made_anew)
    return headlines(shown.plan)


def is_home(home: Home, before: Moment, allowed: Allowed = NOTHING_ELSE) -> None:
    """The promises of a finished reconcile."""
    assert [row[0] for row in ask(home.database, "SELECT version_num FROM alembic_version")] == [home.head]
    context = home.context()
    assert (survey(context).state, preview(context).outcome) == (State.UP_TO_DATE, Outcome.NOTHING)
    kept(before, moment(home.database), allowed)
    assert ask(home.database, "PRAGMA integrity_check") == [("ok",)]
    (backup,) = home.backups()
    assert moment(backup) == before, "the backup is not what was there before"
    (entry,) = store.entries(context.ledger)
    assert (entry.environment, entry.result, entry.to_heads, entry.backup) == ("it", "done", (home.head,), str(backup))


def kept(before: Moment, after: Moment, allowed: Allowed = NOTHING_ELSE) -> None:
    """Every object, column and row of before is there, each row's own columns byte for byte."""
    lost = {
        each
        for each in before.objects
        if each not in after.objects and not _automatic(each) and each[1] not in allowed.gone
    }
    assert lost == set()
    for table, columns in before.columns.items():
        if table in BOOKKEEPING or table in allowed.gone:
            continue
        if (columns, before.rows[table]) == (after.columns.get(table), after.rows.get(table)):
            continue  # the same table: to hash its rows takes longer than to compare them
        mine = [
            column
            for column in columns
            if (table, column) not in allowed.written and f"{table}.{column}" not in allowed.gone
        ]
        assert set(mine) <= set(after.columns[table]), table
        old = _hashed(before.rows[table], [columns.index(one) for one in mine])
        new = _hashed(after.rows[table], [after.columns[table].index(one) for one in mine])
        assert old.items() <= new.items(), table
    # A key that is new can only tell of rows that referred to nothing before: all rows are as they were.
    assert {one for one in after.dangling - before.dangling if one[:3] in before.keys} == set()


def texts_kept(before: Moment, after: Moment, made_anew: set[str]) -> None:
    """What hangs on tables is there to the letter, but for what the plan says that it makes."""
    for (kind, name), text in before.objects.items():
        if kind != "table" and name not in made_anew and (kind, name) in after.objects:
            assert after.objects[kind, name] == text


def _automatic(thing: tuple[str, str]) -> bool:
    return thing[1].startswith("sqlite_autoindex_")


def _hashed(rows: Mapping[Any, tuple[bytes, ...]], places: list[int]) -> dict[Any, str]:
    return {
        key: hashlib.sha256(repr([row[place] for place in places]).encode()).hexdigest() for key, row in rows.items()
    }


def stays(home: Home, outcome: Outcome = Outcome.BLOCKED) -> tuple[Finding, ...]:
    """Preview a database that cannot be brought home: nothing is written, and what stands in the way is returned."""
    before = digest(home.database)
    shown = home.preview()
    assert shown.outcome is outcome, shown.detail
    assert digest(home.database) == before
    assert home.backups() == []
    assert not Path(f"{home.database}-journal").exists()
    return shown.plan.blockers if shown.plan else ()


def code(after: str | tuple[str, ...] | None, *lines: str) -> str:
    """A revision file's text whose upgrade() has these lines."""
    body = "\n".join(f"    {line}" for line in (*lines, "pass"))
    return (
        f"import sqlalchemy as sa\ndown_revision = {after!r}\n\ndef upgrade():\n{body}\n\ndef downgrade():\n    pass\n"
    )


def batch(table: str, *operations: str) -> tuple[str, ...]:
    """The lines of a batch operation."""
    return (f"with op.batch_alter_table({table!r}) as b:", *(f"    b.{operation}" for operation in operations))


def nothing_to_do(home: Home) -> None:
    """The database is at its head, and every way to look at it says so."""
    assert home.survey().state is State.UP_TO_DATE
    assert stays(home, Outcome.NOTHING) == ()


def codes(home: Home) -> list[tuple[str, str]]:
    """Code and subject of everything that stands in the way."""
    return [(stay.code, stay.subject) for stay in stays(home)]


def gone(*names: str) -> Allowed:
    """Leave for these tables, columns (`table.column`) and other objects to go."""
    return Allowed(gone=frozenset(names))
