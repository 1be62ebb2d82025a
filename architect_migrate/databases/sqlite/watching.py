"""What statements do on a SQLite connection: `databases.base.Watching`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite import authorizer, connection, failures, meter
from architect_migrate.databases.sqlite.repair import batch_repair
from architect_migrate.databases.values import Writes

if TYPE_CHECKING:
    import sqlite3

write_log = authorizer.write_log
unwatched = authorizer.unwatched
rows_written = connection.rows_written
still_inside = connection.still_inside
mending = batch_repair.mending
meter_of = meter.meter_of
lint_code = failures.lint_code
is_of_the_schema = failures.is_of_the_schema
names_objects = failures.names_objects


def settled(_connection: sqlite3.Connection) -> Writes:
    """Return what was deferred to the end of a run and writes rows: nothing, since SQLite defers checks only."""
    return Writes()
