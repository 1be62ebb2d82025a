"""Backups, and the proof of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import BackupError, NotReadBackError
from architect_migrate.databases.registry import access, keeper, marks
from architect_migrate.databases.values import CommitOutcome, Permitted, differences, no_progress
from support.kinds import ADD, run

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.values import Backup, Content, RowProof

TABLE = "alembic_version"


def content(place: DatabaseUrl) -> Content:
    with access.reading(place) as connection:
        return keeper.content_of(connection)


def content_in(backup: Backup) -> Content:
    with access.reading(backup.path) as connection:
        return keeper.completed(connection, backup.content)


@pytest.fixture
def made(people: DatabaseUrl, tmp_path: Path) -> Backup:
    (tmp_path / "backups").mkdir()
    return keeper.take(people, tmp_path / "backups", "people")


@pytest.mark.usefixtures("undoes")
def test_a_backup_holds_what_the_database_holds(people: DatabaseUrl, made: Backup) -> None:
    assert differences(content(people), content_in(made)) == ()
    run(people, ADD)
    assert [each.subject for each in differences(content_in(made), content(people))] == ["table people"]


@pytest.mark.usefixtures("undoes")
def test_rows_are_compared_with_a_backup_by_key_and_its_content_comes_back(people: DatabaseUrl, made: Backup) -> None:
    before = content(people)
    run(people, ADD, "UPDATE people SET name = 'Al' WHERE id = 1", "DELETE FROM people WHERE id = 2")
    with access.reading(made.path) as backup:
        with access.reading(people) as now:
            (delta,) = keeper.row_deltas(now, backup, ["people", "no such table"])
        assert (delta.lacking, delta.changed, delta.returning, delta.exact) == (1, 1, 1, True)
        with keeper.hold_unchanged(people, 1.0) as held:
            held.overwrite(backup, content_in(made), 1.0, lambda: None)
    assert differences(before, content(people)) == ()


@pytest.mark.usefixtures("copies")
def test_a_clone_is_equal_and_never_takes_the_place_of_another(people: DatabaseUrl, other: DatabaseUrl) -> None:
    keeper.clone(people, other, no_progress)
    assert differences(content(people), content(other)) == ()
    run(people, ADD)
    with pytest.raises(BackupError):
        keeper.clone(people, other, no_progress)
    assert differences(content(people), content(other)) != ()


def proof(place: DatabaseUrl, before: Backup, *statements: str, permitted: Permitted) -> RowProof:
    """The proof of statements, which are rolled back."""
    with access.exclusive(place, 1.0) as after:
        keeper.keep(after, ("people",))
        for statement in statements:
            after.execute(statement)
        with keeper.sides(after, before.path) as then:
            return keeper.prove_rows(then, after, permitted)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM people WHERE id = 2",
        "UPDATE people SET name = 'Al' WHERE id = 1",
        "UPDATE people SET id = 9 WHERE id = 1",
        "DROP TABLE people",
    ],
)
def test_a_row_that_is_lost_or_changed_is_found(people: DatabaseUrl, made: Backup, statement: str) -> None:
    assert proof(people, made, statement, permitted=Permitted(frozenset({"people"}))).lost > 0


def test_a_new_row_and_a_permitted_change_are_no_loss(people: DatabaseUrl, made: Backup) -> None:
    assert proof(people, made, ADD, permitted=Permitted(frozenset({"people"}))).lost == 0
    named = Permitted(frozenset({"people"}), updated=frozenset({("people", "name")}))
    assert proof(people, made, "UPDATE people SET name = 'Al'", permitted=named).lost == 0


def test_what_was_committed_is_read_back_and_anything_else_is_an_error(people: DatabaseUrl) -> None:
    with access.transaction(people, 1.0) as connection:
        marks.write_stamp(connection, TABLE, ("a1",))
        committed = keeper.committing(connection, ("a1",), marks.fingerprint_of(connection, (TABLE,)))
    assert keeper.read_back(people, 1.0, TABLE, committed) is None
    run(people, "DROP INDEX by_name")
    assert isinstance(keeper.read_back(people, 1.0, TABLE, committed), NotReadBackError)


@pytest.mark.usefixtures("undoes")
def test_the_content_says_which_side_of_a_commit_it_is(people: DatabaseUrl) -> None:
    before = content(people)
    run(people, ADD)
    after = content(people)
    assert keeper.commit_outcome(people, 1.0, before, after) is CommitOutcome.AFTER
    run(people, "DELETE FROM people WHERE id = 3")
    assert keeper.commit_outcome(people, 1.0, before, after) is CommitOutcome.BEFORE
    run(people, "DELETE FROM people")
    assert keeper.commit_outcome(people, 1.0, before, after) is CommitOutcome.UNKNOWN


def test_rows_without_what_they_refer_to_are_found_where_they_are_new(people: DatabaseUrl, made: Backup) -> None:
    run(people, "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES people (id))")
    with access.exclusive(people, 1.0) as after:
        keeper.keep(after, ())
        with keeper.sides(after, made.path) as then:
            assert keeper.orphaned(then, after, Permitted(frozenset({"pets"}))) == (0, 0, [])
        assert keeper.damage(after) == ()
