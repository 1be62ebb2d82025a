"""Runs integrity_check and separates damage of the file from rows that violate declarations of their table."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.presence import table_names
from architect_migrate.databases.sqlite.reflect import storage_of
from architect_migrate.databases.values import Integrity

if TYPE_CHECKING:
    from collections.abc import Iterator

# How SQLite's lines about a row's values begin; one about a STRICT table begins with `non-` and the type.
_VALUES = ("CHECK constraint failed in ", "NULL value in ", "NUMERIC value in ", "TEXT value in ")
_ENTRY = "non-unique entry in index "
_ALL = 2**31 - 1
_SHOWN = 10
_STRICT = """SELECT m.name, m.sql FROM main.sqlite_master m JOIN pragma_table_list l
             ON l.schema = 'main' AND l.name = m.name WHERE m.type = 'table' AND l.strict"""
_VIRTUAL = """SELECT m.name, m.sql FROM main.sqlite_master m JOIN pragma_table_list l
              ON l.schema = 'main' AND l.name = m.name WHERE m.type = 'table' AND l.type = 'virtual' ORDER BY 1"""
_TABLES = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'view'"


def integrity_of(connection: sqlite3.Connection, table: str = "") -> Integrity:
    """Check the whole database, or one table.

    Tables are `unchecked` that use functions or collations which this connection does not have. On a connection that
    cannot write, SQLite 3.40 does not evaluate CHECK constraints.
    """
    lacking = () if table else tuple(_without_storage(connection))
    try:
        found = _separated(connection, _lines(connection, table or None))
        return replace(found, damage=(*lacking, *found.damage)[:_SHOWN])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
            raise
    names = [table] if table else [name for (name,) in connection.execute(_TABLES)]
    unchecked: list[tuple[str, str]] = []
    found = _separated(connection, (line for name in names for line in _known(connection, name, unchecked)))
    return replace(found, damage=(*lacking, *found.damage)[:_SHOWN], unchecked=tuple(unchecked))


def _without_storage(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield a line for each virtual table that lacks one of the tables which SQLite keeps for it.

    integrity_check does not miss them. Which there have to be is seen by making the virtual table once more, in memory.
    """
    there = {fold(name) for (name,) in connection.execute(_TABLES)}
    for name, text in connection.execute(_VIRTUAL).fetchall():
        kept = [shadow for shadow in storage_of(text) if fold(shadow) not in there]
        yield from (f"virtual table {name}: its table {shadow} is missing" for shadow in kept)


def worsened(
    before: sqlite3.Connection, after: sqlite3.Connection, touched: frozenset[str], broken: Counter[str]
) -> Iterator[str]:
    """Yield the lines of integrity_check about the tables that were written, beyond those that were there before.

    Of STRICT tables that were only altered too: SQLite gives rows the default of a new column whatever its type.
    """
    there = set(map(fold, table_names(after)))
    for table in sorted((touched | strict_altered(before, after)) & there):
        yield from integrity_of(after, table).worse_than(broken)


def strict_altered(before: sqlite3.Connection, after: sqlite3.Connection) -> set[str]:
    """The STRICT tables, by folded names, whose text is another one than before."""
    old = set(before.execute(_STRICT))
    return {fold(name) for name, text in after.execute(_STRICT) if (name, text) not in old}


def damage(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The damage of the file itself, at most ten lines of integrity_check."""
    return integrity_of(connection).damage


def _lines(connection: sqlite3.Connection, table: str | None) -> Iterator[str]:
    # Why a limit is given: without one the PRAGMA stops after 100 lines, and rows are counted here.
    yield from (row[0] for row in connection.execute(f"PRAGMA main.integrity_check({quote(table) if table else _ALL})"))


def _known(connection: sqlite3.Connection, table: str, unchecked: list[tuple[str, str]]) -> Iterator[str]:
    """The lines about one table, which goes to `unchecked` if it uses an unknown function or collation."""
    try:
        yield from _lines(connection, table)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
            raise
        unchecked.append((table, str(error)))


def _separated(connection: sqlite3.Connection, lines: Iterator[str]) -> Integrity:
    """Separate lines about the file from lines about rows' values.

    Why lines about some WITHOUT ROWID tables are dropped: where the key is not the first column, SQLite 3.40 reports
    wrong values although the table is sound.
    """
    keyed = connection.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr").fetchall()
    unsure = [f" value in {name}." for (name,) in keyed]
    damaged: list[str] = []
    broken: Counter[str] = Counter()
    for line in lines:
        if not _is_about_a_row(line):
            damaged += [" ".join(line.split())] if line != "ok" and len(damaged) < _SHOWN else []
        elif not any(name in line for name in unsure):
            broken[line] += 1
    return Integrity(tuple(damaged), broken)


def _is_about_a_row(line: str) -> bool:
    strict = line.startswith("non-") and " value in " in line and not line.startswith(_ENTRY)
    return strict or line.startswith(_VALUES)
