"""Finds orphans, rows whose foreign key refers to no row: one by one, or counted by table and parent."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from architect_migrate.core.names import fold, quote
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import pluralize
from architect_migrate.databases.sqlite.rows.exact import exact
from architect_migrate.databases.values import Keys, Orphans, Permitted, Violation, Violations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


# The values of a foreign key's columns in one row.
Values: TypeAlias = "tuple[object, ...]"

_TABLES = """SELECT DISTINCT m.name FROM main.sqlite_master m, pragma_foreign_key_list(m.name) WHERE m.type = 'table'
             ORDER BY m.name"""
_CHECK = "SELECT rowid, parent, fkid FROM pragma_foreign_key_check(?)"
_PRIMARY = "SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk"
_LISTED = 'SELECT id, "from", "to" FROM pragma_foreign_key_list(?) WHERE "table" = ? COLLATE NOCASE ORDER BY id, seq'
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key: SQLite's number of it, its columns, and the columns of the parent that they refer to."""

    number: int
    columns: tuple[str, ...]
    referred: tuple[str, ...]


def violations(connection: sqlite3.Connection) -> frozenset[Violation]:
    """Every orphan, once for each foreign key that it violates.

    A key whose parent table is missing, or has no unique columns to refer to, cannot be checked and is left out.
    """
    orphans: set[Violation] = set()
    for table in _tables(connection):
        with _unless_unchecked([]):
            orphans.update(_violations(connection, table))
    return frozenset(orphans)


def _violations(connection: sqlite3.Connection, table: str) -> Iterator[Violation]:
    times: Counter[tuple[object, str]] = Counter()
    for row, parent in _broken(connection, table):
        yield table, row, parent, times[row, parent]
        times[row, parent] += 1


def _broken(connection: sqlite3.Connection, table: str) -> Iterator[tuple[int | tuple[object, ...], str]]:
    """Each orphan with its parent table, once for each foreign key."""
    keyed: set[tuple[str, int]] = set()
    for rowid, parent, number in connection.execute(_CHECK, (table,)):
        if rowid is None:
            keyed.add((parent, number))
        else:
            yield rowid, parent
    for parent, number in sorted(keyed):
        for key in (each for each in keys_to(connection, table, parent) if each.number == number):
            yield from ((row, parent) for row in _by_their_keys(connection, table, parent, key))


def _by_their_keys(connection: sqlite3.Connection, table: str, parent: str, key: Key) -> Iterator[tuple[object, ...]]:
    """The orphans of a WITHOUT ROWID table by their primary keys.

    Why not from foreign_key_check: of such a table it gives one line for each orphan, but nothing that identifies the
    row.
    """
    columns = ", ".join(f"t.{quote(name)}" for (name,) in connection.execute(_PRIMARY, (table,)))
    with exact(connection):
        yield from connection.execute(f"SELECT {columns} FROM {without_parent(connection, table, parent, key)}")


def keys_to(connection: sqlite3.Connection, table: str, parent: str) -> list[Key]:
    """A table's foreign keys to one parent."""
    primary = [row[0] for row in connection.execute(_PRIMARY, (parent,))]
    by_number: dict[int, list[tuple[str, str]]] = {}
    for number, column, referred in connection.execute(_LISTED, (table, parent)):
        pairs = by_number.setdefault(number, [])
        # Where the parent has no such key, no column matches, and every row that refers to it is an orphan.
        usual = primary[len(pairs)] if len(pairs) < len(primary) else ""
        pairs.append((column, usual if referred is None else referred))
    return [Key(number, *(tuple(one) for one in zip(*pairs, strict=True))) for number, pairs in by_number.items()]


def without_parent(connection: sqlite3.Connection, table: str, parent: str, key: Key) -> str:
    """SQL for the rows of a table (`t`) that refer to no row by a key; the database itself need not declare the key."""
    rows = f"main.{quote(table)} t WHERE " + " AND ".join(f"t.{quote(column)} IS NOT NULL" for column in key.columns)
    if {fold(name) for name in key.referred} <= columns_of(connection, parent):
        pairs = zip(key.columns, key.referred, strict=True)
        match = " AND ".join(f"p.{quote(to)} = t.{quote(name)}" for name, to in pairs)
        rows += f" AND NOT EXISTS (SELECT 1 FROM main.{quote(parent)} p WHERE {match})"
    return rows


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """The folded names of a table's columns; none where the table does not exist."""
    return {fold(row[0]) for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def check_keys(connection: sqlite3.Connection) -> Keys:
    """Check every foreign key of every table; `unchecked` lists (table, reason) where SQLite cannot check one."""
    tables = _tables(connection)
    orphans: list[Orphans] = []
    unchecked: list[tuple[str, str]] = []
    for table in tables:
        why: list[str] = []
        with _unless_unchecked(why):
            orphans += _orphans(connection, table)
        unchecked += ((table, name) for name in why)
    return Keys(len(tables), tuple(orphans), tuple(unchecked))


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute(_TABLES)]


@contextmanager
def _unless_unchecked(why: list[str]) -> Iterator[None]:
    """Note a key that SQLite cannot check as a reason in `why`; a failing disk and a Ctrl-C are raised."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
            raise
        why.append(str(error))


def _orphans(connection: sqlite3.Connection, table: str) -> list[Orphans]:
    by_parent: dict[str, tuple[int, tuple[int, ...]]] = {}
    for rowid, parent, _ in connection.execute(_CHECK, (table,)):
        rows, first = by_parent.get(parent, (0, ()))
        more = (rowid,) if rowid is not None and len(first) < _EXAMPLES else ()
        by_parent[parent] = rows + 1, (*first, *more)
    return [Orphans(table, parent, rows, first) for parent, (rows, first) in by_parent.items()]


def orphaned(before: sqlite3.Connection, after: sqlite3.Connection, permitted: Permitted) -> tuple[int, int, list[str]]:
    """The number of orphans before and after, and a line for each table and parent with new ones (`new_orphans`)."""
    old, new = violations(before), violations(after)
    return len(old), len(new), new_orphans((before, old), (after, new), permitted)


def new_orphans(
    before: tuple[sqlite3.Connection, Violations], after: tuple[sqlite3.Connection, Violations], permitted: Permitted
) -> list[str]:
    """A line for each table and parent with orphans that `before` did not have, also not under another name.

    Both sides are a database and its `violations`. A table that the run does not touch is examined only if one of its
    orphans is new by its rowid; in an examined table orphans are compared by the values of the key, since a rebuild may
    give rows other rowids.
    """
    (old, violations_before), (new, violations_after) = before, after
    names = _names_before(permitted)
    fresh = {(table, parent) for table, _, parent, _ in violations_after - violations_before}
    problems = []
    for table, parent in sorted(
        {(table, parent) for table, _, parent, _ in violations_after if fold(table) in permitted.touched} | fresh
    ):
        orphans: Counter[Values] = Counter()
        for key in keys_to(new, table, parent):
            there = [each for each in names.sources(table, key) if {*map(fold, each.columns)} <= each.known(old)]
            if there or (table, parent) in fresh:
                known = (names.orphans(old, each, parent, key) for each in there)
                orphans += _declared_orphans(new, table, parent, key) - sum(known, Counter())
        if orphans:
            shown = ", ".join(map(_shown, min(orphans, key=repr)))
            rows = pluralize(orphans.total(), f"row of {table} newly refers", f"rows of {table} newly refer")
            problems.append(f"{rows} to nothing in {parent} ({shown})")
    return problems


class _Source(NamedTuple):
    """A table of before, whose rows another one has now, with the columns of a foreign key as they were called."""

    table: str
    columns: tuple[str, ...]

    def known(self, before: sqlite3.Connection) -> set[str]:
        """The columns that the table has."""
        return columns_of(before, self.table)


@dataclass(frozen=True, slots=True)
class _Names:
    """What tables and their columns were called before a run, by their names afterwards; all are folded.

    The rows of a table may come from several: those that were copied into it came to what it had.
    """

    renamed: Mapping[str, str]
    moved: Mapping[str, Collection[str]]
    columns: Mapping[tuple[str, str, str], str]

    def sources(self, table: str, key: Key) -> list[_Source]:
        """The tables from which a table has its rows, with the columns of a key."""
        return [_Source(each, self._columns(each, table, key.columns)) for each in self._tables(table)]

    def orphans(self, before: sqlite3.Connection, source: _Source, parent: str, key: Key) -> Counter[Values]:
        """Count the rows that referred to no row of any table from which the parent has its rows."""
        parents = [each for each in self._tables(parent) if columns_of(before, each)] or [parent]
        found = [
            _undeclared_orphans(
                before, source.table, each, Key(key.number, source.columns, self._columns(each, parent, key.referred))
            )
            for each in parents
        ]
        return reduce(and_, found)

    def _tables(self, table: str) -> list[str]:
        return [self.renamed.get(fold(table), table), *self.moved.get(fold(table), ())]

    def _columns(self, old: str, new: str, columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.columns.get((fold(old), fold(new), fold(each)), each) for each in columns)


def _names_before(permitted: Permitted) -> _Names:
    renamed = {new: old for old, new in permitted.renamed}
    columns = {(renamed.get(table, table), table, new): old for table, old, new in permitted.renamed_columns}
    moved: dict[str, list[str]] = {}
    for old, new, pairs in sorted(permitted.moved):
        moved.setdefault(new, []).append(old)
        columns |= {(old, new, now): then for then, now in pairs}
    return _Names(renamed, moved, columns)


def _shown(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    masked = mask(text)
    return masked if len(masked) <= 40 else f"{masked[:39]}…"


def _declared_orphans(connection: sqlite3.Connection, table: str, parent: str, key: Key) -> Counter[Values]:
    """Count orphans by the values of their key, as foreign_key_check finds them.

    WITHOUT ROWID tables are queried instead, because foreign_key_check does not identify their rows.
    """
    (without,) = connection.execute("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", (table,)).fetchone()
    if without:
        return _undeclared_orphans(connection, table, parent, key)
    rows = f"pragma_foreign_key_check(?) f JOIN main.{quote(table)} t ON t.rowid = f.rowid WHERE f.fkid = ?"
    return _counted(connection, key, rows, (table, key.number))


def _undeclared_orphans(connection: sqlite3.Connection, table: str, parent: str, key: Key) -> Counter[Values]:
    """Count orphans by the values of a key that the database itself need not declare."""
    return _counted(connection, key, without_parent(connection, table, parent, key), ())


def _counted(connection: sqlite3.Connection, key: Key, rows: str, given: tuple[object, ...]) -> Counter[Values]:
    """Count rows by the values of the key's columns; text is read as bytes, because it need not be UTF-8."""
    values = [f"t.{quote(column)}" for column in key.columns]
    shown = ", ".join(
        f"CASE typeof({value}) WHEN 'text' THEN CAST({value} AS BLOB) ELSE {value} END" for value in values
    )
    counts = connection.execute(f"SELECT {shown}, count(*) FROM {rows} GROUP BY {', '.join(values)}", given)
    return Counter({tuple(row[:-1]): row[-1] for row in counts})
