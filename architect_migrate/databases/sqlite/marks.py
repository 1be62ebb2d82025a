"""The marks of a SQLite database: `databases.base.Marks`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite import access, bookkeeping, fingerprint, presence

if TYPE_CHECKING:
    from architect_migrate.databases.base import Place
    from architect_migrate.model.names import Names

defines_nothing = presence.defines_nothing
plain_stamp = bookkeeping.plain_stamp
read_claims = bookkeeping.read_claims
write_stamp = bookkeeping.write_stamp
digest = fingerprint.digest
fingerprint_of = fingerprint.fingerprint_of


def read_stamp(place: Place, timeout: float, version_table: str) -> tuple[str, ...]:
    """Return the revisions in a database's version table; none if it has no such table."""
    with access.reading(place, timeout) as connection:
        return read_claims(connection, None, version_table).stamp or ()


def names_in(place: Place, timeout: float) -> Names:
    """Return the names of all objects in a database; none if it does not exist."""
    from architect_migrate.databases.sqlite import names

    if access.is_empty(place):
        return names.NONE
    with access.reading(place, timeout) as connection:
        return names.names_in(connection)
