"""Rows of constants that revisions insert: found again by their values, or in the way of a pending revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.environment import RowAnswer
from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.upgrade import preview_upgrade
from support.scenarios import ask, digest, own_chain, revision, script, stamp, stays
from support.settled import answered, undecided

if TYPE_CHECKING:
    from pathlib import Path

ROLES = "CREATE TABLE roles (id INTEGER PRIMARY KEY, name TEXT, level INTEGER)"
ADMIN = "INSERT INTO roles VALUES (1, 'admin', 9)"
TWO = "INSERT INTO roles VALUES (1, 'admin', 9), (2, 'guest', 0)"
LATER = "CREATE TABLE later (id INTEGER PRIMARY KEY)"
# What a revision runs, the rows that are there, and what is said of them; empty: they show that it ran.
SEEDS = {
    "as inserted": (ADMIN, "(1, 'admin', 9)", ""),
    "its key with other values": (
        ADMIN,
        "(1, 'boss', 9)",
        "0 of the 1 row that it inserts are there, 1 with other values",
    ),
    "its values under another number": (
        ADMIN,
        "(7, 'admin', 9)",
        "0 of the 1 row that it inserts are there, 1 under another number",
    ),
    "numbered by SQLite": ("INSERT INTO roles (name, level) VALUES ('admin', 9)", "(7, 'admin', 9)", ""),
    "one of two edited": (
        TWO,
        "(1, 'admin', 9), (2, 'x', 0)",
        "",
    ),
    "both edited": (
        TWO,
        "(1, 'a', 9), (2, 'x', 0)",
        "0 of the 2 rows that it inserts are there, 2 with other values",
    ),
    "replaced": ("REPLACE INTO roles VALUES (1, 'admin', 9)", "(1, 'admin', 9)", ""),
    "not replaced": (
        "INSERT OR REPLACE INTO roles VALUES (1, 'admin', 9), (2, 'guest', 0)",
        "(1, 'admin', 9), (2, 'x', 0)",
        "1 of the 2 rows that it inserts are there, 1 with other values",
    ),
}


@pytest.mark.parametrize(("inserts", "rows", "told"), SEEDS.values(), ids=list(SEEDS))
def test_rows_are_those_that_a_revision_inserts_by_their_values(
    tmp_path: Path, inserts: str, rows: str, told: str
) -> None:
    home = own_chain(
        tmp_path, {"a1": revision(None, ROLES), "b2": revision("a1", inserts), "c3": revision("b2", LATER)}
    )
    script(home.database, ROLES, LATER, f"INSERT INTO roles VALUES {rows}")
    found = undecided(home)
    assert [words.partition("are there: ")[2].partition(" (")[0] for words in found] == ([told] if told else [])
    before = ask(home.database, "SELECT * FROM roles")
    assert answered(home, **({"b2": RowAnswer.DONE} if told else {})) == ["stamp c3"]
    assert ask(home.database, "SELECT * FROM roles") == before


@pytest.mark.parametrize(("level", "ran"), [(9, True), (5, True), (7, False)], ids=["not yet", "changed", "neither"])
def test_a_later_revision_changes_the_values_of_such_a_row(tmp_path: Path, level: int, *, ran: bool) -> None:
    chain = {
        "a1": revision(None, ROLES),
        "b2": revision("a1", ADMIN),
        "c3": revision("b2", "UPDATE roles SET level = 5 WHERE id = 1"),
        "d4": revision("c3", LATER),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, ROLES, LATER, f"INSERT INTO roles VALUES (1, 'admin', {level})")
    assert ("b2" not in [told.partition(":")[0] for told in undecided(home)]) == ran


def test_a_column_is_missing_that_a_revision_inserted_values_into(tmp_path: Path) -> None:
    inserts = ("ALTER TABLE roles ADD COLUMN kind TEXT", "INSERT INTO roles (id, kind) VALUES (3, 'x')", LATER)
    home = own_chain(tmp_path, {"a1": revision(None, ROLES), "b2": revision("a1", *inserts)})
    script(home.database, ROLES, LATER, "INSERT INTO roles VALUES (3, NULL, NULL)", *stamp("b2"))
    assert "but column roles.kind is missing, to which it wrote" in undecided(home)[0]


NAMES = "CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"
BRINGS = "INSERT INTO names VALUES (1, 'admin'), (2, 'guest')"
BY_HAND = "by hand, then plan again"
TAKEN = {
    "by its number": (
        "(1, 'boss')",
        "names.id",
        "b2 would fail: it inserts values of id that 1 row has already (row 1: 1)",
        f"give them another id {BY_HAND}",
    ),
    "by what is unique": (
        "(7, 'guest')",
        "names.name",
        "b2 would fail: it inserts values of name that 1 row has already (row 7: 'guest')",
        f"give them another name {BY_HAND}",
    ),
}


@pytest.mark.parametrize(("row", "subject", "told", "advice"), TAKEN.values(), ids=list(TAKEN))
def test_the_key_of_a_row_that_a_pending_revision_inserts_is_taken(
    tmp_path: Path, row: str, subject: str, told: str, advice: str
) -> None:
    chain = {"a1": revision(None, NAMES), "b2": revision("a1", BRINGS), "c3": revision("b2", LATER)}
    home = own_chain(tmp_path, chain)
    script(home.database, NAMES, f"INSERT INTO names VALUES {row}", *stamp("a1"))
    answers = "archmig reconcile --rows b2=done if it ran already, =skip to do without its rows; or "
    (stay,) = stays(home)
    assert (stay.code, stay.subject, stay.found, stay.advice) == ("key-taken", subject, told, answers + advice)
    upgrade = preview_upgrade(home.context())
    assert upgrade.plan is not None
    assert [each.code for each in upgrade.plan.blockers] == ["key-taken"]
    assert home.survey().state is State.BEHIND
    assert answered(home, b2=RowAnswer.DONE) == ["run revision c3", "stamp c3"]
    assert len(ask(home.database, "SELECT * FROM names")) == 1


def test_a_revision_that_makes_something_too_is_not_left_out(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, NAMES), "b2": revision("a1", LATER, BRINGS)})
    script(home.database, NAMES, "INSERT INTO names VALUES (1, 'boss')", *stamp("a1"))
    (stay,) = stays(home)
    assert (stay.code, stay.advice) == ("key-taken", f"give them another id {BY_HAND}")
    script(home.database, "UPDATE names SET id = 5")
    assert answered(home) == ["run revision b2", "stamp b2"]
    assert len(ask(home.database, "SELECT * FROM names")) == 3


def test_statements_that_a_person_has_run_find_their_keys_taken(tmp_path: Path) -> None:
    chain = {"a1": revision(None, NAMES), "b2": revision("a1", LATER, BRINGS)}
    home = own_chain(tmp_path, chain)
    script(home.database, NAMES, LATER, "INSERT INTO names VALUES (2, 'other')")
    assert "0 of the 2 rows that it inserts are there, 1 with other values" in undecided(home)[0]
    before = digest(home.database)
    asked = home.settled('[[resolve]]\nrevision = "b2"\nrows = "done"\nenvironments = ["it"]')
    assert asked.preview().outcome is Outcome.PLANNED
    assert digest(home.database) == before


@pytest.mark.parametrize(
    "inserts", ["INSERT OR IGNORE INTO names VALUES (1, 'admin')", "REPLACE INTO names VALUES (1, 'a')"]
)
def test_a_statement_that_does_not_fail_on_a_row_is_not_in_its_way(tmp_path: Path, inserts: str) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, NAMES), "b2": revision("a1", inserts)})
    script(home.database, NAMES, "INSERT INTO names VALUES (1, 'boss')", *stamp("a1"))
    assert answered(home) == ["run revision b2", "stamp b2"]


NAMED, BY_NAME = "CREATE VIEW named AS SELECT name FROM roles", "CREATE INDEX by_name ON roles (name)"


@pytest.mark.parametrize("makes", [NAMED, BY_NAME], ids=["view", "index"])
def test_a_stamp_over_a_revision_of_which_nothing_is_there_says_nothing_of_its_rows(tmp_path: Path, makes: str) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, ROLES), "b2": revision("a1", makes, ADMIN)})
    script(home.database, ROLES, "INSERT INTO roles VALUES (7, 'mine', 1)", *stamp("b2"))
    (told,) = undecided(home)
    assert told.startswith("b2: cannot tell whether its rows are there")
    answered(home, b2=RowAnswer.RUN)
    assert ask(home.database, "SELECT name FROM roles ORDER BY id") == [("admin",), ("mine",)]


def test_one_row_that_is_left_says_that_they_were_brought(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, ROLES), "b2": revision("a1", NAMED, TWO)})
    script(home.database, ROLES, "INSERT INTO roles VALUES (2, 'guest', 0)", *stamp("b2"))
    assert answered(home) == ["create view named"]
