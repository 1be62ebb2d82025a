"""What counts as drift, and what a [[resolve]] entry lets stand."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.diagnosis.drift import by_severity, drift, in_the_way, let_stand, to_repair
from architect_migrate.model.delta import delta
from architect_migrate.model.diff import diff, explain
from architect_migrate.model.environment import Drop, Fill, Keep, Kind, Origin, Resolution, Subject
from architect_migrate.model.history import History, Replayed
from architect_migrate.model.revision_graph import Revision, RevisionGraph

if TYPE_CHECKING:
    from architect_migrate.model.schema import Schema

BOOKS = """CREATE TABLE books (id INTEGER PRIMARY KEY, name TEXT NOT NULL, pages INTEGER DEFAULT 0);
           CREATE INDEX by_name ON books (name);
           CREATE TRIGGER count AFTER INSERT ON books BEGIN SELECT 1; END;
           CREATE VIEW names AS SELECT name FROM books"""
LOANS = "CREATE TABLE loans (id INTEGER PRIMARY KEY, book INTEGER)"
ORIGIN = Origin(Path("environments.toml"), 1)


def schema(script: str) -> Schema:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script)
        return read_schema(connection)


def history(*scripts: str) -> History:
    """A line of revisions 1, 2, …, each of which runs a script."""
    schemas = [schema(";".join(scripts[:count])) for count in range(len(scripts) + 1)]
    revisions = tuple(Revision(str(number + 1), (str(number),) if number else ()) for number in range(len(scripts)))
    steps = (Replayed(delta(before, after)) for before, after in itertools.pairwise(schemas))
    return History(RevisionGraph(revisions), tuple(steps))


def keep(kind: Kind, name: str, table: str | None = None) -> Keep:
    return Keep(Subject(kind, name, table).folded(fold), ORIGIN)


def fill(column: str, *, nullable: bool) -> Fill:
    return Fill("Books", column, None, None, nullable, ORIGIN).folded(fold)


NULLABLE = BOOKS.replace("TEXT NOT NULL", "TEXT")
BOTH = BOOKS.replace("TEXT NOT NULL", "INTEGER")
TEXT_KEY = BOOKS.replace("id INTEGER", "id TEXT")
NO_INDEX = BOOKS.replace("CREATE INDEX by_name ON books (name);", "")
NO_VIEW = BOOKS.split("CREATE VIEW", maxsplit=1)[0]
OTHER_TRIGGER = BOOKS.replace("SELECT 1", "SELECT 2")
NULL_LINE = "column books.name: nullability is NULL allowed, the chain says NOT NULL"
INDEX_LINE = "index by_name on books is missing"


@pytest.mark.parametrize(
    ("actual", "entries", "lines"),
    [
        (BOOKS, (), []),
        (BOOKS + ";" + LOANS, (), []),
        (BOOKS.replace("pages INTEGER", "pages BIGINT"), (), []),
        ("", (), ["table books is missing", "view names is missing"]),
        (NULLABLE, (), [NULL_LINE]),
        (NULLABLE, (fill("Name", nullable=True),), []),
        (NULLABLE, (fill("name", nullable=False),), [NULL_LINE]),
        (NULLABLE, (fill("pages", nullable=True),), [NULL_LINE]),
        (BOTH, (fill("name", nullable=True),), ["column books.name: type is INTEGER, the chain says TEXT"]),
        (BOTH, (keep(Kind.COLUMN, "name", "books"),), []),
        (TEXT_KEY, (keep(Kind.COLUMN, "ID", "Books"),), []),
        (TEXT_KEY, (keep(Kind.TABLE, "books"),), []),
        (NO_INDEX, (), [INDEX_LINE]),
        (NO_INDEX, (keep(Kind.INDEX, "by_name"),), []),
        (NO_INDEX, (keep(Kind.COLUMN, "name", "books"),), [INDEX_LINE]),
        (NO_INDEX, (Drop(Subject(Kind.INDEX, "by_name"), ORIGIN),), [INDEX_LINE]),
        (NO_VIEW, (keep(Kind.VIEW, "names"),), []),
        (OTHER_TRIGGER, (keep(Kind.TRIGGER, "count"),), []),
    ],
)
def test_what_matters_is_drift_unless_an_entry_lets_it_stand(
    actual: str, entries: tuple[Resolution, ...], lines: list[str]
) -> None:
    found = drift(history(BOOKS), frozenset({"1"}), schema(actual), entries)
    assert [explain(one) for one in found] == lines


@pytest.mark.parametrize(
    ("actual", "lines"),
    [
        (BOOKS, ()),
        (BOOKS + ";" + LOANS, ("table loans is there already",)),
        (NO_INDEX + ";" + LOANS, ("table loans is there already", INDEX_LINE)),
        (BOOKS + "; CREATE TABLE notes (id INTEGER)", ()),
    ],
)
def test_in_the_way_of_later_revisions_is_drift_and_what_they_would_make(actual: str, lines: tuple[str, ...]) -> None:
    assert in_the_way(history(BOOKS, LOANS), frozenset({"1"}), schema(actual), ()) == lines


def test_each_serious_difference_is_to_be_repaired_or_stands_by_an_entry_and_is_counted_once() -> None:
    entry = keep(Kind.INDEX, "by_name")
    script = NO_INDEX.replace("pages INTEGER", "pages BIGINT").replace("TEXT NOT NULL", "TEXT") + ";" + LOANS
    changes = diff(schema(BOOKS), schema(script))
    standing = let_stand(changes, (entry,))
    assert [(explain(change), one) for change, one in standing] == [(INDEX_LINE, entry)]
    assert [explain(change) for change in to_repair(changes, (entry,))] == [NULL_LINE]
    # The table loans, its two columns and its key.
    assert by_severity(changes, standing) == {"behavioural": 1, "cosmetic": 1, "extra": 4, "kept": 1}
    assert by_severity((), ()) == {"kept": 0}
