"""Alembic's batch operations forget what they do not understand: archmig puts it back, or refuses the run by name."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import NotProvenError, RevisionFailedError, RevisionLosesError
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import reconcile
from architect_migrate.runs.upgrade import downgrade, preview_downgrade, preview_upgrade, upgrade
from support.plain_alembic import alembic
from support.scenarios import ask, digest, own_chain, script, stamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from architect_migrate.planning.results import Result
    from support.scenarios import Home

# Alembic warns of some of what it forgets.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
TOP = "import sqlalchemy as sa"
FIRST = f"""down_revision = None
{TOP}
def upgrade():
    op.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, kind TEXT)")
    op.execute("CREATE INDEX ix_kind ON notes (kind)")
def downgrade():
    op.execute("DROP TABLE notes")
"""
BATCH = f"""down_revision = "r1"
{TOP}
def upgrade():
    with op.batch_alter_table("notes", recreate="always") as it:
        it.add_column(sa.Column("due", sa.Text))
def downgrade():
    with op.batch_alter_table("notes", recreate="always") as it:
        it.drop_column("due")
"""
TABLE = "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, kind TEXT{more})"
KIND = "CREATE INDEX ix_kind ON notes (kind)"
ROWS = "INSERT INTO notes (id, title, kind) VALUES (1, 'One', 'x'), (2, 'Two', NULL)"
LOG = "CREATE TABLE log (what TEXT)"
TRIGGER = "CREATE TRIGGER tell AFTER INSERT ON notes BEGIN INSERT INTO log VALUES (new.title); END"
BY_LOWER = "CREATE INDEX ix_lower ON notes (lower(title))"
PARTIAL = "CREATE INDEX ix_part ON notes (title COLLATE NOCASE DESC) WHERE kind = ':x'"
COUNTING = "CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, kind TEXT)"


def home(folder: Path, *statements: str, second: str = BATCH) -> Home:
    """A database at the first of two revisions, made by hand."""
    made = own_chain(folder, {"r1": FIRST, "r2": second})
    script(made.database, *statements, *stamp("r1"))
    return made


def upgraded(its: Home) -> Result:
    shown = preview_upgrade(its.context())
    assert shown.outcome is Outcome.PLANNED, shown
    assert shown.plan is not None
    return upgrade(its.context(), shown.plan, lambda *_: None)


def forced(its: Home) -> Result:
    """Run a plan that a preview blocks: what makes it fail may come between the two."""
    shown = preview_upgrade(its.context())
    assert shown.outcome is Outcome.BLOCKED, shown
    assert shown.plan is not None
    return upgrade(its.context(), replace(shown.plan, blockers=()), lambda *_: None)


def texts(path: Path, *names: str) -> list[str]:
    wanted = ", ".join(f"'{name}'" for name in names)
    return [row[0] for row in ask(path, f"SELECT sql FROM sqlite_master WHERE name IN ({wanted}) ORDER BY name")]


@pytest.mark.parametrize(
    ("statements", "name", "told"),
    [
        ((LOG, TRIGGER), "tell", "trigger tell"),
        ((BY_LOWER,), "ix_lower", "index ix_lower"),
        ((PARTIAL,), "ix_part", "index ix_part"),
    ],
)
def test_an_object_that_a_batch_operation_forgets_is_put_back_to_the_letter(
    tmp_path: Path, statements: tuple[str, ...], name: str, told: str
) -> None:
    its = home(tmp_path, TABLE.format(more=""), KIND, ROWS, *statements)
    done = upgraded(its)
    assert texts(its.database, name) == [statements[-1]]
    assert done.warnings == (f"r2 dropped {told}: restored",)
    assert ask(its.database, "SELECT id, title, kind, due FROM notes") == [
        (1, "One", "x", None),
        (2, "Two", None, None),
    ]


def test_ids_are_never_given_out_twice_where_a_batch_operation_forgets_autoincrement(tmp_path: Path) -> None:
    forty = "INSERT INTO notes (id, title) VALUES (40, 'gone')"
    its = home(tmp_path, COUNTING, KIND, ROWS, forty, "DELETE FROM notes WHERE id = 40", LOG, TRIGGER)
    assert upgraded(its).warnings == (
        "r2 dropped AUTOINCREMENT of notes: restored",
        "r2 dropped trigger tell: restored",
    )
    script(its.database, "INSERT INTO notes (title) VALUES ('new')")
    assert ask(its.database, "SELECT id FROM notes ORDER BY id") == [(1,), (2,), (41,)]
    assert ask(its.database, "SELECT what FROM log") == [("new",)]


def test_a_sequence_survives_a_batch_operation_that_keeps_autoincrement_itself(tmp_path: Path) -> None:
    keeping = BATCH.replace('recreate="always"', 'recreate="always", table_kwargs={"sqlite_autoincrement": True}')
    its = own_chain(tmp_path, {"r1": FIRST.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT"), "r2": keeping})
    script(its.database, COUNTING, KIND, "INSERT INTO notes (id) VALUES (40)", "DELETE FROM notes", *stamp("r1"))
    assert upgraded(its).warnings == ()
    assert ask(its.database, "SELECT name, seq FROM sqlite_sequence WHERE name = 'notes'") == [("notes", 40)]


def test_an_extra_column_goes_through_a_batch_operation_with_its_values(tmp_path: Path) -> None:
    its = home(
        tmp_path, TABLE.format(more=", mood TEXT NOT NULL DEFAULT 'x'"), KIND, ROWS, "UPDATE notes SET mood = 'y'"
    )
    assert upgraded(its).warnings == ()
    assert ask(its.database, "SELECT mood, due FROM notes") == [("y", None), ("y", None)]


REFUSED = (
    "revision r2 failed in the check of what it removed: it removed {what}, which cannot be restored: "
    "only the revision can keep these: alter the table by its own statements"
)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (", mood TEXT COLLATE NOCASE", "column notes.mood: collation was nocase and is binary"),
        (", mood TEXT UNIQUE ON CONFLICT IGNORE", "ON CONFLICT IGNORE of notes(mood)"),
        (
            ", mood INTEGER REFERENCES notes ON DELETE CASCADE",
            (
                "foreign key notes(mood) to notes: reference was (id) on delete cascade on update no action and is "
                "(id) on delete no action on update no action"
            ),
        ),
    ],
)
def test_what_cannot_be_put_back_refuses_the_run_by_name(tmp_path: Path, more: str, what: str) -> None:
    its = home(tmp_path, TABLE.format(more=more), KIND, ROWS)
    before = digest(its.database)
    with pytest.raises(RevisionLosesError) as refused:
        forced(its)
    assert str(refused.value) == REFUSED.format(what=what)
    assert digest(its.database) == before


def test_rows_that_a_key_tells_apart_are_found_again_though_a_batch_operation_numbers_them_anew(tmp_path: Path) -> None:
    first = FIRST.replace("id INTEGER PRIMARY KEY", "id TEXT PRIMARY KEY")
    its = own_chain(tmp_path, {"r1": first, "r2": BATCH})
    table = TABLE.format(more="").replace("INTEGER", "TEXT")
    gone = "DELETE FROM notes WHERE id = '1'"
    script(its.database, table, KIND, ROWS, "INSERT INTO notes VALUES (NULL, 'none', 'y')", gone, *stamp("r1"))
    assert upgraded(its).outcome is Outcome.DONE
    found = ask(its.database, "SELECT id, title, kind, due FROM notes ORDER BY 1")
    assert found == [(None, "none", "y", None), ("2", "Two", None, None)]


CHANGED = """down_revision = "r1"
import sqlalchemy as sa
def upgrade():
    with op.batch_alter_table("notes") as it:
        it.alter_column("title", existing_type=sa.Text(), {change})
def downgrade():
    pass
"""


@pytest.mark.parametrize(
    ("change", "title", "what"),
    [
        ("nullable=False", "TEXT COLLATE NOCASE", "column notes.title: collation was nocase and is binary"),
        ("server_default='-'", "TEXT UNIQUE ON CONFLICT IGNORE", "ON CONFLICT IGNORE of notes(title)"),
        ("nullable=False", "TEXT UNIQUE ON CONFLICT IGNORE", "ON CONFLICT IGNORE of notes(title)"),
    ],
)
def test_what_only_this_database_says_of_a_column_that_the_revision_changes_is_not_lost(
    tmp_path: Path, change: str, title: str, what: str
) -> None:
    table = TABLE.format(more="").replace("title TEXT", f"title {title}")
    its = home(tmp_path, table, KIND, ROWS, second=CHANGED.format(change=change))
    before = digest(its.database)
    its.context()
    done = alembic("-x", f"db={its.database}", "upgrade", "head", ini=its.ini)
    assert done.failure.startswith(f"it: {REFUSED.format(what=what)}; everything was rolled back")
    assert digest(its.database) == before


KEPT = '[[resolve]]\ntable = "notes"\nkeep = true'
CHECKS = ", mood TEXT CHECK (mood <> 'bad'), CONSTRAINT good CHECK (kind <> 'k')"


@pytest.mark.parametrize("plain", [False, True], ids=["upgrade", "plain alembic"])
def test_checks_of_this_database_alone_are_put_back_with_their_names(tmp_path: Path, plain: bool) -> None:
    its = home(tmp_path, TABLE.format(more=CHECKS), KIND, ROWS, "UPDATE notes SET mood = 'fine' WHERE id = 1").settled(
        KEPT
    )
    its.context()
    if plain:
        assert alembic("-x", f"db={its.database}", "upgrade", "head", ini=its.ini).code == 0
    else:
        # Alembic itself copies a check that has a name.
        assert upgraded(its).warnings == ("r2 dropped check on notes: mood <> 'bad': restored",)
    assert "CONSTRAINT good CHECK (kind <> 'k')" in texts(its.database, "notes")[0]
    assert ask(its.database, "SELECT mood, due FROM notes") == [("fine", None), (None, None)]
    for column in ("mood", "kind"):
        with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"):
            script(its.database, f"UPDATE notes SET {column} = '{'bad' if column == 'mood' else 'k'}'")


VIEW = "CREATE VIEW titles AS SELECT title FROM notes"
OF_VIEW = (
    "CREATE TRIGGER into_titles INSTEAD OF INSERT ON titles BEGIN INSERT INTO notes (title) VALUES (new.title); END"
)
ELSEWHERE = "CREATE TRIGGER logged AFTER INSERT ON log BEGIN UPDATE notes SET kind = new.what; END"


@pytest.mark.parametrize("plain", [False, True], ids=["upgrade", "plain alembic"])
def test_views_and_triggers_that_refer_to_a_table_do_not_stop_a_batch_operation(tmp_path: Path, plain: bool) -> None:
    its = home(tmp_path, TABLE.format(more=""), KIND, ROWS, LOG, VIEW, OF_VIEW, ELSEWHERE)
    its.context()
    if plain:
        assert alembic("-x", f"db={its.database}", "upgrade", "head", ini=its.ini).code == 0
    else:
        assert upgraded(its).warnings == ()
    assert texts(its.database, "titles", "into_titles", "logged") == [OF_VIEW, ELSEWHERE, VIEW]
    script(its.database, "INSERT INTO titles VALUES ('Three')", "INSERT INTO log VALUES ('k')")
    assert ask(its.database, "SELECT title, kind FROM notes") == [("One", "k"), ("Two", "k"), ("Three", "k")]


def test_a_view_that_reads_what_a_batch_operation_drops_refuses_the_run(tmp_path: Path) -> None:
    second = BATCH.replace('it.add_column(sa.Column("due", sa.Text))', 'it.drop_column("title")', 1)
    broken = "CREATE VIEW long_broken AS SELECT gone FROM notes"
    its = home(tmp_path, TABLE.format(more=""), KIND, ROWS, VIEW, broken, second=second)
    before = digest(its.database)
    with pytest.raises(RevisionLosesError) as refused:
        forced(its)
    assert str(refused.value) == (
        "revision r2 failed in the check of what it removed: it removed what view titles reads, which cannot be "
        "restored: no such column: title"
    )
    assert digest(its.database) == before


RENAMES = {
    "by SQLite": """    op.alter_column("notes", "title", new_column_name="name")
""",
    "in a batch": """    with op.batch_alter_table("notes", recreate="always") as it:
        it.alter_column("title", existing_type=sa.Text(), new_column_name="name")
""",
}
OWN = (", UNIQUE (title, kind)", ", CHECK (title <> 'bad')")


@pytest.mark.parametrize("rename", RENAMES.values(), ids=RENAMES)
def test_what_this_database_has_on_a_column_that_is_renamed_goes_with_it(tmp_path: Path, rename: str) -> None:
    second = f'down_revision = "r1"\n{TOP}\ndef upgrade():\n{rename}def downgrade():\n    pass\n'
    its = home(tmp_path, TABLE.format(more="".join(OWN)), KIND, ROWS, BY_LOWER, PARTIAL, second=second).settled(KEPT)
    upgraded(its)
    assert [text.replace('"', "") for text in texts(its.database, "ix_lower", "ix_part")] == [
        "CREATE INDEX ix_lower ON notes (lower(name))",
        "CREATE INDEX ix_part ON notes (name COLLATE NOCASE DESC) WHERE kind = ':x'",
    ]
    table = texts(its.database, "notes")[0].replace('"', "")
    for constraint in ("UNIQUE (name, kind)", "CHECK (name <> 'bad')"):
        assert constraint in table
    assert ask(its.database, "SELECT id, name FROM notes") == [(1, "One"), (2, "Two")]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DROP VIEW IF EXISTS titles", "r2 dropped view titles: restored"),
        ("DROP TRIGGER IF EXISTS tell", "r2 dropped trigger tell: restored"),
        ("DROP INDEX IF EXISTS ix_lower", "r2 dropped index ix_lower: restored"),
    ],
)
def test_what_only_this_database_has_is_put_back_however_it_went(tmp_path: Path, statement: str, told: str) -> None:
    second = BATCH.replace("def upgrade():\n", f"def upgrade():\n    op.execute({statement!r})\n    return\n")
    view = "CREATE VIEW titles AS SELECT title FROM notes"
    its = home(tmp_path, TABLE.format(more=""), KIND, ROWS, LOG, TRIGGER, BY_LOWER, view, second=second)
    assert upgraded(its).warnings == (told,)
    assert texts(its.database, "titles", "tell", "ix_lower") == [BY_LOWER, TRIGGER, view]


def test_a_table_that_only_this_database_has_is_not_dropped_by_a_revision(tmp_path: Path) -> None:
    second = BATCH.replace(
        "def upgrade():\n", "def upgrade():\n    op.execute('DROP TABLE IF EXISTS log')\n    return\n"
    )
    its = home(tmp_path, TABLE.format(more=""), KIND, ROWS, LOG, second=second)
    with pytest.raises(RevisionLosesError) as refused:
        forced(its)
    assert str(refused.value) == (
        "revision r2 failed in the check of what it removed: it removed table log, which cannot be restored: "
        "the chain keeps them"
    )
    assert ask(its.database, "SELECT count(*) FROM log") == [(0,)]


def test_a_trigger_on_a_column_that_the_revision_drops_refuses_the_run(tmp_path: Path) -> None:
    second = BATCH.replace('it.add_column(sa.Column("due", sa.Text))', 'it.drop_column("title")', 1)
    its = home(tmp_path, TABLE.format(more=""), KIND, ROWS, LOG, TRIGGER, second=second)
    before = digest(its.database)
    with pytest.raises(RevisionLosesError, match=r"it removed trigger tell, which .*: no such column: new.title"):
        forced(its)
    assert digest(its.database) == before


def test_a_downgrade_puts_back_what_it_forgets_too(tmp_path: Path) -> None:
    its = home(tmp_path, TABLE.format(more=", due TEXT"), KIND, ROWS, LOG, TRIGGER, BY_LOWER)
    script(its.database, "UPDATE alembic_version SET version_num = 'r2'")
    shown = preview_downgrade(its.context(), "r1")
    assert shown.plan is not None
    done = downgrade(its.context(), shown.plan, lambda *_: None, "r1")
    assert done.warnings == ("r2 dropped index ix_lower: restored", "r2 dropped trigger tell: restored")
    assert ask(its.database, "SELECT * FROM notes") == [(1, "One", "x"), (2, "Two", None)]


def test_reconcile_puts_back_what_a_revision_that_it_runs_forgets(tmp_path: Path) -> None:
    its = home(tmp_path, TABLE.format(more=""), ROWS, LOG, TRIGGER)
    shown = its.preview()
    assert shown.plan is not None
    done = reconcile(its.context(), shown.plan, lambda *_: None)
    assert done.warnings == ("r2 dropped trigger tell: restored",)
    assert texts(its.database, "ix_kind", "tell") == [KIND, TRIGGER]


def test_plain_alembic_puts_it_back_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    its = home(tmp_path, TABLE.format(more=""), KIND, ROWS, LOG, TRIGGER, BY_LOWER)
    its.context()
    done = alembic("-x", f"db={its.database}", "upgrade", "head", ini=its.ini)
    assert done.code == 0, done.out
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "r2 dropped index ix_lower: restored",
        "r2 dropped trigger tell: restored",
    ]
    assert texts(its.database, "ix_lower", "tell") == [BY_LOWER, TRIGGER]


def test_plain_alembic_refuses_what_cannot_be_put_back(tmp_path: Path) -> None:
    its = home(tmp_path, TABLE.format(more=", mood TEXT UNIQUE ON CONFLICT IGNORE"), KIND, ROWS)
    its.context()
    before = digest(its.database)
    done = alembic("-x", f"db={its.database}", "upgrade", "head", ini=its.ini)
    what = REFUSED.format(what="ON CONFLICT IGNORE of notes(mood)")
    assert done.failure == f"it: {what}; everything was rolled back"
    assert digest(its.database) == before


RETYPED = """down_revision = "r1"
import sqlalchemy as sa
def upgrade():
    {first}
    with op.batch_alter_table("notes") as it:
        it.alter_column("title", existing_type=sa.Text(), type_=sa.{to}())
def downgrade():
    pass
"""
VALUES = "INSERT INTO notes (id, title) VALUES (1, '2024-01-02 10:00:00'), (2, 'abc'), (3, '5'), (4, NULL)"
PLAIN = pytest.mark.parametrize("plain", [False, True], ids=["archmig", "alembic"])


def run(its: Home, plain: bool, go: Callable[[Home], Result] = upgraded) -> str:
    """What a run says that went wrong, empty where it went well."""
    if plain:
        its.context()
        done = alembic("-x", f"db={its.database}", "upgrade", "head", ini=its.ini)
        return done.failure if done.code else ""
    try:
        go(its)
    except RevisionFailedError as error:
        return str(error)
    return ""


@PLAIN
@pytest.mark.parametrize(
    ("to", "more"),
    [("Date", "'2024-01-02 10:00:00' as 2024; 'abc' as 0"), ("Boolean", "10:00:00' as 2024; 'abc' as 0")],
)
def test_values_that_a_batch_operation_would_destroy_by_a_cast_refuse_the_run(
    tmp_path: Path, plain: bool, to: str, more: str
) -> None:
    its = home(tmp_path, TABLE.format(more=""), KIND, VALUES, second=RETYPED.format(first="pass", to=to))
    before = digest(its.database)
    said = run(its, plain, forced)
    assert (
        f"revision r2 failed in upgrade(): its batch operation casts notes.title to {to.upper()}, and 2 values "
        "would not survive that ("
    ) in said
    assert f"{more}): convert them in the revision first, with an UPDATE" in said
    assert digest(its.database) == before


@PLAIN
def test_values_that_survive_a_cast_or_are_converted_first_go_through_it(tmp_path: Path, plain: bool) -> None:
    first = "op.execute(\"UPDATE notes SET title = length(title) WHERE title LIKE '%a%' OR title LIKE '%:%'\")"
    its = home(tmp_path, TABLE.format(more=""), KIND, VALUES, second=RETYPED.format(first=first, to="Integer"))
    assert run(its, plain) == ""
    assert ask(its.database, "SELECT title FROM notes ORDER BY id") == [(19,), (3,), (5,), (None,)]


@PLAIN
@pytest.mark.parametrize(
    ("value", "to", "lost"),
    [
        ("'007'", "Integer", "'007' as 7"),
        ("'1e2'", "Float", "'1e2' as 100.0"),
        ("'2.50'", "Numeric", "'2.50' as 2.5"),
        ("x'37'", "Integer", ""),
        ("'5'", "Float", ""),
        ("'2.5'", "Numeric", ""),
    ],
)
def test_a_cast_that_cannot_be_reversed_loses_the_value(
    tmp_path: Path, plain: bool, value: str, to: str, lost: str
) -> None:
    row = f"INSERT INTO notes VALUES (1, {value}, NULL)"
    its = home(tmp_path, TABLE.format(more=""), KIND, row, second=RETYPED.format(first="pass", to=to))
    said = run(its, plain, forced if lost else upgraded)
    assert (f"1 value would not survive that ({lost})" in said) if lost else (said == "")


ASIDE = (
    "ALTER TABLE notes RENAME TO notes_old",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, kind TEXT, due TEXT)",
    "INSERT INTO notes (id, title, kind) SELECT id, title, kind FROM notes_old",
    "DROP TABLE notes_old",
    KIND,
)
SWAPPED = (
    "CREATE TABLE anew (id INTEGER PRIMARY KEY, title TEXT, kind TEXT, due TEXT)",
    "INSERT INTO anew (id, title, kind) SELECT id, title, kind FROM notes",
    "ALTER TABLE notes RENAME TO notes_old",
    "ALTER TABLE anew RENAME TO notes",
    "DROP TABLE notes_old",
    KIND,
)
IN_PLACE = ("ALTER TABLE notes ADD COLUMN due TEXT",)
BY_HAND = pytest.mark.parametrize("statements", [ASIDE, SWAPPED], ids=["aside", "swapped"])


def by_hand(*statements: str) -> str:
    """A second revision of statements of its own."""
    lines = "".join(f"    op.execute({statement!r})\n" for statement in statements)
    return f'down_revision = "r1"\ndef upgrade():\n{lines}def downgrade():\n    pass\n'


@BY_HAND
@pytest.mark.parametrize(
    ("more", "what"),
    [
        (", mood TEXT", "column notes.mood"),
        (", UNIQUE (title)", "unique notes(title)"),
    ],
)
def test_what_a_table_loses_that_takes_the_place_of_another_refuses_plain_alembic_too(
    tmp_path: Path, statements: tuple[str, ...], more: str, what: str
) -> None:
    its = home(tmp_path, TABLE.format(more=more), KIND, ROWS, second=by_hand(*statements))
    its.context()
    before = digest(its.database)
    done = alembic("-x", f"db={its.database}", "upgrade", "head", ini=its.ini)
    assert done.failure.startswith(f"it: {REFUSED.format(what=what)}; everything was rolled back")
    assert digest(its.database) == before


@BY_HAND
def test_ids_are_never_given_out_twice_where_a_table_takes_the_place_of_a_counting_one(
    tmp_path: Path, statements: tuple[str, ...]
) -> None:
    forty = "INSERT INTO notes (id, title) VALUES (40, 'gone')"
    its = home(tmp_path, COUNTING, KIND, ROWS, forty, "DELETE FROM notes WHERE id = 40", second=by_hand(*statements))
    assert upgraded(its).warnings == ("r2 dropped AUTOINCREMENT of notes: restored",)
    script(its.database, "INSERT INTO notes (title) VALUES ('new')")
    assert ask(its.database, "SELECT id FROM notes ORDER BY id") == [(1,), (2,), (41,)]


def test_a_column_that_only_this_database_has_is_not_dropped_by_a_revision(tmp_path: Path) -> None:
    drops = (
        "    if 'mood' in [it['name'] for it in sa.inspect(op.get_bind()).get_columns('notes')]:\n"
        "        op.execute('ALTER TABLE notes DROP COLUMN mood')\n"
    )
    second = by_hand(*IN_PLACE).replace("def upgrade():\n", f"{TOP}\ndef upgrade():\n{drops}")
    its = home(tmp_path, TABLE.format(more=", mood TEXT"), KIND, ROWS, "UPDATE notes SET mood = 'y'", second=second)
    before = digest(its.database)
    with pytest.raises(RevisionLosesError) as refused:
        forced(its)
    assert str(refused.value) == REFUSED.format(what="column notes.mood")
    assert digest(its.database) == before


@BY_HAND
def test_the_rows_of_a_table_that_takes_the_place_of_another_are_compared(
    tmp_path: Path, statements: tuple[str, ...]
) -> None:
    loses = tuple(statement.replace("SELECT id, title, kind", "SELECT id, title, 'x'") for statement in statements)
    its = home(tmp_path, TABLE.format(more=""), KIND, ROWS, second=by_hand(*loses))
    before = digest(its.database)
    with pytest.raises(NotProvenError, match="notes row 2: column \"kind\" was NULL, is 'x'"):
        upgraded(its)
    assert digest(its.database) == before
