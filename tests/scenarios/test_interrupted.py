"""Rows and values that are on their way from one place to another: none is lost, and none is taken for brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.observe import unclean
from architect_migrate.runs.reconcile import reconcile
from architect_migrate.runs.upgrade import preview_upgrade
from support.cli import executable
from support.scenarios import ask, batch, code, codes, come_home, gone, nothing_to_do, own_chain, script, stamp, stays
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


# A table that a revision drops and a later one makes again, another one of the same name.

TWICE = {
    "a1": raw(None, NOTES),
    "b2": raw("a1", "DROP TABLE notes"),
    "c3": raw("b2", "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, UNIQUE (title))", "CREATE TABLE more (n)"),
}
MORE = "CREATE TABLE more (n)"


@pytest.mark.parametrize("stamped", [stamp("a1"), stamp("c3"), ()], ids=["stamp before", "stamp after", "no stamp"])
def test_the_table_that_was_dropped_is_not_changed_into_the_one_that_took_its_name(
    tmp_path: Path, stamped: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, TWICE)
    script(home.database, NOTES, MORE, *NOTE_ROWS, *stamped)
    stays(home)
    assert codes(home) == [("interrupted-undecided", "table notes")]


@pytest.mark.parametrize(("stamped", "asked"), [("a1", True), ("c3", False)], ids=["stamp before", "stamp that fits"])
def test_the_dropped_table_is_known_by_its_columns_where_the_other_one_has_a_part_of_them(
    tmp_path: Path, stamped: str, asked: bool
) -> None:
    """Where the stamp fits, a column of the earlier table is one of the application's own in the later one."""
    later = "CREATE TABLE notes (id INTEGER PRIMARY KEY)"
    home = own_chain(tmp_path, TWICE | {"c3": raw("b2", later, MORE)})
    script(home.database, NOTES, MORE, *NOTE_ROWS, *stamp(stamped))
    found = [each.subject for each in home.survey().findings if each.code == "interrupted-undecided"]
    assert found == ["table notes"] * asked


def test_an_empty_table_that_was_dropped_makes_way_for_the_one_that_took_its_name(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TWICE)
    script(home.database, NOTES, MORE, *stamp("a1"))
    steps = come_home(home, gone("notes", "notes.v"))
    assert steps[:2] == ["drop table notes", "create table notes"]


def test_rows_of_the_table_that_was_dropped_stay_where_a_person_keeps_them(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TWICE).settled('[[resolve]]\ntable = "notes"\nkeep = true')
    script(home.database, NOTES, MORE, *NOTE_ROWS, *stamp("c3"))
    nothing_to_do(home)
    assert ask(home.database, "SELECT id, v FROM notes") == [(1, "a"), (2, "b")]


def test_a_newer_table_that_lost_a_column_is_repaired(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TWICE | {"d4": raw("c3", "ALTER TABLE notes ADD COLUMN size INTEGER")})
    script(home.database, "CREATE TABLE notes (id INTEGER PRIMARY KEY, size INTEGER)", MORE, *stamp("d4"))
    come_home(home)


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


PASSING = {
    "a1": raw(None, COUNTED, LOG),
    "b2": code(
        "a1",
        "op.execute('CREATE INDEX ix_n ON counted (n)')",
        f"op.execute({TRIGGER!r})",
        *batch("log", "create_check_constraint('ck', 'id <> 0')"),
    ),
}


@pytest.mark.parametrize("stamped", [stamp("a1"), stamp("b2"), ()], ids=["before", "after", "unstamped"])
def test_a_trigger_that_goes_with_its_table_in_a_batch_operation_is_dropped(
    tmp_path: Path, stamped: tuple[str, ...]
) -> None:
    """The revision makes it, and a batch operation of the same revision makes its table anew without it."""
    home = own_chain(tmp_path, PASSING)
    script(home.database, COUNTED, LOG, INDEX, TRIGGER, *stamped)
    assert DROP_TRIGGER in come_home(home, gone("tr"))


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


# Rows that a revision moves, when it was interrupted.

PERSON, PEOPLE = (f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, name TEXT)" for name in ("person", "people"))
PERSONS = "INSERT INTO person VALUES (1, 'ann'), (2, 'bob')"
MOVED = "INSERT INTO people (id, name) SELECT id, name FROM person"
MOVING = {
    "a1": raw(None, PERSON),
    "b2": raw("a1", PEOPLE, MOVED, "DROP TABLE person"),
    "c3": raw("b2", LOG),
}
BOTH_ROWS = [(1, "ann"), (2, "bob")]


@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "unstamped"])
def test_an_empty_successor_makes_way_for_the_revision_that_fills_it(tmp_path: Path, stamped: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, MOVING)
    script(home.database, PERSON, PERSONS, PEOPLE, *stamped)
    steps = come_home(home, gone("person"))
    assert [step for step in steps if step != "stamp a1"] == [
        "drop table people",
        "run revision b2",
        "run revision c3",
        "stamp c3",
    ]
    assert ask(home.database, "SELECT * FROM people ORDER BY id") == BOTH_ROWS


@pytest.mark.parametrize("stamped", ["b2", "c3"])
def test_an_empty_successor_that_a_stamp_covers_is_for_a_person_to_decide(tmp_path: Path, stamped: str) -> None:
    home = own_chain(tmp_path, MOVING)
    script(home.database, PERSON, PERSONS, PEOPLE, *([LOG] if stamped == "c3" else []), *stamp(stamped))
    assert home.survey().state is State.UNDECIDED
    assert ("interrupted-undecided", "table person") in codes(home)
    (finding, *_) = stays(home)
    settled = home.settled(finding.entry)
    come_home(settled) if stamped == "b2" else nothing_to_do(settled)


def test_an_empty_successor_is_not_dropped_where_its_revision_would_not_run_as_a_whole(tmp_path: Path) -> None:
    home = own_chain(tmp_path, MOVING | {"b2": raw("a1", PEOPLE, LOG, MOVED, "DROP TABLE person"), "c3": raw("b2")})
    script(home.database, PERSON, PERSONS, PEOPLE, LOG)
    assert ("interrupted-undecided", "table person") in codes(home) or (
        "interrupted-undecided",
        "table people",
    ) in codes(home)


def test_rows_that_a_successor_has_are_moved_already(tmp_path: Path) -> None:
    home = own_chain(tmp_path, MOVING)
    script(home.database, PERSON, PERSONS, PEOPLE, MOVED, *stamp("a1"))
    assert come_home(home) == ["stamp b2", "run revision c3", "stamp c3"]


def test_rows_that_a_successor_lacks_are_for_a_person_to_decide(tmp_path: Path) -> None:
    home = own_chain(tmp_path, MOVING)
    script(home.database, PERSON, PERSONS, PEOPLE, "INSERT INTO people VALUES (1, 'ann'), (7, 'new')", *stamp("a1"))
    assert ("interrupted-undecided", "table person") in codes(home)


LOOP = (
    "for id_, name in op.get_bind().execute(sa.text('SELECT id, name FROM person')).fetchall():",
    "    op.execute(f\"INSERT INTO people VALUES ({id_}, '{name}')\")",
)


def test_a_loop_over_rows_is_for_a_person_to_end(tmp_path: Path) -> None:
    loop = code("a1", f"op.execute({PEOPLE!r})", *LOOP, "op.drop_table('person')")
    home = own_chain(tmp_path, MOVING | {"b2": loop})
    script(home.database, PERSON, PERSONS, PEOPLE, *stamp("a1"))
    assert ("interrupted-undecided", "table person") in codes(home)


NAMED = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"
VALUES = "INSERT INTO t (id, name) VALUES (1, 'ann'), (2, NULL)"
TITLED = {
    "a1": raw(None, NAMED),
    "b2": raw("a1", "ALTER TABLE t ADD title TEXT", "UPDATE t SET title = name", "ALTER TABLE t DROP COLUMN name"),
    "c3": raw("b2", LOG),
}


@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "unstamped"])
def test_an_empty_column_makes_way_for_the_revision_that_fills_it(tmp_path: Path, stamped: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, TITLED)
    script(home.database, NAMED, VALUES, "ALTER TABLE t ADD title TEXT", *stamped)
    steps = come_home(home, gone("t.name", "t.title"))
    assert steps[0] == "drop column t.title"
    assert ask(home.database, "SELECT id, title FROM t ORDER BY id") == [(1, "ann"), (2, None)]


def test_an_empty_column_that_a_stamp_covers_is_for_a_person_to_decide(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TITLED)
    script(home.database, NAMED, VALUES, "ALTER TABLE t ADD title TEXT", LOG, *stamp("c3"))
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("interrupted-undecided", "column t.name")
    assert unclean(home.context(), home.survey()) == "a person has to decide about column t.name"
    nothing_to_do(home.settled(finding.entry))


def test_a_missing_column_is_not_made_empty_beside_the_one_that_fills_it(tmp_path: Path) -> None:
    more = ("CREATE TABLE more (id INTEGER)",)
    home = own_chain(
        tmp_path,
        {"a1": TITLED["a1"], "b2": TITLED["b2"].replace("op.execute", f"op.execute({more[0]!r})\n    op.execute", 1)},
    )
    script(home.database, NAMED, VALUES, *more, *stamp("a1"))
    (finding, *_) = stays(home)
    assert (finding.code, finding.subject) == ("interrupted-undecided", "column t.name")
    come_home(home.settled(finding.entry))


PUT_ASIDE = {
    "a1": raw(None, NAMED),
    "b2": raw(
        "a1",
        "ALTER TABLE t RENAME COLUMN name TO old_name",
        "ALTER TABLE t ADD name TEXT",
        "UPDATE t SET name = old_name || '!'",
        "ALTER TABLE t DROP COLUMN old_name",
    ),
    "c3": raw("b2", LOG),
}


ASIDE_NOW = ("ALTER TABLE t RENAME COLUMN name TO old_name", "ALTER TABLE t ADD name TEXT")


@pytest.mark.parametrize(("ran", "stamped"), [(1, stamp("b2")), (2, stamp("b2")), (2, stamp("a1")), (2, ())])
def test_a_column_put_aside_holds_the_only_values(tmp_path: Path, ran: int, stamped: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, PUT_ASIDE)
    script(home.database, NAMED, VALUES, *ASIDE_NOW[:ran], *stamped)
    assert codes(home)[0][0] == "interrupted-undecided"


@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "unstamped"])
def test_a_column_that_was_only_put_aside_is_named_back_for_its_revision(
    tmp_path: Path, stamped: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, PUT_ASIDE)
    script(home.database, NAMED, VALUES, ASIDE_NOW[0], *stamped)
    steps = come_home(home, gone("t.old_name", "t.name"))
    assert [step for step in steps if step != "stamp a1"] == [
        "rename column t.old_name to name",
        "run revision b2",
        "run revision c3",
        "stamp c3",
    ]
    assert ask(home.database, "SELECT name FROM t ORDER BY id") == [("ann!",), (None,)]


@pytest.mark.parametrize("stamped", [(), stamp("a1")], ids=["unstamped", "stamped"])
def test_a_column_that_was_put_aside_and_filled_leaves_no_trace(tmp_path: Path, stamped: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, PUT_ASIDE | {"c3": raw("b2")})
    script(home.database, NAMED, VALUES, "UPDATE t SET name = name || '!'", *stamped)
    if stamped:  # pending, as it is for Alembic
        assert come_home(home, gone("t.name")) == ["run revision b2", "run revision c3", "stamp c3"]
    else:
        assert codes(home) == [("rows-undecided", "b2")]


SPLIT = {
    "a1": raw(None, "CREATE TABLE u (id INTEGER PRIMARY KEY, mail TEXT)"),
    "b2": raw(
        "a1",
        "CREATE TABLE mails (id INTEGER PRIMARY KEY, u_id INTEGER, mail TEXT)",
        "INSERT INTO mails (u_id, mail) SELECT id, mail FROM u",
        "ALTER TABLE u DROP COLUMN mail",
    ),
}


def test_a_column_that_becomes_a_table_is_moved_whole(tmp_path: Path) -> None:
    home = own_chain(tmp_path, SPLIT)
    made = ("CREATE TABLE u (id INTEGER PRIMARY KEY, mail TEXT)", "INSERT INTO u VALUES (4, 'a@b')")
    script(home.database, *made, "CREATE TABLE mails (id INTEGER PRIMARY KEY, u_id INTEGER, mail TEXT)", *stamp("a1"))
    assert come_home(home, gone("u.mail"))[0] == "drop table mails"
    assert ask(home.database, "SELECT u_id, mail FROM mails") == [(4, "a@b")]


# A renamed column whose new name holds what a new column holds by itself.

RENAMED = {"a1": raw(None, NAMED), "b2": raw("a1", "ALTER TABLE t RENAME COLUMN name TO title"), "c3": raw("b2", LOG)}
BLANK = ["TEXT DEFAULT ''", "TEXT NOT NULL DEFAULT ''", "TEXT DEFAULT 0", "TEXT DEFAULT 'New'", "TEXT"]


@pytest.mark.parametrize("column", BLANK)
def test_a_column_full_of_its_default_makes_way_for_the_rename(tmp_path: Path, column: str) -> None:
    home = own_chain(tmp_path, RENAMED)
    script(home.database, NAMED, VALUES, f"ALTER TABLE t ADD title {column}", *stamp("a1"))
    steps = come_home(home, gone("t.name", "t.title"))
    assert steps == ["drop column t.title", "run revision b2", "run revision c3", "stamp c3"]
    assert ask(home.database, "SELECT title FROM t ORDER BY id") == [("ann",), (None,)]


@pytest.mark.parametrize("column", BLANK)
def test_a_column_full_of_its_default_is_for_a_person_to_decide_under_a_stamp(tmp_path: Path, column: str) -> None:
    home = own_chain(tmp_path, RENAMED)
    script(home.database, NAMED, VALUES, f"ALTER TABLE t ADD title {column}", LOG, *stamp("c3"))
    assert ("interrupted-undecided", "column t.name") in codes(home)


def test_an_entry_for_a_column_settles_it(tmp_path: Path) -> None:
    home = own_chain(tmp_path, RENAMED).settled('[[resolve]]\ntable = "t"\ncolumn = "name"\nkeep = true')
    script(home.database, NAMED, VALUES, "ALTER TABLE t ADD title TEXT", "UPDATE t SET title = 'x' WHERE id = 2")
    script(home.database, *stamp("b2"))
    assert come_home(home) == ["run revision c3", "stamp c3"]


def test_an_entry_that_drops_a_column_does_not_drop_values_that_are_there_alone(tmp_path: Path) -> None:
    home = own_chain(tmp_path, RENAMED).settled('[[resolve]]\ntable = "t"\ncolumn = "name"\ndrop = true')
    script(home.database, NAMED, VALUES, "ALTER TABLE t ADD title TEXT", "UPDATE t SET title = 'x' WHERE id = 2")
    script(home.database, *stamp("b2"))
    assert codes(home) == [("interrupted-undecided", "column t.name")]


# What entries keep.

X = "CREATE TABLE {} (id INTEGER NOT NULL, n VARCHAR(9), PRIMARY KEY (id))"
X_ROWS = "INSERT INTO {} VALUES (1, 'ann'), (2, 'bob')"
BATCHED = {
    "a1": raw(None, X.format("x")),
    "b2": code("a1", *batch("x", "alter_column('n', existing_type=sa.String(9), nullable=False)")),
}
KEEP_OLD, KEEP_TMP, KEEP_X = (f'[[resolve]]\ntable = "{t}"\nkeep = true' for t in ("x_old", "_alembic_tmp_x", "x"))


@pytest.mark.parametrize("kept", [("x_old",), ("_alembic_tmp_x",), ("x_old", "_alembic_tmp_x")])
@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "unstamped"])
def test_no_empty_table_is_made_beside_kept_ones_that_hold_its_rows(
    tmp_path: Path, kept: tuple[str, ...], stamped: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, BATCHED | {"a1": raw(None, X.format("x"), LOG)}).settled(
        *(f'[[resolve]]\ntable = "{table}"\nkeep = true' for table in kept)
    )
    script(home.database, LOG, *(line.format(table) for table in kept for line in (X, X_ROWS)), *stamped)
    assert [code for code, _ in codes(home)][: len(kept)] == ["interrupted-undecided"] * len(kept)


def test_a_table_stays_missing_where_an_entry_says_so(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, X.format("x"), LOG)}).settled(KEEP_OLD, KEEP_X)
    script(home.database, X.format("x_old"), X_ROWS.format("x_old"), LOG, *stamp("a1"))
    nothing_to_do(home)


WITH_M = X.format("x").replace("n ", "m TEXT, n ")
HALF_ASIDE = {
    "a1": raw(None, X.format("x")),
    "b2": raw(
        "a1",
        *("ALTER TABLE x RENAME TO x_old", WITH_M),
        *("INSERT INTO x (id, n) SELECT id, n FROM x_old", "DROP TABLE x_old"),
    ),
}


@pytest.mark.parametrize(
    ("made", "first"),
    [((X.format("x"), *stamp("a1")), "bring the rows to where they belong"), ((), "rename it to x")],
    ids=["beside an empty table", "alone"],
)
def test_no_entry_is_suggested_that_leaves_a_table_in_the_way_of_a_revision(
    tmp_path: Path, made: tuple[str, ...], first: str
) -> None:
    home = own_chain(tmp_path, HALF_ASIDE)
    script(home.database, X.format("x_old"), X_ROWS.format("x_old"), *made)
    (stay,) = stays(home)
    hint = f"{first} by hand, or give it another name: b2 makes a table of this name"
    assert (stay.code, stay.subject, stay.advice, stay.entry) == ("interrupted-undecided", "table x_old", hint, "")


def test_a_kept_table_stays_beside_the_one_that_another_becomes(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, X.format("x"), LOG)}).settled(KEEP_OLD)
    script(home.database, LOG, *(line.format(t) for t in ("x_old", "_alembic_tmp_x") for line in (X, X_ROWS)))
    script(home.database, *stamp("a1"))
    assert come_home(home, gone("_alembic_tmp_x")) == ["rename table _alembic_tmp_x to x"]


@pytest.mark.parametrize("name", ["x_old_old", "old_x_bak", "_alembic_tmp_x_old"])
@pytest.mark.parametrize("made", [(X.format("x"),), (X.format("x"), X.format("x_old"))], ids=["empty", "both empty"])
def test_a_table_that_was_put_aside_twice_is_found_beside_the_empty_one(
    tmp_path: Path, name: str, made: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, X.format("x"), LOG)})
    script(home.database, LOG, *made, X.format(name), X_ROWS.format(name), *stamp("a1"))
    (stay,) = stays(home)
    assert (stay.code, stay.subject) == ("interrupted-undecided", f"table {name}")
    assert stay.found == "it has columns of x and 2 rows, and x is empty"
    nothing_to_do(home.settled(stay.entry))


def test_a_table_that_was_put_aside_twice_gets_its_name_back(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, X.format("x"), LOG)})
    script(home.database, LOG, X.format("x_old_old"), X_ROWS.format("x_old_old"), *stamp("a1"))
    assert come_home(home, gone("x_old_old")) == ["rename table x_old_old to x"]


def test_a_plan_has_its_steps_in_the_same_order_in_every_process(tmp_path: Path) -> None:
    names = ("x", "y", "z")
    home = own_chain(tmp_path, {"a1": raw(None, *map(X.format, names))})
    for name in names:
        script(home.database, X.format(name), X.format(f"_alembic_tmp_{name}"), X_ROWS.format(f"_alembic_tmp_{name}"))
    script(home.database, *stamp("a1"))
    home.context()
    planned = {
        executable("reconcile", "--dry-run", cwd=home.folder, environ={"PYTHONHASHSEED": seed}).out for seed in "123"
    }
    assert len(planned) == 1
    assert "rename table _alembic_tmp_z to z" in planned.pop()


OWN_COPY = ("CREATE TABLE _alembic_tmp_x (id INTEGER, why TEXT)", "INSERT INTO _alembic_tmp_x VALUES (9, 'kept')")


def test_a_kept_copy_in_the_way_of_a_batch_is_told_before_anything_runs(tmp_path: Path) -> None:
    home = own_chain(tmp_path, BATCHED).settled(KEEP_TMP)
    script(home.database, X.format("x"), X_ROWS.format("x"), *OWN_COPY, *stamp("a1"))
    assert codes(home) == [("name-taken", "table _alembic_tmp_x")]
    assert preview_upgrade(home.context()).outcome is Outcome.BLOCKED


def test_a_copy_that_an_entry_drops_is_in_nobodys_way(tmp_path: Path) -> None:
    home = own_chain(tmp_path, BATCHED).settled(KEEP_TMP.replace("keep", "drop"))
    script(home.database, X.format("x"), X_ROWS.format("x"), *OWN_COPY, *stamp("a1"))
    assert come_home(home, gone("_alembic_tmp_x")) == ["drop table _alembic_tmp_x", "run revision b2", "stamp b2"]


def test_a_kept_copy_is_in_nobodys_way_where_no_batch_is_to_run(tmp_path: Path) -> None:
    home = own_chain(tmp_path, BATCHED).settled(KEEP_TMP)
    made = X.format("x").replace("n VARCHAR(9)", "n VARCHAR(9) NOT NULL")
    script(home.database, made, X_ROWS.format("x"), *OWN_COPY, *stamp("b2"))
    nothing_to_do(home)


# A table that was put aside, beside one that has rows of its own.

ASIDE = {
    "a1": raw(None, X.format("x")),
    "b2": raw(
        "a1",
        "ALTER TABLE x RENAME TO x_old",
        X.format("x").replace("n VARCHAR(9)", "n VARCHAR(20)"),
        "INSERT INTO x (id, n) SELECT id, n FROM x_old",
        "DROP TABLE x_old",
    ),
    "c3": raw("b2", LOG),
}


@pytest.mark.parametrize("stamped", ["a1", "b2"])
def test_a_table_put_aside_with_rows_that_its_successor_lacks_is_asked_about(tmp_path: Path, stamped: str) -> None:
    home = own_chain(tmp_path, ASIDE)
    successor = X.format("x").replace("VARCHAR(9)", "VARCHAR(20)")
    script(home.database, X.format("x_old"), X_ROWS.format("x_old"), successor, "INSERT INTO x VALUES (1, 'ann')")
    script(home.database, *stamp(stamped))
    assert ("interrupted-undecided", "table x_old") in codes(home)


def test_a_table_of_that_name_is_the_applications_own_long_after(tmp_path: Path) -> None:
    home = own_chain(tmp_path, ASIDE | {"d4": raw("c3", "CREATE TABLE later (id INTEGER)")})
    successor = X.format("x").replace("VARCHAR(9)", "VARCHAR(20)")
    script(home.database, X.format("x_old"), X_ROWS.format("x_old"), successor, LOG, *stamp("c3"))
    script(home.database, "INSERT INTO x VALUES (7, 'new')")
    assert come_home(home) == ["run revision d4", "stamp d4"]


def test_a_table_of_that_name_with_other_columns_is_the_applications_own(tmp_path: Path) -> None:
    home = own_chain(tmp_path, ASIDE)
    successor = X.format("x").replace("VARCHAR(9)", "VARCHAR(20)")
    script(
        home.database, "CREATE TABLE x_old (id INTEGER, why TEXT)", "INSERT INTO x_old VALUES (1, 'sold')", successor
    )
    script(home.database, *stamp("b2"))
    assert come_home(home) == ["run revision c3", "stamp c3"]


@pytest.mark.parametrize("stamped", ["b2", "d4"])
def test_a_table_put_aside_beside_an_empty_one_is_asked_about_with_columns_of_its_own(
    tmp_path: Path, stamped: str
) -> None:
    home = own_chain(tmp_path, ASIDE | {"d4": raw("c3", "CREATE TABLE later (id INTEGER)")})
    successor = X.format("x").replace("VARCHAR(9)", "VARCHAR(20)")
    later = () if stamped == "b2" else (LOG, "CREATE TABLE later (id INTEGER)")
    script(home.database, X.format("x_old"), X_ROWS.format("x_old"), "ALTER TABLE x_old ADD mine TEXT", successor)
    script(home.database, *later, *stamp(stamped))
    assert codes(home) == [("interrupted-undecided", "table x_old")]


def test_a_copy_of_a_table_that_is_still_to_be_renamed_is_looked_at_before_the_rename(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, X.format("p")), "b2": raw("a1", "ALTER TABLE p RENAME TO q")})
    script(home.database, X.format("p"), X_ROWS.format("p"), X.format("_alembic_tmp_q"), *stamp("a1"))
    script(home.database, "INSERT INTO _alembic_tmp_q VALUES (7, 'mine')")
    assert codes(home) == [("interrupted-undecided", "table _alembic_tmp_q")]


# Revisions that rename more than one thing, killed in between.

P = "CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT, b TEXT)"
P_ROWS = "INSERT INTO p VALUES (1, 'a1', 'b1'), (2, 'a2', 'b2')"
BOTH = {
    "a1": raw(None, P),
    "b2": raw("a1", "ALTER TABLE p RENAME TO q", "ALTER TABLE q RENAME COLUMN a TO c"),
    "c3": raw("b2", LOG),
}
STAMPS = pytest.mark.parametrize("stamped", [stamp("a1"), stamp("b2"), ()], ids=["before", "after", "unstamped"])


@STAMPS
def test_a_table_that_was_renamed_without_its_column_gets_both_names(tmp_path: Path, stamped: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, BOTH)
    script(home.database, P, P_ROWS, "ALTER TABLE p RENAME TO q", *stamped)
    assert come_home(home, gone("q.a"))[0] == "rename column q.a to c"
    assert ask(home.database, "SELECT c, b FROM q ORDER BY id") == [("a1", "b1"), ("a2", "b2")]


@STAMPS
def test_what_refers_to_a_table_follows_when_its_rename_is_finished(tmp_path: Path, stamped: tuple[str, ...]) -> None:
    column, table = "ALTER TABLE p RENAME COLUMN a TO c", "ALTER TABLE p RENAME TO q"
    home = own_chain(tmp_path, BOTH | {"b2": raw("a1", column, table)})
    script(home.database, P, P_ROWS, "CREATE VIEW mine AS SELECT a FROM p", column, *stamped)
    assert home.preview().plan is not None
    done = reconcile(home.context(), home.preview().plan, lambda *_: None)
    assert done.outcome is Outcome.DONE
    assert ask(home.database, "SELECT * FROM mine") == [("a1",), ("a2",)]


EXCHANGED = {
    "a1": raw(None, P),
    "b2": raw(
        "a1",
        "ALTER TABLE p RENAME COLUMN a TO tmp",
        "ALTER TABLE p RENAME COLUMN b TO a",
        "ALTER TABLE p RENAME COLUMN tmp TO b",
    ),
    "c3": raw("b2", LOG),
}
EXCHANGE = (
    "ALTER TABLE p RENAME COLUMN a TO tmp",
    "ALTER TABLE p RENAME COLUMN b TO a",
    "ALTER TABLE p RENAME COLUMN tmp TO b",
)
IS_EXCHANGED = [("b1", "a1"), ("b2", "a2")]


@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "unstamped"])
@pytest.mark.parametrize("ran", [0, 1, 2])
def test_an_exchange_of_columns_comes_to_its_end_once(tmp_path: Path, ran: int, stamped: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, EXCHANGED)
    script(home.database, P, P_ROWS, *EXCHANGE[:ran], *stamped)
    done = reconcile(home.context(), home.preview().plan, lambda *_: None)
    assert done.outcome is Outcome.DONE, done.detail
    assert ask(home.database, "SELECT a, b FROM p ORDER BY id") == IS_EXCHANGED
    assert home.survey().state is State.UP_TO_DATE


def test_an_exchange_that_only_lacks_its_stamp_is_not_run_again(tmp_path: Path) -> None:
    home = own_chain(tmp_path, EXCHANGED)
    script(home.database, P, P_ROWS, *EXCHANGE, *stamp("a1"))
    assert codes(home) == [("interrupted-undecided", "table p")]
    script(home.database, "UPDATE alembic_version SET version_num = 'b2'")
    assert come_home(home) == ["run revision c3", "stamp c3"]
    assert ask(home.database, "SELECT a, b FROM p ORDER BY id") == IS_EXCHANGED


TURNED = {
    "a1": raw(None, P),
    "b2": raw("a1", "ALTER TABLE p RENAME COLUMN b TO c", "ALTER TABLE p RENAME COLUMN a TO b"),
    "c3": raw("b2", "ALTER TABLE p DROP COLUMN c"),
}


def test_a_column_that_gets_the_name_of_another_passes_the_proof(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TURNED)
    script(home.database, P, P_ROWS, *stamp("a1"))
    done = reconcile(home.context(), home.preview().plan, lambda *_: None)
    assert done.outcome is Outcome.DONE, done.detail
    assert ask(home.database, "SELECT * FROM p ORDER BY id") == [(1, "a1"), (2, "a2")]


SWAPPED_TABLES = {
    "a1": raw(None, *(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, n TEXT)" for name in ("one", "two"))),
    "b2": raw(
        "a1", *(f"ALTER TABLE {old} RENAME TO {new}" for old, new in (("one", "t"), ("two", "one"), ("t", "two")))
    ),
    "c3": raw("b2", LOG),
}


def test_whether_two_tables_exchanged_their_names_is_asked_where_the_stamp_is_lost(tmp_path: Path) -> None:
    home = own_chain(tmp_path, SWAPPED_TABLES)
    made = [f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, n TEXT)" for name in ("one", "two")]
    script(home.database, *made, "INSERT INTO one VALUES (1, 'first')", "INSERT INTO two VALUES (1, 'second')")
    assert codes(home) == [("rows-undecided", "b2")]
    come_home(home.settled('[[resolve]]\nrevision = "b2"\nrows = "done"\nenvironments = ["it"]'))
    assert ask(home.database, "SELECT n FROM one") == [("first",)]


FILLED = {
    "a1": raw(None, X.format("x")),
    "b2": raw("a1", "ALTER TABLE x RENAME TO x_v1", X.format("x"), "INSERT INTO x SELECT * FROM x_v1"),
    "c3": raw("b2", LOG),
}


def test_a_table_that_is_filled_from_one_that_stays_is_asked_about_where_it_is_empty(tmp_path: Path) -> None:
    home = own_chain(tmp_path, FILLED)
    script(home.database, X.format("x_v1"), X_ROWS.format("x_v1"), X.format("x"))
    assert codes(home) == [("rows-undecided", "b2")]


def test_an_empty_table_with_a_column_of_the_applications_own_is_not_dropped(tmp_path: Path) -> None:
    home = own_chain(tmp_path, MOVING)
    script(home.database, PERSON, PERSONS, PEOPLE, "ALTER TABLE people ADD COLUMN mine TEXT", *stamp("a1"))
    assert ("interrupted-undecided", "table people") in codes(home)


def test_a_copy_does_not_take_the_place_of_an_empty_table_with_a_column_of_the_applications_own(tmp_path: Path) -> None:
    chain = {"a1": raw(None, PERSON), "b2": code("a1", *batch("person", "alter_column('name', nullable=True)"))}
    home = own_chain(tmp_path, chain | {"c3": raw("b2", LOG)})
    copy = PERSON.replace("person", "_alembic_tmp_person")
    script(home.database, copy, PERSONS.replace("person", "_alembic_tmp_person"), PERSON, *stamp("a1"))
    script(home.database, "ALTER TABLE person ADD COLUMN mine TEXT")
    (finding, *_) = stays(home)
    assert "person is empty, but has mine, which no revision makes" in finding.found


def test_two_renames_bring_rows_to_the_last_name(tmp_path: Path) -> None:
    chain = {
        "a1": raw(None, PERSON),
        "b2": raw("a1", "ALTER TABLE person RENAME TO human"),
        "c3": raw("b2", "ALTER TABLE human RENAME TO people", LOG),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, PERSON, PERSONS, PEOPLE, "INSERT INTO people VALUES (7, 'new')", *stamp("a1"))
    assert ("interrupted-undecided", "table person") in codes(home)


def test_a_table_that_the_chain_renames_before_is_not_in_the_way_of_one_that_gets_its_name(tmp_path: Path) -> None:
    chain = {
        "a1": raw(None, X.format("x")),
        "b2": raw("a1", "ALTER TABLE x RENAME TO y"),
        "c3": raw("b2", X.format("x"), "ALTER TABLE x RENAME TO z"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, X.format("x"), X_ROWS.format("x"), *stamp("a1"))
    assert come_home(home, gone("x")) == ["run revision b2", "run revision c3", "stamp c3"]
