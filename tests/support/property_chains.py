"""Small chains for the property: each says in SQL what its revisions do, and is written out as Alembic files."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ENV = """from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""
REVISION = """from alembic import op

revision, down_revision, legacy_version = {id!r}, {parents!r}, {number!r}


def upgrade():
    for statement in {statements!r}:
        op.get_bind().exec_driver_sql(statement)
{rest}

def downgrade():
    pass
"""
DATA = """    data_step()


def data_step():
    for statement in {statements!r}:
        op.get_bind().exec_driver_sql(statement)
"""


@dataclass(frozen=True)
class Step:
    """A revision: what it runs, what its data step runs (empty: it has none), what it comes after (None: the last)."""

    statements: tuple[str, ...]
    data: tuple[str, ...] = ()
    after: tuple[str, ...] | None = None


def write_chain(folder: Path, steps: dict[str, Step]) -> Path:
    """Write a chain's files; the path of its alembic.ini."""
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n", encoding="utf-8")
    (folder / "alembic" / "env.py").write_text(ENV, encoding="utf-8")
    last: tuple[str, ...] = ()
    for number, (name, step) in enumerate(steps.items(), 1):
        parents = last if step.after is None else step.after
        rest = DATA.format(statements=step.data) if step.data else ""
        text = REVISION.format(
            id=name, parents=parents or None, number=f"{number:03}", statements=step.statements, rest=rest
        )
        (versions / f"{name}.py").write_text(text, encoding="utf-8")
        last = (name,)
    return folder / "alembic.ini"


AUTHORS = """CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE UNIQUE,
born INTEGER CHECK (born > 0))"""
BOOKS = """CREATE TABLE books (id INTEGER PRIMARY KEY AUTOINCREMENT,
author INTEGER REFERENCES authors ON DELETE CASCADE,
title TEXT NOT NULL, price REAL DEFAULT 0.0, tax REAL AS (price * 0.2) VIRTUAL, CHECK (price >= 0))"""
GENRE = (
    "INSERT INTO genres (code, label) SELECT '{0}', '{1}' WHERE NOT EXISTS (SELECT 1 FROM genres WHERE code = '{0}')"
)
COUNTED = """CREATE TRIGGER counted AFTER INSERT ON books BEGIN
INSERT OR IGNORE INTO counts (author) VALUES (NEW.author);
UPDATE counts SET books = books + 1 WHERE author = NEW.author; END"""
SCORES = """CREATE TABLE scores (id INTEGER PRIMARY KEY, book INTEGER NOT NULL UNIQUE REFERENCES books (id),
score INT NOT NULL, extra ANY, CONSTRAINT fair CHECK (score BETWEEN 0 AND 10)) STRICT"""
LIBRARY = {
    "001_base": Step(
        (
            AUTHORS,
            BOOKS,
            "CREATE TABLE genres (code TEXT PRIMARY KEY, label TEXT NOT NULL DEFAULT 'it''s') WITHOUT ROWID",
        ),
        (GENRE.format("sf", "science"),),
    ),
    "002_find": Step(
        (
            "CREATE INDEX by_title ON books (title COLLATE NOCASE)",
            "CREATE UNIQUE INDEX one_each ON books (author, title) WHERE price > 10",
            "CREATE TABLE counts (author INTEGER PRIMARY KEY, books INTEGER NOT NULL DEFAULT 0)",
            COUNTED,
            "CREATE VIEW titles AS SELECT a.name, b.title FROM books b JOIN authors a ON a.id = b.author",
        )
    ),
    "003_more": Step(
        (
            "ALTER TABLE books ADD COLUMN genre TEXT REFERENCES genres",
            "ALTER TABLE authors ADD COLUMN note TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE authors ADD COLUMN added TIMESTAMP",
        )
    ),
    "004_other_shape": Step(
        (
            "DROP VIEW titles",
            "DROP TRIGGER counted",
            "ALTER TABLE books ADD COLUMN stock INTEGER NOT NULL DEFAULT 1",
            "CREATE UNIQUE INDEX one_title ON books (title, author, stock)",
            "DROP INDEX by_title",
            "CREATE INDEX by_title ON books (title)",
            "CREATE VIEW titles AS SELECT title, stock FROM books",
        )
    ),
    "005_rows_only": Step(
        (),
        (GENRE.format("cr", "crime"),),
    ),
    "006_strict": Step(
        (
            SCORES,
            "CREATE INDEX by_score ON scores (score DESC, book) WHERE score > 0",
        )
    ),
    "007_less": Step(("DROP INDEX by_title",)),
    "008_gone": Step(("DROP TABLE counts", "ALTER TABLE authors DROP COLUMN added")),
    "009_last": Step(("ALTER TABLE scores ADD COLUMN judge TEXT COLLATE NOCASE",)),
}
BRANCHED = {
    "001_root": Step(("CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT)",)),
    "002_left": Step(
        ("ALTER TABLE a ADD COLUMN l INTEGER DEFAULT 1", "CREATE TABLE b (id INTEGER PRIMARY KEY, a INT)")
    ),
    "003_right": Step(
        ("CREATE TABLE c (k TEXT NOT NULL, v REAL, PRIMARY KEY (k, v))", "CREATE UNIQUE INDEX c_v ON c (v)"),
        after=("001_root",),
    ),
    "004_left": Step(("ALTER TABLE b ADD COLUMN w NUMERIC", "CREATE INDEX b_a ON b (a, w)"), after=("002_left",)),
    "005_merge": Step((), ("INSERT OR IGNORE INTO a (id, v) VALUES (1, 'one')",), after=("004_left", "003_right")),
    "006_end": Step(("CREATE TABLE d (id INTEGER PRIMARY KEY, c TEXT NOT NULL REFERENCES c (k) ON UPDATE CASCADE)",)),
}
TYPES = ("INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "TIMESTAMP", "VARCHAR(9)", "")
LIMITS = ("", "", "", " NOT NULL", " UNIQUE", " DEFAULT 0", " DEFAULT 'x'", " NOT NULL DEFAULT 1", " COLLATE NOCASE")
KEYS = (
    " INTEGER PRIMARY KEY",
    " INTEGER PRIMARY KEY AUTOINCREMENT",
    " TEXT PRIMARY KEY",
    " INT PRIMARY KEY",
    " INTEGER",
)


def generated(seed: int) -> dict[str, Step]:
    """A chain of ten revisions by chance, each of which runs on an empty database after those before it."""
    chance = random.Random(seed)
    steps: dict[str, Step] = {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for number in range(1, 11):
            wanted = [_statement(chance, connection, f"{number}_{part}") for part in range(chance.randint(1, 4))]
            steps[f"{number:03}_step"] = Step(tuple(revision for revision in wanted if revision))
    return steps


def _statement(chance: random.Random, connection: sqlite3.Connection, mark: str) -> str:
    """A statement that changes the schema, executed; empty where what came to mind is not possible."""
    tables = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 't%'")
    ]
    indexes = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'i%'")] or ["none"]
    column = f"c{mark} {chance.choice(TYPES)}{chance.choice(LIMITS)}"
    table = chance.choice(tables or ["none"])
    there = [row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))] or ["none"]
    one, other = chance.choice(there), chance.choice(there)
    text = chance.choice(
        [
            f"CREATE TABLE t{mark} (id{chance.choice(KEYS)}, v{chance.choice(LIMITS)}, {column})",
            f"CREATE TABLE t{mark} (id{KEYS[0]}, p REFERENCES {table} ON DELETE CASCADE, {column}, CHECK (id > 0))",
            f"CREATE TABLE t{mark} (k TEXT, n INT, {column}, PRIMARY KEY (k, n), UNIQUE (n)) WITHOUT ROWID",
            f"ALTER TABLE {table} ADD COLUMN {column}",
            f"ALTER TABLE {table} ADD COLUMN {column}",
            f"CREATE INDEX i{mark} ON {table} ({one}, {other} DESC)",
            f"CREATE UNIQUE INDEX i{mark} ON {table} ({one}, id) WHERE {other} IS NOT NULL",
            f"CREATE VIEW v{mark} AS SELECT {one} AS it FROM {table}",
            f"CREATE TRIGGER g{mark} AFTER DELETE ON {table} BEGIN SELECT OLD.{one}; END",
            f"DROP INDEX {chance.choice(indexes)}",
            f"DROP TABLE {table}",
        ]
    )
    with suppress(sqlite3.Error):
        connection.execute(text)
        return text
    return ""


CHAINS = {"library": LIBRARY, "branched": BRANCHED, "by chance": generated(1), "by chance again": generated(2)}
