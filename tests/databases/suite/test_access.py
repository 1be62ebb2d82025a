"""Places and connections."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import DatabaseLockedError, DatabaseMissingError, LockedByRunError
from architect_migrate.core.server_errors import NoSuchDatabaseError
from architect_migrate.databases.absence import Absence
from architect_migrate.databases.questions import count_rows
from architect_migrate.databases.registry import access, driver_errors, marks
from support.kinds import ADD, run

if TYPE_CHECKING:
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.base import Connection


def fail_after(*statements: str, connection: Connection | None = None) -> None:
    for statement in statements:
        assert connection
        connection.execute(statement)
    raise ZeroDivisionError


def number_of_people(place: DatabaseUrl) -> int:
    with access.reading(place) as connection:
        return count_rows(connection, "people")


def test_where_no_database_is_nothing_is_read_and_nothing_is_made(place: DatabaseUrl) -> None:
    assert (access.exists(place), access.is_empty(place)) == (False, True)
    with pytest.raises((DatabaseMissingError, NoSuchDatabaseError)), access.reading(place):
        pytest.fail("it was opened")
    with access.looked_at(place, 1.0) as found:
        assert found is Absence.MISSING
    assert not access.exists(place)


def test_a_database_is_looked_at_unless_it_is_empty(people: DatabaseUrl, other: DatabaseUrl) -> None:
    run(other)
    with access.looked_at(other, 1.0) as found:
        assert found is Absence.EMPTY
    with access.looked_at(people, 1.0) as found:
        assert not isinstance(found, Absence)
        assert count_rows(found, "people") == 2
    assert (access.is_empty(other), access.is_empty(people), access.size(people) > 0) == (True, False, True)


def test_where_no_database_is_nothing_is_written(place: DatabaseUrl) -> None:
    assert access.size(place) == 0
    with pytest.raises((DatabaseMissingError, NoSuchDatabaseError)), access.transaction(place, 0):
        pytest.fail("it was opened")
    assert not access.exists(place)


@pytest.mark.usefixtures("makes")
def test_a_created_database_defines_nothing_and_is_removed_if_its_block_fails(place: DatabaseUrl) -> None:
    with pytest.raises(ZeroDivisionError), access.created(place):
        fail_after()
    assert not access.exists(place)
    with access.created(place):
        assert access.exists(place)
    assert (access.exists(place), access.is_empty(place)) == (True, True)
    with access.reading(place) as connection:
        assert marks.defines_nothing(connection)


def test_a_database_that_was_there_stays_if_the_block_fails(people: DatabaseUrl) -> None:
    with pytest.raises(ZeroDivisionError), access.created(people):
        fail_after()
    assert number_of_people(people) == 2


def test_a_transaction_is_kept_as_a_whole_or_not_at_all(people: DatabaseUrl) -> None:
    with pytest.raises(ZeroDivisionError), access.transaction(people, 1.0) as connection:
        fail_after(ADD, "CREATE TABLE more (id INTEGER)", connection=connection)
    assert marks.names_in(people, 1.0).tables == {"people"}
    assert number_of_people(people) == 2
    with access.transaction(people, 1.0) as connection:
        connection.execute(ADD)
    assert number_of_people(people) == 3


def test_a_connection_for_reading_cannot_write(people: DatabaseUrl) -> None:
    with access.reading(people) as connection, pytest.raises(driver_errors()):
        connection.execute(ADD)


def test_all_reads_of_a_connection_see_the_same_moment(people: DatabaseUrl) -> None:
    with access.reading(people) as connection:
        assert count_rows(connection, "people") == 2
        # A kind may let the other one write, or not.
        with suppress(DatabaseLockedError):
            run(people, ADD)
        assert count_rows(connection, "people") == 2


def test_one_run_waits_for_another_and_is_told_about_it(people: DatabaseUrl) -> None:
    with access.transaction(people, 1.0), pytest.raises(LockedByRunError), access.transaction(people, 0):
        pytest.fail("two at once")


def test_an_exclusive_transaction_leaves_nothing(people: DatabaseUrl) -> None:
    with access.exclusive(people, 1.0) as connection:
        connection.execute(ADD)
        with pytest.raises(LockedByRunError), access.transaction(people, 0):
            pytest.fail("two at once")
    assert number_of_people(people) == 2


@pytest.mark.usefixtures("makes")
def test_a_removed_database_is_gone(people: DatabaseUrl) -> None:
    assert access.size(people) > 0
    access.remove(people)
    assert (access.exists(people), access.size(people)) == (False, 0)
    with pytest.raises(OSError, match="a"):
        access.remove(people)
