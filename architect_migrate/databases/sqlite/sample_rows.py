"""Sample rows on which a revision is tried: three per table, valid by its own constraints, made from the schema alone.

The first and the last have a value in every column; the second has NULL where that is allowed. Keys count from 1 in
every table, so that most foreign keys find their parent.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.sqlite.sql.lexer import Token
    from architect_migrate.model.schema import Column, Schema, Table

_Value = str | bytes | int | float | None
_ROWS = 3
_EDITED = " (edited)"


def fill(connection: sqlite3.Connection, schema: Schema) -> frozenset[str]:
    """Insert sample rows into every table; return the tables that hold rows. A table that accepts none is unchanged."""
    return frozenset(table.name for table in schema.tables if not table.module and _fill(connection, table))


def _fill(connection: sqlite3.Connection, table: Table) -> bool:
    taken = [_insert(connection, table, number) for number in range(1, _ROWS + 1)]
    return any(taken) or connection.execute(f"SELECT 1 FROM main.{quote(table.name)}").fetchone() is not None


def _insert(connection: sqlite3.Connection, table: Table, number: int) -> bool:
    columns = [column for column in table.columns if column.generated is None]
    names = ", ".join(quote(column.name) for column in columns)
    marks = ", ".join("?" * len(columns))
    insert = f"INSERT OR IGNORE INTO main.{quote(table.name)} ({names}) VALUES ({marks})"
    for values in _attempts(table, columns, number):
        try:
            if connection.execute(insert, values).rowcount > 0:
                return True
        except sqlite3.Error:
            continue  # a check, or a trigger, that wants something else
    return False


def _attempts(table: Table, columns: list[Column], number: int) -> Iterator[list[_Value]]:
    """Rows to try: plain values first, then values that the table's checks name."""
    keys = {*table.primary_key, *(name for unique in table.uniques for name in unique)}
    plain = [None if _may_lack(column, keys, number) else _value(column, number) for column in columns]
    yield plain
    named = _named_by_checks(table)
    if not named:
        return
    texts = {name: [value for value in values if isinstance(value, str)] for name, values in named.items()}
    for choice in (texts, named):
        chosen = (choice.get(column.name) for column in columns)
        yield [
            these[number % len(these)] if these and value is not None else value
            for these, value in zip(chosen, plain, strict=True)
        ]


def _may_lack(column: Column, keys: set[str], number: int) -> bool:
    return number == _ROWS - 1 and not column.not_null and column.name not in keys


def _named_by_checks(table: Table) -> dict[str, list[_Value]]:
    """The strings and numbers in the checks of each column: most checks list the values that they allow."""
    values_of: dict[str, list[_Value]] = {}
    for check in table.checks:
        tokens = significant(check.expression)
        texts: list[_Value] = [unquote(token.text) for token in tokens if token.kind == "string"]
        numbers: list[_Value] = [
            float(token.text) if "." in token.text else int(token.text, 0) for token in tokens if _plain(token)
        ]
        for name in check.mentions:
            values_of.setdefault(name, []).extend(texts or numbers)
    return {name: values for name, values in values_of.items() if values}


def _plain(token: Token) -> bool:
    return token.kind == "number" and token.text.replace(".", "", 1).isdigit()


def _value(column: Column, number: int) -> _Value:
    if "DATE" in column.declared or "TIME" in column.declared:
        return f"2026-01-0{number} 12:00:00" if "TIME" in column.declared else f"2026-01-0{number}"
    if "BOOL" in column.declared:
        return number % 2
    match column.affinity:
        case "TEXT":
            return f"sample {number}"
        case "REAL":
            return number + 0.5
        case "BLOB":
            return f"sample {number}".encode()
        case _:
            return number


def rows_of(connection: sqlite3.Connection, tables: list[Table]) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of some tables, by table name."""
    return {table.name: connection.execute(f"SELECT * FROM main.{quote(table.name)}").fetchall() for table in tables}


def edit_rows(connection: sqlite3.Connection, tables: Iterable[Table]) -> dict[str, str]:
    """Edit every row in text columns that identify no row; return a query for those columns by table.

    Tables without such a column are left out, and tables with a trigger that refuses the edit.
    """
    queries = {}
    for table in tables:
        columns = _free_columns(connection, table)
        changes = ", ".join(f"{quote(column)} = {quote(column)} || '{_EDITED}'" for column in columns)
        try:
            if columns:
                connection.execute(f"UPDATE main.{quote(table.name)} SET {changes}")
                queries[table.name] = _way_to_rows(table, columns)
        except sqlite3.Error:
            continue  # a trigger of the table refuses the edit
    return queries


def _free_columns(connection: sqlite3.Connection, table: Table) -> list[str]:
    """Text columns in no key, check or unique index: a row edited there is still the same row."""
    bound = {*table.primary_key, *(name for unique in table.uniques for name in unique)}
    bound |= {name for check in table.checks for name in check.mentions}
    bound |= {name for key in table.foreign_keys for name in key.columns}
    terms = 'SELECT x.name FROM pragma_index_list(?) l, pragma_index_xinfo(l.name) x WHERE x.key = 1 AND l."unique"'
    bound |= {fold(str(name)) for (name,) in connection.execute(terms, (table.name,))}
    return [
        column.name
        for column in table.columns
        if column.affinity == "TEXT" and column.generated is None and column.name not in bound
    ]


def _way_to_rows(table: Table, columns: list[str]) -> str:
    key = ", ".join(quote(name) for name in table.primary_key) if table.without_rowid else "rowid"
    return f"SELECT {key}, {', '.join(quote(column) for column in columns)} FROM main.{quote(table.name)}"
