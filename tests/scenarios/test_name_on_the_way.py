"""Rows that stay under a name which a table has only while its revision runs, when that was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import Allowed, ask, codes, come_home, own_chain, script, stamp, stays
from support.scenarios import revision as raw

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("person", "people", "log")
PERSON, PEOPLE, LOG = (f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, name TEXT)" for name in TABLES)
PERSONS = "INSERT INTO person VALUES (1, 'ann'), (2, 'bob')"
OTHERS = "INSERT INTO people VALUES (3, 'cy'), (4, 'di')"
BOTH = [(1, "ann"), (2, "bob")]
RENAME, DROP = "ALTER TABLE person RENAME TO passing", "DROP TABLE passing"
BY_PLACE = "INSERT INTO people SELECT * FROM passing"
BY_NAME = "INSERT INTO people (id, name) SELECT id, name FROM passing"
AFTER = "ALTER TABLE people ADD COLUMN size INTEGER"
GONE = Allowed(gone=frozenset({"person", "passing"}))
INSERTS = pytest.mark.parametrize("insert", [BY_PLACE, BY_NAME], ids=["by place", "by name"])


def chain(insert: str) -> dict[str, str]:
    return {
        "a1": raw(None, PERSON),
        "b2": raw("a1", RENAME, PEOPLE, insert, DROP, AFTER),
        "c3": raw("b2", LOG),
    }


@INSERTS
@pytest.mark.parametrize("ran", [1, 2])
@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "unstamped"])
def test_the_revision_is_run_as_a_whole(tmp_path: Path, insert: str, ran: int, stamped: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, chain(insert))
    script(home.database, PERSON, PERSONS, *[RENAME, PEOPLE][:ran], *stamped)
    come_home(home, GONE)
    assert ask(home.database, "SELECT id, name FROM people ORDER BY id") == BOTH


@INSERTS
@pytest.mark.parametrize("ran", [1, 2])
@pytest.mark.parametrize("stamped", ["b2", "c3"])
def test_a_person_decides_where_a_stamp_covers_it(tmp_path: Path, insert: str, ran: int, stamped: str) -> None:
    home = own_chain(tmp_path, chain(insert))
    script(home.database, PERSON, PERSONS, *[RENAME, PEOPLE][:ran], *stamp(stamped))
    assert "interrupted-undecided" in [code for code, _ in codes(home)]
    stays(home)


def test_the_question_says_what_the_table_is_called_now(tmp_path: Path) -> None:
    home = own_chain(tmp_path, chain(BY_PLACE))
    script(home.database, PERSON, PERSONS, RENAME, PEOPLE, *stamp("c3"))
    (stay,) = stays(home)
    assert (stay.subject, stay.found) == (
        "table person",
        "b2 brings 2 rows of it to people, which lacks them, and then removes it (it is called passing now)",
    )
    settled = home.settled(stay.entry)
    assert stays(settled, Outcome.PLANNED) == ()


@INSERTS
def test_rows_of_somebodys_own_in_the_new_table_are_not_taken_for_them(tmp_path: Path, insert: str) -> None:
    """As many, but others: so many rows alone do not show that they were copied."""
    home = own_chain(tmp_path, chain(insert))
    script(home.database, PERSON, PERSONS, RENAME, PEOPLE, OTHERS, *stamp("a1"))
    assert "interrupted-undecided" in [code for code, _ in codes(home)]


@INSERTS
def test_rows_that_were_copied_are_not_copied_again(tmp_path: Path, insert: str) -> None:
    home = own_chain(tmp_path, chain(insert))
    script(home.database, PERSON, PERSONS, RENAME, PEOPLE, insert, *stamp("a1"))
    come_home(home, GONE)
    assert ask(home.database, "SELECT id, name FROM people ORDER BY id") == BOTH


@INSERTS
def test_the_rows_count_as_kept(tmp_path: Path, insert: str) -> None:
    home = own_chain(tmp_path, chain(insert))
    script(home.database, PERSON, PERSONS, *stamp("a1"))
    shown = home.preview()
    assert shown.plan is not None
    done = reconcile(home.context(), shown.plan, lambda *_: None)
    assert done.receipt is not None
    assert done.receipt.gone == 0
