"""How far sequences have come, which no rollback takes back: `setval` takes effect at once, and for all sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.pinned import query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.databases.postgresql.pinned import Connection

# Counting down is progress for a sequence with a negative increment.
_SEQUENCES = """
    SELECT sequencename::text, last_value, sign(increment_by)::int FROM pg_sequences
    WHERE schemaname = current_schema()"""
_OWNED = """
    SELECT s.relname::text, t.relname::text FROM pg_depend d
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_class t ON t.oid = d.refobjid
    WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
          AND s.relnamespace = current_schema()::regnamespace"""
_FORWARD = """
    SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, %(was)s * sign(increment_by)::bigint)
    FROM pg_sequences WHERE schemaname = %(schema)s AND sequencename = %(name)s
          AND coalesce(last_value * sign(increment_by) < %(was)s, true)"""


def sequences(connection: Connection) -> dict[str, int | None]:
    """Return how far each sequence of the schema has come, None where it gave out no number yet."""
    rows = query(connection, _SEQUENCES).fetchall()
    return {name: None if value is None else int(value) * sign for name, value, sign in rows}


def owned_by(connection: Connection) -> dict[str, str]:
    """Return the sequences of the schema that give out the numbers of a column, each with its table."""
    return dict(query(connection, _OWNED).fetchall())


def next_number(connection: Connection, sequence: str) -> int:
    """Return the next number of a sequence that gave out none since it was made or begun anew."""
    asked = f"""SELECT s.last_value, sign(increment_by)::int FROM {quote(sequence)} s, pg_sequences
                WHERE schemaname = current_schema() AND sequencename = {literal(sequence)}"""
    value, sign = query(connection, asked).fetchall()[0]
    return int(value) * int(sign)


def bring_forward(connection: Connection, schema: str, were: Mapping[str, int | None]) -> None:
    """Set the sequences of a schema that are behind where they were to that again."""
    for name, was in were.items():
        if was is not None:
            query(connection, _FORWARD, {"schema": schema, "name": name, "was": was})
