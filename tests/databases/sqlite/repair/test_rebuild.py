"""A rebuilt table is the table it was, but for what was asked; the catalogue's features are the measure."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.core.names import quote
from architect_migrate.core.sql_errors import (
    EditImpossibleError,
    RebuildRefusedError,
    RowsForbidError,
    ValuesWouldChangeError,
)
from architect_migrate.databases.sqlite.repair import rebuild_rows
from architect_migrate.databases.sqlite.repair.rebuild import Rebuilt, rebuild_table
from architect_migrate.databases.sqlite.sql.parser import (
    Collate,
    Default,
    Generated,
    IndexedColumn,
    NotNull,
    parse_table,
)
from architect_migrate.planning.table_edits import (
    AddColumn,
    AddConstraint,
    DropCheck,
    DropDefault,
    DropForeignKey,
    DropNotNull,
    DropUnique,
    Edit,
    SetAutoincrement,
    SetCollation,
    SetDefault,
    SetNotNull,
    SetPrimaryKey,
    SetType,
)
from support.catalogue import CATALOGUE, IMPOSSIBLE, database
from support.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

FEATURES = [pytest.param(entry, id=entry["name"]) for entry in CATALOGUE if entry["name"] not in IMPOSSIBLE]
VIRTUAL = {"FTS5 table itself rebuilt", "R*Tree table itself rebuilt"}


@pytest.fixture(autouse=True, params=[200_000, 1], ids=["at once", "row by row"])
def _in_parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large table is copied and compared in parts: small ones too, here, so that nothing depends on it."""
    monkeypatch.setattr(rebuild_rows, "_RANGE", request.param)


def rebuilt(connection: sqlite3.Connection, table: str, *edits: Edit, fill: dict[str, str] | None = None) -> Rebuilt:
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = rebuild_table(connection, table, edits, fill or {})
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return result


def probed(connection: sqlite3.Connection, entry: dict[str, Any]) -> list[object]:
    """Rows or error text of each probe."""
    connection.text_factory = bytes
    seen: list[object] = []
    for statement in entry["probe"]:
        try:
            seen.append(connection.execute(statement).fetchall())
        except sqlite3.Error as error:
            seen.append(str(error))
    return seen


def kept(entry: dict[str, Any], *edits: Edit) -> tuple[list[object], list[object]]:
    """The probes of an untouched copy and of a rebuilt one."""
    with closing(database(entry["setup"])) as untouched, closing(database(entry["setup"])) as changed:
        rebuilt(changed, entry.get("table", "t"), *edits)
        return probed(untouched, entry), probed(changed, entry)


@pytest.mark.parametrize("entry", [entry for entry in CATALOGUE if entry["name"] in IMPOSSIBLE])
def test_sqlite_itself_refuses_the_types_left_out(entry: dict[str, Any]) -> None:
    with pytest.raises(sqlite3.OperationalError, match="near \"'a'\": syntax error"):
        database(entry["setup"])


@pytest.mark.parametrize("entry", FEATURES)
def test_a_rebuild_without_an_edit_keeps_the_feature(entry: dict[str, Any]) -> None:
    if entry["name"] in VIRTUAL:
        with pytest.raises(RebuildRefusedError, match="it is a virtual table"):
            kept(entry)
        return
    before, after = kept(entry)
    assert after == before


@pytest.mark.parametrize("entry", FEATURES)
def test_a_rebuild_without_an_edit_leaves_the_schema_text_as_it_was(entry: dict[str, Any]) -> None:
    if entry["name"] in VIRTUAL:
        return
    with closing(database(entry["setup"])) as connection:
        every = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2"
        before = connection.execute(every).fetchall()
        rebuilt(connection, entry.get("table", "t"))
        assert connection.execute(every).fetchall() == before


@pytest.mark.parametrize("entry", FEATURES)
def test_a_rebuild_that_adds_a_column_does_what_native_add_column_does(entry: dict[str, Any]) -> None:
    table, column = entry.get("table", "t"), "archmig_extra TEXT DEFAULT 'new'"
    with closing(database(entry["setup"])) as native, closing(database(entry["setup"])) as changed:
        if entry["name"] in VIRTUAL:
            with pytest.raises(RebuildRefusedError, match="it is a virtual table"):
                rebuilt(changed, table, AddColumn(column))
            return
        native.execute(f"ALTER TABLE {quote(table)} ADD COLUMN {column}")
        rebuilt(changed, table, AddColumn(column))
        assert probed(changed, entry) == probed(native, entry)


def there_and_back(entry: dict[str, Any]) -> list[tuple[Edit, Edit]]:
    """Edits with the edits that undo them, on each column of the feature's table where they make sense."""
    with closing(database(entry["setup"])) as connection:
        found = connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (entry.get("table", "t"),)
        ).fetchone()
    pairs: list[tuple[Edit, Edit]] = []
    for column in parse_table(found[0]).columns:
        kinds = {type(constraint) for constraint in column.constraints}
        if Generated in kinds:
            continue
        pairs.append((SetCollation(column.name, "RTRIM"), SetCollation(column.name, "")))
        if Default not in kinds:
            pairs.append((SetDefault(column.name, "'d'"), DropDefault(column.name)))
        if any(constraint == NotNull((IndexedColumn(column.name),)) for constraint in column.constraints):
            pairs.append((DropNotNull(column.name), SetNotNull(column.name)))
    return [pair for pair in pairs if Collate not in kinds or not isinstance(pair[0], SetCollation)]


@pytest.mark.parametrize("entry", FEATURES)
def test_an_edit_and_its_undoing_keep_the_feature(entry: dict[str, Any]) -> None:
    if entry["name"] in VIRTUAL:
        return
    for there, back in there_and_back(entry):
        with closing(database(entry["setup"])) as untouched, closing(database(entry["setup"])) as changed:
            rebuilt(changed, entry.get("table", "t"), there)
            rebuilt(changed, entry.get("table", "t"), back)
            assert probed(changed, entry) == probed(untouched, entry), there


T = "CREATE TABLE t(id INTEGER PRIMARY KEY,a TEXT,b INT);INSERT INTO t VALUES(1,'x',1),(2,NULL,2),(7,'x',NULL);"


def content(connection: sqlite3.Connection) -> list[object]:
    schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
    return [schema, connection.execute("SELECT * FROM t").fetchall()]


MEND = "; nothing was changed: correct the rows, or say in a [[resolve]] entry how to fill them"
CONVERT = "; nothing was changed: say how to convert them in a [[resolve]] entry"
REFUSALS = {
    "NULL under a new NOT NULL": (
        T,
        (SetNotNull("a"),),
        {},
        RowsForbidError,
        "table 't': 1 row violates NOT NULL \"a\" (row 2)" + MEND,
    ),
    "no value for a new NOT NULL column": (
        T,
        (AddColumn("c TEXT NOT NULL"),),
        {},
        RowsForbidError,
        "table 't': 3 rows violate NOT NULL \"c\" (row 1; row 2; row 7)" + MEND,
    ),
    "a check that rows break": (
        T,
        (AddConstraint("CHECK (t.b < 2)"),),
        {},
        RowsForbidError,
        "table 't': 1 row violates CHECK (t.b < 2) (row 2)" + MEND,
    ),
    "duplicates under a new UNIQUE": (
        T,
        (AddConstraint("UNIQUE (a)"),),
        {},
        RowsForbidError,
        "table 't': 2 rows violate UNIQUE (\"a\") (2 rows with 'x')" + MEND,
    ),
    "duplicates under another collation": (
        "CREATE TABLE t(a TEXT UNIQUE);INSERT INTO t VALUES('x'),('X')",
        (SetCollation("a", "NOCASE"),),
        {},
        RowsForbidError,
        "table 't': 2 rows violate UNIQUE (\"a\") (2 rows with 'X')" + MEND,
    ),
    "duplicates under another collation of a unique index": (
        "CREATE TABLE t(a TEXT);CREATE UNIQUE INDEX i ON t(a);INSERT INTO t VALUES('x'),('X')",
        (SetCollation("a", "NOCASE"),),
        {},
        RowsForbidError,
        "table 't': rows do not fit the new table: index \"i\" (UNIQUE constraint failed: t.a)" + MEND,
    ),
    "duplicates in a new primary key": (
        T,
        (SetPrimaryKey(("a",)),),
        {},
        RowsForbidError,
        "table 't': 2 rows violate PRIMARY KEY (\"a\") (2 rows with 'x')" + MEND,
    ),
    "text that a number type would convert": (
        "CREATE TABLE t(id INTEGER PRIMARY KEY,a TEXT);INSERT INTO t VALUES(3,'007'),(4,'abc'),(5,NULL),(6,'8')",
        (SetType("a", "INTEGER"),),
        {},
        ValuesWouldChangeError,
        "table 't': 2 values of column 'a' would change (row 3: '007' would be 7; row 6: '8' would be 8)" + CONVERT,
    ),
    "numbers that a text type would convert": (
        "CREATE TABLE t(a INT);INSERT INTO t VALUES(7),(NULL)",
        (SetType("a", "TEXT"),),
        {},
        ValuesWouldChangeError,
        "table 't': 1 value of column 'a' would change (row 1: 7 would be '7')" + CONVERT,
    ),
    "NULL in a column that becomes the rowid": (
        "CREATE TABLE t(a INTEGER,b);INSERT INTO t VALUES(1,1),(NULL,2)",
        (SetPrimaryKey(("a",)),),
        {},
        RebuildRefusedError,
        "table 't' is not rebuilt: of 2 rows 2 arrived and 1 can be found again by their key",
    ),
    "text in a column that becomes the rowid": (
        "CREATE TABLE t(a INTEGER,b);INSERT INTO t VALUES(1,1),('k',2)",
        (SetPrimaryKey(("a",)),),
        {},
        RowsForbidError,
        "table 't': rows do not fit the new table: datatype mismatch" + MEND,
    ),
    "a type that STRICT enforces": (
        "CREATE TABLE t(a ANY) STRICT;INSERT INTO t VALUES('x')",
        (SetType("a", "INT"),),
        {},
        RowsForbidError,
        "table 't': rows do not fit the new table: cannot store TEXT value in INT column t.a" + MEND,
    ),
    "a fill that an index cannot hold": (
        "CREATE TABLE t(a);CREATE INDEX i ON t(json(a));INSERT INTO t VALUES(NULL)",
        (SetNotNull("a"),),
        {"a": "'{'"},
        RebuildRefusedError,
        "table 't' is not rebuilt: its index \"i\" cannot be kept: malformed JSON",
    ),
    "an edit that SQLite refuses": (
        T,
        (SetPrimaryKey(("a",)), SetAutoincrement("a")),
        {},
        RebuildRefusedError,
        "table 't' is not rebuilt: SQLite says AUTOINCREMENT is only allowed on an INTEGER PRIMARY KEY",
    ),
    "an edit that does not fit": (
        T,
        (DropNotNull("a"),),
        {},
        EditImpossibleError,
        "table 't': DropNotNull(column='a') cannot be made: the column has no NotNull; change the table by hand",
    ),
    "a fill of no column": (
        T,
        (),
        {"z": "1"},
        RebuildRefusedError,
        "table 't' is not rebuilt: there is no column \"z\" to fill",
    ),
    "a fill of a generated column": (
        "CREATE TABLE t(a,b AS (a))",
        (),
        {"b": "1"},
        RebuildRefusedError,
        "table 't' is not rebuilt: column \"b\" is generated and cannot be filled",
    ),
    "a fill that does not parse": (
        T,
        (),
        {"a": "1 +"},
        RebuildRefusedError,
        "table 't' is not rebuilt: SQLite says near \")\": syntax error",
    ),
    "rowid hidden under all its names": (
        "CREATE TABLE t(rowid,oid,_rowid_)",
        (),
        {},
        RebuildRefusedError,
        "table 't' is not rebuilt: its columns hide the rowid under all its names, so rows cannot be identified",
    ),
    "the last name of the rowid taken": (
        "CREATE TABLE t(rowid,oid)",
        (AddColumn("_rowid_"),),
        {},
        RebuildRefusedError,
        "table 't' is not rebuilt: its columns would hide the rowid under all its names",
    ),
    "a view": (
        "CREATE VIEW t AS SELECT 1",
        (),
        {},
        RebuildRefusedError,
        "table 't' is not rebuilt: it is a view table, whose contents only its module can rebuild",
    ),
    "a temporary trigger": (
        T + "CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END",
        (),
        {},
        RebuildRefusedError,
        "table 't' is not rebuilt: this connection has the TEMP object 'tr' on its name: drop that first",
    ),
}


@pytest.mark.parametrize(("setup", "edits", "fill", "kind", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_rebuild_refused_says_why_and_leaves_all_as_it_was(
    setup: str, edits: tuple[Edit, ...], fill: dict[str, str], kind: type[Exception], message: str
) -> None:
    with closing(database(setup)) as connection:
        before = content(connection)
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(kind) as refusal:
            rebuild_table(connection, "t", edits, fill)
        assert str(refusal.value) == message
        assert connection.in_transaction
        connection.execute("COMMIT")
        assert content(connection) == before


@pytest.mark.parametrize("name", ["nowhere", "sqlite_sequence", "ft_data"])
def test_what_is_no_ordinary_table_is_refused_by_name(name: str) -> None:
    setup = "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT);CREATE VIRTUAL TABLE ft USING fts5(body)"
    with closing(database(setup)) as connection, pytest.raises(RebuildRefusedError, match=name):
        rebuilt(connection, name)


def test_without_a_transaction_of_the_caller_nothing_is_done() -> None:
    with closing(database(T)) as connection, pytest.raises(RebuildRefusedError, match="BEGIN IMMEDIATE first"):
        rebuild_table(connection, "t", ())


def test_with_foreign_keys_on_nothing_is_done() -> None:
    with closing(database(T)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(RebuildRefusedError, match="set it OFF before BEGIN"):
            rebuild_table(connection, "t", ())


def test_a_fill_gives_new_and_tightened_columns_their_values() -> None:
    with closing(database(T)) as connection:
        result = rebuilt(
            connection,
            "T",
            SetNotNull("a"),
            AddColumn("c INTEGER NOT NULL"),
            fill={"A": "coalesce(a, 'none') -- why", "c": "t.b + 10 IS NULL"},
        )
        assert result == Rebuilt(
            "t",
            3,
            "CREATE TABLE t(id INTEGER PRIMARY KEY,a TEXT,b INT)",
            "CREATE TABLE t(id INTEGER PRIMARY KEY,a TEXT NOT NULL,b INT, c INTEGER NOT NULL)",
        )
        rows = connection.execute("SELECT * FROM t").fetchall()
        assert rows == [(1, "x", 1, 0), (2, "none", 2, 0), (7, "x", None, 1)]


def test_a_filled_key_is_followed_to_its_new_row() -> None:
    setup = "CREATE TABLE t(id TEXT PRIMARY KEY,a) ;INSERT INTO t VALUES('7','x'),('8','y')"
    with closing(database(setup)) as connection:
        rebuilt(connection, "t", SetType("id", "INTEGER"), fill={"id": "CAST(id AS INTEGER)"})
        assert connection.execute("SELECT rowid, id, a FROM t").fetchall() == [(7, 7, "x"), (8, 8, "y")]


def test_a_table_without_rowid_keeps_its_rows_under_another_key() -> None:
    setup = "CREATE TABLE t(a TEXT PRIMARY KEY,b INT NOT NULL) WITHOUT ROWID;INSERT INTO t VALUES('x',2),('y',1)"
    with closing(database(setup)) as connection:
        rebuilt(connection, "t", SetPrimaryKey(("b", "a")))
        assert connection.execute("SELECT * FROM t").fetchall() == [("y", 1), ("x", 2)]


def test_a_table_that_qualifies_columns_by_its_own_name_is_rebuilt_too() -> None:
    setup = (
        "CREATE TABLE t(a TEXT UNIQUE,b INT,CHECK(t.b>0));INSERT INTO t(rowid,a,b) VALUES(5,'x',1),(9,x'00',2.5);"
        "CREATE INDEX i ON t(b) WHERE t.b>0;ANALYZE;CREATE VIEW broken AS SELECT * FROM gone;"
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END"
    )
    with closing(database(setup)) as connection:
        every = "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
        rows = "SELECT rowid, typeof(a), a, b FROM t"
        statistics = "SELECT * FROM sqlite_stat1 ORDER BY 1, 2"
        before = [connection.execute(query).fetchall() for query in (every, rows, statistics)]
        rebuilt(connection, "t")
        assert [connection.execute(query).fetchall() for query in (every, rows, statistics)] == before


def test_everything_that_hangs_on_a_table_outlives_its_rebuild() -> None:
    setup = (
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT,a TEXT,parent INT REFERENCES t(id));"
        "CREATE TABLE child(t INT REFERENCES t(id) ON DELETE CASCADE);INSERT INTO t(a) VALUES('x'),('y'),('z');"
        "DELETE FROM t WHERE id=3;INSERT INTO child VALUES(1);CREATE INDEX i ON t(a COLLATE NOCASE) WHERE a<>'';"
        "CREATE TRIGGER own AFTER UPDATE ON t BEGIN SELECT 1; END;CREATE VIEW v AS SELECT t.a FROM t;"
        "CREATE TRIGGER other AFTER INSERT ON child BEGIN UPDATE t SET a=a||'!'; END;ANALYZE"
    )
    with closing(database(setup)) as connection:
        dependants = "SELECT type, name, sql FROM sqlite_master WHERE name <> 't' ORDER BY 1, 2"
        others = [dependants, "SELECT * FROM sqlite_stat1", "SELECT * FROM child", "SELECT * FROM sqlite_sequence"]
        before = [connection.execute(query).fetchall() for query in others]
        rebuilt(connection, "t", SetNotNull("a"), DropForeignKey(("parent",), "t"))
        assert [connection.execute(query).fetchall() for query in others] == before
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("INSERT INTO child VALUES(2)")
        connection.execute("DELETE FROM t WHERE id=1")
        assert connection.execute("SELECT * FROM v").fetchall() == [("y!",)]
        assert connection.execute("SELECT * FROM child").fetchall() == [(2,)]


def test_autoincrement_can_come() -> None:
    with closing(database(T)) as connection:
        rebuilt(connection, "t", SetAutoincrement("id"))
        assert connection.execute("SELECT * FROM sqlite_sequence").fetchall() == [("t", 7)]


def test_constraints_that_are_too_narrow_can_go() -> None:
    setup = "CREATE TABLE t(id INTEGER PRIMARY KEY,a TEXT UNIQUE CHECK(a<>'no'),b INT);INSERT INTO t VALUES(1,'x',1)"
    with closing(database(setup)) as connection:
        rebuilt(connection, "t", DropUnique(("a",)), DropCheck("A <> 'no'"))
        connection.execute("INSERT INTO t VALUES(2,'x',1),(3,'no',1)")


def test_an_on_conflict_clause_swallows_no_row() -> None:
    setup = "CREATE TABLE t(a INT,b INT);INSERT INTO t VALUES(1,1),(1,2)"
    with closing(database(setup)) as connection, pytest.raises(RowsForbidError, match="2 rows violate UNIQUE"):
        rebuilt(connection, "t", AddConstraint("UNIQUE (a) ON CONFLICT IGNORE"))


def test_the_callers_connection_settings_are_left_as_they_were() -> None:
    with closing(database(T)) as connection:
        connection.text_factory, connection.row_factory = bytes, sqlite3.Row
        rebuilt(connection, "t", SetNotNull("id"))
        assert (connection.text_factory, connection.row_factory) == (bytes, sqlite3.Row)
        assert tuple(connection.execute("PRAGMA legacy_alter_table").fetchone()) == (0,)


@pytest.mark.parametrize("columns", [1, 700])
def test_every_column_of_a_wide_table_is_compared(columns: int) -> None:
    named = ",".join(f"c{number} TEXT" for number in range(columns))
    setup = f"CREATE TABLE t({named});INSERT INTO t(c{columns - 1}) VALUES('07')"
    with closing(database(setup)) as connection, pytest.raises(ValuesWouldChangeError, match="row 1: '07' would be 7"):
        rebuilt(connection, "t", SetType(f"c{columns - 1}", "INT"))


def test_the_real_main_database_survives_a_rebuild_of_every_table(tmp_path: Path) -> None:
    source = PROJECT / "alembic" / "demo" / "main-2026-02-10.db"
    copy = tmp_path / "main.db"
    copy.write_bytes(source.read_bytes())
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        tables = [name for name in names if not name.startswith("sqlite_")]

        def everything() -> list[object]:
            schema = connection.execute("SELECT type,name,tbl_name,sql FROM sqlite_master ORDER BY 1,2").fetchall()
            sequence = connection.execute("SELECT * FROM sqlite_sequence ORDER BY 1").fetchall()
            return [schema, sequence, *(connection.execute(f"SELECT * FROM {quote(t)}").fetchall() for t in tables)]

        before = everything()
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        for table in tables:
            rebuild_table(connection, table, ())
        connection.execute("COMMIT")
        assert everything() == before
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_long_copy_reports_progress_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild_rows, "_RANGE", 2)
    reported: list[tuple[str, int, int]] = []
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a TEXT, rowid TEXT)")
        rows = [(-9223372036854775808, "x"), (-3, "y"), (0, None), (7, "y"), (9223372036854775807, "z")]
        connection.executemany("INSERT INTO t (_rowid_, a) VALUES (?, ?)", rows)
        connection.execute("BEGIN IMMEDIATE")
        rebuild_table(connection, "t", [SetDefault("a", "1")], progress=lambda *part: reported.append(part))
        assert connection.execute("SELECT _rowid_, a FROM t ORDER BY 1").fetchall() == rows
    assert reported == [
        *(("copied", 0, 5), ("copied", 2, 5), ("copied", 4, 5)),
        *(("compared", 0, 5), ("compared", 2, 5), ("compared", 4, 5)),
    ]
