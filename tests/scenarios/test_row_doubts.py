"""Revisions of which the little that the schema could show is lost, and statements that views and triggers bend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.environment import RowAnswer
from architect_migrate.model.history import recorded_sql
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import ask, batch, code, come_home, gone, own_chain, script, stamp, stays
from support.scenarios import revision as raw
from support.settled import answered, undecided

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

P = "CREATE TABLE p (id INTEGER PRIMARY KEY, price INTEGER)"
P_ROWS = "INSERT INTO p VALUES (1, 10), (2, 12)"
TWICE = "UPDATE p SET price = price * 2"
MORE = "CREATE TABLE more (id INTEGER PRIMARY KEY)"
ONCE = [(10,), (12,)]

# What a revision makes is lost, and it changed rows of other tables.

VIEW, TABLE = "CREATE VIEW vp AS SELECT price FROM p", "CREATE TABLE z (id INTEGER PRIMARY KEY)"
INDEX = "CREATE INDEX ix_price ON p (price)"
ELSEWHERE = "it also changes rows of p, which it does not make"


def test_a_lost_view_does_not_move_a_stamp_back(tmp_path: Path) -> None:
    """As where `DROP VIEW`, a change, `CREATE VIEW` of the next revision was killed after the first."""
    home = own_chain(tmp_path, {"a1": raw(None, P), "b2": raw("a1", VIEW, TWICE), "c3": raw("b2", MORE)})
    script(home.database, P, P_ROWS, *stamp("b2"))
    assert come_home(home) == ["create view vp", "run revision c3", "stamp c3"]
    assert ask(home.database, "SELECT price FROM p") == ONCE


@pytest.mark.parametrize(
    ("makes", "claims", "why"),
    [
        (
            TABLE,
            stamp("b2"),
            f"its stamp says that it ran, and nothing of it is in the schema, but {ELSEWHERE}",
        ),
        (INDEX, (), "all that it makes is easily lost, and no stamp says that it did not run"),
        (VIEW, (), "all that it makes is easily lost, and no stamp says that it did not run"),
    ],
    ids=["a table under a stamp", "an index without a stamp", "a view without a stamp"],
)
def test_a_revision_that_lost_what_it_makes_is_not_simply_run_again(
    tmp_path: Path, makes: str, claims: tuple[str, ...], why: str
) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, P), "b2": raw("a1", makes, TWICE), "c3": raw("b2", MORE)})
    script(home.database, P, P_ROWS, *claims)
    assert undecided(home) == [f"b2: cannot tell whether its rows are there: {why} ({TWICE})"]
    kind, name = makes.split()[1].lower(), makes.split()[2]
    assert f"create {kind} {name}" in answered(home, b2=RowAnswer.DONE)
    assert ask(home.database, "SELECT price FROM p") == ONCE


def test_without_a_stamp_a_revision_that_lost_its_trigger_and_loops_over_rows_is_not_run_again(tmp_path: Path) -> None:
    trigger = "CREATE TRIGGER tp AFTER DELETE ON p BEGIN DELETE FROM p WHERE price < 0; END"
    loop = (
        "bind = op.get_bind()",
        "for row in bind.execute(sa.text('SELECT id FROM p')).fetchall():",
        "    bind.execute(sa.text('UPDATE p SET price = price * 2 WHERE id = :id'), {'id': row[0]})",
    )
    chain = {"a1": raw(None, P), "b2": code("a1", f"op.execute({trigger!r})", *loop), "c3": raw("b2", MORE)}
    home = own_chain(tmp_path, chain)
    script(home.database, P, P_ROWS, MORE)
    (told,) = undecided(home)
    assert "it also changes what it finds in p, and all that it makes is easily lost" in told


def test_where_no_position_fits_and_no_stamp_says_so_a_revision_without_a_trace_is_not_simply_run(
    tmp_path: Path,
) -> None:
    """The column by which every position is known was renamed by hand."""
    anew = ("ALTER TABLE p DROP COLUMN name", "ALTER TABLE p ADD COLUMN name TEXT", "ALTER TABLE p DROP COLUMN title")
    chain = {
        "a1": raw(None, P.replace(")", ", name TEXT)")),
        "b2": raw("a1", "ALTER TABLE p ADD COLUMN title TEXT"),
        "c3": raw("b2", TWICE),
        "d4": raw("c3", *anew),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, P.replace(")", ", name_x TEXT)"), "INSERT INTO p VALUES (1, 10, 'a'), (2, 12, 'b')")
    (told,) = undecided(home)
    assert "no position fits the schema, and no stamp says that it did not run" in told


# A stamp that is too old: what ran after it shows in nothing but what it took away.

CHECKED = P.replace(")", ", name TEXT, CHECK (id > 0))")
BARE, BRIEF = P.replace(")", ", name TEXT)"), P.replace(")", ", CHECK (id > 0))")
ANEW = ("CREATE TABLE x (id INTEGER PRIMARY KEY, price INTEGER, name TEXT)", "INSERT INTO x SELECT * FROM p")
NO_CHECK = (*ANEW, "DROP TABLE p", "ALTER TABLE x RENAME TO p")
# What the revisions after the loop run, what is there, and of which thing that speaks.
AHEAD = {
    "a check": ((NO_CHECK,), (BARE,), "check on p: id > 0 is as d4 leaves it"),
    "a check, and a table is to come": ((NO_CHECK, (MORE,)), (BARE,), "check on p: id > 0 is as d4 leaves it"),
    "a column": ((("ALTER TABLE p DROP COLUMN name",),), (BRIEF,), "column p.name is as d4 leaves it"),
    "a column, and the revision after was interrupted": (
        (("SELECT 1",), ("ALTER TABLE p DROP COLUMN name", MORE)),
        (BRIEF,),
        "column p.name is as e5 leaves it",
    ),
    "an index": ((("DROP INDEX ix_price",),), (CHECKED,), "index ix_price on p is as d4 leaves it"),
}


def ahead(folder: Path, later: tuple[tuple[str, ...], ...]) -> Home:
    chain = {"a1": raw(None, CHECKED, INDEX), "b2": raw("a1"), "c3": raw("b2", TWICE)}
    for name, statements in zip(("d4", "e5"), later, strict=False):
        chain[name] = raw(list(chain)[-1], *statements)
    return own_chain(folder, chain)


@pytest.mark.parametrize(("later", "there", "why"), AHEAD.values(), ids=list(AHEAD))
def test_a_stamp_does_not_have_rows_changed_again_where_what_comes_after_has_taken_something_away(
    tmp_path: Path, later: tuple[tuple[str, ...], ...], there: tuple[str, ...], why: str
) -> None:
    home = ahead(tmp_path, later)
    made = (INDEX,) if there != (CHECKED,) else ()
    script(home.database, *there, *made, "INSERT INTO p (id, price) VALUES (1, 10), (2, 12)", *stamp("b2"))
    assert undecided(home) == [
        f"c3: cannot tell whether its rows are there: the stamp stops before it, but {why} ({TWICE})"
    ]
    answered(home, c3=RowAnswer.DONE)
    assert ask(home.database, "SELECT price FROM p") == ONCE


def test_what_a_person_dropped_says_nothing_of_revisions_before_one_that_lacks_what_it_makes(tmp_path: Path) -> None:
    home = ahead(tmp_path, ((MORE,), ("ALTER TABLE p DROP COLUMN name",)))
    script(home.database, BRIEF, INDEX, P_ROWS, *stamp("b2"))
    assert undecided(home) == []


# Triggers and views.

Q, H = "CREATE TABLE q (id INTEGER PRIMARY KEY, txt TEXT)", "CREATE TABLE h (txt TEXT, n INTEGER)"
STEPS = "INSERT INTO h VALUES (NEW.txt, 1); UPDATE h SET n = n + 1 WHERE txt = NEW.txt;"
COUNTS = f"CREATE TRIGGER tq AFTER INSERT ON q BEGIN {STEPS} END"
ADD = "ALTER TABLE q ADD COLUMN k TEXT"
ONE, TWO = "INSERT INTO q (txt) VALUES ('a')", "op.bulk_insert(sa.table('q', sa.column('txt')), [{'txt': 'b'}] * 2)"


def test_a_statement_that_sets_off_a_trigger_is_run_once(tmp_path: Path) -> None:
    """Python reports it once more for each step of the trigger."""
    inserts = code("a1", f"op.execute({ADD!r})", f"op.execute({ONE!r})", TWO)
    home = own_chain(tmp_path, {"a1": raw(None, Q, H, COUNTS), "b2": inserts, "c3": raw("b2", MORE)})
    script(home.database, Q, H, COUNTS, ADD, *stamp("a1"))
    (told,) = undecided(home)
    assert "0 of the 3 rows that it inserts are there" in told
    assert "run the 3 row statements of b2" in answered(home, b2=RowAnswer.RUN)
    assert ask(home.database, "SELECT txt FROM q ORDER BY id") == [("a",), ("b",), ("b",)]


def test_a_row_that_goes_into_a_table_by_way_of_a_view_is_not_taken_for_lost(tmp_path: Path) -> None:
    view = "CREATE VIEW vq AS SELECT txt FROM q"
    into = "CREATE TRIGGER tv INSTEAD OF INSERT ON vq BEGIN INSERT INTO q (txt) VALUES (upper(NEW.txt)); END"
    chain = {"a1": raw(None, Q, view, into), "b2": raw("a1", ADD, "INSERT INTO vq VALUES ('a')"), "c3": raw("b2", MORE)}
    home = own_chain(tmp_path, chain)
    script(home.database, Q, view, into, ADD, *stamp("a1"))
    (told,) = undecided(home)
    assert told.startswith("b2: cannot tell whether its rows are there")
    answered(home, b2=RowAnswer.RUN)
    assert ask(home.database, "SELECT txt FROM q") == [("A",)]


V, V_UPPER = "CREATE VIEW vq AS SELECT txt FROM q", "CREATE VIEW vq AS SELECT upper(txt) AS txt FROM q"
LATE = "CREATE TRIGGER tq AFTER INSERT ON h BEGIN UPDATE q SET txt = 'seen'; END"
COPY = "INSERT INTO h SELECT txt, 0 FROM vq"
OTHERWISE = {
    "a view that a later revision changed": (
        (Q, H, V),
        (ADD, COPY),
        ("DROP VIEW vq", V_UPPER),
        "the view vq was another one then, or was not there",
    ),
    "a trigger that a later revision made": (
        (Q, H, V),
        (ADD, COPY),
        (LATE,),
        "the trigger tq was another one then, or was not there",
    ),
    "a trigger that a later revision dropped": (
        (Q, H, V, LATE),
        (ADD, COPY),
        ("DROP TRIGGER tq", MORE),
        "the trigger tq was another one then, or was not there",
    ),
    "a trigger that it makes afterwards itself": (
        (Q, H, V),
        (ADD, COPY, LATE),
        (MORE,),
        "it makes or drops a view or trigger of h in between",
    ),
}


@pytest.mark.parametrize(("first", "second", "third", "why"), OTHERWISE.values(), ids=OTHERWISE)
def test_statements_are_not_run_by_themselves_where_they_would_do_something_else(
    tmp_path: Path, first: tuple[str, ...], second: tuple[str, ...], third: tuple[str, ...], why: str
) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, *first), "b2": raw("a1", *second), "c3": raw("b2", *third)})
    script(home.database, *first, "INSERT INTO q VALUES (1, 'x')", ADD, *third, *stamp("a1"))
    (told,) = undecided(home)
    assert f"its row statements cannot be run by themselves: {why}" in told


# Values that rows got when a column was added.


@pytest.mark.parametrize(("first", "value"), [(" DEFAULT 'old'", "old"), ("", None)], ids=["a default", "none"])
def test_rows_get_the_default_with_which_the_chain_added_a_column(
    tmp_path: Path, first: str, value: str | None
) -> None:
    """A later revision gives the column another default, which only new rows get."""
    other = ("with op.batch_alter_table('p') as batch:", "    batch.alter_column('k', server_default='new')")
    chain = {"a1": raw(None, P), "b2": raw("a1", f"ALTER TABLE p ADD COLUMN k TEXT{first}"), "c3": code("b2", *other)}
    home = own_chain(tmp_path, chain | {"d4": raw("c3", MORE)})
    script(home.database, P, P_ROWS, MORE, *stamp("d4"))
    come_home(home)
    script(home.database, "INSERT INTO p (id) VALUES (3)")
    assert ask(home.database, "SELECT k FROM p ORDER BY id") == [(value,), (value,), ("new",)]


def test_what_leaves_no_trace_after_a_lost_trigger_may_have_run_without_a_stamp(tmp_path: Path) -> None:
    trigger = "CREATE TRIGGER tr AFTER DELETE ON p BEGIN SELECT 1; END"
    chain = {"a1": raw(None, P), "b2": raw("a1", trigger), "c3": raw("b2", "UPDATE p SET price = price * 100")}
    home = own_chain(tmp_path, chain | {"d4": raw("c3", MORE)})
    script(home.database, P, P_ROWS)
    (told,) = undecided(home)
    doubt = "all that these revisions make is easily lost, and no stamp says that it did not run"
    assert told.startswith(f"c3: cannot tell whether its rows are there: {doubt}")


SHOWN = {
    "a check": (
        ("CONSTRAINT c CHECK (id <> 0)",),
        batch("p", "drop_constraint('c', type_='check')"),
        ("b2",),
        "check on p",
    ),
    "a column": (("old TEXT",), ("op.drop_column('p', 'old')",), ("b2",), "column p.old"),
    "a column on another branch": (("old TEXT",), ("op.drop_column('p', 'old')",), ("a1",), "column p.old"),
}


@pytest.mark.parametrize(("had", "drops", "after", "told"), SHOWN.values(), ids=SHOWN)
def test_what_leaves_no_trace_may_have_run_where_a_revision_ran_beyond_the_stamp(
    tmp_path: Path, had: tuple[str, ...], drops: tuple[str, ...], after: tuple[str, ...], told: str
) -> None:
    chain = {
        "a1": raw(None, f"CREATE TABLE p (id INTEGER PRIMARY KEY, price INTEGER, {had[0]})"),
        "b2": code("a1", *drops),
        "c3": raw(after[0], "UPDATE p SET price = price * 100"),
        "d4": raw(("b2", "c3") if after == ("a1",) else "c3", MORE),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, P, P_ROWS, *stamp("a1"))
    (found,) = undecided(home)
    doubt = "c3: cannot tell whether its rows are there: the stamp stops before it, but"
    assert found.startswith(f"{doubt} {told}")
    assert "is as b2 leaves it" in found


def test_a_loop_of_a_revision_that_the_stamp_covers_does_not_run_again_where_its_table_is_lost(tmp_path: Path) -> None:
    """A replay on empty tables does not show what a loop over rows writes."""
    loop = (
        "bind = op.get_bind()",
        "for key, price in bind.execute(sa.text('SELECT id, price FROM p')).fetchall():",
        "    bind.execute(sa.text('UPDATE p SET price = :new WHERE id = :id'), {'new': price * 100, 'id': key})",
    )
    home = own_chain(tmp_path, {"a1": raw(None, P), "b2": code("a1", *loop, f"op.execute('{MORE}')")})
    script(home.database, P, P_ROWS, *stamp("b2"))
    (told,) = undecided(home)
    doubt = (
        "its stamp says that it ran, and nothing of it is in the schema, but it also reads p, which it does not make"
    )
    assert told.startswith(f"b2: cannot tell whether its rows are there: {doubt}, and may change what it finds there")


BY_BATCH = ("with op.batch_alter_table('p') as batch:", "    batch.add_column(sa.Column('k', sa.Text))")
OTHER = ("with op.batch_alter_table('p') as batch:", "    batch.alter_column('k', server_default='new')")
ADDED_AS = {
    "a statement, then a batch": ("op.execute('ALTER TABLE p ADD COLUMN k TEXT')", *OTHER),
    "two batches": (*BY_BATCH, *OTHER),
    "a statement, then a copy": (
        "op.execute('ALTER TABLE p ADD COLUMN k TEXT')",
        "op.rename_table('p', 'p_old')",
        """op.execute(\"CREATE TABLE p (id INTEGER PRIMARY KEY, price INTEGER, k TEXT DEFAULT 'new')\")""",
        "op.execute('INSERT INTO p SELECT id, price, k FROM p_old')",
        "op.drop_table('p_old')",
    ),
}


@pytest.mark.parametrize("lines", ADDED_AS.values(), ids=ADDED_AS)
def test_rows_get_the_default_of_the_statement_that_added_a_column(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """The same revision gives the column another default afterwards, and makes a table, which is there."""
    home = own_chain(tmp_path, {"a1": raw(None, P), "b2": code("a1", *lines, f"op.execute('{MORE}')")})
    script(home.database, P, P_ROWS, MORE, *stamp("b2"))
    come_home(home)
    script(home.database, "INSERT INTO p (id) VALUES (3)")
    assert ask(home.database, "SELECT k FROM p ORDER BY id") == [(None,), (None,), ("new",)]


def test_of_two_rows_that_are_alike_one_is_not_counted_twice(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, Q), "b2": raw("a1", ADD, ONE, ONE), "c3": raw("b2", MORE)})
    script(home.database, Q, ADD, ONE, *stamp("a1"))
    (told,) = undecided(home)
    assert "1 of the 2 rows that it inserts are there" in told


# Values that an earlier revision copies, and a later one drops at their old place.

S, D = "CREATE TABLE s (id INTEGER PRIMARY KEY, old TEXT)", "CREATE TABLE d (id INTEGER PRIMARY KEY, old TEXT)"
S_ROWS = "INSERT INTO s VALUES (1, 'a'), (2, 'b')"
ADDED = "ALTER TABLE s ADD COLUMN new TEXT"
PLACES = {
    "a table": (
        (D,),
        "INSERT INTO d SELECT id, old FROM s",
        "DROP TABLE s",
        "d4 drops it with 2 rows, and d, to which c3 copies them, is empty",
    ),
    "a column": (
        (ADDED,),
        "UPDATE s SET new = old",
        "ALTER TABLE s DROP COLUMN old",
        "d4 drops it with 2 values, and s.new, to which c3 copies them, is empty",
    ),
}


@pytest.mark.parametrize(("makes", "copies", "drops", "told"), PLACES.values(), ids=PLACES)
def test_what_was_never_copied_under_a_false_stamp_is_not_dropped(
    tmp_path: Path, makes: tuple[str, ...], copies: str, drops: str, told: str
) -> None:
    chain = {"a1": raw(None, S), "b2": raw("a1", *makes), "c3": raw("b2", copies), "d4": raw("c3", drops)}
    home = own_chain(tmp_path, chain)
    script(home.database, S, S_ROWS, *makes, *stamp("c3"))
    assert [(stay.code, stay.found) for stay in stays(home)] == [("drop-undecided", told)]
    script(home.database, copies)
    assert come_home(home, gone("s", "s.old"))[0] == "run revision d4"


def test_what_would_not_support_a_stamp_is_no_evidence_without_one(tmp_path: Path) -> None:
    """A table from an older backup, with a column as before the revision that changes its values and its type."""
    short, names = "CREATE TABLE n (id INTEGER PRIMARY KEY, name VARCHAR(10))", "INSERT INTO n VALUES (1, 'a')"
    longer = batch("n", "alter_column('name', type_=sa.String(20), existing_type=sa.String(10))")
    chain = {
        "a1": raw(None, short),
        "b2": code("a1", "op.execute(\"UPDATE n SET name = name || '!'\")", *longer),
        "c3": raw("b2", MORE),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, short, names, MORE)
    (told,) = undecided(home)
    assert told.startswith("b2: cannot tell whether its rows are there")


# Values that the text of a statement does not show exactly.


FLOATS = [0.1 + 0.2, 52.520006599999995]
INSERTS = f"op.bulk_insert(sa.table('f', sa.column('x')), [{{'x': each}} for each in {FLOATS}])"
F = "CREATE TABLE f (id INTEGER PRIMARY KEY, x REAL)"


def test_floats_of_a_data_step_are_exact_in_a_database_that_is_built_from_nothing(tmp_path: Path) -> None:
    step = code(None, f"op.execute({F!r})", "data_step()") + f"\ndef data_step():\n    {INSERTS}\n"
    home = own_chain(tmp_path, {"a1": step}).under('uninitialised = "create"')
    script(home.database)
    shown = home.preview().plan
    assert shown is not None
    reconcile(home.context(), shown, lambda *_: None)
    assert ask(home.database, "SELECT x FROM f ORDER BY id") == [(each,) for each in FLOATS]


def test_floats_are_printed_with_all_digits(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, F), "b2": code("a1", INSERTS)})
    assert recorded_sql(home.context().history)["b2"] == tuple(f"INSERT INTO f (x) VALUES ({each})" for each in FLOATS)


def test_a_statement_whose_values_are_not_known_exactly_is_not_settled_by_a_trial(tmp_path: Path) -> None:
    """As SQLite shows it, it sets 0.3, which is there; what it sets is the next number."""
    sets = f"op.get_bind().execute(sa.text('UPDATE f SET x = :x'), {{'x': {FLOATS[0]}}})"
    home = own_chain(tmp_path, {"a1": raw(None, F), "b2": code("a1", sets), "c3": raw("b2", MORE)})
    script(home.database, F, "INSERT INTO f VALUES (1, 0.3)", MORE, *stamp("a1"))
    (told,) = undecided(home)
    assert told.startswith("b2: cannot tell whether its rows are there")


def test_a_statement_whose_values_are_not_known_exactly_is_not_run_by_itself(tmp_path: Path) -> None:
    added = "op.execute('ALTER TABLE f ADD COLUMN k TEXT')"
    home = own_chain(tmp_path, {"a1": raw(None, F), "b2": code("a1", added, INSERTS), "c3": raw("b2", MORE)})
    script(home.database, F, "ALTER TABLE f ADD COLUMN k TEXT", *stamp("a1"))
    (told,) = undecided(home)
    assert "a value that it writes is known only in part, as a float of more than fifteen digits is" in told


# What was made by hand beyond the stamp, and is full already.

ADDED = "ALTER TABLE p ADD COLUMN cents INTEGER"
FULL = MORE.replace(")", ", price INTEGER)")


@pytest.mark.parametrize(
    ("makes", "table", "column"), [(FULL, "more", "price"), (ADDED, "p", "cents")], ids=["a table", "a column"]
)
def test_rows_of_what_was_made_beyond_the_stamp_may_be_as_a_later_revision_leaves_them(
    tmp_path: Path, makes: str, table: str, column: str
) -> None:
    change = f"UPDATE {table} SET {column} = {column} * 100"
    home = own_chain(
        tmp_path, {"a1": raw(None, P), "b2": raw("a1", makes), "c3": raw("b2", TABLE), "d4": raw("c3", change)}
    )
    script(home.database, P, P_ROWS, makes, *stamp("a1"))
    assert home.preview().plan.blockers == ()  # type: ignore[union-attr]  # a plan is there
    filled = "UPDATE p SET cents = 1000" if table == "p" else "INSERT INTO more VALUES (1, 1000)"
    script(home.database, filled)
    what = (
        "column p.cents, which b2 makes without values" if table == "p" else "table more, which b2 makes without rows"
    )
    assert undecided(home) == [
        f"d4: cannot tell whether its rows are there: the stamp stops before it, but {what}, has some ({change})"
    ]
    answered(home, d4=RowAnswer.DONE)
    assert ask(home.database, f"SELECT max({column}) FROM {table}") == [(1000,)]


def test_a_column_that_was_renamed_beyond_the_stamp_is_not_full_too_early(tmp_path: Path) -> None:
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, P),
            "b2": raw("a1", "ALTER TABLE p RENAME COLUMN price TO cents"),
            "c3": raw("b2", TABLE),
            "d4": raw("c3", "UPDATE p SET cents = cents * 100"),
        },
    )
    script(home.database, P.replace("price", "cents"), P_ROWS, *stamp("a1"))
    assert come_home(home, gone("p.cents")) == ["stamp b2", "run revision c3", "run revision d4", "stamp d4"]
    assert ask(home.database, "SELECT cents FROM p") == [(1000,), (1200,)]


@pytest.mark.parametrize("answer", [RowAnswer.DONE, RowAnswer.SKIP])
def test_a_revision_whose_rows_are_settled_is_made_with_all_that_comes_before_it(
    tmp_path: Path, answer: RowAnswer
) -> None:
    """Else what it makes would be missing where a pending revision comes before it."""
    second, third = ("CREATE TABLE t2 (x)",), ("CREATE TABLE t3 (x)", "UPDATE e SET w = w * 10")
    first = "CREATE TABLE e (id INTEGER PRIMARY KEY, w INTEGER)"
    home = own_chain(tmp_path, {"a1": raw(None, first), "b2": raw("a1", *second), "c3": raw("b2", *third)})
    script(home.database, first, "INSERT INTO e VALUES (1, 1)", *stamp("c3"))
    assert [told[:2] for told in undecided(home)] == ["c3"]
    assert answered(home, c3=answer) == ["run revision b2", "create table t3"]
    assert ask(home.database, "SELECT w FROM e") == [(1,)]


LETTERS = "CREATE TABLE m (id INTEGER PRIMARY KEY, mail TEXT)"
EQUAL_ONES = "INSERT INTO m VALUES (1, 'a'), (2, 'A'), (3, 'b')"
FIRST_ONES = "DELETE FROM m WHERE id NOT IN (SELECT min(id) FROM m GROUP BY lower(mail))"


def test_a_revision_that_is_to_be_run_is_run_as_a_whole_where_nothing_of_it_is_there(tmp_path: Path) -> None:
    """Its index would be made before the rows go that it forbids."""
    unique = "CREATE UNIQUE INDEX ux ON m (mail COLLATE NOCASE)"
    other = "CREATE TABLE later (id INTEGER PRIMARY KEY)"
    chain = {"a1": raw(None, LETTERS), "b2": raw("a1", FIRST_ONES, unique), "c3": raw("b2", other)}
    home = own_chain(tmp_path, chain)
    script(home.database, LETTERS, EQUAL_ONES, other)
    assert [told[:2] for told in undecided(home)] == ["b2"]
    assert answered(home, b2=RowAnswer.RUN)[0] == "run revision b2"
    assert ask(home.database, "SELECT id FROM m") == [(1,), (3,)]


def test_run_is_no_answer_where_the_revision_takes_away_what_its_statements_read(tmp_path: Path) -> None:
    made = "CREATE TABLE s (id INTEGER PRIMARY KEY, name TEXT)"
    parts = (made, "INSERT INTO s (name) SELECT upper(mail) FROM m", "ALTER TABLE m DROP COLUMN mail")
    chain = {"a1": raw(None, LETTERS), "b2": raw("a1", *parts), "c3": raw("b2", "CREATE TABLE later (x)")}
    home = own_chain(tmp_path, chain)
    script(home.database, "CREATE TABLE m (id INTEGER PRIMARY KEY)", made, "INSERT INTO m VALUES (1)", *stamp("a1"))
    (told,) = undecided(home)
    assert "it takes column m.mail away itself, which they use" in told


def test_run_is_not_suggested_where_another_statement_may_have_run(tmp_path: Path) -> None:
    """Killed between the two: the rows are there, and the column that comes after them is blank."""
    p = "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT)"
    second = (
        "ALTER TABLE m ADD COLUMN p_id INTEGER",
        "INSERT INTO p (name) SELECT mail FROM m",
        "UPDATE m SET p_id = (SELECT p.id FROM p WHERE p.name = m.mail)",
    )
    home = own_chain(tmp_path, {"a1": raw(None, LETTERS, p), "b2": raw("a1", *second)})
    script(home.database, LETTERS, p, EQUAL_ONES, *second[:2], *stamp("a1"))
    (told,) = undecided(home)
    assert "suggests run" not in told


def test_a_stamp_is_doubted_where_its_index_is_lost_and_the_rows_that_it_deletes_are_there(tmp_path: Path) -> None:
    unique = "CREATE UNIQUE INDEX ux ON m (lower(mail))"
    home = own_chain(tmp_path, {"a1": raw(None, LETTERS), "b2": raw("a1", FIRST_ONES, unique)})
    script(home.database, LETTERS, EQUAL_ONES, *stamp("b2"))
    (told,) = undecided(home)
    assert "its stamp says that it ran, and nothing of it is there, but it would delete rows now" in told
    assert answered(home, b2=RowAnswer.RUN) == ["run revision b2"]
    assert ask(home.database, "SELECT id FROM m") == [(1,), (3,)]


def test_a_lost_index_says_nothing_where_no_row_would_be_deleted(tmp_path: Path) -> None:
    unique = "CREATE UNIQUE INDEX ux ON m (lower(mail))"
    home = own_chain(tmp_path, {"a1": raw(None, LETTERS), "b2": raw("a1", FIRST_ONES, unique)})
    script(home.database, LETTERS, EQUAL_ONES, FIRST_ONES, *stamp("b2"))
    assert come_home(home) == ["create index ux"]
