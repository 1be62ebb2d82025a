"""What statements do on a connection to PostgreSQL: `databases.base.Watching`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import psycopg

from architect_migrate.databases.postgresql import access, held
from architect_migrate.databases.postgresql import write_log as logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.base import Mend, Place
    from architect_migrate.databases.postgresql.lent import LentConnection

write_log = logs.write_log
settled = logs.settled
still_inside = held.still_inside
rows_written = held.rows_written
# Errors by what objects there are, whatever rows there are.
_OF_SCHEMA = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedObject,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateColumn,
    psycopg.errors.DuplicateObject,
    psycopg.errors.DuplicateFunction,
    psycopg.errors.DependentObjectsStillExist,
)


@contextmanager
def unwatched(connection: LentConnection) -> Iterator[None]:
    """Let archmig itself act in a block of the chain's code."""
    before = connection.committed, connection.given_up
    with connection.unheard():
        yield
    connection.committed, connection.given_up = before


def mending(_connection: LentConnection) -> Mend:
    """Return what restores objects that a revision drops by accident: nothing, since ALTER TABLE keeps them all."""
    return lambda _seen, _revision, _history: ()


def meter_of(place: Place) -> NoReturn:
    """Refuse to measure steps. Raises UnsupportedError."""
    raise access.unsupported(place, "measure revisions on databases")


def lint_code(error: Exception) -> str:
    """Return the lint rule on statements that fail on rows as this one did; empty for any other error."""
    match error:
        case psycopg.errors.NotNullViolation():
            return "AM301"
        case psycopg.errors.IntegrityError():
            return "AM302"
        case _:
            return ""


def is_of_the_schema(error: Exception) -> bool:
    """Return whether a statement failed by what objects there are, whatever rows there are."""
    return isinstance(error, _OF_SCHEMA)


def names_objects(error: Exception) -> bool:
    """Return whether the text of an error can name objects only, and no value of a row."""
    # The first line of an error on a constraint names table and constraint; values stand in its detail.
    return isinstance(error, psycopg.errors.IntegrityError)
