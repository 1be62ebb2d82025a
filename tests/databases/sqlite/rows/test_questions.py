from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.databases.sqlite.connection import reading, transaction
from architect_migrate.databases.sqlite.rows.questions import ask
from architect_migrate.planning.row_questions import (
    Answer,
    Changing,
    DuplicatesOf,
    NullsIn,
    NullsOf,
    Orphans,
    Question,
    RowsBeyond,
    RowsIn,
    Violating,
)

if TYPE_CHECKING:
    from pathlib import Path

SETUP = """
BEGIN;
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INT);
INSERT INTO t VALUES (1, 'a', 1), (2, 'a', 1), (3, 'A', 1), (4, NULL, 1), (5, NULL, 1), (6, 'b', NULL), (7, 'b', 0);
CREATE TABLE empty (a);
CREATE TABLE wide (v);
INSERT INTO wide (rowid, v) VALUES (10, replace(hex(zeroblob(50)), '00', 'é')), (20, zeroblob(1000)), (30, NULL),
  (40, CAST(x'61ff' AS TEXT)), (50, 'a' || char(0) || 'b');
CREATE TABLE pairs (k TEXT, n INT, v, PRIMARY KEY (k, n)) WITHOUT ROWID;
INSERT INTO pairs VALUES ('x', 1, NULL), ('y', 2, 'v'), ('z', 3, NULL);
CREATE TABLE hidden (rowid, _rowid_, oid);
INSERT INTO hidden VALUES (NULL, 1, 2);
CREATE TABLE odd ("rowid" TEXT, v);
INSERT INTO odd VALUES (NULL, 1);
CREATE TABLE nocase (v TEXT COLLATE NOCASE);
INSERT INTO nocase VALUES ('a'), ('A'), ('b');
CREATE TABLE types (v);
INSERT INTO types VALUES ('1'), ('01'), ('1.0'), ('1e2'), ('abc'), (1), (1.0), (1.5), (NULL), (x'31'), (' 1 '), (-0.0),
  ('2024-01-02'), (9007199254740993), ('9223372036854775808'), (''), (9e999);
CREATE TABLE computed (a, g AS (nullif(a, 2)), s AS (a + 1) STORED);
INSERT INTO computed VALUES (1), (2), (NULL);
CREATE TABLE "we""ird :x %s ? [b]" ("a""b] `c" TEXT, "select" INT);
INSERT INTO "we""ird :x %s ? [b]" VALUES (NULL, 1), ('x', 1);
CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE, k1, k2);
INSERT INTO parent VALUES (1, '01', 'p', 1), (2, 'Ab', 'p', 2), (3, NULL, NULL, NULL), (4, '01', 'p', 1);
CREATE TABLE child (pid, code INT, a, b);
INSERT INTO child VALUES (1, 1, 'p', 1), ('2', 'aB', 'p', 3), (9, '01', 'p', NULL), (NULL, NULL, 'q', 1),
  ('x', 'zz', NULL, 1);
CREATE TABLE tree (id INTEGER PRIMARY KEY, up INT);
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 7);
CREATE VIEW seen AS SELECT * FROM t;
COMMIT;
"""
WEIRD = 'we"ird :x %s ? [b]'


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("rows") / "t.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(SETUP)
    return path


CASES: list[tuple[Question, Answer]] = [
    (RowsIn("t"), Answer(7)),
    (RowsIn("T"), Answer(7)),
    (RowsIn("empty"), Answer(0)),
    (NullsIn("t", "name"), Answer(2, ("row 4", "row 5"))),
    (NullsIn("T", "NAME"), Answer(2, ("row 4", "row 5"))),
    (NullsIn("t", "id"), Answer(0)),
    (NullsIn("empty", "a"), Answer(0)),
    (NullsIn("pairs", "v"), Answer(2, ("row 'x', 1", "row 'z', 3"))),
    (NullsIn("hidden", "rowid"), Answer(1)),
    (NullsIn("odd", "rowid"), Answer(1, ("row 1",))),
    (NullsIn(WEIRD, 'a"b] `c'), Answer(1, ("row 1",))),
    (NullsIn("computed", "g"), Answer(2, ("row 2", "row 3"))),
    (NullsOf("t", "COALESCE(name, nullif(id, 4)) -- a comment"), Answer(1, ("row 4",))),
    (NullsOf("t", "t.name || n"), Answer(3, ("row 4", "row 5", "row 6"))),
    (DuplicatesOf("t", ("name",)), Answer(2, ("'a' in 2 rows", "'b' in 2 rows"))),
    (DuplicatesOf("t", ("name", "n")), Answer(1, ("'a', 1 in 2 rows",))),
    (DuplicatesOf("t", ("name", "n"), ("nocase", "")), Answer(1, ("'a', 1 in 3 rows",))),
    (DuplicatesOf("t", ("name",), (), "id <> 2"), Answer(1, ("'b' in 2 rows",))),
    (DuplicatesOf("nocase", ("v",)), Answer(1, ("'a' in 2 rows",))),
    (DuplicatesOf("t", ("id",)), Answer(0)),
    (DuplicatesOf("types", ("v",)), Answer(1, ("1 in 2 rows",))),
    (DuplicatesOf(WEIRD, ("select",)), Answer(1, ("1 in 2 rows",))),
    (DuplicatesOf("hidden", ("rowid",)), Answer(0)),
    (Violating("t", "n > 0"), Answer(1, ("row 7: 0",))),
    (Violating("t", "name IN ('a', 'b') -- and no more"), Answer(1, ("row 3: 'A'",))),
    (Violating("t", '"n" AND t.id < 7'), Answer(1, ("row 7: 7, 0",))),
    (Violating("wide", "length(v) < 40 OR typeof(v) <> 'text'"), Answer(1, (f"row 10: '{'é' * 40}…'",))),
    (Violating("wide", "v <> zeroblob(1000)"), Answer(1, (f"row 20: x'{'00' * 20}…'",))),
    (Violating("wide", "hex(v) <> '61FF'"), Answer(1, ("row 40: 'a\\udcff'",))),
    (Violating("wide", "hex(v) <> '610062'"), Answer(1, ("row 50: 'a\\x00b'",))),
    (Violating("hidden", "oid = 3"), Answer(1, ("a row: 2",))),
    (
        Changing("types", "v", "INTEGER"),
        Answer(8, ("row 1: '1' would be 1", "row 2: '01' would be 1", "row 3: '1.0' would be 1")),
    ),
    (
        Changing("types", "v", "VARCHAR(20)"),
        Answer(6, ("row 6: 1 would be '1'", "row 7: 1.0 would be '1.0'", "row 8: 1.5 would be '1.5'")),
    ),
    (Changing("types", "v", "BLOB"), Answer(0)),
    (Changing("types", "v", ""), Answer(0)),
    (Changing("t", "n", "BIGINT"), Answer(0)),
    (Changing("t", "name", "TIMESTAMP"), Answer(0)),
    (
        Changing("pairs", "n", 'we"ird) TEXT'),
        Answer(3, tuple(f"row '{k}', {n}: {n} would be '{n}'" for k, n in (("x", 1), ("y", 2), ("z", 3)))),
    ),
    (Changing("hidden", "oid", "TEXT"), Answer(1, ("a row: 2 would be '2'",))),
    (Changing("empty", "a", "INT"), Answer(0)),
    (Orphans("child", ("pid",), "parent", ("id",)), Answer(2, ("row 3: 9", "row 5: 'x'"))),
    (Orphans("child", ("code",), "parent", ("code",)), Answer(3, ("row 1: 1", "row 3: 1", "row 5: 'zz'"))),
    (Orphans("child", ("a", "b"), "PARENT", ("k1", "k2")), Answer(2, ("row 2: 'p', 3", "row 4: 'q', 1"))),
    (Orphans("child", ("pid",), "nowhere", ("id",)), Answer(4, ("row 1: 1", "row 2: '2'", "row 3: 9"))),
    (Orphans("tree", ("up",), "tree", ("id",)), Answer(1, ("row 3: 7",))),
]


@pytest.mark.parametrize(("question", "answer"), CASES, ids=lambda case: str(case)[:60])
def test_a_reader_is_answered(database: Path, question: Question, answer: Answer) -> None:
    with reading(database) as connection:
        assert ask(connection, question) == answer
        assert connection.execute("SELECT name FROM temp.sqlite_master").fetchall() == []
        assert connection.text_factory is str


def test_a_writer_is_answered_within_its_transaction_of_what_it_has_written(database: Path) -> None:
    with transaction(database, 1.0) as connection:
        connection.execute("SAVEPOINT before")
        for question, answer in CASES:
            assert ask(connection, question) == answer
        connection.execute("INSERT INTO t VALUES (8, NULL, 'word')")
        assert ask(connection, NullsIn("t", "name")).count == 3
        assert ask(connection, Changing("t", "n", "TEXT")).count == 6
        assert connection.in_transaction
        connection.execute("ROLLBACK TO before")


def _stored(before: object, declared: str) -> str:
    """What SQLite makes of a value when a column of the type holds it; in Python's words, which tell -0.0 from 0.0."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE t (v {declared})")
        connection.execute("INSERT INTO t VALUES (?)", (before,))
        return repr(connection.execute("SELECT typeof(v), hex(v), v FROM t").fetchall())


@pytest.mark.parametrize(
    "declared", ["INTEGER", "INT", "REAL", "NUMERIC", "BOOLEAN", "DATE", "TEXT", "CLOB", "BLOB", "ANY"]
)
def test_changing_counts_what_a_table_of_that_type_stores_otherwise(database: Path, declared: str) -> None:
    with reading(database) as connection:
        values = [value for (value,) in connection.execute("SELECT v FROM types")]
        changed = [value for value in values if _stored(value, declared) != _stored(value, "")]
        assert ask(connection, Changing("types", "v", declared)).count == len(changed)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (
            RowsIn("none"),
            "table 'none': cannot tell how many rows there are: there is no such table; nothing was changed",
        ),
        (
            RowsIn("seen"),
            "table 'seen': cannot tell how many rows there are: there is no such table; nothing was changed",
        ),
        (
            NullsIn("t", "none"),
            "table 't': cannot tell where none is NULL: no such column: t.none; nothing was changed",
        ),
        (
            Changing("t", "none", "TEXT"),
            (
                "table 't': cannot tell which values of none would change as TEXT: no such column: t.none; "
                "nothing was changed"
            ),
        ),
        (
            DuplicatesOf("t", ("none", "id")),
            "table 't': cannot tell which rows have the same none, id: no such column: none; nothing was changed",
        ),
        (
            Violating("t", "f(id)"),
            "table 't': cannot tell which rows break CHECK (f(id)): no such function: f; nothing was changed",
        ),
        (
            NullsOf("t", "id) FROM t; DROP TABLE t; --"),
            (
                "table 't': cannot tell where id) FROM t; DROP TABLE t; -- is NULL: "
                'near "FROM": syntax error; nothing was changed'
            ),
        ),
        (
            Orphans("child", ("pid",), "parent", ("none",)),
            (
                "table 'child': cannot tell which pid refer to nothing in parent: no such column: p.none; "
                "nothing was changed"
            ),
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_and_leaves_nothing(database: Path, question: Question, message: str) -> None:
    with reading(database) as connection:
        with pytest.raises(QuestionError) as raised:
            ask(connection, question)
        assert str(raised.value) == message
        assert connection.execute("SELECT name FROM temp.sqlite_master").fetchall() == []


@pytest.mark.parametrize(
    ("mine", "theirs", "beyond"),
    [
        ("(1, 'a')", "(1, 'a')", 0),
        ("(1, 'a'), (1, 'a')", "(1, 'a')", 1),
        ("(1, NULL)", "(1, NULL)", 0),
        ("(1, NULL)", "(1, '')", 1),
        ("(1, 'a')", "(1.0, 'a')", 1),
        ("(1, 'a')", "('1', 'a')", 1),
        ("(1, 'a')", "(1, 'A')", 1),
        ("(1, x'61')", "(1, 'a')", 1),
    ],
)
def test_rows_are_beyond_those_of_another_table_value_by_value_as_stored(mine: str, theirs: str, beyond: int) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE here (n, t COLLATE NOCASE, own)")
        connection.execute("CREATE TABLE there (t COLLATE NOCASE, n)")
        connection.execute(f"INSERT INTO here (n, t) VALUES {mine}")
        connection.execute(f"INSERT INTO there (n, t) VALUES {theirs}")
        assert ask(connection, RowsBeyond("here", "there")).count == beyond


def test_a_renamed_column_is_compared_with_what_the_other_table_calls_it() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE copy (id, holder)")
        connection.execute("CREATE TABLE original (id, owner)")
        connection.execute("INSERT INTO copy VALUES (1, 'b')")
        connection.execute("INSERT INTO original VALUES (1, 'a')")
        counts = [ask(connection, RowsBeyond("copy", "original", one)).count for one in ((), (("holder", "owner"),))]
    assert counts == [0, 1]


def test_a_virtual_table_is_asked_through_its_module(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "virtual.db", isolation_level=None)) as connection:
        connection.execute("CREATE VIRTUAL TABLE Docs USING fts5(title, body)")
        connection.execute("INSERT INTO docs VALUES ('a', NULL), ('b', 'x')")
        assert ask(connection, RowsIn("docs")) == Answer(2)
        assert ask(connection, NullsIn("docs", "body")) == Answer(1, ("row 1",))
