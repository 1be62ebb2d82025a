"""Tables by their numbers in the catalog, and the counters of a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architect_migrate.databases.postgresql.scratch import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

# The condition that a relation is in the schema that is read.
OWN = "relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
_TABLES = f"""SELECT c.oid::bigint, c.relname FROM pg_class c
             WHERE c.{OWN} AND c.relkind IN ('r', 'p')"""
_COLUMNS = f"""SELECT a.attrelid::bigint, a.attnum, a.attname
               FROM pg_attribute a JOIN ({_TABLES}) t ON t.oid = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped"""
# SQL for the table of the current schema that a parameter names.
TABLE_NAMED = "(SELECT to_regclass(quote_ident(current_schema()) || '.' || quote_ident(%s)))"
_NAMES = f"""SELECT attname FROM pg_attribute WHERE attrelid = {TABLE_NAMED} AND attnum > 0 AND NOT attisdropped
             ORDER BY attnum"""
_ELSEWHERE = """
    SELECT n.nspname, k.kind || ' ' || k.name
    FROM (SELECT relnamespace AS schema, 'relation' AS kind, relname AS name, 'pg_class'::regclass AS catalog, oid
          FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
          UNION ALL SELECT pronamespace, 'function', proname, 'pg_proc'::regclass, oid FROM pg_proc
          UNION ALL SELECT typnamespace, 'type', typname, 'pg_type'::regclass, oid FROM pg_type
          WHERE typtype IN ('e', 'd', 'r')) k
    JOIN pg_namespace n ON n.oid = k.schema
    WHERE n.nspname NOT IN (current_schema(), 'information_schema') AND n.nspname !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = k.catalog AND d.objid = k.oid AND d.deptype = 'e')
    ORDER BY 1, 2 LIMIT 1"""
_SERVER = """SELECT md5(string_agg(whole, ',' ORDER BY whole))
             FROM (SELECT r::text AS whole FROM pg_roles r UNION ALL SELECT m::text FROM pg_auth_members m) every"""
_BODIES = f"""SELECT l.lanname, coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid), '')
              FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
              WHERE p.{OWN.replace("relnamespace", "pronamespace")} AND p.proname = ANY (%s)"""
# Labels that were added to their type later than those that it was made with; of one whose first label was renamed, all
# others.
_LABELS = """SELECT e.oid::bigint, t.typname::text FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
             WHERE (e.xmin::text, e.cmin::text) <> (SELECT f.xmin::text, f.cmin::text FROM pg_enum f
                                                    WHERE f.enumtypid = e.enumtypid ORDER BY f.oid LIMIT 1)"""
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


def column_names(connection: psycopg.Connection[Any], table: str) -> tuple[str, ...]:
    """Return the columns of a table of the current schema, in their order; none if there is no such table."""
    return tuple(name for (name,) in connection.execute(_NAMES, (table,)).fetchall())


def made_elsewhere(connection: psycopg.Connection[Any]) -> tuple[str, str] | None:
    """Return the first schema with something of its own that is not the current one, and what that is."""
    return connection.execute(_ELSEWHERE).fetchone()


def is_shared(connection: psycopg.Connection[Any]) -> bool:
    """Return whether a scratch database is on a server that is not thrown away."""
    row = connection.execute(f"SELECT coalesce(current_setting('{SHARED}', true), '')").fetchone()
    return bool(row and row[0] == "on")


def server_digest(connection: psycopg.Connection[Any]) -> str:
    """Return a digest of the server's roles."""
    return str((connection.execute(_SERVER).fetchone() or ("",))[0])


def bodies_of(connection: psycopg.Connection[Any], names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the language and the body of each function and procedure of the schema that has one of some names."""
    return [(str(language), str(body)) for language, body in connection.execute(_BODIES, ([*names],)).fetchall()]


def labels_added(connection: psycopg.Connection[Any]) -> dict[int, str]:
    """Return the type of each label that was added to it, by the label's number in the catalog."""
    return dict(connection.execute(_LABELS).fetchall())


def rows_touched(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, int]]:
    """Return how many rows of each table the transaction wrote, and how often it looked for some."""
    return {name: (int(written), int(scans)) for name, written, scans in connection.execute(_TOUCHED).fetchall()}
