"""What is in a PostgreSQL database: `databases.base.Reader`, as far as archmig only looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql import access, presence, questions, reflect
from architect_migrate.databases.questions import count_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any, NoReturn

    import psycopg

    from architect_migrate.databases.base import Place
    from architect_migrate.databases.values import CopiedTable, Snapshot, StoredObject
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.plan import Plan, Step

    Connection = psycopg.Connection[Any]

read_schema = reflect.read_schema
ask = questions.ask
row_counts = questions.row_counts
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
    """Refuse: only a run needs it. Raises LooksOnlyError."""
    return _refuse(connection, "copy its definitions")


def stored_objects(connection: Connection, hidden: Iterable[str]) -> tuple[StoredObject, ...]:
    """Refuse: only a baseline needs it. Raises LooksOnlyError."""
    return _refuse(connection, f"make a baseline without {', '.join(hidden)}")


def snapshot_of(path: Path, hidden: Iterable[str]) -> Snapshot:
    """Refuse: only a squash needs it. Raises LooksOnlyError."""
    raise access.looks_only(path, f"squash its chain without {', '.join(hidden)}")


def row_tables(connection: Connection) -> Mapping[str, object]:
    """Refuse: only a rehearsal needs it. Raises LooksOnlyError."""
    return _refuse(connection, "rehearse on a copy")


def rows_left_out(connection: Connection, copied: CopiedTable, statements: Iterable[str]) -> int:
    """Refuse: only a run needs it. Raises LooksOnlyError."""
    return _refuse(
        connection, f"compare {copied.source} with {copied.target} after {len(tuple(statements))} statements"
    )


def found_in_rows(connection: Connection, _history: History, plan: Plan, _there: Schema) -> tuple[Finding, ...]:
    """Refuse: only a run needs it. Raises LooksOnlyError."""
    return _refuse(connection, f"run {len(plan.steps)} steps")


def _refuse(connection: Connection, action: str) -> NoReturn:
    raise access.looks_only(connection, action)
