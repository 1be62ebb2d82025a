"""What SQLite finds out about the rows of a database: `databases.base.Checks`."""

from __future__ import annotations

from architect_migrate.databases.sqlite.rows import foreign_keys, integrity

check_keys = foreign_keys.check_keys
integrity_of = integrity.integrity_of
