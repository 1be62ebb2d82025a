"""The watch on the chain's code."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.databases.questions import count_rows
from architect_migrate.databases.registry import access, driver_errors, watching
from support.kinds import ADD, run

if TYPE_CHECKING:
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection


def test_what_statements_write_is_logged(people: DatabaseUrl) -> None:
    run(people, "CREATE TABLE gone (id INTEGER)")
    with access.transaction(people, 1.0) as connection, watching.write_log(connection) as seen:
        connection.execute(ADD)
        connection.execute("UPDATE people SET name = 'Al' WHERE id = 1")
        connection.execute("DELETE FROM people WHERE id = 2")
        connection.execute("DROP TABLE gone")
    assert (seen.inserted, seen.updated, seen.deleted) == ({"people"}, {("people", "name")}, {"people"})
    assert ("gone" in seen.dropped, seen.tables()) == (True, {"people"})


def test_what_only_reads_writes_nothing(people: DatabaseUrl) -> None:
    with access.transaction(people, 1.0) as connection, watching.write_log(connection) as seen:
        assert count_rows(connection, "people") == 2
    assert seen.tables() == frozenset()


def end(connection: Connection, ending: str, caught: tuple[type[Exception], ...]) -> None:
    """What a revision may do."""
    with watching.write_log(connection):
        connection.execute(ADD)
        with suppress(*caught):
            connection.execute(ending)


@pytest.mark.parametrize("ending", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("caught", ["caught", "not caught"])
def test_code_that_ends_the_transaction_is_refused_and_nothing_is_kept(
    people: DatabaseUrl, ending: str, caught: str
) -> None:
    with pytest.raises(TransactionEndedError), access.transaction(people, 1.0) as connection:
        end(connection, ending, driver_errors() if caught == "caught" else ())
    with access.reading(people) as connection:
        assert count_rows(connection, "people") == 2
