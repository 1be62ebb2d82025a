"""Finds out whether others wrote to a table between the dump of its rows and the run that changes them.

What they wrote is in no archive, so an undo would lose it. A row shows the transaction that wrote it, and a row that
was deleted is missing from the number of those that the archive has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.databases.values import Rows, Unread

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.pinned import Connection

# The number of a transaction in a row has 32 of its 64 bits, and the others are those of the next number or one less.
# Rows of the run itself belong to a transaction that is in progress.
_WRITTEN = """
    SELECT count(*) FILTER (WHERE writer < {since}),
           count(*) FILTER (WHERE CASE WHEN writer >= {since} THEN
                                       pg_xact_status(writer::text::xid8) = 'committed' END)
    FROM (SELECT next - ((next - xmin::text::bigint) & 4294967295) AS writer
          FROM ONLY {table}, (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) n) r"""


def others_wrote(connection: Connection, place: str, had: Rows | Unread | None, since: str) -> bool:
    """Return whether others may have written to a table, named by its `place`, since an archive was made of its rows.

    `had` is what the archive has; only where its rows were counted, that tells. The rows that the archive has must not
    have been changed by the run itself. `since` is the number of the oldest transaction that the dump may not have seen
    whole: what it wrote before the dump counts too, on the safe side.
    """
    if not isinstance(had, Unread):
        return True
    old, new = query(connection, _WRITTEN.format(table=quote(place), since=int(since))).fetchone() or (0, 0)
    return bool(old != had.number or new > 0)
