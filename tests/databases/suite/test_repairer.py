"""Repair steps, and building from a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import RevisionFailedError
from architect_migrate.databases.registry import LOCAL, access, keeper, marks, reader, repairer
from architect_migrate.databases.values import Permitted
from architect_migrate.planning.plan import (
    AddColumn,
    AlterObject,
    CreateObject,
    DropColumn,
    DropObject,
    RebuildTable,
    RenameColumn,
    RenameTable,
)
from architect_migrate.planning.table_edits import SetDefault, SetNotNull
from support.kinds import PEOPLE, run, writing

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.model.schema import Schema
    from architect_migrate.planning.plan import RepairStep

DROP = "ALTER TABLE people DROP COLUMN age"
PETS = (
    "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES people (id))",
    "INSERT INTO pets VALUES (1, 2)",
)


def performed(place: DatabaseUrl, *steps: RepairStep) -> Schema:
    with writing(place) as connection:
        for step in steps:
            repairer.perform(connection, step, lambda *_: None)
        return reader.read_schema(connection)


def names(schema: Schema) -> list[str]:
    return [column.name for table in schema.tables for column in table.columns]


def test_columns_and_indexes_come_and_go(people: DatabaseUrl) -> None:
    schema = performed(people, AddColumn("people", "age", "age INTEGER DEFAULT 3"), DropObject("index", "by_name"))
    assert (names(schema), schema.indexes) == (["id", "name", "age"], ())
    create = CreateObject("index", "by_age", "CREATE INDEX by_age ON people (years)")
    schema = performed(people, RenameColumn("people", "age", "years"), create)
    assert (names(schema), [each.name for each in schema.indexes]) == (["id", "name", "years"], ["by_age"])
    assert names(performed(people, DropObject("index", "by_age"), DropColumn("people", "years"))) == ["id", "name"]
    assert reader.rows_of(people, 1.0, ["people"]) == (("people", 2),)


def test_statements_of_a_step_run_in_their_order(people: DatabaseUrl) -> None:
    statements = (
        "DROP INDEX by_name",
        "ALTER TABLE people ADD COLUMN age INTEGER",
        "CREATE INDEX by_age ON people (age)",
    )
    schema = performed(people, AlterObject("table", "people", ("add column age",), statements))
    assert (names(schema), [each.name for each in schema.indexes]) == (["id", "name", "age"], ["by_age"])
    told = DropObject("index", "no such name", sql="DROP INDEX by_age"), DropColumn("people", "no such name", sql=DROP)
    assert (names(performed(people, *told)), reader.rows_of(people, 1.0, ["people"])) == (
        ["id", "name"],
        (("people", 2),),
    )


@pytest.mark.parametrize(("references", "parent"), [("stay", "people"), ("follow", "persons")])
def test_references_stay_or_follow_a_table_that_is_renamed(people: DatabaseUrl, references: str, parent: str) -> None:
    """The word may come from a file, where it is an ordinary text."""
    if references == "stay" and people.backend != LOCAL:
        pytest.skip("references follow a table wherever it goes")
    run(people, *PETS)
    schema = performed(people, RenameTable("people", "persons", references=references))
    (pets,) = (table for table in schema.tables if table.name == "pets")
    assert [key.parent for key in pets.foreign_keys] == [parent]


@pytest.mark.usefixtures("local")
def test_a_table_that_is_given_another_shape_keeps_its_rows(people: DatabaseUrl, tmp_path: Path) -> None:
    run(people, "ALTER TABLE people ADD COLUMN age INTEGER", "UPDATE people SET age = 3")
    made = keeper.take(people, tmp_path, "people")
    schema = performed(people, RebuildTable("people", (SetNotNull("age"), SetDefault("age", "1"))))
    (table,) = schema.tables
    assert [(each.name, each.not_null) for each in table.columns if each.name == "age"] == [("age", True)]
    assert [each.name for each in schema.indexes] == ["by_name"]
    with access.reading(made.path) as before, access.reading(people) as after:
        assert keeper.prove_rows(before, after, Permitted(frozenset({"people"}))).lost == 0


@pytest.mark.usefixtures("local")
def test_a_recording_builds_what_its_statements_build(people: DatabaseUrl, other: DatabaseUrl) -> None:
    with access.created(other), access.transaction(other, 1.0) as connection:
        if not repairer.built(connection, (("a1", PEOPLE[:2]), ("b2", PEOPLE[2:]))):
            repairer.replay_on(connection, "a1", PEOPLE)
    with access.reading(people) as one, access.reading(other) as another:
        assert marks.digest(one) == marks.digest(another)
        assert keeper.row_deltas(one, another, ["people"])[0].lacking == 0


def test_a_recorded_statement_that_fails_names_its_revision(people: DatabaseUrl) -> None:
    with pytest.raises(RevisionFailedError, match="a1"), writing(people) as connection:
        repairer.replay_on(connection, "a1", ["CREATE TABLE people (id INTEGER)"])
