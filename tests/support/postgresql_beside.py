"""What the objects of a PostgreSQL database have beside their definitions: given to all of them, and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.paths import DATA

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]


def decorate(connection: Connection) -> None:
    """Give each object of the schema what it can have, of another value than it has by default."""
    connection.execute((DATA / "postgresql_decorate.sql").read_text(encoding="utf-8"))


def beside(connection: Connection) -> dict[str, frozenset[str]]:
    """What each object has, by its kind and name."""
    sql = (DATA / "postgresql_beside.sql").read_text(encoding="utf-8")
    return {name: frozenset(has) for name, has in connection.execute(sql).fetchall()}
