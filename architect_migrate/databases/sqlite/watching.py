"""What statements do on a SQLite connection: `databases.base.Watching`."""

from __future__ import annotations

from architect_migrate.databases.sqlite import authorizer, connection, failures, meter
from architect_migrate.databases.sqlite.repair import batch_repair

write_log = authorizer.write_log
unwatched = authorizer.unwatched
rows_written = connection.rows_written
still_inside = connection.still_inside
mending = batch_repair.mending
meter_of = meter.meter_of
lint_code = failures.lint_code
is_of_the_schema = failures.is_of_the_schema
names_objects = failures.names_objects
