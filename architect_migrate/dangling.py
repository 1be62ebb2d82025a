"""Rows that newly refer to nothing, told by what they refer to: a rebuild may give other rowids.

A key that is new can only tell of rows that referred to nothing before it was declared.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.sqlite_text import fold, quote
from architect_migrate.words import count

if TYPE_CHECKING:
    import sqlite3

    Values = tuple[object, ...]
    Violations = frozenset[tuple[str, int | None, str]]


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key: SQLite's number of it, its columns, and those of the parent that they refer to."""

    number: int
    columns: tuple[str, ...]
    referred: tuple[str, ...]


def newly_dangling(
    before: tuple[sqlite3.Connection, Violations], after: tuple[sqlite3.Connection, Violations], touched: frozenset[str]
) -> list[str]:
    """A line for each table and parent with rows that newly refer to nothing; of tables not `touched`, by rowid alone.

    Both sides are a database and its `foreign_keys.violations`.
    """
    (old, dangled), (new, dangles) = before, after
    fresh = {(table, parent) for table, _, parent in dangles - dangled}
    problems = []
    for table, parent in sorted({(table, parent) for table, _, parent in dangles if fold(table) in touched} | fresh):
        found: Counter[Values] = Counter()
        for key in _keys(new, table, parent):
            if {fold(it) for it in key.columns} <= _columns(old, table):
                found += _dangling(new, table, parent, key) - _dangled(old, table, parent, key)
            elif (table, parent) in fresh:
                found += _dangling(new, table, parent, key)
        if found:
            shown = ", ".join(map(_shown, min(found, key=repr)))
            rows = count(found.total(), f"row of {table} newly refers", f"rows of {table} newly refer")
            problems.append(f"{rows} to nothing in {parent} ({shown})")
    return problems


def _shown(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _keys(connection: sqlite3.Connection, table: str, parent: str) -> list[Key]:
    sql = "SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk"
    primary = [row[0] for row in connection.execute(sql, (parent,))]
    sql = 'SELECT id, "from", "to" FROM pragma_foreign_key_list(?) WHERE "table" = ? COLLATE NOCASE ORDER BY id, seq'
    found: dict[int, list[tuple[str, str]]] = {}
    for number, column, referred in connection.execute(sql, (table, parent)):
        pairs = found.setdefault(number, [])
        # Where the parent has no such key, no column is meant, and every row that refers does so in vain.
        usual = primary[len(pairs)] if len(pairs) < len(primary) else ""
        pairs.append((column, usual if referred is None else referred))
    return [Key(number, *(tuple(it) for it in zip(*pairs, strict=True))) for number, pairs in found.items()]


def _dangling(connection: sqlite3.Connection, table: str, parent: str, key: Key) -> Counter[Values]:
    """How often what is referred to in vain, as foreign_key_check has it, which gives no rows without rowid."""
    (without,) = connection.execute("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", (table,)).fetchone()
    if without:
        return _dangled(connection, table, parent, key)
    rows = f"pragma_foreign_key_check(?) f JOIN main.{quote(table)} t ON t.rowid = f.rowid WHERE f.fkid = ?"
    return _counted(connection, key, rows, (table, key.number))


def _dangled(connection: sqlite3.Connection, table: str, parent: str, key: Key) -> Counter[Values]:
    """The same, by a key that the database itself need not declare."""
    rows = f"main.{quote(table)} t WHERE " + " AND ".join(f"t.{quote(it)} IS NOT NULL" for it in key.columns)
    if {fold(it) for it in key.referred} <= _columns(connection, parent):
        pairs = zip(key.columns, key.referred, strict=True)
        match = " AND ".join(f"p.{quote(to)} = t.{quote(it)}" for it, to in pairs)
        rows += f" AND NOT EXISTS (SELECT 1 FROM main.{quote(parent)} p WHERE {match})"
    return _counted(connection, key, rows, ())


def _counted(connection: sqlite3.Connection, key: Key, rows: str, given: tuple[object, ...]) -> Counter[Values]:
    """How many of the rows have which values in the key's columns; text as bytes, since it need not be UTF-8."""
    values = [f"t.{quote(it)}" for it in key.columns]
    shown = ", ".join(f"CASE typeof({it}) WHEN 'text' THEN CAST({it} AS BLOB) ELSE {it} END" for it in values)
    found = connection.execute(f"SELECT {shown}, count(*) FROM {rows} GROUP BY {', '.join(values)}", given)
    return Counter({tuple(row[:-1]): row[-1] for row in found})


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {fold(row[0]) for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
