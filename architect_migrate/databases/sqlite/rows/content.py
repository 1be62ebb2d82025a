"""What a database holds, as digests: of every object's text and of every table's rows, to tell two moments apart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architect_migrate.core.names import fold
from architect_migrate.databases.sqlite.rows.exact import (
    BATCH,
    codec_of,
    exact,
    frozen,
    new_digest,
    own_key,
    passes,
    row_tables,
    select,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from architect_migrate.databases.sqlite.rows.exact import RowTable

_OBJECTS = "SELECT type, name, coalesce(sql, '') FROM main.sqlite_master WHERE sql IS NOT NULL"
_HEADER = ("user_version", "application_id", "encoding")


@dataclass(frozen=True, slots=True)
class Rows:
    """A table's rows: how many, and the digest of every value with its row's key."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Content:
    """Everything in a database: the digest of each object's text by `type name`, rows by table, the header's values."""

    objects: Mapping[str, str]
    tables: Mapping[str, Rows]
    header: Mapping[str, str]

    @property
    def rows(self) -> int:
        """The rows of all tables together."""
        return sum(it.number for it in self.tables.values())

    @property
    def digest(self) -> str:
        """One digest (128 bits) of it all."""
        text = json.dumps(to_json(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def content_of(connection: sqlite3.Connection, known: Mapping[str, Rows] | None = None) -> Content:
    """What the connection's transaction sees; the rows of tables in `known` are not read again."""
    told = known or {}
    with exact(connection):
        tables = row_tables(connection).values()
        return Content(
            objects_of(connection),
            {it.name: told.get(it.name) or _rows_of(connection, it) for it in tables},
            header_of(connection),
        )


def objects_of(connection: sqlite3.Connection) -> dict[str, str]:
    """The digest of each object's text, on a connection that reads text exactly."""
    rows = connection.execute(_OBJECTS)
    return {f"{kind} {name}": _short(sql) for kind, name, sql in rows}


def header_of(connection: sqlite3.Connection) -> dict[str, str]:
    """What the database says of itself apart from its objects."""
    return {name: str(connection.execute(f"PRAGMA main.{name}").fetchone()[0]) for name in _HEADER}


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _rows_of(connection: sqlite3.Connection, table: RowTable) -> Rows:
    digest, number = table_digest(table), 0
    for columns in passes(table.columns):
        cursor, number = connection.execute(select(table, own_key(table), columns, codec_of(connection))), 0
        while batch := cursor.fetchmany(BATCH):
            digest.update(frozen(batch))
            number += len(batch)
    return Rows(number, digest.hexdigest())


def table_digest(table: RowTable) -> hashlib.blake2b:
    """A running digest for a table's rows, which go into it in batches of BATCH, in the order of their own key."""
    return new_digest(fold(table.name), tuple(fold(it) for it in table.columns))


def differences(then: Content, now: Content) -> tuple[str, ...]:
    """What is another in `now`, one line an object; empty exactly where both hold the same."""
    return (*_tables(then, now), *_others(then, now), *_headers(then, now))


def _tables(then: Content, now: Content) -> Iterator[str]:
    for name in sorted({*then.tables, *now.tables}):
        old, new = then.tables.get(name), now.tables.get(name)
        if old == new:
            continue
        if old is None and new is not None:
            yield f"table {name}: is new, with {_count(new.number)}"
        elif new is None and old is not None:
            yield f"table {name}: is gone, with {_count(old.number)}"
        elif old is not None and new is not None:
            same = old.number == new.number
            yield f"table {name}: " + (
                f"other values in its {_count(new.number)}" if same else f"has {_count(new.number)}, had {old.number:,}"
            )


def _others(then: Content, now: Content) -> Iterator[str]:
    """Objects other than tables that came and went, which are told with their rows; and other texts of any."""
    for key in sorted({*then.objects, *now.objects}):
        old, new = then.objects.get(key), now.objects.get(key)
        if old == new or (None in {old, new} and key.removeprefix("table ") in {*then.tables, *now.tables}):
            continue
        yield f"{key}: " + ("is new" if old is None else "is gone" if new is None else "is defined otherwise")


def _headers(then: Content, now: Content) -> Iterator[str]:
    for name, value in sorted(now.header.items()):
        if then.header.get(name) != value:
            yield f"{name}: is {value}, was {then.header.get(name)}"


def _count(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def to_json(content: Content) -> dict[str, Any]:
    """The content as JSON's own types."""
    tables = {name: [it.number, it.digest] for name, it in content.tables.items()}
    return {"objects": dict(content.objects), "tables": tables, "header": dict(content.header)}


def from_json(found: dict[str, Any]) -> Content:
    """The content that `to_json` gave; raises KeyError, TypeError or ValueError for anything else."""
    tables = {str(name): Rows(int(number), str(digest)) for name, (number, digest) in dict(found["tables"]).items()}
    objects = {str(name): str(digest) for name, digest in dict(found["objects"]).items()}
    return Content(objects, tables, {str(name): str(value) for name, value in dict(found["header"]).items()})
