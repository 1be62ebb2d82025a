"""Digests of a database's content (every object's text, every table's rows), to compare two moments."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.rows.exact import (
    BATCH,
    codec_of,
    exact,
    frozen,
    new_digest,
    number_of_rows,
    own_key,
    passes,
    row_table,
    row_tables,
    select,
)
from architect_migrate.databases.values import Content, Recorded, Rows, Unread

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from architect_migrate.databases.sqlite.rows.exact import RowTable
    from architect_migrate.databases.values import Constant

_OBJECTS = "SELECT type, name, coalesce(sql, '') FROM main.sqlite_master WHERE sql IS NOT NULL"
_HEADER = ("user_version", "application_id", "encoding")
_NOTHING: Mapping[str, str] = MappingProxyType({})
# Everything that decides how a stored value of a column is read, and whether it is stored.
_DECLARED = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?, 'main') ORDER BY cid"
# A value without loss: text, which may hold a NUL or be invalid, and blobs as hexadecimal digits.
_SAID = """CASE typeof({0}) WHEN 'null' THEN '' WHEN 'text' THEN hex(CAST({0} AS BLOB)) WHEN 'blob' THEN hex({0})
           ELSE quote({0}) END"""


def content_of(connection: sqlite3.Connection) -> Content:
    """Digest what the connection's transaction sees."""
    with exact(connection):
        tables = row_tables(connection).values()
        return Content(
            objects_of(connection),
            {table.name: _rows_of(connection, table) for table in tables},
            header_of(connection),
        )


def counted(connection: sqlite3.Connection) -> Recorded:
    """What `content_of` gives, with the rows counted and not read; on a connection that reads text exactly."""
    tables = {table.name: Unread(number_of_rows(connection, table)) for table in row_tables(connection).values()}
    return Recorded(objects_of(connection), tables, header_of(connection))


def completed(backup: sqlite3.Connection, recorded: Recorded) -> Content:
    """Digest the rows that were not read, in the backup that the content is recorded with."""
    with exact(backup):
        tables = row_tables(backup)
        rows = {
            name: known if isinstance(known, Rows) else _rows_in(backup, tables.get(fold(name)), known)
            for name, known in recorded.tables.items()
        }
    return Content(recorded.objects, rows, recorded.header)


def _rows_in(backup: sqlite3.Connection, table: RowTable | None, known: Unread) -> Rows:
    """The rows of a table of the backup; a digest that equals no other if it has no such table."""
    if table is None:
        return Rows(known.number, "")
    return _rows_of(backup, table, {column: _literal(kind, value) for column, kind, value in known.added})


def content_after(
    connection: sqlite3.Connection, recorded: Recorded, backup: sqlite3.Connection, unwritten: Iterable[str]
) -> Recorded:
    """Digest what a run leaves, without reading the rows of `unwritten` tables again (names as they are now).

    `recorded` is the content before it, which `backup` holds. Why their texts are compared: ALTER TABLE ADD COLUMN
    changes every row's content without writing a row.
    """
    skipped = set(unwritten)
    with exact(connection), exact(backup):
        objects, tables = objects_of(connection), {}
        for table in row_tables(connection).values():
            same = objects.get(f"table {table.name}") == recorded.objects.get(f"table {table.name}")
            before = recorded.tables.get(table.name)
            known: Rows | Unread | None = None
            if table.kind == "table" and table.name in skipped and not table.name.lower().startswith("sqlite_"):
                known = before if same else _only_added(connection, backup, table, before)
            tables[table.name] = known or _rows_of(connection, table)
        return Recorded(objects, tables, header_of(connection))


def _only_added(
    connection: sqlite3.Connection, backup: sqlite3.Connection, table: RowTable, before: Rows | Unread | None
) -> Unread | None:
    """The rows of a table whose rows no statement wrote, if it only got columns at its end; else None.

    A value of such a column is the same in every row, because no row stores it.
    """
    old = row_table(backup, table.name)
    if before is None or isinstance(before, Rows) or old is None or bool(own_key(old)) != bool(own_key(table)):
        return None
    if old.without_rowid != table.without_rowid:
        return None
    declared, declared_now = (side.execute(_DECLARED, (table.name,)).fetchall() for side in (backup, connection))
    if declared_now[: len(declared)] != declared:
        return None
    names = table.columns[len(old.columns) :]
    if not names:
        return before
    added = _same_in_every_row(connection, table, names)
    return None if added is None else Unread(before.number, added)


def _same_in_every_row(
    connection: sqlite3.Connection, table: RowTable, names: tuple[str, ...]
) -> tuple[Constant, ...] | None:
    """The columns with the values that a table's first row has; None if SQL cannot say one of them exactly."""
    first = f"FROM {table.source} LIMIT 1"
    stored = connection.execute(f"SELECT {', '.join(map(quote, names))} {first}").fetchall()
    if not stored:
        return tuple((name, "null", "") for name in names)
    values = ", ".join(f"typeof({quote(name)}), {_SAID.format(quote(name))}" for name in names)
    (said,) = connection.execute(f"SELECT {values} {first}").fetchall()
    added = tuple(zip(names, said[::2], said[1::2], strict=True))
    literals = [_literal(kind, value) for _, kind, value in added]
    if "inf" in literals or "-inf" in literals:
        return None
    same = frozen(connection.execute(f"SELECT {', '.join(literals)}").fetchall()) == frozen(stored)
    return added if same else None


def _literal(kind: str, value: str) -> str:
    """A value in SQL. Why converted: what a record holds may not become another expression. Raises ValueError."""
    match kind:
        case "null":
            return "NULL"
        case "integer":
            return str(int(value))
        case "real":
            return repr(float(value))
        case "blob":
            return f"x'{bytes.fromhex(value).hex()}'"
        case _:
            return f"CAST(x'{bytes.fromhex(value).hex()}' AS TEXT)"


def objects_of(connection: sqlite3.Connection) -> dict[str, str]:
    """The digest of each object's text by `type name`, on a connection that reads text exactly (see `exact`)."""
    rows = connection.execute(_OBJECTS)
    return {f"{kind} {name}": _short(sql) for kind, name, sql in rows}


def header_of(connection: sqlite3.Connection) -> dict[str, str]:
    """The values of the database header that belong to its content: user_version, application_id, encoding."""
    return {name: str(connection.execute(f"PRAGMA main.{name}").fetchone()[0]) for name in _HEADER}


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _rows_of(connection: sqlite3.Connection, table: RowTable, added: Mapping[str, str] = _NOTHING) -> Rows:
    table = replace(table, columns=(*table.columns, *added))
    digest, number = table_digest(table), 0
    for columns in passes(table.columns):
        query = select(table, own_key(table), columns, codec_of(connection), added)
        cursor, number = connection.execute(query), 0
        while batch := cursor.fetchmany(BATCH):
            digest.update(frozen(batch))
            number += len(batch)
    return Rows(number, digest.hexdigest())


def table_digest(table: RowTable) -> hashlib.blake2b:
    """Start a digest of a table's rows; rows are added in batches of BATCH, in the order of their own key."""
    return new_digest(fold(table.name), tuple(fold(column) for column in table.columns))
