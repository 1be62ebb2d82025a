"""What a run leaves, as its backup records it, and what others may have written since the backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.content import header_of, objects_of, rows_in, tables_of
from architect_migrate.databases.postgresql.kept import stored_tables
from architect_migrate.databases.postgresql.pinned import in_own_texts
from architect_migrate.databases.postgresql.since import others_wrote
from architect_migrate.databases.values import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.databases.postgresql.archive import Archive
    from architect_migrate.databases.postgresql.held import HeldConnection
    from architect_migrate.databases.values import Rows, Unread


def content_after(
    connection: HeldConnection, recorded: Recorded, _backup: Archive, _unwritten: Iterable[str]
) -> tuple[Recorded, tuple[str, ...]]:
    """Digest what a run leaves; rows that it did not write are not read, and are those of the archive.

    Returns also what others wrote after the archive was made, which an undo would lose.
    """
    kept = connection.kept
    assert kept is not None
    assert kept.backup is not None
    now, columns, missed = stored_tables(connection), tables_of(connection), list(kept.missed)
    before = {table.number: table for table in kept.tables.values()}
    tables: dict[str, Rows | Unread] = {}
    with in_own_texts(connection):
        for name, its_columns in columns.items():
            old, had = before.get(now[name].number), recorded.tables.get(name)
            if old == now[name] and had:
                tables[name] = had
                continue
            tables[name] = rows_in(connection, quote(name), its_columns)
            if old and old.name not in kept.copies.keys() | kept.images.keys():
                had = recorded.tables.get(old.name)
                missed += [f"table {old.name}"] * others_wrote(connection, name, had, kept.backup.since)
    return Recorded(objects_of(connection), tables, header_of(connection)), tuple(missed)
