"""Sound databases of chains with unusual habits: nothing is asked, nothing is refused, and every row is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.registry import dialect
from architect_migrate.planning.results import Outcome, State
from support.scenarios import ask, code, come_home, gone, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

# Tables whose rows have numbers of their own only until a batch operation copies them.

LOOSE = ("CREATE TABLE loose (v VARCHAR(9), w INTEGER)", "CREATE TABLE coded (code VARCHAR(9) PRIMARY KEY, w INTEGER)")
GAPS = (
    "INSERT INTO loose VALUES ('a', 1), ('b', 2), ('c', 3), ('c', 3)",
    "DELETE FROM loose WHERE v = 'a'",
    "INSERT INTO coded VALUES ('z', 1), ('a', 2), ('m', 3)",
    "DELETE FROM coded WHERE code = 'z'",
)


def with_gaps(tmp_path: Path, table: str, *operations: str) -> Home:
    recreated = (
        f"with op.batch_alter_table({table!r}, recreate='always') as b:",
        *(f"    b.{one}" for one in operations),
    )
    home = own_chain(tmp_path, {"a1": revision(None, *LOOSE), "b2": code("a1", *recreated)})
    script(home.database, *LOOSE, *GAPS, *stamp("a1"))
    return home


def test_rows_without_a_key_are_kept_when_a_batch_numbers_them_anew(tmp_path: Path) -> None:
    home = with_gaps(tmp_path, "loose", "add_column(sa.Column('z', sa.Integer))")
    assert come_home(home, gone("loose")) == ["run revision b2", "stamp b2"]
    assert ask(home.database, "SELECT v, w, z FROM loose ORDER BY v") == [
        ("b", 2, None),
        ("c", 3, None),
        ("c", 3, None),
    ]


@pytest.mark.parametrize(
    "operation",
    ["add_column(sa.Column('z', sa.Integer))", "alter_column('w', type_=sa.Text())"],
)
def test_rows_with_a_key_in_words_are_kept_when_a_batch_numbers_them_anew(tmp_path: Path, operation: str) -> None:
    home = with_gaps(tmp_path, "coded", operation)
    assert come_home(home, gone("coded")) == ["run revision b2", "stamp b2"]
    assert [code for (code,) in ask(home.database, "SELECT code FROM coded ORDER BY code")] == ["a", "m"]


# Virtual tables bring tables of their own, which no revision names.

FTS = "CREATE VIRTUAL TABLE found USING fts5(body, content='post', content_rowid='id')"
POST = "CREATE TABLE post (id INTEGER PRIMARY KEY, body TEXT)"
FEEDS = "CREATE TRIGGER feeds AFTER INSERT ON post BEGIN INSERT INTO found(rowid, body) VALUES (new.id, new.body); END"


@pytest.mark.parametrize("again", [(), (FTS.replace("'id')", "'id', tokenize='porter')"), FEEDS)])
def test_a_revision_may_drop_a_virtual_table_and_make_it_again(tmp_path: Path, again: tuple[str, ...]) -> None:
    dropped = ("DROP TRIGGER feeds", "DROP TABLE found", *again)
    home = own_chain(tmp_path, {"a1": revision(None, POST, FTS, FEEDS), "b2": revision("a1", *dropped)})
    script(home.database, POST, FTS, FEEDS, "INSERT INTO post VALUES (1, 'hello worlds')", *stamp("a1"))
    shadows = [f"found_{part}" for part in ("config", "content", "data", "docsize", "idx")]
    assert come_home(home, gone("found", "feeds", *shadows)) == ["run revision b2", "stamp b2"]


def test_a_virtual_table_with_rows_that_may_be_the_applications_is_asked_about_without_a_stamp(tmp_path: Path) -> None:
    virtual = "CREATE VIRTUAL TABLE doc USING fts5(title)"
    home = own_chain(tmp_path, {"a1": revision(None, POST, virtual), "b2": revision("a1", "DROP TABLE doc")})
    script(home.database, POST, virtual, "INSERT INTO doc VALUES ('kept')")
    assert home.preview().outcome in {Outcome.PLANNED, Outcome.BLOCKED}
    assert home.survey().state is not State.COULD_NOT_TELL


# Statements that take the place of rows: SQLite does not tell what they delete.

PAIRS = "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, a VARCHAR(9) UNIQUE, b INTEGER)"
PAIR_ROWS = "INSERT INTO t VALUES (1, 'aa', 1), (2, 'bb', 2), (3, 'cc', 3)"


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("INSERT OR REPLACE INTO t VALUES (3, 'rr', 9)", [(1, "aa", 1), (2, "bb", 2), (3, "rr", 9)]),
        ("REPLACE INTO t VALUES (3, 'aa', 9)", [(2, "bb", 2), (3, "aa", 9)]),
        ("UPDATE OR REPLACE t SET a = 'aa' WHERE id = 3", [(2, "bb", 2), (3, "aa", 3)]),
        (
            "INSERT INTO t VALUES (1, 'x', 0) ON CONFLICT (id) DO UPDATE SET b = 7",
            [(1, "aa", 7), (2, "bb", 2), (3, "cc", 3)],
        ),
    ],
)
def test_a_revision_may_replace_rows(tmp_path: Path, statement: str, rows: list[tuple[int, str, int]]) -> None:
    home = own_chain(tmp_path, {"a1": revision(None, PAIRS), "b2": revision("a1", statement)})
    script(home.database, PAIRS, PAIR_ROWS, *stamp("a1"))
    assert come_home(home, gone("t")) == ["run revision b2", "stamp b2"]
    assert ask(home.database, "SELECT * FROM t ORDER BY id") == rows


def test_a_call_of_replace_is_no_statement_that_replaces_rows() -> None:
    assert not dialect.replaces_rows("UPDATE t SET a = 1 WHERE b OR replace(a, 'x', '') = ''")
    assert dialect.replaces_rows("WITH v AS (SELECT 1) INSERT OR REPLACE INTO t SELECT * FROM v")
