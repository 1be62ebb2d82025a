"""What is in a SQLite database: `databases.base.Reader`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.databases.questions import count_rows
from architect_migrate.databases.sqlite import access, baseline_draft, definitions, presence, reflect, snapshot
from architect_migrate.databases.sqlite.repair import rename
from architect_migrate.databases.sqlite.rows import exact, foreseen, questions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.databases.base import Place

read_schema = reflect.read_schema
schema_after = rename.schema_after
definitions_of = definitions.definitions_of
stored_objects = baseline_draft.objects_in
snapshot_of = snapshot.snapshot_of
has_triggers = presence.has_triggers
ask = questions.ask
row_counts = questions.row_counts
row_tables = exact.row_tables
found_in_rows = foreseen.found_in_rows


def rows_of(place: Place, timeout: float, tables: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return how many rows those of the tables have that are there, by their own spelling."""
    with access.reading(place, timeout) as connection:
        there = {fold(table): table for table in presence.table_names(connection)}
        return tuple((there[name], count_rows(connection, there[name])) for name in map(fold, tables) if name in there)
