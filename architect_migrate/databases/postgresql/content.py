"""The content of a database or an archive: digests of objects and of each table's rows, and values of sequences."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import psycopg

from architect_migrate.core import codec
from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.archive import Archive, SequenceValue, TableRows, contents
from architect_migrate.databases.postgresql.catalog import OWN
from architect_migrate.databases.postgresql.pinned import in_own_texts, query
from architect_migrate.databases.postgresql.reflect import read_schema
from architect_migrate.databases.values import Content, Recorded, Rows, Unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Connection = psycopg.Connection[Any]
    Source: TypeAlias = Archive | Connection

_Read = TypeVar("_Read")
# Kinds of objects that belong to the database and not to the schema, so that no archive of the schema has them.
_OF_DATABASE = frozenset(
    {
        *("access method", "cast", "default acl", "event trigger", "extension", "foreign-data wrapper", "language"),
        *("publication", "publication namespace", "server", "transform"),
    }
)
# The sum of the digests of rows is kept to this many bytes.
_SIZE = 16
_EXTENSIONS_OWN = """EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                             AND e.deptype = 'e')"""
# Generated columns are not in an archive.
_TABLES = f"""
    SELECT c.relname::text,
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum)
    FROM pg_class c WHERE c.{OWN} AND c.relkind = 'r' AND NOT {_EXTENSIONS_OWN} ORDER BY 1"""
_SEQUENCES = f"""
    SELECT c.relname::text, s.last_value FROM pg_class c
    JOIN pg_sequences s ON s.schemaname = current_schema() AND s.sequencename = c.relname
    WHERE c.{OWN} AND c.relkind = 'S' AND NOT {_EXTENSIONS_OWN}"""
# Why sorted: a restore grants in another order.
_RIGHTS = f"""
    SELECT c.relname::text, concat_ws(' ', pg_get_userbyid(c.relowner), c.reloptions::text, obj_description(c.oid),
           (SELECT string_agg(a::text, ' ' ORDER BY a::text)
            FROM unnest(coalesce(c.relacl,
                                 acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a),
           (SELECT string_agg(concat_ws(' ', a.attname, a.attacl::text, col_description(c.oid, a.attnum)), ' '
                              ORDER BY a.attname)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
    FROM pg_class c WHERE c.{OWN} AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND NOT {_EXTENSIONS_OWN}"""
_SAME_ENCODING = "SELECT set_config('client_encoding', current_setting('server_encoding'), true)"


@dataclass(slots=True)
class _Tally:
    """The digest of rows in any order: the sum of the digests of each."""

    columns: tuple[str, ...]
    number: int = 0
    total: int = 0

    def add(self, line: bytes) -> None:
        self.number += 1
        self.total += int.from_bytes(hashlib.blake2b(line, digest_size=_SIZE).digest())

    def rows(self) -> Rows:
        text = repr((self.columns, self.total % (1 << 8 * _SIZE)))
        return Rows(
            self.number, hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_SIZE).hexdigest()
        )


def content_of(source: Source) -> Content:
    """Digest what an archive holds, or what the connection's transaction sees. An archive has no digests of objects."""
    if isinstance(source, Archive):
        return _of_archive(source)
    tables = tables_of(source)
    with in_own_texts(source):
        rows = {table: rows_in(source, quote(table), columns) for table, columns in tables.items()}
    return Content(objects_of(source), rows, header_of(source))


def completed(backup: Archive, recorded: Recorded) -> Content:
    """Digest the rows that were not read, in the archive that the content is recorded with."""
    of_archive = _of_archive(backup).tables
    tables = {
        # Where the archive lacks the table, a digest that equals no other.
        name: rows if isinstance(rows, Rows) else of_archive.get(name, Rows(rows.number, ""))
        for name, rows in recorded.tables.items()
    }
    return Content(recorded.objects, tables, recorded.header)


def counted(backup: Archive, objects: Mapping[str, str]) -> Recorded:
    """What is recorded of an archive, which is read to its end: its objects, how many rows it has, its sequences."""
    tables, header = _parts(contents(backup), lambda part: Unread(sum(1 for _ in part.lines)))
    return Recorded(objects, tables, header)


def _of_archive(archive: Archive) -> Content:
    data = contents(archive, "--section=data")
    return Content({}, *_parts(data, lambda part: _tallied(part.columns, part.lines)))


def _parts(
    found: Iterable[str | TableRows | SequenceValue], read: Callable[[TableRows], _Read]
) -> tuple[dict[str, _Read], dict[str, str]]:
    """What is read of each table, and how far each sequence has come."""
    tables, header = {}, {}
    for part in found:
        match part:
            case TableRows(table=name):
                tables[name] = read(part)
            case SequenceValue(sequence, value):
                header[f"sequence {sequence}"] = str(value)
            case _:
                pass
    return tables, header


def _tallied(columns: tuple[str, ...], lines: Iterable[bytes]) -> Rows:
    tally = _Tally(columns)
    for line in lines:
        tally.add(line)
    return tally.rows()


def tables_of(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Return the tables that store rows of their own, each with its columns but the generated ones."""
    return {str(name): tuple(columns) for name, columns in query(connection, _TABLES).fetchall()}


def rows_in(connection: Connection, source: str, columns: tuple[str, ...]) -> Rows:
    """Digest the rows of a table, given as SQL, on a connection that writes values as on any server."""
    return _tallied(columns, lines_of(connection, source, columns))


def lines_of(connection: Connection, source: str, columns: Iterable[str]) -> Iterator[bytes]:
    """Yield the rows of a table as pg_dump has them, one line each, on a connection that writes values as it does."""
    query(connection, _SAME_ENCODING)
    asked = f"COPY (SELECT {', '.join(map(quote, columns))} FROM ONLY {source}) TO STDOUT"
    with psycopg.Cursor(connection).copy(asked) as rows:
        for row in rows:
            yield bytes(row)


def header_of(connection: Connection) -> dict[str, str]:
    """How far each sequence has come, by its name."""
    return {f"sequence {name}": str(value) for name, value in query(connection, _SEQUENCES).fetchall()}


def objects_of(connection: Connection) -> dict[str, str]:
    """Two digests of each object, by `kind name`: of its definition, and of its owner, grants, options and comments.

    What belongs to the database and not to the schema is left out.
    """
    schema = read_schema(connection)
    rights: dict[str, str] = dict(query(connection, _RIGHTS).fetchall())
    named = [
        *(("table", one.name, one) for one in schema.tables),
        *(("index", one.name, one) for one in schema.indexes),
        *(("trigger", one.name, one) for one in schema.triggers),
        *(("view", one.name, one) for one in schema.views),
        *((one.kind, one.name, one) for one in schema.objects if _OF_DATABASE.isdisjoint({one.kind, one.name})),
    ]
    return {f"{kind} {name}": f"{_short(codec.dump(one))}/{_short(rights.get(name, ''))}" for kind, name, one in named}


def definitions(objects: Mapping[str, str]) -> dict[str, str]:
    """Return the digests of definitions alone."""
    return {key: digests.partition("/")[0] for key, digests in objects.items()}


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_SIZE).hexdigest()
