"""Makes a schema again out of the texts that were read of it, on an empty database, as a dump and a restore would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.databases.postgresql.reflect import read_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from architect_migrate.databases.postgresql.pinned import Connection
    from architect_migrate.model.schema import Column, Schema, Table

_SAVEPOINT = "archmig_rebuilt"
# What tables, views and texts are made of.
_FIRST = ("extension", "type", "domain", "sequence", "function", "procedure", "materialized view")
_UNCHECKED = "SELECT set_config('check_function_bodies', 'off', true)"


def rebuilt(connection: Connection, schema: Schema, other: Schema) -> Schema:
    """Return what is read of a schema that is made of another one's texts, and leave the database empty.

    Indexes, triggers and the like are made only where `other` has them differently, and tables without the constraints
    that have no text. What cannot be made is left out. The connection is in a transaction, its settings are pinned.
    """
    query(connection, f"SAVEPOINT {_SAVEPOINT}")
    try:
        query(connection, _UNCHECKED)
        _make(_statements(schema, other), lambda statement: _is_made(connection, statement))
        return read_schema(connection)
    finally:
        if not connection.closed:
            query(connection, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")


def _make(statements: Iterable[str], is_made: Callable[[str], bool]) -> None:
    """Execute the statements, each again after the others while that helps: a view can depend on any other."""
    waiting = list(statements)
    while waiting:
        failed = [statement for statement in waiting if not is_made(statement)]
        if len(failed) == len(waiting):
            return
        waiting = failed


def _is_made(connection: Connection, statement: str) -> bool:
    try:
        with connection.transaction():
            query(connection, statement)
    except psycopg.Error:
        if connection.closed:
            raise
        return False
    return True


def _statements(schema: Schema, other: Schema) -> Iterator[str]:
    """Yield what makes the parts; an object without a statement of its own is left out."""
    for kind in _FIRST[:-1]:
        yield from (one.sql for one in schema.objects if one.kind == kind and one.sql)
    for table in schema.tables:
        yield _table(table)
    yield from (one.sql for one in schema.views if one.sql)
    yield from (one.sql for one in schema.objects if one.kind == _FIRST[-1] and one.sql)
    alike = {*other.tables, *other.indexes, *other.triggers, *other.objects}
    for table in schema.tables:
        if table not in alike:
            yield from _parts(table)
    yield from (one.sql for one in schema.indexes if one not in alike and one.sql)
    yield from (one.sql for one in schema.triggers if one not in alike and one.sql)
    yield from (one.sql for one in schema.objects if one not in alike and one.kind not in _FIRST and one.sql)


def _table(table: Table) -> str:
    key = [f"PRIMARY KEY ({', '.join(map(quote, table.primary_key))})"] if table.primary_key else []
    return f"CREATE TABLE {quote(table.name)} ({', '.join([*map(_column, table.columns), *key])})"


def _column(column: Column) -> str:
    words = [quote(column.name), column.declared]
    if column.collation != "binary":
        words.append(f"COLLATE {column.collation}")
    if column.generated:
        words.append(f"GENERATED ALWAYS AS ({column.generated.expression})")
        words.append("STORED" if column.generated.stored else "VIRTUAL")
    return " ".join(words)


def _parts(table: Table) -> Iterator[str]:
    """Yield what gives a table its defaults and its checks, whose names the tables of both schemas have."""
    name = quote(table.name)
    for column in table.columns:
        if column.default is not None:
            yield f"ALTER TABLE {name} ALTER {quote(column.name)} SET DEFAULT {column.default}"
    for one in table.constraint_names:
        if one.kind == "check":
            yield f"ALTER TABLE {name} ADD CONSTRAINT {quote(one.name)} CHECK ({one.of[0]})"
