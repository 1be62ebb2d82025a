"""Tables by their numbers in the catalog, and the counters of a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_TABLES = """SELECT c.oid::bigint, c.relname FROM pg_class c
             WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"""
_COLUMNS = f"""SELECT a.attrelid::bigint, a.attnum, a.attname
               FROM pg_attribute a JOIN ({_TABLES}) t ON t.oid = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped"""
_TOUCHED = """SELECT relname, n_tup_ins + n_tup_upd + n_tup_del, coalesce(seq_scan, 0) + coalesce(idx_scan, 0)
              FROM pg_stat_xact_user_tables WHERE schemaname = current_schema()"""


@dataclass(frozen=True, slots=True)
class Places:
    """The names of tables and of columns by their numbers, which stay the same when something is renamed."""

    tables: dict[int, str]
    columns: dict[tuple[int, int], str]


def place_of_objects(connection: psycopg.Connection[Any]) -> Places:
    """Return the tables and columns of the schema that is current."""
    columns = connection.execute(_COLUMNS).fetchall()
    return Places(
        dict(connection.execute(_TABLES).fetchall()),
        {(table, number): name for table, number, name in columns},
    )


def rows_touched(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, int]]:
    """Return how many rows of each table the transaction wrote, and how often it looked for some."""
    return {name: (int(written), int(scans)) for name, written, scans in connection.execute(_TOUCHED).fetchall()}
