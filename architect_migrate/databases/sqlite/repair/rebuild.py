"""Rebuilds a table that SQLite's ALTER TABLE cannot change: edits its stored text, copies its rows and compares them.

Why the old table is renamed and the new one is created under the original name, and not the reverse: the new table's
text, references from other tables, and statistics kept under the name stay exactly as they are.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import with_way_out
from architect_migrate.core.names import fold, quote
from architect_migrate.core.sql_errors import RebuildRefusedError, RowsForbidError
from architect_migrate.databases.sqlite.repair.rebuild_rows import (
    Copy,
    RowProgress,
    compare_rows,
    copy_rows,
    no_progress,
    plan_copy,
    ranges_of,
)
from architect_migrate.databases.sqlite.repair.rename import rename_quietly
from architect_migrate.databases.sqlite.rows.examples import excerpt, labelled, read, shown
from architect_migrate.databases.sqlite.sql.edit import edit_table
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.databases.sqlite.sql.parser import (
    Check,
    Collate,
    Constraint,
    Default,
    IndexedColumn,
    NotNull,
    ParsedTable,
    PrimaryKey,
    Unique,
    parse_table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.planning.table_edits import Edit


_NO_FILL: Mapping[str, str] = MappingProxyType({})
_SAVEPOINT = "archmig_rebuild"
_STATISTICS = ("sqlite_stat1", "sqlite_stat4")
# Primary result codes: the statement is at fault, or the rows are. Anything else (a full disk) is the machine's.
_STATEMENT_FAULT, _ROW_FAULTS = 1, {19, 20}


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The outcome of a rebuild: the number of rows, all compared, and the CREATE TABLE text before and after."""

    table: str
    rows: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class _Original:
    """A table before its rebuild; `dependants` are its indexes and triggers as (type, name, sql), in creation order."""

    name: str
    sql: str
    dependants: tuple[tuple[str, str, str], ...]
    sequence: object
    statistics: tuple[tuple[object, ...], ...]


def rebuild_table(
    connection: sqlite3.Connection,
    table: str,
    edits: Iterable[Edit],
    fill: Mapping[str, str] = _NO_FILL,
    progress: RowProgress = no_progress,
) -> Rebuilt:
    """Rebuild a table in the shape that the edits give it, keeping its rows, rowids, indexes, triggers and statistics.

    Works inside the caller's BEGIN IMMEDIATE, with isolation_level None and foreign_keys OFF, and never commits. `fill`
    maps columns of the new table to SQL expressions over the old row; `progress` is called with the phase, the rows
    done and the rows in all. Raises `RebuildRefusedError`, `EditImpossibleError`, `RowsForbidError` or
    `ValuesWouldChangeError`; the table is then as it was before.
    """
    _require_transaction(connection, table)
    with _plain_rows(connection):
        original = _original(connection, table)
        after = edit_table(original.sql, edits)
        new = parse_table(after)
        copy = plan_copy(connection, parse_table(original.sql), new, fill)
        rows = _undone_on_error(connection, original, new, after, copy, progress=progress)
    return Rebuilt(original.name, rows, original.sql, after)


def _require_transaction(connection: sqlite3.Connection, table: str) -> None:
    """Refuse to rebuild outside a transaction or with foreign keys enforced. Raises RebuildRefusedError.

    Why foreign_keys must be OFF: DROP TABLE of the old table deletes its rows first, and ON DELETE CASCADE would delete
    the rows that refer to them. The PRAGMA has no effect inside a transaction, so the caller sets it before BEGIN.
    """
    if connection.isolation_level is not None or not connection.in_transaction:
        raise RebuildRefusedError(
            table, "a rebuild needs an open transaction with isolation_level None: run BEGIN IMMEDIATE first"
        )
    if connection.execute("PRAGMA foreign_keys").fetchone()[0]:
        raise RebuildRefusedError(
            table, "foreign_keys is ON and would delete rows that refer to it: set it OFF before BEGIN"
        )


@contextmanager
def _plain_rows(connection: sqlite3.Connection) -> Iterator[None]:
    """Read names as str in plain tuples, whatever factories the caller has set on the connection."""
    text_factory, row_factory = connection.text_factory, connection.row_factory
    connection.text_factory, connection.row_factory = str, None
    try:
        yield
    finally:
        connection.text_factory, connection.row_factory = text_factory, row_factory


def _original(connection: sqlite3.Connection, table: str) -> _Original:
    name = _ordinary_table(connection, table)
    of_table = "FROM main.sqlite_master WHERE tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL"
    (sql,) = connection.execute(f"SELECT sql {of_table} AND type = 'table'", (name,)).fetchone()
    dependants = connection.execute(
        f"SELECT type, name, sql {of_table} AND type IN ('index', 'trigger') ORDER BY rowid", (name,)
    ).fetchall()
    return _Original(name, sql, tuple(dependants), _sequence(connection, name), _statistics(connection, name))


def _ordinary_table(connection: sqlite3.Connection, table: str) -> str:
    """The table's name as stored. Raises RebuildRefusedError for anything but an ordinary table."""
    listed = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE"
    found = connection.execute(listed, (table,)).fetchone()
    if found is None:
        raise RebuildRefusedError(table, "there is no such table")
    name, kind = str(found[0]), found[1]
    if kind != "table":
        raise RebuildRefusedError(name, f"it is a {kind} table, whose contents only its module can rebuild")
    if fold(name).startswith("sqlite_"):
        raise RebuildRefusedError(name, "it belongs to SQLite itself")
    temporary = "SELECT name FROM temp.sqlite_master WHERE tbl_name = ? COLLATE NOCASE"
    hidden = connection.execute(temporary, (name,)).fetchone()
    if hidden is not None:
        raise RebuildRefusedError(
            name, f"this connection has the TEMP object {hidden[0]!r} on its name: drop that first"
        )
    return name


def _undone_on_error(
    connection: sqlite3.Connection,
    original: _Original,
    new: ParsedTable,
    after: str,
    copy: Copy,
    *,
    progress: RowProgress,
) -> int:
    # Why a savepoint: a rebuild that fails must leave the table as it was, while the run's transaction goes on.
    connection.execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        rows = _replace(connection, original, new, after, copy, progress=progress)
    except BaseException as error:
        # A full disk ends the transaction by itself, and with it the savepoint.
        if connection.in_transaction:
            connection.execute(f"ROLLBACK TO {_SAVEPOINT}")
            connection.execute(f"RELEASE {_SAVEPOINT}")
            if isinstance(error, sqlite3.Error):
                _raise_named(connection, original, new, copy, error)
        raise
    connection.execute(f"RELEASE {_SAVEPOINT}")
    return rows


def _raise_named(
    connection: sqlite3.Connection, original: _Original, new: ParsedTable, copy: Copy, error: sqlite3.Error
) -> None:
    """Raise an error that names the rows or the part of the table at fault; return for errors of the machine."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == _STATEMENT_FAULT:
        raise RebuildRefusedError(original.name, f"SQLite says {with_way_out(str(error))}") from error
    if code in _ROW_FAULTS:
        raise explain_refusal(connection, new, copy, error) from error


def _replace(
    connection: sqlite3.Connection,
    original: _Original,
    new: ParsedTable,
    after: str,
    copy: Copy,
    *,
    progress: RowProgress,
) -> int:
    aside = _set_aside(connection, original, copy)
    connection.execute(after)
    ranges = ranges_of(connection, aside, copy)
    copy_rows(connection, original.name, aside, copy, ranges, progress=progress)
    # Why compare before the drop: the old table is the only proof of what the rows were.
    rows = compare_rows(connection, original.name, aside, copy, ranges, progress=progress)
    connection.execute(f"DROP TABLE main.{quote(aside)}")
    # Why only now: the old table held the names of its indexes and triggers, and a trigger must not fire for copied
    # rows.
    _restore_dependants(connection, original)
    _restore_sequence(connection, original, new)
    _restore_statistics(connection, original)
    return rows


def _set_aside(connection: sqlite3.Connection, original: _Original, copy: Copy) -> str:
    """Put the old table under a temporary name and return that name."""
    aside = _free_name(connection)
    if not _names_itself(original):
        rename_quietly(connection, original.name, aside)
        return aside
    # SQLite cannot rename a table whose CHECK or index says "t.a" without looking into views and triggers, which
    # may be broken: its rows step aside by themselves, in columns without a type, which keep values as they are.
    columns = ", ".join(quote(name) for name in copy.old_columns)
    listed = f"{copy.rowid}, {columns}" if copy.rowid else columns
    table = f"main.{quote(original.name)}"
    connection.execute(f"CREATE TABLE main.{quote(aside)} ({columns})")
    connection.execute(f"INSERT INTO main.{quote(aside)} ({listed}) SELECT {listed} FROM {table}")
    connection.execute(f"DROP TABLE {table}")
    return aside


def _free_name(connection: sqlite3.Connection) -> str:
    taken = {fold(name) for (name,) in connection.execute("SELECT name FROM main.sqlite_master")}
    number = 0
    while (name := f"_archmig_aside_{number}") in taken:
        number += 1
    return name


def _names_itself(original: _Original) -> bool:
    """Whether an expression of the table or of an index qualifies a column with the table's name."""
    wanted = fold(original.name)
    for text in (original.sql, *(sql for kind, _, sql in original.dependants if kind == "index")):
        tokens = significant(text)
        for token, following in pairwise(tokens):
            if following.text == "." and token.kind != "string" and fold(unquote(token.text)) == wanted:
                return True
    return False


def _restore_dependants(connection: sqlite3.Connection, original: _Original) -> None:
    for kind, name, sql in original.dependants:
        try:
            connection.execute(sql)
        except sqlite3.IntegrityError as error:
            raise RowsForbidError(original.name, f"{kind} {quote(name)}", None, (str(error),)) from error
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != _STATEMENT_FAULT:
                raise
            raise RebuildRefusedError(original.name, f"its {kind} {quote(name)} cannot be kept: {error}") from error


def _exists(connection: sqlite3.Connection, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM main.sqlite_master WHERE name = ?", (name,))
    return found.fetchone() is not None


def _sequence(connection: sqlite3.Connection, table: str) -> object:
    """The highest id that AUTOINCREMENT has given out; None without AUTOINCREMENT."""
    if not _exists(connection, "sqlite_sequence"):
        return None
    return connection.execute("SELECT max(seq) FROM main.sqlite_sequence WHERE name = ?", (table,)).fetchone()[0]


def _restore_sequence(connection: sqlite3.Connection, original: _Original, new: ParsedTable) -> None:
    if not any(key.autoincrement for key in new.all(PrimaryKey)):
        return
    if original.sequence is None:
        # Copying no rows leaves a zero where a table that never had a row has nothing.
        connection.execute("DELETE FROM main.sqlite_sequence WHERE name = ? AND seq = 0", (original.name,))
        return
    connection.execute("DELETE FROM main.sqlite_sequence WHERE name = ?", (original.name,))
    connection.execute("INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, ?)", (original.name, original.sequence))


def _statistics(connection: sqlite3.Connection, table: str) -> tuple[tuple[object, ...], ...]:
    """The rows of ANALYZE about the table, each after the name of its statistics table."""
    return tuple(
        (statistics, *row)
        for statistics in _STATISTICS
        if _exists(connection, statistics)
        for row in connection.execute(
            f"SELECT * FROM main.{statistics} WHERE tbl = ? COLLATE NOCASE ORDER BY rowid", (table,)
        )
    )


def _restore_statistics(connection: sqlite3.Connection, original: _Original) -> None:
    """Restore the statistics that dropping the old table deleted."""
    if _statistics(connection, original.name) == original.statistics:
        return
    for statistics in _STATISTICS:
        if _exists(connection, statistics):
            connection.execute(f"DELETE FROM main.{statistics} WHERE tbl = ? COLLATE NOCASE", (original.name,))
    for kept, *row in original.statistics:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO main.{kept} VALUES ({marks})", row)


_ROW = '"_archmig_row"'


def explain_refusal(
    connection: sqlite3.Connection, new: ParsedTable, copy: Copy, error: sqlite3.Error
) -> RowsForbidError:
    """The error that names the first constraint, in the order of the text, which the old rows break, with examples."""
    source = _as_new_rows(new, copy)
    for constraint in new.every_constraint:
        for broken in _broken_by(connection, new, constraint, source):
            return broken
    return RowsForbidError(new.name, str(error), None, ())


def _as_new_rows(new: ParsedTable, copy: Copy) -> str:
    """A subquery for the old rows as they would be copied, under the table's name so that its checks can be asked."""
    values = dict(copy.targets)
    for column in new.columns:
        if column.name not in values:
            default = new.of(Default, column.name)
            values[column.name] = default[-1].expression if default else "NULL"
    listed = ", ".join(f"{value} AS {quote(name)}" for name, value in values.items())
    name = quote(new.name)
    return f"(SELECT {copy.keys[0][1]} AS {_ROW}, {listed} FROM main.{name} AS {name}) AS {name}"


def _broken_by(
    connection: sqlite3.Connection, new: ParsedTable, constraint: Constraint, source: str
) -> Iterator[RowsForbidError]:
    match constraint:
        case NotNull(columns=columns):
            name = quote(columns[0].name)
            yield from _single_rows(connection, new, f"NOT NULL {name}", f"{name} IS NULL", source)
        case Check(expression=expression):
            yield from _single_rows(connection, new, f"CHECK ({expression})", f"NOT ({expression}\n)", source)
        case PrimaryKey(columns=columns):
            yield from _duplicates(connection, new, "PRIMARY KEY", columns, source)
        case Unique(columns=columns):
            yield from _duplicates(connection, new, "UNIQUE", columns, source)
        case _:
            return


def _single_rows(
    connection: sqlite3.Connection, new: ParsedTable, constraint: str, condition: str, source: str
) -> Iterator[RowsForbidError]:
    rows = _asked(connection, f"SELECT count(*) FROM {source} WHERE {condition}")
    if rows and rows[0][0]:
        found = _asked(connection, f"SELECT {_ROW} FROM {source} WHERE {condition}")
        yield RowsForbidError(new.name, constraint, int(str(rows[0][0])), tuple(map(labelled, found)))


def _duplicates(
    connection: sqlite3.Connection,
    new: ParsedTable,
    constraint: str,
    columns: tuple[IndexedColumn, ...],
    source: str,
) -> Iterator[RowsForbidError]:
    names = [quote(column.name) for column in columns]
    present = " AND ".join(f"{name} IS NOT NULL" for name in names)
    grouped = ", ".join(_collated(new, column) for column in columns)
    values = ", ".join(excerpt(name) for name in names)
    groups = f"FROM {source} WHERE {present} GROUP BY {grouped} HAVING count(*) > 1"
    total = _asked(connection, f"SELECT total(rows) FROM (SELECT count(*) AS rows {groups})")
    if total and total[0][0]:
        found = _asked(connection, f"SELECT count(*), {values} {groups}")
        yield RowsForbidError(
            new.name,
            f"{constraint} ({', '.join(names)})",
            int(float(str(total[0][0]))),
            tuple(f"{count} rows with {', '.join(map(shown, name))}" for count, *name in found),
        )


def _collated(new: ParsedTable, column: IndexedColumn) -> str:
    declared = [constraint.collation for constraint in new.of(Collate, column.name)]
    collation = column.collation or (declared[-1] if declared else "BINARY")
    return f"{quote(column.name)} COLLATE {quote(collation)}"


def _asked(connection: sqlite3.Connection, query: str) -> list[tuple[object, ...]]:
    """The rows of a query; none where SQLite cannot evaluate it outside the table (a default in bare words)."""
    try:
        return read(connection, query)
    except sqlite3.OperationalError:
        return []
