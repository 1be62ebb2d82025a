"""Revisions that would fail on the rows of a database: the plan names the rows, and nothing is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.runs.upgrade import preview_upgrade
from support.scenarios import ask, batch, code, come_home, gone, own_chain, revision, script, stamp, stays

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

T = "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, a VARCHAR(9), b INTEGER)"
CAST = "alter_column('a', existing_type=sa.String(9), type_=sa.Integer())"
ROWS = "INSERT INTO t VALUES (1, 'aa', 1), (2, NULL, 1), (3, 'aa', -1)"
REQUIRED = "add_column(sa.Column('c', sa.Integer(), nullable=False))"
NOT_NULL = "alter_column('a', existing_type=sa.String(9), nullable=False)"


def pending(tmp_path: Path, *lines: str, rows: str = ROWS, more: dict[str, str] | None = None) -> Home:
    """A database at a1, with rows, of a chain whose next revision has these lines."""
    home = own_chain(tmp_path, {"a1": revision(None, T), "b2": code("a1", *lines), **(more or {})})
    script(home.database, T, *([rows] if rows else []), *stamp("a1"))
    return home


@pytest.mark.parametrize(
    "first",
    [
        ("op.add_column('t', sa.Column('c', sa.Integer(), server_default='7', nullable=False))",),
        batch("t", "add_column(sa.Column('c', sa.Integer(), server_default='7', nullable=False))"),
    ],
    ids=["a statement", "a batch operation"],
)
def test_a_default_that_is_taken_away_again_has_given_rows_their_values(tmp_path: Path, first: tuple[str, ...]) -> None:
    home = pending(tmp_path, *first, *batch("t", "alter_column('c', server_default=None)"))
    come_home(home)
    assert ask(home.database, "SELECT DISTINCT c FROM t") == [(7,)]


FORBIDDEN = {
    "a required column by ALTER TABLE": (
        ("op.add_column('t', sa.Column('c', sa.Integer(), nullable=False))",),
        "t.c",
        "b2 would fail: it requires a value, and 3 rows are there, with none",
        "give it a server_default in b2, or add it there as nullable, fill it, then make it NOT NULL (AM301)",
    ),
    "a required column by a batch operation": (
        batch("t", REQUIRED, NOT_NULL.replace("False", "True")),
        "t.c",
        "b2 would fail: it requires a value, and 3 rows are there, with none",
        "give it a server_default in b2, or add it there as nullable, fill it, then make it NOT NULL (AM301)",
    ),
    "an expression as default by ALTER TABLE": (
        ("op.add_column('t', sa.Column('c', sa.DateTime(), server_default=sa.text('(CURRENT_TIMESTAMP)')))",),
        "t.c",
        (
            "b2 would fail: its default is an expression, and 3 rows are there: ALTER TABLE adds such a column only to "
            "a table without rows"
        ),
        'add it in b2 by batch_alter_table("t", recreate="always") (AM302)',
    ),
    "NOT NULL over NULL": (
        batch("t", NOT_NULL),
        "t.a",
        "b2 would fail: the chain says NOT NULL, 1 row holds NULL (row 2)",
        "set a value for these rows by hand, or in b2 before it says NOT NULL (AM302)",
    ),
    "a unique index over equal values": (
        ("op.create_index('ux', 't', ['b'], unique=True)",),
        "t(b)",
        "b2 would fail: must be unique, but 1 value occurs more than once (1 in 2 rows)",
        "make the values unique by hand, or in b2 before (AM302)",
    ),
    "a unique constraint over equal values": (
        batch("t", "create_unique_constraint('uq', ['a'])"),
        "t(a)",
        "b2 would fail: must be unique, but 1 value occurs more than once ('aa' in 2 rows)",
        "make the values unique by hand, or in b2 before (AM302)",
    ),
    "a cast that changes values": (
        batch("t", CAST),
        "t.a",
        "b2 would fail: 2 values would not survive as INTEGER (row 1: 'aa', row 3: 'aa')",
        "convert them by hand, or in b2 first, with an UPDATE (AM302)",
    ),
    "a cast that changes values, before what changes others": (
        (
            *batch("t", CAST),
            *batch("t", "add_column(sa.Column('c', sa.String(9)))"),
            "op.execute('UPDATE t SET c = b')",
            "op.drop_column('t', 'b')",
        ),
        "t.a",
        "b2 would fail: 2 values would not survive as INTEGER (row 1: 'aa', row 3: 'aa')",
        "convert them by hand, or in b2 first, with an UPDATE (AM302)",
    ),
    "a check that a row breaks": (
        batch("t", "create_check_constraint('ck', 'b > 0')"),
        "t: b > 0",
        "b2 would fail: 1 row breaks this check (row 3: -1)",
        "correct these rows by hand, or in b2 before (AM302)",
    ),
}


@pytest.mark.parametrize(("lines", "subject", "found", "advice"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_rows_that_a_pending_revision_forbids_block_the_plan(
    tmp_path: Path, lines: tuple[str, ...], subject: str, found: str, advice: str
) -> None:
    home = pending(tmp_path, *lines)
    (blocker,) = stays(home)
    assert (blocker.subject, blocker.found, blocker.advice, blocker.revision, blocker.entry) == (
        subject,
        found,
        advice,
        "b2",
        "",
    )
    (again,) = preview_upgrade(home.context()).plan.blockers  # type: ignore[union-attr]  # a plan is there, as above
    assert again == blocker


def test_a_later_revision_is_foreseen_over_rows_that_earlier_ones_leave_alone(tmp_path: Path) -> None:
    later = code("b2", "op.create_index('ux', 't', ['a'], unique=True)")
    home = pending(tmp_path, *batch("t", NOT_NULL), rows=ROWS.replace("NULL", "'bb'"), more={"c3": later})
    (blocker,) = stays(home)
    assert (blocker.subject, blocker.revision) == ("t(a)", "c3")


# What looks alike and succeeds is not stopped.
FILL = "op.execute(\"UPDATE t SET a = 'bb' || id\")"
ALLOWED = {
    "no rows": (("op.add_column('t', sa.Column('c', sa.Integer(), nullable=False))",), ""),
    "filled before": ((FILL, *batch("t", NOT_NULL)), ROWS),
    "converted before": (("op.execute('UPDATE t SET a = id')", *batch("t", CAST)), ROWS),
    "a cast that keeps values": (batch("t", CAST), "INSERT INTO t VALUES (1, '7', 1), (2, NULL, 1), (3, 5, 1)"),
    "made unique before": ((FILL, "op.create_index('ux', 't', ['a'], unique=True)"), ROWS),
    "a default": (batch("t", REQUIRED.replace("nullable", "server_default='7', nullable")), ROWS),
    "an expression as default in a batch operation": (
        (
            "with op.batch_alter_table('t', recreate='always') as b:",
            "    b.add_column(sa.Column('c', sa.DateTime(), server_default=sa.text('(CURRENT_TIMESTAMP)')))",
        ),
        ROWS,
    ),
    "a column that is renamed": (batch("t", "alter_column('a', new_column_name='c')"), ROWS),
    "dropped and made again with a default": (
        (
            "op.drop_column('t', 'a')",
            "op.add_column('t', sa.Column('a', sa.String(9), server_default='x', nullable=False))",
        ),
        ROWS,
    ),
    "equal values outside of a partial index": (
        ("op.create_index('ux', 't', ['b'], unique=True, sqlite_where=sa.text('b > 1'))",),
        ROWS,
    ),
    "a table copied by hand": (
        (
            "op.execute('CREATE TABLE t2 (id INTEGER NOT NULL PRIMARY KEY, a VARCHAR(9) NOT NULL, b INTEGER)')",
            "op.execute(\"INSERT INTO t2 SELECT id, coalesce(a, ''), b FROM t\")",
            "op.drop_table('t')",
            "op.rename_table('t2', 't')",
        ),
        ROWS,
    ),
    "code that looks at the rows first": (
        (
            "for row in op.get_bind().execute(sa.text('SELECT id FROM t WHERE a IS NULL')).fetchall():",
            "    op.execute(f\"UPDATE t SET a = 'x' WHERE id = {row[0]}\")",
            *batch("t", NOT_NULL),
        ),
        ROWS,
    ),
}


@pytest.mark.parametrize(("lines", "rows"), ALLOWED.values(), ids=ALLOWED)
def test_a_revision_that_succeeds_on_the_rows_is_not_stopped(tmp_path: Path, lines: tuple[str, ...], rows: str) -> None:
    home = pending(tmp_path, *lines, rows=rows)
    written = gone("t.a", "t.b")
    assert come_home(home, written)[-1] == "stamp b2"
    assert ask(home.database, "SELECT count(*) FROM t") == [(3 if rows else 0,)]


# Keys of the database's own tables, which no revision knows.

OWN = "CREATE TABLE own (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES {} (id))"


@pytest.mark.parametrize(("row", "blocked"), [("(1, 1)", True), ("(1, NULL)", False)])
def test_a_revision_that_drops_what_rows_of_the_application_refer_to_is_foreseen(
    tmp_path: Path, row: str, blocked: bool
) -> None:
    home = pending(tmp_path, "op.drop_table('t')")
    script(home.database, OWN.format("t"), f"INSERT INTO own VALUES {row}")
    if not blocked:
        assert come_home(home, gone("t")) == ["run revision b2", "stamp b2"]
        return
    (blocker,) = stays(home)
    assert (blocker.code, blocker.subject) == ("blocked-reference", "table own")
    assert blocker.found == "1 row refers to t by t_id, which b2 drops"


def test_rows_of_the_application_follow_a_table_that_a_revision_renames(tmp_path: Path) -> None:
    home = pending(tmp_path, "op.rename_table('t', 'u')")
    script(home.database, OWN.format("t"), "INSERT INTO own VALUES (1, 1)")
    assert come_home(home, gone("t")) == ["run revision b2", "stamp b2"]


def test_a_key_to_the_copy_of_an_interrupted_batch_is_foreseen(tmp_path: Path) -> None:
    home = pending(tmp_path, *batch("t", NOT_NULL), rows="INSERT INTO t VALUES (1, 'aa', 1)")
    script(home.database, "ALTER TABLE t RENAME TO _alembic_tmp_t", OWN.format("_alembic_tmp_t"))
    script(home.database, "INSERT INTO own VALUES (1, 1)")
    (blocker,) = stays(home)
    assert (blocker.code, blocker.subject) == ("blocked-reference", "table own")
    assert blocker.found == "1 row refers to _alembic_tmp_t by t_id, which gets another name"


# A key that a revision adds is not checked by SQLite against the rows that are there.

PARENT = "CREATE TABLE p (id INTEGER NOT NULL PRIMARY KEY)"


@pytest.mark.parametrize(("parents", "told"), [("(1)", True), ("(1), (-1)", False)])
def test_rows_that_refer_to_nothing_by_a_new_key_are_told_beforehand(tmp_path: Path, parents: str, told: bool) -> None:
    home = own_chain(
        tmp_path,
        {
            "a1": revision(None, T, PARENT),
            "b2": code("a1", *batch("t", "create_foreign_key('fk', 'p', ['b'], ['id'])")),
        },
    )
    script(home.database, T, PARENT, ROWS, f"INSERT INTO p VALUES {parents}", *stamp("a1"))
    words = (
        "t(b): b2 adds a key to p by which 1 row refers to nothing (row 3: -1); "
        "archmig verify reports them until they are corrected"
    )
    assert home.preview().warnings == ((words,) if told else ())
    assert come_home(home) == ["run revision b2", "stamp b2"]
