"""What PostgreSQL finds out about the rows of a database by reading: `databases.base.Checks`.

PostgreSQL enforces constraints when rows are written, so rows break one only if it was added NOT VALID, if triggers
were off while they were loaded, or if a function that a check calls has changed. So each constraint is asked, those of
domains and the values of stored generated columns too.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

import psycopg

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.connection import first_line
from architect_migrate.databases.postgresql.pinned import pinned, query, taken_back
from architect_migrate.databases.postgresql.queries import (
    AMCHECK,
    CHECKS,
    CHECKSUM_FAILURES,
    COLLATION_VERSIONS,
    DOMAINS,
    FOREIGN_KEYS,
)
from architect_migrate.databases.values import Integrity, Keys, Orphans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.databases.postgresql.pinned import Connection, Row

Unknown: TypeAlias = "list[tuple[str, str]]"
_MOST = 10


def integrity_of(connection: Connection, table: str = "") -> Integrity:
    """Check the rows of the whole schema, or of one table, against the declarations of their tables.

    Indexes are checked too where the extension amcheck is installed and the role may use it. `unchecked` says what is
    not known, and why.
    """
    unknown: Unknown = []
    with pinned(connection) as schema:
        broken = Counter(dict(_broken(connection, (schema, table), unknown)))
        damage = [*_failed_checksums(connection), *_corrupt(connection, (schema, table), unknown)]
        if connection.info.server_version >= 150_000:
            unknown += ((str(name), str(why)) for name, why in query(connection, COLLATION_VERSIONS))
    return Integrity(tuple(damage[:_MOST]), broken, tuple(unknown), "declarations")


def check_keys(connection: Connection) -> Keys:
    """Check every foreign key of the schema; `unchecked` lists (table, reason) where that is not possible."""
    unknown: Unknown = []
    with pinned(connection) as schema:
        keys = query(connection, FOREIGN_KEYS, {"schema": schema}).fetchall()
        orphans = [found for key in keys if (found := _orphans(connection, key, unknown))]
    return Keys(len({key[0] for key in keys}), tuple(orphans), tuple(unknown))


def _broken(connection: Connection, where: tuple[str, str], unknown: Unknown) -> Iterator[tuple[str, int]]:
    """Yield each constraint of a table's own that rows violate, with their number."""
    schema, only = where
    found = query(connection, CHECKS, {"schema": schema}).fetchall()
    for table, its in groupby(found, itemgetter(0)):
        if only in {"", table}:
            checks = {name: f"NOT ({check}\n)" for _, name, check in its}
            for name, number in _counted_at_once(connection, table, checks, unknown):
                if number:
                    yield f"{name} of table {table}", number
    for table, name, of, check in query(connection, DOMAINS, {"schema": schema}).fetchall():
        # VALUE, by which a domain's check names what it is about, is the column of the query here.
        rows = f"FROM (SELECT {of} AS value FROM ONLY {quote(table)}) v WHERE NOT ({check}\n)"
        if only in {"", table} and (number := _counted(connection, (table, name), rows, unknown)):
            yield f"{name} of table {table}", number


def _counted_at_once(
    connection: Connection, table: str, conditions: Mapping[str, str], unknown: Unknown
) -> Iterator[tuple[str, int]]:
    """Yield each condition's name and for how many rows it is true: in one scan, or one by one where one fails."""
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions.values())
    try:
        with taken_back(connection):
            (counted,) = query(connection, f"SELECT {counts} FROM ONLY {quote(table)}").fetchall()
    except psycopg.errors.OperationalError:
        raise
    except psycopg.Error:
        for name, condition in conditions.items():
            yield name, _counted(connection, (table, name), f"FROM ONLY {quote(table)} WHERE {condition}", unknown)
    else:
        yield from zip(conditions, counted, strict=True)


def _orphans(connection: Connection, key: Row, unknown: Unknown) -> Orphans | None:
    """The rows of a foreign key without a row that they refer to; None if there are none."""
    table, among, parent, parents, columns, referred, match, temporal = key
    if temporal:
        unknown.append((table, f"its key to {parent} is one of periods"))
        return None
    pairs = " AND ".join(f"p.{quote(to)} = c.{quote(own)}" for own, to in zip(columns, referred, strict=True))
    filled = [f"c.{quote(own)} IS NOT NULL" for own in columns]
    # A key that matches fully refers to something as soon as one of its columns is not NULL.
    asked = f"({' OR '.join(filled)})" if match == "f" else " AND ".join(filled)
    where = f"{asked} AND NOT EXISTS (SELECT FROM {parents}{parent} p WHERE {pairs})"
    what = (table, f"its key to {parent}")
    rows = _counted(connection, what, f"FROM {among}{quote(table)} c WHERE {where}", unknown)
    return Orphans(table, parent, rows, ()) if rows else None


def _counted(connection: Connection, what: tuple[str, str], rows: str, unknown: Unknown) -> int:
    """The number of rows of a query; where PostgreSQL cannot tell, the reason goes to `unknown`.

    `what` are the table and what is asked of it, in words.
    """
    table, asked = what
    try:
        with taken_back(connection):
            return int(query(connection, f"SELECT count(*) {rows}").fetchall()[0][0])
    except psycopg.errors.OperationalError:
        raise
    except psycopg.Error as error:
        unknown.append((table, f"{asked}: {first_line(error)}"))
        return 0


def _failed_checksums(connection: Connection) -> Iterator[str]:
    for failures, last in query(connection, CHECKSUM_FAILURES):
        yield f"{failures} pages of the database failed their checksum, the last one on {last}"


def _corrupt(connection: Connection, where: tuple[str, str], unknown: Unknown) -> Iterator[str]:
    """Yield a line for each index that is not as its table, where amcheck can be asked."""
    schema, only = where
    found = query(connection, AMCHECK, {"schema": schema}).fetchall()
    if not found:
        unknown.append(("the indexes", "the extension amcheck is not installed"))
    for table, index, asked in found:
        if only not in {"", table}:
            continue
        try:
            with taken_back(connection):
                query(connection, asked)
        except psycopg.errors.InsufficientPrivilege as error:
            unknown.append(("the indexes", first_line(error)))
            return
        except (psycopg.errors.IndexCorrupted, psycopg.errors.DataCorrupted) as error:
            yield f"index {index} of table {table}: {first_line(error)}"
        except psycopg.errors.OperationalError:
            raise
        except psycopg.Error as error:
            unknown.append((f"index {index}", first_line(error)))
