"""Copies the rows of a rebuild and compares every value with the original.

The comparison runs inside SQLite in one pass over the two tables, so memory does not grow with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from architect_migrate.core.names import fold, quote
from architect_migrate.core.sql_errors import RebuildRefusedError, ValuesWouldChangeError
from architect_migrate.databases.sqlite.rows.examples import excerpt, labelled, read, shown
from architect_migrate.databases.sqlite.sql.affinity import affinity_of
from architect_migrate.databases.sqlite.sql.lexer import unquote
from architect_migrate.databases.sqlite.sql.parser import Generated, ParsedColumn, ParsedTable, PrimaryKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

_ROWIDS = ("rowid", "_rowid_", "oid")
# Columns compared in one pass: SQLite allows 2000 in a result, and a table may have as many.
_BATCH = 500
# Rows copied between two signs of life: some tenths of a second.
_RANGE = 200_000

# What is being done with rows (copied, compared), how many of them it was done with, and of how many.
RowProgress: TypeAlias = "Callable[[str, int, int], None]"


@dataclass(frozen=True, slots=True)
class Copy:
    """The mapping from old rows to new ones.

    `targets` pairs each column that is written with its SQL over the old row; `keys` pairs the columns that identify a
    new row with the SQL of the old row's key; `compared` are the columns that must not change, `alike` those of them
    whose type stores a number in one class only, before and after; `rowid` is the name of the old rowid where no column
    holds it (empty: a column does).
    """

    old_columns: tuple[str, ...]
    targets: tuple[tuple[str, str], ...]
    keys: tuple[tuple[str, str], ...]
    compared: tuple[str, ...]
    rowid: str = ""
    alike: frozenset[str] = frozenset()


def plan_copy(connection: sqlite3.Connection, old: ParsedTable, new: ParsedTable, fill: Mapping[str, str]) -> Copy:
    """Plan the copy from one shape of a table to another.

    Raises `RebuildRefusedError` where the copied rows could not be identified.
    """
    listed = connection.execute(f"PRAGMA main.table_xinfo({quote(old.name)})")
    old_columns = tuple(row[1] for row in listed)
    filled = _filled(new, fill)
    kept = {fold(name): quote(name) for name in old_columns}
    targets = {
        column.name: source
        for column in new.columns
        if not _generated(column) and (source := filled.get(fold(column.name)) or kept.get(fold(column.name)))
    }
    rowid = _carried_rowid(old, old_columns)
    keys = _keys(old, new, targets, rowid)
    targets.update((name, source) for name, source in keys if name not in targets)
    there = {fold(column.name) for column in new.columns} - filled.keys()
    compared = tuple(name for name in old_columns if fold(name) in there)
    alike = frozenset(name for name in compared if _one_class(old, name) == _one_class(new, name) != "")
    return Copy(old_columns, tuple(targets.items()), keys, compared, rowid, alike)


def _one_class(table: ParsedTable, name: str) -> str:
    """The affinity of a column that never holds both 1 and 1.0; empty for any other."""
    column = table.column(name)
    affinity = affinity_of(unquote(column.type)) if column and not _generated(column) else "BLOB"
    return "" if affinity == "BLOB" else affinity


def _filled(new: ParsedTable, fill: Mapping[str, str]) -> dict[str, str]:
    for name in fill:
        column = new.column(name)
        if column is None:
            raise RebuildRefusedError(new.name, f"there is no column {quote(name)} to fill")
        if _generated(column):
            raise RebuildRefusedError(new.name, f"column {quote(name)} is generated and cannot be filled")
    return {fold(name): f"({source}\n)" for name, source in fill.items()}


def _generated(column: ParsedColumn) -> bool:
    return any(isinstance(constraint, Generated) for constraint in column.constraints)


def _rowid_column(table: ParsedTable) -> str:
    """The column that is the rowid (INTEGER PRIMARY KEY); empty without one."""
    for key in table.all(PrimaryKey):
        column = table.column(key.columns[0].name)
        # Of a column's own key, DESC makes an ordinary column, by an accident that SQLite keeps for compatibility.
        ordinary = key.columns[0].descending and key not in table.constraints
        integer = column is not None and unquote(column.type).upper() == "INTEGER"
        if column is not None and integer and len(key.columns) == 1 and not ordinary and not table.without_rowid:
            return column.name
    return ""


def _free_rowid(columns: Iterable[str]) -> str:
    """A name of the rowid that no column hides; empty where all of them are hidden."""
    taken = {fold(name) for name in columns}
    return next((name for name in _ROWIDS if name not in taken), "")


def _carried_rowid(old: ParsedTable, old_columns: tuple[str, ...]) -> str:
    if old.without_rowid or _rowid_column(old):
        return ""
    rowid = _free_rowid(old_columns)
    if not rowid:
        raise RebuildRefusedError(
            old.name, "its columns hide the rowid under all its names, so rows cannot be identified"
        )
    return rowid


def _keys(old: ParsedTable, new: ParsedTable, targets: Mapping[str, str], rowid: str) -> tuple[tuple[str, str], ...]:
    if new.without_rowid:
        named = [new.column(column.name) for key in new.all(PrimaryKey) for column in key.columns]
        names = [column.name for column in named if column is not None]
        if not all(name in targets for name in names):
            raise RebuildRefusedError(new.name, "a new column of its primary key has no value: fill it")
        return tuple((name, targets[name]) for name in names)
    source = quote(rowid or _rowid_column(old))
    column = _rowid_column(new)
    if column:
        return ((column, targets.get(column, source)),)
    free = _free_rowid(column.name for column in new.columns)
    if not free:
        raise RebuildRefusedError(new.name, "its columns would hide the rowid under all its names")
    return ((free, source),)


@dataclass(frozen=True, slots=True)
class Range:
    """A part of the rows: those after one rowid and up to another (None: no bound), and their number."""

    rowid: str
    after: int | None
    upto: int | None
    rows: int

    def where(self, alias: str) -> str:
        """The WHERE clause that selects the rows of this part; empty for all rows."""
        bounds = [
            f"{alias}.{self.rowid} {sign} {bound}"
            for sign, bound in ((">", self.after), ("<=", self.upto))
            if bound is not None
        ]
        return f" WHERE {' AND '.join(bounds)}" if bounds else ""


def no_progress(_phase: str, _done: int, _rows: int) -> None:
    """Ignore progress."""


def ranges_of(connection: sqlite3.Connection, aside: str, copy: Copy) -> tuple[Range, ...]:
    """Divide the renamed table's rows by rowid into parts, to report progress after each; a small table is one part."""
    source, rowid = f"main.{quote(aside)}", _free_rowid(copy.old_columns)
    (rows,) = connection.execute(f"SELECT count(*) FROM {source}").fetchone()
    kind = "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?"
    if rows <= _RANGE or not rowid or connection.execute(kind, (aside,)).fetchone()[0]:
        return (Range("", None, None, rows),)
    found, last, left = [], None, rows
    while left > _RANGE:
        part = Range(rowid, last, None, _RANGE)
        query = f"SELECT a.{rowid} FROM {source} AS a{part.where('a')} ORDER BY 1 LIMIT 1 OFFSET {_RANGE - 1}"
        (upto,) = connection.execute(query).fetchone()
        found.append(replace(part, upto=upto))
        last, left = upto, left - _RANGE
    return (*found, Range(rowid, last, None, left))


def copy_rows(
    connection: sqlite3.Connection,
    table: str,
    aside: str,
    copy: Copy,
    ranges: tuple[Range, ...],
    *,
    progress: RowProgress,
) -> None:
    """Copy the rows of the renamed table into the new one."""
    targets = ", ".join(quote(name) for name, _ in copy.targets)
    values = ", ".join(source for _, source in copy.targets)
    done, rows = 0, sum(each.rows for each in ranges)
    for part in ranges:
        progress("copied", done, rows)
        chosen = f"main.{quote(aside)} AS {quote(table)}{part.where(quote(table))}"
        # OR ABORT overrides an ON CONFLICT clause of the table, by which rows could vanish without an error.
        connection.execute(f"INSERT OR ABORT INTO main.{quote(table)} ({targets}) SELECT {values} FROM {chosen}")
        done += part.rows


def compare_rows(
    connection: sqlite3.Connection,
    table: str,
    aside: str,
    copy: Copy,
    ranges: tuple[Range, ...],
    *,
    progress: RowProgress,
) -> int:
    """Check that every row arrived with the same values, and return the number of rows.

    Same means the same storage class and the same bytes, whatever the collation. Raises ValuesWouldChangeError for a
    value that changed, and RebuildRefusedError for a row that is missing.
    """
    old = sum(each.rows for each in ranges)
    new = connection.execute(f"SELECT count(*) FROM main.{quote(table)}").fetchone()[0]
    everything = Range("", None, None, old)
    for start in range(0, max(len(copy.compared), 1), _BATCH):
        batch, done, found, changed = copy.compared[start : start + _BATCH], 0, 0, 0
        differs = " OR ".join(_differs(name, copy) for name in batch) or "false"
        for part in ranges:
            progress("compared", done, old)
            joined = _joined(table, aside, copy, part)
            counted = connection.execute(f"SELECT count(*), count(CASE WHEN {differs} THEN 1 END) {joined}").fetchone()
            found, changed, done = found + counted[0], changed + counted[1], done + part.rows
        if changed:
            raise _first_change(connection, table, _joined(table, aside, copy, everything), batch, copy)
        if not found == old == new:
            raise RebuildRefusedError(table, f"of {old} rows {new} arrived and {found} can be found again by their key")
    return old


def _joined(table: str, aside: str, copy: Copy, part: Range) -> str:
    """A FROM clause that joins old rows as o with new rows as n.

    Why CROSS JOIN: it makes SQLite scan the old table and look the new row up by its key, never the reverse.
    """
    pairs = " AND ".join(f"n.{quote(name)} = {_old_value(table, source, copy)}" for name, source in copy.keys)
    chosen = part.where("o") or " WHERE true"
    return f"FROM main.{quote(aside)} AS o CROSS JOIN main.{quote(table)} AS n ON {pairs}{chosen}"


def _old_value(table: str, source: str, copy: Copy) -> str:
    """The old row's key as SQL without affinity, so that the new table's index serves whatever its type became."""
    plain = {quote(name) for name in (*copy.old_columns, *_ROWIDS)}
    if source in plain:
        return f"+o.{source}"
    # An expression has unqualified names, which here could mean either row: inside, only the old one is to be seen.
    columns = ", ".join(f"o.{quote(name)} AS {quote(name)}" for name in copy.old_columns)
    return f"(SELECT {source} FROM (SELECT {columns}) AS {quote(table)})"


def _differs(column: str, copy: Copy) -> str:
    """SQL for whether the values of a column differ in class or bytes.

    Why shorter for columns that are `alike`: typeof() takes as long as the rest of the comparison. Equal numbers have
    one class there, and SQLite holds text, blobs and numbers apart.
    """
    name = quote(column)
    if column in copy.alike:
        return f"o.{name} IS NOT n.{name} COLLATE BINARY"
    return f"typeof(o.{name}) <> typeof(n.{name}) OR (+o.{name}) IS NOT (+n.{name}) COLLATE BINARY"


def _first_change(
    connection: sqlite3.Connection, table: str, joined: str, columns: tuple[str, ...], copy: Copy
) -> ValuesWouldChangeError:
    """The error for the first of the columns with values that changed."""
    for name in columns:
        (count,) = connection.execute(f"SELECT count(*) {joined} AND ({_differs(name, copy)})").fetchone()
        if count:
            return ValuesWouldChangeError(table, name, count, _changed(connection, joined, name, copy))
    raise AssertionError(columns)


def _changed(connection: sqlite3.Connection, joined: str, column: str, copy: Copy) -> tuple[str, ...]:
    name = quote(column)
    values = f"{excerpt(f'o.{name}')}, {excerpt(f'n.{name}')}"
    found = read(connection, f"SELECT n.{quote(copy.keys[0][0])}, {values} {joined} AND ({_differs(column, copy)})")
    return tuple(f"{labelled((key,), (before,))} would be {shown(after)}" for key, before, after in found)
