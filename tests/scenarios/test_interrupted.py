"""Rows and values that are on their way from one place to another: none is lost, and none is taken for brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import State
from support.scenarios import ask, batch, code, codes, come_home, gone, nothing_to_do, own_chain, script, stamp
from support.scenarios import revision as raw

if TYPE_CHECKING:
    from pathlib import Path

# Tables that are made again under the same name.

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, v TEXT)"
MADE_AGAIN = "CREATE TABLE notes (id VARCHAR(4) NOT NULL PRIMARY KEY)"
NOTE_ROWS = ("INSERT INTO notes VALUES (1, 'a'), (2, 'b')",)


@pytest.mark.parametrize(
    ("away", "left"),
    [("ALTER TABLE notes RENAME TO notes_1", [(1, "a"), (2, "b")]), ("DROP TABLE notes", None)],
    ids=["renamed away", "dropped"],
)
def test_a_revision_may_make_a_table_again_under_the_same_name(
    tmp_path: Path, away: str, left: list[tuple[int, str]] | None
) -> None:
    home = own_chain(
        tmp_path, {"a1": raw(None, NOTES), "b2": code("a1", f"op.execute({away!r})", f"op.execute({MADE_AGAIN!r})")}
    )
    script(home.database, NOTES, *NOTE_ROWS, *stamp("a1"))
    assert come_home(home, gone("notes", "notes.v")) == ["run revision b2", "stamp b2"]
    assert ask(home.database, "SELECT * FROM notes") == []
    if left is not None:
        assert ask(home.database, "SELECT * FROM notes_1 ORDER BY id") == left


# What a revision takes back and an interrupted run left: it may go on acting on rows.

COUNTED, LOG = "CREATE TABLE counted (id INTEGER PRIMARY KEY, n INTEGER)", "CREATE TABLE log (id INTEGER PRIMARY KEY)"
INDEX, TRIGGER = (
    "CREATE INDEX ix_n ON counted (n)",
    "CREATE TRIGGER tr AFTER INSERT ON log BEGIN UPDATE counted SET n = n + 1; END",
)
OTHER_BODY = TRIGGER.replace("n + 1", "n + 2")
TAKEN = {
    "a1": raw(None, COUNTED, LOG, INDEX, TRIGGER),
    "b2": raw("a1", "DROP INDEX ix_n", "DROP TRIGGER tr", "ALTER TABLE counted DROP COLUMN n"),
}
COUNTED_B2 = "CREATE TABLE counted (id INTEGER PRIMARY KEY)"
DROP_TRIGGER = "drop trigger tr"


@pytest.mark.parametrize(
    ("there", "stamped", "steps"),
    [
        ((COUNTED, TRIGGER), stamp("b2"), [DROP_TRIGGER]),
        ((COUNTED, TRIGGER, INDEX), stamp("b2"), [DROP_TRIGGER]),
        ((COUNTED_B2, TRIGGER), stamp("b2"), [DROP_TRIGGER]),
        ((COUNTED_B2, TRIGGER), (), [DROP_TRIGGER, "stamp b2"]),
    ],
)
def test_a_trigger_that_an_interrupted_removal_left_is_dropped(
    tmp_path: Path, there: tuple[str, ...], stamped: tuple[str, ...], steps: list[str]
) -> None:
    home = own_chain(tmp_path, TAKEN)
    script(home.database, LOG, *there, *stamped)
    script(home.database, "INSERT INTO counted (id) VALUES (1)")
    assert home.survey().state is State.DRIFTED
    assert come_home(home, gone("tr")) == steps


def test_a_removal_that_was_interrupted_before_the_trigger_is_run_to_its_end(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TAKEN)
    script(home.database, LOG, COUNTED, TRIGGER, *stamp("a1"))
    assert come_home(home, gone("tr", "counted.n")) == ["create index ix_n", "run revision b2", "stamp b2"]


def test_a_trigger_that_was_left_stands_where_a_person_keeps_it(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TAKEN).settled('[[resolve]]\ntable = "log"\ntrigger = "tr"\nkeep = true')
    script(home.database, LOG, COUNTED, TRIGGER, *stamp("b2"))
    nothing_to_do(home)


def test_a_trigger_of_the_same_name_and_another_body_is_the_applications_own(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TAKEN)
    script(home.database, LOG, COUNTED, OTHER_BODY, *stamp("b2"))
    nothing_to_do(home)


PARENT = "CREATE TABLE parent (id INTEGER NOT NULL, PRIMARY KEY (id))"
CHILD = "CREATE TABLE child (id INTEGER NOT NULL, p_id INTEGER, PRIMARY KEY (id){})"
CASCADE = ", CONSTRAINT fk_p FOREIGN KEY(p_id) REFERENCES parent (id) ON DELETE CASCADE"
PLAIN = ", CONSTRAINT fk_plain FOREIGN KEY(p_id) REFERENCES parent (id)"
DROP_KEY = "drop_constraint('fk_p', type_='foreignkey')"


@pytest.mark.parametrize("stays_there", ["", PLAIN], ids=["the only key", "one of two"])
@pytest.mark.parametrize("stamped", [stamp("b2"), ()], ids=["stamped", "unstamped"])
def test_a_foreign_key_that_an_interrupted_removal_left_is_dropped(
    tmp_path: Path, stays_there: str, stamped: tuple[str, ...]
) -> None:
    copied = CHILD.replace("child", "child_new").format(stays_there)
    moved = ("INSERT INTO child_new SELECT * FROM child", "DROP TABLE child", "ALTER TABLE child_new RENAME TO child")
    chain = {"a1": raw(None, PARENT, CHILD.format(stays_there + CASCADE)), "b2": raw("a1", copied, *moved)}
    home = own_chain(tmp_path, chain | {"c3": raw("b2", LOG)})
    script(home.database, PARENT, CHILD.format(stays_there + CASCADE), LOG, *stamped)
    script(home.database, "INSERT INTO parent VALUES (1)", "INSERT INTO child VALUES (1, 1)")
    assert home.survey().state is State.DRIFTED
    come_home(home)
    left = ask(home.database, "SELECT on_delete FROM pragma_foreign_key_list('child')")
    assert left == ([("NO ACTION",)] if stays_there else [])


def test_a_foreign_key_that_was_left_is_told_where_repairs_only_add(tmp_path: Path) -> None:
    chain = {"a1": raw(None, PARENT, CHILD.format(CASCADE)), "b2": code("a1", *batch("child", DROP_KEY))}
    home = own_chain(tmp_path, chain | {"c3": raw("b2", LOG)}).under('repair = "additive"')
    script(home.database, PARENT, CHILD.format(CASCADE), LOG, *stamp("c3"))
    assert codes(home) == [("blocked-policy", "table child")]
