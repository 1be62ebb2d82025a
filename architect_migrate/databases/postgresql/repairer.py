"""Repairs of a PostgreSQL database, planned and executed: `databases.base.Repairer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from architect_migrate.core.chain_errors import RevisionFailedError
from architect_migrate.databases.postgresql.connection import first_line
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.databases.postgresql.repair import perform as performing
from architect_migrate.databases.postgresql.repair import planner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.databases.postgresql.pinned import Connection

repair_planner = planner.repair_planner
perform = performing.perform
statements_of = performing.statements_of


def built(_connection: Connection, _recorded: tuple[tuple[str, tuple[str, ...]], ...]) -> bool:
    """Return that nothing was built: the statements of a recording are run one by one."""
    return False


def replay_on(connection: Connection, revision: str, statements: Iterable[str]) -> None:
    """Run the recorded statements of a revision. Raises RevisionFailedError."""
    for statement in statements:
        try:
            query(connection, statement)
        except psycopg.Error as error:
            raise RevisionFailedError(revision, "upgrade()", first_line(error)) from error
