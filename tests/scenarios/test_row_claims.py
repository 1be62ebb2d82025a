"""Databases whose stamp says that revisions changed rows, while the schema lacks something that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.environment import RowAnswer
from architect_migrate.planning.results import Outcome
from support.scenarios import ask, headlines, own_chain, revision, script, stamp
from support.settled import answered, undecided

if TYPE_CHECKING:
    from pathlib import Path

BILLS = "CREATE TABLE bills (id INTEGER PRIMARY KEY, amount INTEGER)"
BILL = "INSERT INTO bills VALUES (1, 1250)"
CENTS = "UPDATE bills SET amount = amount * 100"
PAYERS = "CREATE TABLE payers (id INTEGER PRIMARY KEY)"
PAYEES = "CREATE TABLE payees (id INTEGER PRIMARY KEY)"
# Each chain ends with a revision of rows alone; with it the objects of the database, one of the chain's lacking.
REFUTED = {
    "the table before it": (
        {"a1": revision(None, BILLS), "b2": revision("a1", PAYERS), "c3": revision("b2", CENTS)},
        (BILLS,),
    ),
    "one of two tables before it": (
        {"a1": revision(None, BILLS), "b2": revision("a1", PAYERS, PAYEES), "c3": revision("b2", CENTS)},
        (BILLS, PAYEES),
    ),
    "the table of an earlier revision": (
        {
            "a1": revision(None, BILLS),
            "b2": revision("a1", PAYERS),
            "b3": revision("b2", PAYEES),
            "c3": revision("b3", CENTS),
        },
        (BILLS, PAYEES),
    ),
    "the table after it": (
        {"a1": revision(None, BILLS), "c3": revision("a1", CENTS), "d4": revision("c3", PAYERS)},
        (BILLS,),
    ),
}


@pytest.mark.parametrize(("chain", "objects"), REFUTED.values(), ids=list(REFUTED))
def test_a_stamp_that_lacks_a_table_does_not_say_that_rows_were_changed(
    tmp_path: Path, chain: dict[str, str], objects: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, chain)
    script(home.database, *objects, BILL, *stamp(list(chain)[-1]))
    (told,) = undecided(home)
    assert told.startswith("c3: cannot tell whether its rows are there: its stamp says that it ran, ")
    answered(home, c3=RowAnswer.DONE)
    assert ask(home.database, "SELECT amount FROM bills") == [(1250,)]


@pytest.mark.parametrize("chain_name", list(REFUTED))
def test_where_they_did_not_run_a_person_has_them_run(tmp_path: Path, chain_name: str) -> None:
    chain, objects = REFUTED[chain_name]
    home = own_chain(tmp_path, chain)
    script(home.database, *objects, BILL, *stamp(list(chain)[-1]))
    answered(home, c3=RowAnswer.RUN)
    assert ask(home.database, "SELECT amount FROM bills") == [(125000,)]


def test_a_stamp_does_not_cover_a_revision_whose_new_index_is_missing_and_whose_old_one_is_there(
    tmp_path: Path,
) -> None:
    old, new = "CREATE INDEX by_amount ON bills (amount)", "CREATE UNIQUE INDEX of_amount ON bills (amount)"
    chain = {"a1": revision(None, BILLS, old), "b2": revision("a1", new, "DROP INDEX by_amount", CENTS)}
    home = own_chain(tmp_path, chain)
    script(home.database, BILLS, old, BILL, *stamp("b2"))
    (told,) = undecided(home)
    assert told.startswith("b2: cannot tell whether its rows are there: ")
    answered(home, b2=RowAnswer.RUN)
    assert ask(home.database, "SELECT amount FROM bills") == [(125000,)]


def test_an_index_under_another_name_supports_the_stamp_of_its_revision(tmp_path: Path) -> None:
    """A later revision changes the rows again, so that what this one would change says nothing."""
    chain = {
        "a1": revision(None, BILLS),
        "b2": revision("a1", CENTS, "CREATE INDEX by_amount ON bills (amount)"),
        "c3": revision("b2", CENTS),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, BILLS, BILL, "CREATE INDEX by_hand ON bills (amount)", *stamp("b2"))
    assert undecided(home) == []
    assert answered(home) == ["run revision c3", "stamp c3"]


SMALL = {
    "a1": revision(None, BILLS, "INSERT INTO bills VALUES (3, 5)"),
    "b2": revision("a1", "DELETE FROM bills WHERE amount < 10", "CREATE INDEX by_amount ON bills (amount)"),
}


def test_a_stamp_does_not_cover_a_deletion_of_which_a_row_of_the_chain_is_there(tmp_path: Path) -> None:
    """The revision makes an index alone, which is missing, and takes away a row that an earlier one inserts."""
    home = own_chain(tmp_path, SMALL)
    script(home.database, BILLS, BILL, "INSERT INTO bills VALUES (3, 5)", *stamp("b2"))
    (told,) = undecided(home)
    assert told.endswith("but 1 row is there that it takes away (DELETE FROM bills WHERE amount < 10)")
    answered(home, b2=RowAnswer.RUN)
    assert ask(home.database, "SELECT id FROM bills") == [(1,)]


@pytest.mark.parametrize("more", ["INSERT INTO bills VALUES (4, 5)", "INSERT INTO bills VALUES (3, 4)"])
def test_rows_of_somebodys_own_do_not_speak_against_a_deletion(tmp_path: Path, more: str) -> None:
    home = own_chain(tmp_path, SMALL)
    script(home.database, BILLS, BILL, more, *stamp("b2"))
    assert undecided(home) == []
    assert answered(home) == ["create index by_amount"]


def test_a_table_that_is_missing_says_nothing_of_rows_before_one_that_is_there(tmp_path: Path) -> None:
    chain = {
        "a1": revision(None, BILLS),
        "b2": revision("a1", PAYERS, PAYEES),
        "c3": revision("b2", CENTS),
        "d4": revision("c3", "CREATE INDEX by_amount ON bills (amount)"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, BILLS, PAYEES, "CREATE INDEX by_amount ON bills (amount)", BILL, *stamp("d4"))
    assert undecided(home) == []
    assert answered(home) == ["create table payers"]
    assert ask(home.database, "SELECT amount FROM bills") == [(1250,)]


PEOPLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)"
SLUG = ("ALTER TABLE people ADD COLUMN slug TEXT", "UPDATE people SET slug = lower(name)")
INDEX = "CREATE INDEX ix_name ON people (name)"


def test_a_column_was_dropped_that_its_revision_made_and_filled(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, PEOPLE), "b2": revision("a1", *SLUG, INDEX)})
    script(home.database, PEOPLE, INDEX, "INSERT INTO people VALUES (1, 'Ada')", *stamp("b2"))
    (told,) = undecided(home)
    assert told == (
        "b2: cannot tell whether its rows are there: it ran (its stamp or the tracker says so), but column people.slug "
        "is missing, to which it wrote (UPDATE people SET slug = lower (name))"
    )
    assert answered(home, b2=RowAnswer.RUN) == ["add column people.slug", "run the 1 row statement of b2"]
    assert ask(home.database, "SELECT slug FROM people") == [("ada",)]


def test_a_table_was_dropped_that_its_revision_made_and_filled(tmp_path: Path) -> None:
    roles = ("CREATE TABLE roles (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO roles VALUES (1, 'admin')")
    home = own_chain(tmp_path, {"a1": revision(None, PEOPLE), "b2": revision("a1", *roles, INDEX)})
    script(home.database, PEOPLE, INDEX, *stamp("b2"))
    (told,) = undecided(home)
    assert "but table roles is missing, to which it wrote" in told
    assert headlines(home.preview().plan) == ["create table roles"]
    assert home.preview().outcome is Outcome.BLOCKED
    answered(home, b2=RowAnswer.RUN)
    assert ask(home.database, "SELECT * FROM roles") == [(1, "admin")]
