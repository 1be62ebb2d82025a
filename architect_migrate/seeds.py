"""Seed rows for revisions: INSERT statements that add only missing rows.

A data step must be safe to run any number of times, on rows that people have edited since: an existing row is
recognised by its natural key and left alone. The statements carry typed values instead of SQL text, so a colon or a
quote inside a value stays a value, and `alembic upgrade --sql` can still write them out as literals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql.expression import ColumnElement, Executable, TableClause

__all__ = ["Value", "insert_missing"]

Value = str | bytes | int | float | bool | None


def insert_missing(
    table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Value]]
) -> list[Executable]:
    """Return one INSERT per row, each of which does nothing if a row with the same key exists.

    `rows` hold the values in the order of `columns`, and `key` names some of the columns; NULL equals NULL in a key.
    With an empty key any existing row counts as the same, so only an empty table is seeded.
    Raises ValueError if a row and `columns` differ in length, KeyError if `key` names another column.
    """
    target = sa.table(table, *(sa.column(name) for name in columns))
    return [_insert(target, key, dict(zip(columns, row, strict=True))) for row in rows]


def _insert(target: TableClause, key: Sequence[str], row: dict[str, Value]) -> Executable:
    same = sa.select(sa.literal(1)).select_from(target)
    for name in key:
        same = same.where(target.c[name] == _value(row[name]))  # SQLAlchemy writes `== NULL` as IS NULL
    values = sa.select(*(_value(value) for value in row.values())).where(~same.exists())
    return sa.insert(target).from_select(list(row), values)


def _value(value: Value) -> ColumnElement[Any]:
    return sa.null() if value is None else sa.literal(value)
