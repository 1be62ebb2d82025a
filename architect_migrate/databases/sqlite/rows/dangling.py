"""Rows that newly refer to nothing, told by what they refer to: a rebuild may give other rowids.

A key that is new can only tell of rows that referred to nothing before it was declared.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.core.text import count
from architect_migrate.databases.sqlite.rows.foreign_keys import Key, columns_of, keys_to, without_parent

if TYPE_CHECKING:
    import sqlite3

    from architect_migrate.databases.sqlite.rows.foreign_keys import Violation

    Values = tuple[object, ...]
    Violations = frozenset[Violation]


def newly_dangling(
    before: tuple[sqlite3.Connection, Violations], after: tuple[sqlite3.Connection, Violations], touched: frozenset[str]
) -> list[str]:
    """A line for each table and parent with rows that newly refer to nothing; of tables not `touched`, by rowid alone.

    Both sides are a database and its `foreign_keys.violations`.
    """
    (old, dangled), (new, dangles) = before, after
    fresh = {(table, parent) for table, _, parent, _ in dangles - dangled}
    problems = []
    for table, parent in sorted({(table, parent) for table, _, parent, _ in dangles if fold(table) in touched} | fresh):
        found: Counter[Values] = Counter()
        for key in keys_to(new, table, parent):
            if {fold(it) for it in key.columns} <= columns_of(old, table):
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


def _dangling(connection: sqlite3.Connection, table: str, parent: str, key: Key) -> Counter[Values]:
    """How often what is referred to in vain, as foreign_key_check has it, which gives no rows without rowid."""
    (without,) = connection.execute("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", (table,)).fetchone()
    if without:
        return _dangled(connection, table, parent, key)
    rows = f"pragma_foreign_key_check(?) f JOIN main.{quote(table)} t ON t.rowid = f.rowid WHERE f.fkid = ?"
    return _counted(connection, key, rows, (table, key.number))


def _dangled(connection: sqlite3.Connection, table: str, parent: str, key: Key) -> Counter[Values]:
    """The same, by a key that the database itself need not declare."""
    return _counted(connection, key, without_parent(connection, table, parent, key), ())


def _counted(connection: sqlite3.Connection, key: Key, rows: str, given: tuple[object, ...]) -> Counter[Values]:
    """How many of the rows have which values in the key's columns; text as bytes, since it need not be UTF-8."""
    values = [f"t.{quote(it)}" for it in key.columns]
    shown = ", ".join(f"CASE typeof({it}) WHEN 'text' THEN CAST({it} AS BLOB) ELSE {it} END" for it in values)
    found = connection.execute(f"SELECT {shown}, count(*) FROM {rows} GROUP BY {', '.join(values)}", given)
    return Counter({tuple(row[:-1]): row[-1] for row in found})
