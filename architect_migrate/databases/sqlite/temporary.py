"""SQLite databases that are thrown away, or that tests are given: `databases.base.Temporary`."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite import connection, definitions, recorder, reflect
from architect_migrate.databases.sqlite.files import scratch_copy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from sqlite3 import Connection

    from architect_migrate.model.schema import Schema

in_memory = connection.in_memory
held_in_memory = definitions.held_in_memory
make_copy = definitions.make_copy
private_folder = scratch_copy.private_folder


def scratch(place: Path | str) -> closing[Connection]:
    """Open a new database on which a chain is replayed, as `recorder.scratch_connection`."""
    return closing(recorder.scratch_connection(place))


plain = scratch


@contextmanager
def built(file: Path) -> Iterator[Connection]:
    """Open a new database in one transaction, which is committed at the end."""
    with scratch(file) as own:
        # Why: Python's SQLite driver would otherwise commit before some statements, and one transaction is faster.
        own.isolation_level = None
        own.execute("BEGIN")
        yield own
        own.execute("COMMIT")


def image_of(own: Connection) -> bytes:
    """Return the whole database of a connection, also what is not committed."""
    return own.serialize()


@contextmanager
def loaded(image: Path) -> Iterator[Connection]:
    """Open the database of an image in memory."""
    with in_memory() as own:
        own.deserialize(image.read_bytes())
        yield own


def schema_of(objects: Iterable[tuple[str, str]], hidden: Iterable[str]) -> Schema:
    """Return the schema of these objects, without hidden tables. Raises DatabaseError."""
    with held_in_memory() as held:
        make_copy(held, objects)
        return reflect.read_schema(held, tuple(hidden))
