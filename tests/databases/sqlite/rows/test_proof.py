from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.sqlite.connection import reading, transaction
from architect_migrate.databases.sqlite.rows.proof import prove_rows
from architect_migrate.databases.values import Loss, Permitted, RowProof

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Prove = Callable[..., RowProof]

SETUP = """
CREATE TABLE t (id INTEGER PRIMARY KEY, a, b TEXT);
INSERT INTO t VALUES (1, 'x', 'eins'), (2, x'78', 'zwei'), (3, 1, NULL), (4, 1.0, '1'), (5, NULL, ''), (6, -0.0, 'ü');
CREATE TABLE loose (v);
INSERT INTO loose (rowid, v) VALUES (5, 'five'), (-3, CAST(x'61ff00' AS TEXT)), (9, 9e999);
CREATE TABLE pairs (k TEXT COLLATE NOCASE, n, v, PRIMARY KEY (k DESC, n)) WITHOUT ROWID;
INSERT INTO pairs VALUES ('B', 1, 'b1'), ('a', 2, 'a2'), ('a', 'x', 'ax'), ('Z', x'00', 'z'), ('é', 2.5, 'e');
CREATE TABLE intkey (id INT PRIMARY KEY, v);
INSERT INTO intkey VALUES (30, 'c'), (10, 'a'), (20, 'b');
CREATE TABLE odd ("rowid" TEXT, v);
INSERT INTO odd VALUES ('same', 1), ('same', 2), ('same', 3);
CREATE TABLE hidden (rowid, _rowid_, oid);
INSERT INTO hidden VALUES (1, 2, 3), (4, 5, 6);
CREATE TABLE computed (a, g AS (a * 2), s AS (a + 1) STORED);
INSERT INTO computed VALUES (1), (2);
CREATE TABLE empty (a);
CREATE TABLE "we""ird :x %s ?" ("a""b" TEXT);
INSERT INTO "we""ird :x %s ?" VALUES ('v');
CREATE VIRTUAL TABLE words USING fts5(body);
INSERT INTO words VALUES ('hello');
"""
TABLES = frozenset({"t", "loose", "pairs", "intkey", "odd", "hidden", "computed", "empty", 'we"ird :x %s ?'})
EVERYTHING = Permitted(TABLES)


def proof(tmp_path: Path, change: str, permitted: Permitted = EVERYTHING, setup: str = SETUP) -> RowProof:
    with closing(sqlite3.connect(tmp_path / "before.db", isolation_level=None)) as connection:
        encoding, _, script = setup.rpartition("'UTF-16le';")
        connection.executescript(f"PRAGMA encoding = '{'UTF-16le' if encoding else 'UTF-8'}'; BEGIN; {script} COMMIT;")
    shutil.copyfile(tmp_path / "before.db", tmp_path / "after.db")
    with reading(tmp_path / "before.db") as before, transaction(tmp_path / "after.db", 1.0) as after:
        for statement in filter(None, map(str.strip, change.split(";\n"))):
            after.execute(statement)
        return prove_rows(before, after, permitted)


@pytest.mark.parametrize(
    "change",
    [
        "",
        "INSERT INTO t VALUES (-7, 1, 2), (99, 3, 4)",
        "INSERT INTO pairs VALUES ('A', 1, 'new'), ('zz', 1, 'new'), ('', x'', 'new')",
        "ALTER TABLE t ADD COLUMN c DEFAULT 7",
        "ALTER TABLE loose ADD COLUMN rowid DEFAULT 7",
        "CREATE TABLE fresh (a)",
        "INSERT INTO hidden VALUES (7, 8, 9)",
        # INT PRIMARY KEY becomes the rowid
        (
            "ALTER TABLE intkey RENAME TO x;\nCREATE TABLE intkey (id INTEGER PRIMARY KEY, v);\n"
            "INSERT INTO intkey SELECT * FROM x;\nDROP TABLE x"
        ),
        # a rowid becomes visible, another one no longer is
        (
            "ALTER TABLE loose RENAME TO x;\nCREATE TABLE loose (id INTEGER PRIMARY KEY, v);\n"
            "INSERT INTO loose SELECT rowid, v FROM x;\nDROP TABLE x"
        ),
        (
            "ALTER TABLE t RENAME TO x;\nCREATE TABLE t (a, B TEXT, ID INT PRIMARY KEY);\n"
            "INSERT INTO t (rowid, a, b, id) SELECT id, a, b, id FROM x;\nDROP TABLE x"
        ),
        # WITHOUT ROWID comes and goes
        (
            "ALTER TABLE intkey RENAME TO x;\nCREATE TABLE intkey (id INT PRIMARY KEY, v) WITHOUT ROWID;\n"
            "INSERT INTO intkey SELECT * FROM x;\nDROP TABLE x"
        ),
        (
            "ALTER TABLE pairs RENAME TO x;\nCREATE TABLE pairs (v, k, n);\n"
            "INSERT INTO pairs SELECT v, k, n FROM x ORDER BY v;\nDROP TABLE x"
        ),
        # a generated column becomes an ordinary one
        (
            "ALTER TABLE computed RENAME TO x;\nCREATE TABLE computed (a, g, s);\n"
            "INSERT INTO computed SELECT a, g, s FROM x;\nDROP TABLE x"
        ),
    ],
)
def test_what_leaves_every_row_and_value_holds(tmp_path: Path, change: str) -> None:
    proven = proof(tmp_path, change)
    assert (proven.losses, proven.lost) == ((), 0)
    assert {table.table for table in proven.tables} == TABLES
    assert all(table.compared and table.gone == 0 for table in proven.tables)


@pytest.mark.parametrize(
    ("change", "losses"),
    [
        ("DELETE FROM t WHERE id = 4", [Loss("t", "row 4", "is gone")]),
        ("DELETE FROM t", [Loss("t", f"row {key}", "is gone") for key in range(1, 7)]),
        ("UPDATE t SET id = 44 WHERE id = 4", [Loss("t", "row 4", "is gone")]),
        ("UPDATE t SET a = x'78' WHERE id = 1", [Loss("t", "row 1", "column \"a\" was 'x', is x'78'")]),
        ("UPDATE t SET a = 'x' WHERE id = 2", [Loss("t", "row 2", "column \"a\" was x'78', is 'x'")]),
        ("UPDATE t SET a = 1.0 WHERE id = 3", [Loss("t", "row 3", 'column "a" was 1, is 1.0')]),
        ("UPDATE t SET a = 0.0 WHERE id = 6", [Loss("t", "row 6", 'column "a" was -0.0, is 0.0')]),
        ("UPDATE t SET b = '' WHERE id = 3", [Loss("t", "row 3", "column \"b\" was NULL, is ''")]),
        ("UPDATE t SET b = 'u\u0308' WHERE id = 6", [Loss("t", "row 6", "column \"b\" was 'ü', is 'u\u0308'")]),
        (
            "UPDATE loose SET v = CAST(x'61ff' AS TEXT) WHERE rowid = -3",
            [Loss("loose", "row -3", "column \"v\" was 'a\\udcff\\x00', is 'a\\udcff'")],
        ),
        ("UPDATE loose SET rowid = 6 WHERE rowid = 5", [Loss("loose", "row 5", "is gone")]),
        ("UPDATE pairs SET v = 0 WHERE k = 'é'", [Loss("pairs", "row 'é', 2.5", "column \"v\" was 'e', is 0")]),
        ("DELETE FROM pairs WHERE k = 'a' AND n = 2", [Loss("pairs", "row 'a', 2", "is gone")]),
        ("UPDATE pairs SET k = 'A' WHERE n = 'x'", [Loss("pairs", "row 'a', 'x'", "is gone")]),
        ("UPDATE odd SET v = 9 WHERE v = 2", [Loss("odd", "row 2", 'column "v" was 2, is 9')]),
        ("UPDATE hidden SET oid = 0 WHERE rowid = 4", [Loss("hidden", "row 2", 'column "oid" was 6, is 0')]),
        ("ALTER TABLE t DROP COLUMN b", [Loss("t", "", 'column "b" is gone')]),
        ("DROP TABLE t", [Loss("t", "", "the table is gone, with 6 rows")]),
        ("DROP TABLE empty", [Loss("empty", "", "the table is gone, with 0 rows")]),
        (
            "DROP TABLE intkey;\nCREATE VIEW intkey AS SELECT 1",
            [Loss("intkey", "", "the table is gone, with 3 rows")],
        ),
        (
            (
                "ALTER TABLE pairs RENAME TO x;\nCREATE TABLE pairs (v, n);\n"
                "INSERT INTO pairs SELECT v, n FROM x;\nDROP TABLE x"
            ),
            [Loss("pairs", "", 'column "k" is gone')],
        ),
        (
            'UPDATE "we""ird :x %s ?" SET "a""b" = \'w\'',
            [Loss('we"ird :x %s ?', "row 1", "column \"a\"\"b\" was 'v', is 'w'")],
        ),
    ],
)
def test_every_loss_is_found_and_named(tmp_path: Path, change: str, losses: list[Loss]) -> None:
    proven = proof(tmp_path, change)
    assert list(proven.losses) == losses
    assert proven.lost == len(losses) > 0


@pytest.mark.parametrize(
    ("change", "permitted"),
    [
        ("UPDATE T SET A = 0", Permitted(TABLES, updated=frozenset({("t", "a")}))),
        ("ALTER TABLE t DROP COLUMN b", Permitted(TABLES, removed_columns=frozenset({("t", "b")}))),
        ("DROP TABLE t", Permitted(TABLES, removed_tables=frozenset({"t"}))),
        ("DROP TABLE t;\nCREATE TABLE t (other)", Permitted(TABLES, removed_tables=frozenset({"t"}))),
        ("DELETE FROM t WHERE id > 3", Permitted(TABLES, deleted_from=frozenset({"t"}))),
        ("DELETE FROM t WHERE id > 3", Permitted(TABLES - {"t"}, deleted_from=frozenset({"t"}))),
        ("UPDATE t SET b = 'other'", Permitted(TABLES - {"t"})),
    ],
)
def test_what_the_chain_does_itself_is_no_loss(tmp_path: Path, change: str, permitted: Permitted) -> None:
    assert proof(tmp_path, change, permitted).losses == ()


REMADE = Permitted(TABLES, remade=TABLES)


def copied(table: str, columns: str, values: str = "*") -> str:
    """What a batch operation does: it copies the rows to a table of another name, which takes its place."""
    return (
        f"CREATE TABLE copy ({columns});\nINSERT INTO copy SELECT {values} FROM {table} ORDER BY {table}.oid DESC;\n"
        f"DROP TABLE {table};\nALTER TABLE copy RENAME TO {table}"
    )


@pytest.mark.parametrize(
    "change",
    [
        copied("loose", "v"),
        copied("loose", "v, id INTEGER PRIMARY KEY", "v, NULL"),
        copied("computed", "a", "a"),
        copied("intkey", "id INT, v, PRIMARY KEY (id)"),
        copied("intkey", "id INT, v, PRIMARY KEY (v, id)"),
        copied("intkey", "id INT, v"),
        copied("intkey", "v, id INT PRIMARY KEY", "v, id"),
        f"INSERT INTO loose VALUES (0.0), ('five'), (NULL), (NULL);\n{copied('loose', 'v')}",
    ],
)
@pytest.mark.parametrize("encoding", ["", "UTF-16le"])
def test_rows_that_nothing_identifies_are_kept_in_any_order(tmp_path: Path, change: str, encoding: str) -> None:
    setup = f"PRAGMA encoding = '{encoding}';{SETUP}" if encoding else SETUP
    proven = proof(tmp_path, change, REMADE, setup)
    assert (proven.losses, proven.lost) == ((), 0)
    assert all(table.compared and table.gone == 0 for table in proven.tables)


@pytest.mark.parametrize(
    ("change", "losses"),
    [
        ("DELETE FROM loose WHERE v = 'five'", [Loss("loose", "a row with \"v\" 'five'", "is gone")]),
        ("UPDATE loose SET v = 5 WHERE v = 'five'", [Loss("loose", "a row with \"v\" 'five'", "is gone")]),
        ("DELETE FROM odd WHERE v = 2", [Loss("odd", 'a row with "rowid" \'same\', "v" 2', "is gone")]),
        ("UPDATE computed SET a = 1.0 WHERE a = 1", [Loss("computed", 'a row with "a" 1', "is gone")]),
        ("UPDATE t SET a = 1 WHERE id = 4", [Loss("t", "row 4", 'column "a" was 1.0, is 1')]),
        # Two rows change places: all are there.
        ("UPDATE odd SET v = 4 - v WHERE v <> 2", []),
        # Values change places between rows: each value is there, no row is.
        (
            "UPDATE hidden SET oid = 9 - oid",
            [
                Loss("hidden", 'a row with "rowid" 1, "_rowid_" 2, "oid" 3', "is gone"),
                Loss("hidden", 'a row with "rowid" 4, "_rowid_" 5, "oid" 6', "is gone"),
            ],
        ),
        (
            copied("pairs", "v, n", "v, n").replace("ORDER BY pairs.oid DESC", ""),
            [Loss("pairs", "", 'column "k" is gone')],
        ),
    ],
)
def test_a_row_that_nothing_identifies_is_missed_by_its_values(tmp_path: Path, change: str, losses: list[Loss]) -> None:
    assert list(proof(tmp_path, change, REMADE).losses) == losses


def test_deleting_with_leave_is_counted_and_no_leave_to_change_the_rest(tmp_path: Path) -> None:
    permitted = Permitted(frozenset({"t"}), deleted_from=frozenset({"t"}))
    proven = proof(tmp_path, "DELETE FROM t WHERE id IN (1, 3);\nUPDATE t SET a = 5 WHERE id = 2", permitted)
    assert proven.losses == (Loss("t", "row 2", "column \"a\" was x'78', is 5"),)
    (table,) = [table for table in proven.tables if table.table == "t"]
    assert (table.rows_before, table.gone) == (6, 2)


def test_an_untouched_table_is_only_counted(tmp_path: Path) -> None:
    proven = proof(tmp_path, "DELETE FROM t WHERE id = 1", Permitted(frozenset()))
    assert proven.losses == (Loss("t", "", "had 6 rows, has 5"),)
    assert not any(table.compared or table.digest for table in proven.tables)


def test_the_digest_is_of_the_original_rows_whatever_came_beside_them(tmp_path: Path) -> None:
    def digests(folder: str, change: str) -> dict[str, str]:
        (tmp_path / folder).mkdir()
        return {table.table: table.digest for table in proof(tmp_path / folder, change).tables}

    plain = digests("plain", "")
    more = digests("more", "ALTER TABLE t ADD COLUMN c DEFAULT 1;\nINSERT INTO t VALUES (-1, 0, 0, 0), (50, 0, 0, 0)")
    other = digests("other", "UPDATE t SET b = 'EINS' WHERE id = 1")
    assert plain == more
    assert {name for name in plain if plain[name] != other[name]} == {"t"}


def many(rows: int) -> str:
    return (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v);"
        f"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {rows})"
        "INSERT INTO t SELECT x * 10, 'v' || x FROM n;"
    )


@pytest.mark.parametrize(
    ("change", "lost", "first"),
    [
        ("INSERT INTO t SELECT id + 5, 0 FROM t", 0, []),
        ("INSERT INTO t SELECT -id, 0 FROM t", 0, []),
        ("DELETE FROM t WHERE id <= 1000", 100, ["row 10", "row 20"]),
        ("DELETE FROM t WHERE id > 4000", 100, ["row 4010", "row 4020"]),
        ("DELETE FROM t WHERE id % 640 = 0;\nINSERT INTO t SELECT id + 1, 0 FROM t", 7, ["row 640", "row 1280"]),
        ("UPDATE t SET v = 0", 500, ["row 10", "row 20"]),
    ],
)
def test_losses_of_many_batches_are_all_counted_and_twenty_kept(
    tmp_path: Path, change: str, lost: int, first: list[str]
) -> None:
    proven = proof(tmp_path, change, Permitted(frozenset({"t"})), many(500))
    assert (proven.lost, len(proven.losses)) == (lost, min(lost, 20))
    assert [loss.key for loss in proven.losses[:2]] == first


def test_tables_wider_than_a_select_are_compared_to_the_last_column(tmp_path: Path) -> None:
    columns = [f"c{number}" for number in range(1999)]
    setup = f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(columns)}); INSERT INTO t (id) VALUES (1), (2), (3);"
    proven = proof(tmp_path, "UPDATE t SET c1998 = 1 WHERE id = 1;\nDELETE FROM t WHERE id = 2", setup=setup)
    assert set(proven.losses) == {
        Loss("t", "row 2", "is gone"),
        Loss("t", "row 1", 'column "c1998" was NULL, is 1'),
    }
    assert proven.lost == 2


@pytest.mark.parametrize(
    ("change", "losses"),
    [
        ("", ()),
        ("INSERT INTO pairs VALUES ('\U0001f600', 1, 0), ('\uff5e', 1, 0)", ()),
        (
            "UPDATE t SET b = 'EINS' WHERE id = 1",
            (Loss("t", "row 1", "column \"b\" was x'650069006e007300', is x'450049004e005300'"),),
        ),
        ("DELETE FROM pairs WHERE k = 'é'", (Loss("pairs", "row 'é', 2.5", "is gone"),)),
    ],
)
def test_a_database_in_utf_16_is_compared_by_its_own_bytes(
    tmp_path: Path, change: str, losses: tuple[Loss, ...]
) -> None:
    proven = proof(tmp_path, change, setup="PRAGMA encoding = 'UTF-16le';" + SETUP)
    assert proven.losses == losses


def test_a_broken_surrogate_in_utf_16_is_still_told_apart(tmp_path: Path) -> None:
    setup = "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (v); INSERT INTO t VALUES (CAST(x'00d8' AS TEXT));"
    assert proof(tmp_path, "", Permitted(frozenset({"t"})), setup).lost == 0
    for change in ("UPDATE t SET v = CAST(x'01d8' AS TEXT)", "UPDATE t SET v = x'00d8'"):
        for name in ("before.db", "after.db"):
            (tmp_path / name).unlink()
        assert proof(tmp_path, change, Permitted(frozenset({"t"})), setup).lost > 0


def test_the_connections_are_left_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SETUP)
        connection.text_factory, connection.row_factory = bytes, sqlite3.Row
        with closing(sqlite3.connect(path)) as other:
            prove_rows(other, connection, EVERYTHING)
        assert (connection.text_factory, connection.row_factory) == (bytes, sqlite3.Row)
