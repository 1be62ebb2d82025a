"""Schemas, and answers about rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.databases.registry import access, reader
from architect_migrate.planning.plan import DropObject
from architect_migrate.planning.row_questions import NullsIn
from support.kinds import run

if TYPE_CHECKING:
    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.model.schema import Schema


def schema(place: DatabaseUrl, *without: str) -> Schema:
    with access.reading(place) as connection:
        return reader.read_schema(connection, without)


def test_a_schema_has_the_tables_their_columns_and_the_indexes(people: DatabaseUrl) -> None:
    found = schema(people)
    (table,) = found.tables
    (index,) = found.indexes
    assert (table.name, [(each.name, each.not_null) for each in table.columns][1]) == ("people", ("name", True))
    assert (table.primary_key, index.name, index.table) == (("id",), "by_name", "people")


def test_hidden_tables_are_left_out_with_what_belongs_to_them(people: DatabaseUrl) -> None:
    assert (schema(people, "people").tables, schema(people, "people").indexes) == ((), ())


@pytest.mark.usefixtures("local")
def test_steps_are_tried_elsewhere(people: DatabaseUrl) -> None:
    before = schema(people)
    with access.reading(people) as connection:
        after = reader.schema_after(connection, [DropObject("index", "by_name")], ())
        cannot = reader.schema_after(connection, [DropObject("index", "of_nothing")], ())
    assert after is not None
    assert (after.tables, after.indexes, cannot) == (before.tables, (), None)
    assert schema(people) == before


def test_rows_are_counted_and_asked_about(people: DatabaseUrl) -> None:
    run(people, "ALTER TABLE people ADD COLUMN age INTEGER", "UPDATE people SET age = 3 WHERE id = 1")
    with access.reading(people) as connection:
        assert reader.row_counts(connection) == {"people": 2}
        assert reader.ask(connection, NullsIn("people", "age")).count == 1
        with pytest.raises(QuestionError):
            reader.ask(connection, NullsIn("people", "no_such_column"))
    assert reader.rows_of(people, 1.0, ["people", "nobody"]) == (("people", 2),)
