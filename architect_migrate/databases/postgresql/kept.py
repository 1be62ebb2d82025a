"""Keeps what a run may change: copies of rows in temporary tables, and where the rows of all other tables are stored.

Why in the run's own transaction: on another connection a read would wait for the first ALTER TABLE, or hold it up.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.catalog import OWN
from architect_migrate.databases.postgresql.content import objects_of, rows_in, tables_of
from architect_migrate.databases.postgresql.held import HeldConnection
from architect_migrate.databases.postgresql.images import image_before, size_of
from architect_migrate.databases.postgresql.numbering import sequences
from architect_migrate.databases.postgresql.pinned import in_own_texts, query
from architect_migrate.databases.postgresql.since import others_wrote
from architect_migrate.databases.postgresql.stored import Column, Kept, Stored
from architect_migrate.databases.postgresql.write_log import WriteLog
from architect_migrate.databases.values import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from architect_migrate.databases.postgresql.lent import Hearing, LentConnection
    from architect_migrate.databases.postgresql.pinned import Connection
    from architect_migrate.databases.values import Backup, Writes

_TABLES = f"""
    SELECT c.oid::bigint, c.relname::text, c.relkind::text, c.relfilenode::bigint,
           coalesce(s.n_tup_ins, 0), coalesce(s.n_tup_upd, 0), coalesce(s.n_tup_del, 0)
    FROM pg_class c LEFT JOIN pg_stat_xact_user_tables s ON s.relid = c.oid
    WHERE c.{OWN} AND c.relkind IN ('r', 'p', 'f')"""
_IS_BUILT_IN = "{0}.typnamespace = 'pg_catalog'::regnamespace"
_COLUMNS = f"""
    SELECT a.attrelid::bigint, a.attnum, a.attname::text, format_type(a.atttypid, a.atttypmod),
           CASE WHEN {_IS_BUILT_IN.format("t")} THEN format_type(a.atttypid, a.atttypmod)
                WHEN {_IS_BUILT_IN.format("b")} AND t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod)
                WHEN t.typcategory = 'A' THEN 'text[]' ELSE 'text' END,
           CASE WHEN l.collnamespace <> 'pg_catalog'::regnamespace THEN '"C"' ELSE '' END,
           a.attgenerated <> ''
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
         LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.{OWN} AND c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2"""
_KEYS = f"""
    SELECT i.indrelid::bigint, ARRAY(SELECT k.number FROM unnest(i.indkey) WITH ORDINALITY k(number, place)
                                     WHERE k.place <= i.indnkeyatts ORDER BY k.place)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.{OWN} AND i.indisprimary AND i.indisvalid"""
_LABELS = f"""
    SELECT e.oid::bigint, format_type(e.enumtypid, NULL), e.enumlabel::text
    FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE t.{OWN.replace("relnamespace", "typnamespace")}"""


def no_backup() -> None:
    """Return no backup."""


def keep(
    connection: LentConnection,
    tables: Collection[str],
    prove: Callable[[Writes], None] | None = None,
    backup: Callable[[], Backup | None] = no_backup,
    limit: float = math.inf,
) -> None:
    """Lock some tables against writes by others, and copy their rows, before a run changes anything.

    Tables that do not exist are left out. Why in one order: two runs that lock the same tables wait, and do not block
    each other permanently. With `prove` a revision may leave the transaction: it is called before that, with what the
    revision wrote, and what the next transaction may change is kept as well. `backup` returns the backup of the run,
    which was made before, with what the run has left so far as its content. Of a table of more than `limit` bytes there
    is no copy, and digests of its rows are taken.
    """
    assert isinstance(connection, HeldConnection)

    def leaving(log: Hearing | None) -> Callable[[], None]:
        assert isinstance(log, WriteLog)
        assert prove is not None
        log.note_catalog(connection)
        prove(log)
        return partial(keep, connection, tables, prove, backup, limit)

    connection.leaving = leaving if prove else None
    with connection.unheard():
        there = stored_tables(connection)
        kept = Kept(connection, there, sequences(connection), labels(connection), backup=backup())
        _compare_schema(connection, kept)
        for number, name in enumerate(sorted({*tables} & there.keys())):
            if there[name].kind == "r":
                _keep_rows(connection, kept, there[name], number, limit)
        # Why again: others may have written, or stored a table anew, before it was locked.
        kept.tables = stored_tables(connection)
        connection.kept = kept


def _keep_rows(connection: HeldConnection, kept: Kept, table: Stored, number: int, limit: float) -> None:
    """Lock a table against writes by others, and copy its rows or digest them."""
    query(connection, f"LOCK TABLE ONLY {quote(table.name)} IN SHARE ROW EXCLUSIVE MODE")
    if (size := size_of(connection, table.name)) > limit:
        kept.images[table.name] = image_before(connection, table, size)
    else:
        kept.copies[table.name] = _copied(connection, table, number)
    if kept.backup and _others_wrote(connection, table, kept):
        kept.missed.append(f"table {table.name}")


def _copied(connection: HeldConnection, table: Stored, number: int) -> str:
    """Copy the rows of a table to a temporary one, and return its name."""
    copy = f"archmig_kept_{number}"
    values = ", ".join(f"{each.kept()} AS {quote(each.name)}" for each in table.columns)
    query(connection, f"CREATE TEMP TABLE {copy} ON COMMIT DROP AS SELECT {values} FROM ONLY {quote(table.name)}")
    return f"pg_temp.{copy}"


def _compare_schema(connection: HeldConnection, kept: Kept) -> None:
    """Note if the schema is not that of the backup. Why once: what a revision does outside is no work of others."""
    made = kept.backup
    if made and connection.compared != made.path:
        connection.compared = made.path
        if objects_of(connection) != made.content.objects:
            kept.missed.append("the schema")


def _others_wrote(connection: HeldConnection, table: Stored, kept: Kept) -> bool:
    """Whether a table may no longer have the rows of the backup, or those that an earlier segment of the run left."""
    assert kept.backup is not None
    match kept.backup.content.tables.get(table.name):
        case Rows() as left:
            source = kept.copies.get(table.name, quote(table.name))
            with in_own_texts(connection):
                return rows_in(connection, source, tables_of(connection)[table.name]) != left
        case had:
            return others_wrote(connection, table.name, had, kept.backup.since)


@contextmanager
def sides(connection: LentConnection, _copy: Path | None) -> Iterator[Kept]:
    """Return the rows from before the run, as the functions of the proof take them."""
    assert isinstance(connection, HeldConnection)
    assert connection.kept is not None
    with connection.unheard():
        yield connection.kept


def labels(connection: LentConnection) -> dict[int, tuple[str, str]]:
    """Return the labels of the schema's enums by their numbers, each with its type."""
    return {number: (of, label) for number, of, label in query(connection, _LABELS).fetchall()}


def stored_tables(connection: Connection) -> dict[str, Stored]:
    """Return the tables of the schema by name."""
    columns: dict[int, list[Column]] = {}
    for table, *its in query(connection, _COLUMNS).fetchall():
        columns.setdefault(table, []).append(Column(*its))
    keys = {table: tuple(numbers) for table, numbers in query(connection, _KEYS).fetchall()}
    return {
        name: Stored(number, name, kind, storage, tuple(written), tuple(columns.get(number, ())), keys.get(number, ()))
        for number, name, kind, storage, *written in query(connection, _TABLES).fetchall()
    }
