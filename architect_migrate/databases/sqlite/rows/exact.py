"""Reads rows exactly as SQLite stores them, in SELECTs whose values compare by storage class and bytes."""

from __future__ import annotations

import hashlib
import marshal
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from architect_migrate.core.names import fold, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Row = tuple[Any, ...]

# Rows fetched at once: few, because every one may hold a blob of megabytes, and more are hardly faster.
BATCH = 64

# Columns read in one pass: SQLite allows 2000 in a result and 1000 in an expression, and a table may have 2000.
_WIDTH = 500
# Columns of a table whose rows can be put in order by all their values in one SELECT, with their storage classes.
_WIDEST = 1990
# Version 2 writes a value's class and bytes and nothing else: later ones write references by object identity.
_MARSHAL_VERSION = 2
_ROWIDS = ("rowid", "_rowid_", "oid")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_CODECS = {"UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}

# Of one table, by any spelling of its name, or of all: each where there is no name.
_STORED = "m.type = 'table' AND m.rootpage > 0 AND (:name IS NULL OR m.name = :name COLLATE NOCASE)"
_TABLES = f"""SELECT m.name, l.type, l.wr FROM main.sqlite_master m, pragma_table_list(m.name) l
              WHERE {_STORED} AND l.schema = 'main' ORDER BY m.name"""
_COLUMNS = f"""SELECT m.name, x.name, x.pk, x.hidden FROM main.sqlite_master m, pragma_table_xinfo(m.name, 'main') x
               WHERE {_STORED} ORDER BY m.name, x.cid"""
_VIRTUAL = """SELECT name FROM pragma_table_list
              WHERE schema = 'main' AND type = 'virtual' AND name = ? COLLATE NOCASE"""
_KEY_INDEXES = f"""SELECT DISTINCT m.name FROM main.sqlite_master m, pragma_index_list(m.name, 'main') l
                   WHERE {_STORED} AND l.origin = 'pk'"""


@dataclass(frozen=True, slots=True)
class RowTable:
    """A table that holds rows. `kind` is SQLite's: table, or shadow (the storage of a virtual table).

    `columns` hold data, `generated` are computed from them; `alias` is the column that is the rowid; `rowid` is SQL for
    the rowid, empty where there is none or where columns hide it.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    generated: tuple[str, ...]
    primary_key: tuple[str, ...]
    without_rowid: bool
    alias: str
    rowid: str

    @property
    def source(self) -> str:
        """The table as a FROM clause names it."""
        return f"main.{quote(self.name)}"


def number_of_rows(connection: sqlite3.Connection, table: RowTable) -> int:
    """Count the rows of a table."""
    counted = f"SELECT count(*) FROM {table.source}"
    try:
        return int(connection.execute(counted).fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR_MISSING_COLLSEQ:
            raise
        # Why: SQLite counts the entries of the smallest index, whose collation only the application may have.
        return int(connection.execute(f"{counted} NOT INDEXED").fetchone()[0])


def row_tables(connection: sqlite3.Connection) -> dict[str, RowTable]:
    """Every table of the main database that stores rows, SQLite's own tables included, by folded name."""
    return _row_tables(connection, None)


def row_table(connection: sqlite3.Connection, name: str) -> RowTable | None:
    """A table that stores rows by any spelling of its name, as `row_tables` has it; None where there is none.

    Why not from `row_tables`: SQLite takes milliseconds to describe a hundred tables, and questions are many.
    """
    return _row_tables(connection, name).get(fold(name))


def _row_tables(connection: sqlite3.Connection, named: str | None) -> dict[str, RowTable]:
    sorts = connection.execute(_TABLES, {"name": named}).fetchall()
    columns: dict[str, list[tuple[str, int, int]]] = {name: [] for name, _, _ in sorts}
    for table, column, place, hidden in connection.execute(_COLUMNS, {"name": named}):
        columns[table].append((column, place, hidden))
    indexed = {name for (name,) in connection.execute(_KEY_INDEXES, {"name": named})}
    return {
        fold(name): _row_table(name, kind, bool(without_rowid), columns[name], name in indexed)
        for name, kind, without_rowid in sorts
    }


def virtual_table(connection: sqlite3.Connection, name: str) -> RowTable | None:
    """A virtual table by any spelling of its name; None where there is none. Its module answers what is asked of it."""
    spelt = connection.execute(_VIRTUAL, (name,)).fetchone()
    if spelt is None:
        return None
    columns = connection.execute("SELECT name, pk, hidden FROM pragma_table_xinfo(?, 'main')", spelt).fetchall()
    shown = [(column, place, 0) for column, place, hidden in columns if not hidden]
    return _row_table(spelt[0], "virtual", without_rowid=False, columns=shown, indexed=True)


def _row_table(
    name: str, kind: str, without_rowid: bool, columns: Sequence[tuple[str, int, int]], indexed: bool
) -> RowTable:
    key = tuple(column for _, column in sorted((place, column) for column, place, _ in columns if place))
    # A primary key is the rowid exactly where SQLite keeps no index for it.
    alias = key[0] if len(key) == 1 and not without_rowid and not indexed else ""
    taken = {fold(column) for column, _, _ in columns}
    free = next((word for word in _ROWIDS if word not in taken), quote(alias) if alias else "")
    return RowTable(
        name=name,
        kind=kind,
        columns=tuple(column for column, _, hidden in columns if not hidden),
        generated=tuple(column for column, _, hidden in columns if hidden),
        primary_key=key,
        without_rowid=without_rowid,
        alias=alias,
        rowid="" if without_rowid else free,
    )


@contextmanager
def exact(connection: sqlite3.Connection) -> Iterator[None]:
    """Read text without loss while the block runs: no two byte sequences give the same str.

    Why: text in SQLite need not be valid in its encoding, and the caller may have set factories of its own. Both are
    restored afterwards.
    """
    text_factory, row_factory = connection.text_factory, connection.row_factory
    connection.text_factory, connection.row_factory = _decoded, None
    try:
        yield
    finally:
        connection.text_factory, connection.row_factory = text_factory, row_factory


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def codec_of(connection: sqlite3.Connection) -> str:
    """Python's name of the encoding in which the database stores text."""
    return _CODECS.get(connection.execute("PRAGMA main.encoding").fetchone()[0], "utf-8")


def passes(columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Divide columns into groups that one SELECT can read; no columns give one empty group, because rows count too."""
    for start in range(0, max(len(columns), 1), _WIDTH):
        yield columns[start : start + _WIDTH]


def select(
    table: RowTable, key: tuple[str, ...], columns: tuple[str, ...], codec: str, added: Mapping[str, str] = _NOTHING
) -> str:
    """SQL for the key (SQL expressions) and the columns of all rows, in the order of the key.

    Without a key the row's number in SQLite's own order takes its place. A column in `added` has that value (SQL).
    """
    values = [added.get(column) or f"t.{quote(column)}" for column in columns]
    if codec != "utf-8" and values:
        # SQLite hands text over in UTF-8, and UTF-16 that is not well-formed would not survive that.
        classes = " || ".join(f"typeof({value})" for value in values)
        values = [_as_stored(value) for value in values]
        values.append(classes)
    if not key:
        return f"SELECT {', '.join(['row_number() OVER ()', *values])} FROM {table.source} AS t NOT INDEXED"
    order = ", ".join(f"{part} COLLATE BINARY" for part in key)
    return f"SELECT {', '.join([*key, *values])} FROM {table.source} AS t ORDER BY {order}"


def _as_stored(value: str) -> str:
    """SQL for a value whose text comes as the bytes that are stored."""
    return f"CASE typeof({value}) WHEN 'text' THEN CAST({value} AS BLOB) ELSE {value} END"


def by_values(
    table: RowTable, columns: tuple[str, ...], codec: str, stored: Mapping[str, str] = _NOTHING
) -> tuple[str, int] | None:
    """SQL for all rows in the order of their values in these columns, and the width of that key.

    `stored` has SQL to be read in the place of that for a column.

    Where no key identifies rows, two tables have the same rows exactly if both queries give the same. None for a table
    of more columns than one SELECT takes.
    """
    if not columns or len(columns) > _WIDEST:
        return None if columns else (select(table, (), (), codec), 1)
    values = tuple(stored.get(value, value) for value in of_columns(columns))
    key = values if codec == "utf-8" else tuple(map(_as_stored, values))
    # Why classes too: 1 and 1.0 sort as equals, and would come in any order.
    classes = tuple(" || ".join(f"typeof({value})" for value in group) for group in passes(values))
    return select(table, (*key, *classes), (), codec), len(key) + len(classes)


def own_key(table: RowTable, alias: str = "t") -> tuple[str, ...]:
    """SQL for the key that identifies a table's rows: the primary key WITHOUT ROWID, else the rowid, else empty."""
    if table.without_rowid:
        return of_columns(table.primary_key, alias)
    return (f"{alias}.{table.rowid}",) if table.rowid else ()


def of_columns(columns: tuple[str, ...], alias: str = "t") -> tuple[str, ...]:
    """SQL for columns of a table that a query calls `alias` (`select` calls it t)."""
    return tuple(f"{alias}.{quote(column)}" for column in columns)


def frozen(rows: list[Row]) -> bytes:
    """Rows as bytes, which are equal exactly if every value has the same storage class and the same bytes."""
    # Why bytes: Python holds 1 and 1.0 for equal, although SQLite stores them as different classes.
    return marshal.dumps(rows, _MARSHAL_VERSION)


def new_digest(*header: object) -> hashlib.blake2b:
    """Start a digest (128 bits) with `header`."""
    return hashlib.blake2b(repr(header).encode("utf-8", "backslashreplace"), digest_size=16)
