"""Finds the values of a column that another type would lose, by casting them there and back; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.catalog import TABLE_NAMED
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.planning.row_questions import Answer

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.pinned import Connection
    from architect_migrate.planning.row_questions import Changing

_MOST = 3
_KEY = f"""
    SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[:])
    WHERE i.indrelid = {TABLE_NAMED} AND i.indisprimary ORDER BY a.attnum"""
_TYPE = f"""
    SELECT format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = {TABLE_NAMED} AND attname = %s AND NOT attisdropped"""
# The setting by which a block that runs in the server hands over how many values it has found.
_FOUND = "archmig.found"
# Why row by row: a cast that fails for one value fails for the whole query, and no function may be made here. Only what
# the value itself is at fault for counts: error classes 22 and 23.
_EACH = """
    DO {block}
    DECLARE number bigint := 0; shown text := ''; one record;
    BEGIN
        FOR one IN SELECT {value} AS value, {key} AS key FROM {table} WHERE {value} IS NOT NULL LOOP
            BEGIN
                IF {back} THEN CONTINUE; END IF;
            EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN NULL;
            END;
            number := number + 1;
            IF number <= {most} THEN shown := shown || one.key || quote_literal(left(one.value::text, 40)) || E'\\n';
            END IF;
        END LOOP;
        PERFORM set_config('{found}', number || E'\\n' || shown, true);
    END {block}"""


def key_columns(connection: Connection, table: str) -> tuple[str, ...]:
    """Return the columns of a table's primary key; none if it has none."""
    return tuple(str(name) for (name,) in query_places(connection, _KEY, (table,)))


def query_places(connection: Connection, sql: str, values: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Execute a query with parameters by their places."""
    return [tuple(row) for row in connection.execute(sql, values).fetchall()]


def lost_values(connection: Connection, question: Changing) -> Answer:
    """Count the values that are another value, or none, once they are cast to a type and back.

    Moments and local times become one another in the time zone of a session, as in a run. Raises psycopg.Error where
    there is no cast at all. The transaction may be one that only reads.
    """
    query(connection, "SET LOCAL timezone TO DEFAULT")
    value = quote(question.column)
    casts = casts_of(connection, type_of(connection, question.table, question.column), question.declared)
    try:
        with connection.transaction():
            lost = f"SELECT count(*) FROM {quote(question.table)} WHERE NOT ({_is_same(value, casts)})"
            if query(connection, lost).fetchall()[0][0] == 0:
                return Answer(0)
    except (psycopg.errors.DataError, psycopg.errors.IntegrityError):
        pass
    return _each(connection, question, casts)


def type_of(connection: Connection, table: str, column: str) -> str:
    """Return the type of a column as SQL has it."""
    rows = query_places(connection, _TYPE, (table, column))
    return str(rows[0][0]) if rows else "text"


def casts_of(connection: Connection, old: str, new: str) -> tuple[str, str]:
    """Return the casts of a value to another type, and there and back, each with `{}` for the value."""
    there = f"({{}}::{new})" if _has_cast(connection, old, new) else f"({{}}::text::{new})"
    return there, f"{there}::{old}" if _has_cast(connection, new, old) else f"{there}::text::{old}"


def _has_cast(connection: Connection, old: str, new: str) -> bool:
    try:
        with connection.transaction():
            query(connection, f"SELECT NULL::{old}::{new} LIMIT 0").fetchall()
    except psycopg.errors.CannotCoerce:
        return False
    return True


def _is_same(value: str, casts: tuple[str, str]) -> str:
    """The condition that a value is the same once it is cast there, or there and back.

    Why by its text: 1.10 and 1.1 are equal, and so are a text with spaces at its end and a char(n) without.
    """
    there, back = (cast.format(value) for cast in casts)
    return f"{value} IS NULL OR {there}::text = {value}::text OR {back}::text = {value}::text"


def _each(connection: Connection, question: Changing, casts: tuple[str, str]) -> Answer:
    keys = key_columns(connection, question.table)
    key = " || ".join(f"{literal(f'{name} ')} || quote_literal(left({quote(name)}::text, 40)) || ', '" for name in keys)
    text = _EACH.format(
        block="$archmig$",
        value=quote(question.column),
        key=f"concat({key or literal('')}, {literal(f'{question.column} ')})",
        table=quote(question.table),
        back=_is_same("one.value", casts),
        most=_MOST,
        found=_FOUND,
    )
    query(connection, text)
    found = str(query(connection, f"SELECT current_setting('{_FOUND}')").fetchall()[0][0])
    number, *shown = found.splitlines()
    return Answer(int(number), tuple(shown))
