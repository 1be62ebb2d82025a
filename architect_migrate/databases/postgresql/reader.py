"""What is in a PostgreSQL database: `databases.base.Reader`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql import access, foreseen, presence, questions, reflect
from architect_migrate.databases.questions import count_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any, NoReturn

    import psycopg

    from architect_migrate.databases.base import Place
    from architect_migrate.databases.values import Snapshot, StoredObject
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.plan import Step

    Connection = psycopg.Connection[Any]

read_schema = reflect.read_schema
ask = questions.ask
row_counts = questions.row_counts
found_in_rows = foreseen.found_in_rows
has_triggers = presence.has_triggers


def rows_of(place: Place, timeout: float, tables: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return how many rows those of the tables have that are there."""
    with access.reading(place, timeout) as connection:
        there = presence.table_names(connection)
        return tuple((table, count_rows(connection, table)) for table in tables if table in there)


def schema_after(connection: Connection, steps: Iterable[Step], hidden: Iterable[str]) -> Schema | None:
    """Return nothing: what repairs of interrupted work would leave is not known here."""
    return read_schema(connection, hidden) if not tuple(steps) else None


def definitions_of(connection: Connection) -> tuple[tuple[str, str], ...]:
    """Refuse: only a run needs it. Raises UnsupportedError."""
    return _refuse(connection, "copy definitions of databases")


def stored_objects(connection: Connection, _hidden: Iterable[str]) -> tuple[StoredObject, ...]:
    """Refuse: only a baseline needs it. Raises UnsupportedError."""
    return _refuse(connection, "make a baseline from databases")


def snapshot_of(path: Path, _hidden: Iterable[str]) -> Snapshot:
    """Refuse: only a squash needs it. Raises UnsupportedError."""
    raise access.unsupported(path, "squash chains on databases")


def row_tables(connection: Connection) -> Mapping[str, object]:
    """Refuse: only a rehearsal needs it. Raises UnsupportedError."""
    return _refuse(connection, "rehearse on copies of databases")


def _refuse(connection: Connection, action: str) -> NoReturn:
    raise access.unsupported(connection, action)
