"""Compares values of columns of any types, and with values that SQL gives; nothing is written.

Values are compared by their texts. Why not by `=`: there is none between many types, and none at all for json; some
types have one by which other texts are equal, as citext and numeric do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.conversions import casts_of, type_of
from architect_migrate.databases.postgresql.pinned import query, taken_back

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.pinned import Connection, Row


def holds(connection: Connection, table: str, column: str, values: tuple[str, ...]) -> str:
    """Return the condition that a column holds one of some values, each an SQL expression that does not change."""
    its_type = type_of(connection, table, column)
    texts = [text for value in values for (text,) in _evaluated(connection, f"SELECT ({value})::{its_type}::text")]
    found = [f"{quote(column)}::text IS NOT DISTINCT FROM {literal(text)}" for text in texts if text is not None]
    return " OR ".join([*found, *([f"{quote(column)} IS NULL"] if None in texts else [])]) or "false"


def changing(connection: Connection, values: tuple[str, ...]) -> str:
    """Return the first of some SQL expressions that can be another value each time; empty where none can.

    What cannot is what the planner evaluates: it leaves no condition to be found out for a row.
    """
    for value in values:
        plan = _evaluated(connection, f"EXPLAIN (FORMAT JSON) SELECT WHERE ({value}) IS NULL")
        if any(node["Plan"].get("One-Time Filter", "false") != "false" for (nodes,) in plan for node in nodes):
            return value
    return ""


def _evaluated(connection: Connection, sql: str) -> list[Row]:
    """The rows of a query of constants; none where one of them cannot have the type that it is cast to."""
    try:
        with taken_back(connection):
            return query(connection, sql).fetchall()
    except (psycopg.errors.DataError, psycopg.errors.IntegrityError, psycopg.errors.CannotCoerce):
        return []


def lacks(connection: Connection, table: str, column: str, other: str) -> str:
    """Return the condition that a column has a value that another one does not have.

    Values of two types are the same if one becomes the other and comes back as it was: 5 and 5.00.
    """
    # As in a run, where moments and local times become one another in the time zone of the session.
    query(connection, "SET LOCAL timezone TO DEFAULT")
    mine, its = quote(column), quote(other)
    types = [type_of(connection, table, each) for each in (column, other)]
    texts = f"{mine}::text IS NOT DISTINCT FROM {its}::text"
    there, back = (each.format(mine) for each in casts_of(connection, types[0], types[1]))
    either = f"{texts} OR ({there}::text IS NOT DISTINCT FROM {its}::text AND {back}::text = {mine}::text)"
    same = texts if types[0] == types[1] or not _can_be_asked(connection, table, either) else either
    return f"{mine} IS NOT NULL AND NOT ({same})"


def _can_be_asked(connection: Connection, table: str, condition: str) -> bool:
    """Whether a condition can be found out for every row: a cast fails for values that the other type does not have."""
    try:
        with taken_back(connection):
            query(connection, f"SELECT count(*) FROM {quote(table)} WHERE {condition}")
    except (psycopg.errors.DataError, psycopg.errors.IntegrityError):
        return False
    return True
