"""PostgreSQL databases that are thrown away: `databases.base.Temporary`, as a replay needs it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.lent import LentConnection, LentCursor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def scratch(place: Path | str) -> Iterator[LentConnection]:
    """Open the empty database on which a chain is replayed, by its connection string (see `scratch_database`)."""
    connection = LentConnection.connect(
        str(place), prepare_threshold=None, cursor_factory=LentCursor, application_name="archmig"
    )
    try:
        yield connection
    finally:
        connection.really().close()
