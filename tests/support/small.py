"""A chain of three revisions, replayed once for every test that takes it, and a database of it made by hand."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from support.scenarios import own_chain, revision, script, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.scenarios import Home

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT)"
X = "ALTER TABLE a ADD COLUMN x TEXT"
B = "CREATE TABLE b (id INTEGER PRIMARY KEY, w TEXT)"
INDEX = "CREATE INDEX a_v ON a (v)"
CHAIN = {
    "r1": revision(None, A, more='legacy_version = "001"'),
    "r2": revision("r1", X, B, more='legacy_version = "002"'),
    "r3": revision("r2", INDEX, more='legacy_version = "003"'),
}
AT = {"": (), "r1": (A,), "r2": (A, X, B), "r3": (A, X, B, INDEX)}
ROWS = ("INSERT INTO a (id, v) VALUES (1, 'one'), (2, NULL)",)


def small(folder: Path, *statements: str, at: str = "", stamped: str | None = None) -> Home:
    """A database with the schema of a revision, stamped so (else as `stamped` says), then changed by statements."""
    folder.mkdir(exist_ok=True)
    home = own_chain(folder, CHAIN)
    marks = stamp(*(at if stamped is None else stamped).split()) if at or stamped is not None else ()
    script(home.database, *AT[at], *marks, *statements)
    return home


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection
