"""Compares the rows of two contents table by table, each a database or an archive.

Why in a temporary file of SQLite's: neither memory nor the server has to hold the rows of an archive.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.archive import Archive, TableRows, contents
from architect_migrate.databases.postgresql.content import lines_of, tables_of
from architect_migrate.databases.postgresql.kept import stored_tables
from architect_migrate.databases.postgresql.pinned import in_own_texts
from architect_migrate.databases.values import TableDelta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    Source: TypeAlias = Archive | psycopg.Connection[Any]

_SIZE = 16
_NULL = b"\\N"
_BY_VALUES = """
    SELECT coalesce(sum(max(n, 0)), 0), 0, coalesce(sum(max(-n, 0)), 0)
    FROM (SELECT sum(side) AS n FROM rows GROUP BY row)"""
_BY_KEY = """
    SELECT coalesce(sum(then_has = 0), 0), coalesce(sum(then_has AND now_has AND its IS NOT others), 0),
           coalesce(sum(now_has = 0), 0)
    FROM (SELECT sum(side > 0) AS now_has, sum(side < 0) AS then_has, max(CASE WHEN side > 0 THEN row END) AS its,
                 max(CASE WHEN side < 0 THEN row END) AS others FROM rows GROUP BY key)"""
_IS_KEY = "SELECT NOT EXISTS (SELECT 1 FROM rows GROUP BY key, side HAVING count(*) > 1)"


@dataclass(frozen=True, slots=True)
class _Side:
    """The rows of a table on one side: its columns, and its lines as COPY writes them."""

    columns: tuple[str, ...]
    lines: Iterator[bytes]


def row_deltas(now: Source, then: Source, tables: Iterable[str]) -> tuple[TableDelta, ...]:
    """Compare the rows of these tables; one that neither side has is left out.

    Rows are matched by the primary key that a database has, and by all of their values where none is known.
    """
    found = (_delta(now, then, table) for table in sorted({*tables}))
    return tuple(delta for delta in found if delta)


def _delta(now: Source, then: Source, table: str) -> TableDelta | None:
    with _side(now, table) as here, _side(then, table) as there:
        if here is None or there is None:
            if here:
                return TableDelta(table, sum(1 for _ in here.lines), 0, 0, gone=True)
            return TableDelta(table, 0, 0, sum(1 for _ in there.lines)) if there else None
        shared = tuple(column for column in here.columns if column in there.columns)
        key = _key(now, table) or _key(then, table)
        compared = _Compared(shared, key if {*key} <= {*shared} else ())
        extra = {column: 0 for column in here.columns if column not in shared}
        with closing(sqlite3.connect("")) as rows:
            rows.execute("CREATE TABLE rows (side INTEGER, key BLOB, row BLOB)")
            rows.executemany("INSERT INTO rows VALUES (1, ?, ?)", compared.images(here, extra))
            rows.executemany("INSERT INTO rows VALUES (-1, ?, ?)", compared.images(there, {}))
            lacking, changed, returning = _counts(rows, compared)
    return TableDelta(table, lacking, changed, returning, tuple(extra.items()))


def _counts(rows: sqlite3.Connection, compared: _Compared) -> tuple[int, int, int]:
    has_key = compared.key and rows.execute(_IS_KEY).fetchone() == (1,)
    lacking, changed, returning = rows.execute(_BY_KEY if has_key else _BY_VALUES).fetchone()
    return lacking, changed, returning


@dataclass(frozen=True, slots=True)
class _Compared:
    """The columns that are compared, and those of them that identify a row."""

    columns: tuple[str, ...]
    key: tuple[str, ...]

    def images(self, side: _Side, extra: dict[str, int]) -> Iterator[tuple[bytes, bytes]]:
        """Yield the digests of each row's key and values; count the values that columns of `extra` have."""
        keys, columns = ([side.columns.index(name) for name in names] for names in (self.key, self.columns))
        others = {name: side.columns.index(name) for name in extra}
        for line in side.lines:
            values = line.rstrip(b"\n").split(b"\t")
            for name, place in others.items():
                extra[name] += values[place] != _NULL
            yield _image(values, keys), _image(values, columns)


def _image(values: list[bytes], places: list[int]) -> bytes:
    return hashlib.blake2b(b"\t".join([values[place] for place in places]), digest_size=_SIZE).digest()


def _key(source: Source, table: str) -> tuple[str, ...]:
    if isinstance(source, Archive):
        return ()
    stored = stored_tables(source)[table]
    return tuple(column.name for column in stored.columns if column.number in stored.key)


@contextmanager
def _side(source: Source, table: str) -> Iterator[_Side | None]:
    """Open the rows of a table; None where there is no such table."""
    if isinstance(source, Archive):
        with closing(contents(source, "--section=data", f"--table={table}")) as parts:
            found = next((part for part in parts if isinstance(part, TableRows)), None)
            yield _Side(found.columns, found.lines) if found else None
    elif (columns := tables_of(source).get(table)) is None:
        yield None
    else:
        with in_own_texts(source):
            yield _Side(columns, lines_of(source, quote(table), columns))
