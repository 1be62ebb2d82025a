"""Stamps and digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import StampError
from architect_migrate.databases.registry import access, marks
from support.kinds import ADD, PEOPLE, run

if TYPE_CHECKING:
    from architect_migrate.core.urls import DatabaseUrl

TABLE = "alembic_version"


def digest(place: DatabaseUrl, *without: str) -> str:
    with access.reading(place) as connection:
        found = marks.digest(connection, without)
        assert marks.fingerprint_of(connection, without).schema == found
        return found


def test_databases_of_the_same_schema_have_the_same_digest(people: DatabaseUrl, other: DatabaseUrl) -> None:
    run(other, *PEOPLE, ADD)
    assert digest(people) == digest(other)


@pytest.mark.parametrize("change", ["DROP INDEX by_name", "ALTER TABLE people ADD COLUMN age INTEGER"])
def test_another_schema_has_another_digest(people: DatabaseUrl, change: str) -> None:
    before = digest(people)
    run(people, change)
    assert digest(people) != before


def test_hidden_tables_do_not_count(people: DatabaseUrl) -> None:
    before = digest(people)
    run(people, "CREATE TABLE own (id INTEGER PRIMARY KEY)", "CREATE INDEX by_id ON own (id)")
    assert (digest(people) != before, digest(people, "own")) == (True, before)


@pytest.mark.parametrize("heads", [("a1",), ("a1", "b2"), ("b2",), ()])
def test_a_stamp_is_read_as_it_was_written_and_replaces_the_one_before(
    people: DatabaseUrl, heads: tuple[str, ...]
) -> None:
    assert marks.read_stamp(people, 1.0, TABLE) == ()
    for stamp in (("a1", "c3"), heads):
        with access.transaction(people, 1.0) as connection:
            marks.write_stamp(connection, TABLE, stamp)
            # Before the commit too: the proof of a run reads it on the same connection.
            assert marks.read_claims(connection, None, TABLE).stamp == stamp
    assert marks.read_stamp(people, 1.0, TABLE) == heads
    with access.reading(people) as connection:
        assert marks.plain_stamp(connection, TABLE) == heads


def test_a_table_that_is_no_version_table_is_refused_and_has_no_stamp(people: DatabaseUrl) -> None:
    with pytest.raises(StampError):
        marks.read_stamp(people, 1.0, "people")
    with access.reading(people) as connection:
        assert marks.plain_stamp(connection, "people") == ()


def test_what_defines_nothing_and_what_has_names(people: DatabaseUrl, other: DatabaseUrl) -> None:
    run(other)
    with access.reading(other) as connection:
        assert marks.defines_nothing(connection)
    with access.reading(people) as connection:
        assert not marks.defines_nothing(connection)
    names = marks.names_in(people, 1.0)
    assert (names.tables, names.indexes, names.columns) == (
        {"people"},
        {"by_name"},
        {("people", "id"), ("people", "name")},
    )
    assert not marks.names_in(other, 1.0).tables
