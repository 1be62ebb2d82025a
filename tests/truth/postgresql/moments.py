"""What a PostgreSQL database holds beside its schema: rows, values of sequences, and the names of all that is there."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truth.postgresql.cluster import Raw
    from truth.reader import Row

_OURS = "nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
_TABLES = f"""
    SELECT n.nspname::text, c.relname::text,
           c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS} AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1, 2"""
_SEQUENCES = f"""
    SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS} AND c.relkind = 'S' ORDER BY 1, 2"""
# Everything that has a name, with what is temporary and what no query of the schema looks for.
_NAMES = """
    SELECT concat_ws(' ', 'relation', relnamespace::regnamespace, relname, relkind) FROM pg_class
    WHERE relnamespace::regnamespace::text NOT LIKE 'pg\\_toast%'
    UNION ALL SELECT concat_ws(' ', 'function', oid::regprocedure) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', 'type', oid::regtype) FROM pg_type
              WHERE oid >= 16384 AND typnamespace::regnamespace::text NOT LIKE 'pg\\_toast%'
    UNION ALL SELECT concat_ws(' ', 'schema', nspname) FROM pg_namespace
              WHERE nspname NOT LIKE 'pg\\_temp%' AND nspname NOT LIKE 'pg\\_toast%'
    UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', 'event trigger', evtname) FROM pg_event_trigger
    UNION ALL SELECT concat_ws(' ', 'comment', objoid, objsubid, description) FROM pg_description WHERE objoid >= 16384
    UNION ALL SELECT concat_ws(' ', 'prepared', gid) FROM pg_prepared_xacts
    ORDER BY 1"""
_VERSIONS = "alembic_version"
_PLAIN = (int, float, str, Decimal, type(None))
_RANDOM = 4


@dataclass(frozen=True, slots=True)
class Held:
    """`rows` of the schema `public`, in values to compare with another database's; `stored`, the rows of every table as
    text; `sequences`, last value and whether it was given out; `names` of every object."""

    rows: Mapping[str, tuple[Row, ...]]
    stored: Mapping[str, str]
    sequences: Mapping[str, tuple[int, bool]]
    names: frozenset[str]


def held(raw: Raw) -> Held:
    """What is in the database that a connection is open to."""
    rows: dict[str, tuple[Row, ...]] = {}
    stored: dict[str, str] = {}
    for schema, table, has_heirs in raw.execute(_TABLES).fetchall():
        source = sql.SQL("ONLY {}" if has_heirs else "{}").format(sql.Identifier(schema, table))
        found = raw.execute(sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(source)).fetchall()
        stored[f"{schema}.{table}"] = "\n".join(str(text) for (text,) in found)
        if schema == "public" and table != _VERSIONS:
            rows[table] = _rows(raw, source)
    sequences = {
        f"{schema}.{name}": _sequence(raw, schema, name) for schema, name in raw.execute(_SEQUENCES).fetchall()
    }
    names = frozenset(str(name) for (name,) in raw.execute(_NAMES).fetchall())
    return Held(rows, stored, sequences, names)


def _rows(raw: Raw, source: sql.Composable) -> tuple[Row, ...]:
    found = raw.execute(sql.SQL("SELECT * FROM {}").format(source))
    names = [column.name for column in found.description or ()]
    return tuple({name: _comparable(value) for name, value in zip(names, row, strict=True)} for row in found.fetchall())


def _sequence(raw: Raw, schema: str, name: str) -> tuple[int, bool]:
    query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
    row = raw.execute(query).fetchone()
    assert row is not None
    return int(row[0]), bool(row[1])


def _comparable(value: object) -> object:
    """A value that is the same in another database; of the time and of chance only that they are such."""
    match value:
        case uuid.UUID() if value.version == _RANDOM:
            return "random"
        case dt.datetime() | dt.date() if _is_of_today(value):
            return "now"
        case dt.datetime() | dt.date():
            return value.isoformat().removesuffix("T00:00:00")
        case dict():
            return json.dumps(value, sort_keys=True)
        case bytes():
            return value.hex()
        case _:
            return value if isinstance(value, _PLAIN) else str(value)


def _is_of_today(value: dt.date) -> bool:
    day = value.date() if isinstance(value, dt.datetime) else value
    return abs((day - dt.datetime.now(tz=dt.UTC).date()).days) <= 1
