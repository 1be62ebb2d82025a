"""The parser reads what SQLite stores; SQLite's own pragmas say what it should have read."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from architect_migrate.core.names import fold, quote
from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.sqlite.sql.lexer import canonical
from architect_migrate.databases.sqlite.sql.parser import (
    Check,
    Collate,
    Default,
    ForeignKey,
    Generated,
    IndexedColumn,
    NotNull,
    ParsedColumn,
    ParsedIndex,
    ParsedTable,
    PrimaryKey,
    Unique,
    parse_index,
    parse_table,
)
from support.paths import DATA, PROJECT

CATALOGUE = json.loads((DATA / "feature_catalogue.json").read_text("utf-8"))
MAIN = PROJECT / "alembic" / "demo" / "main-2026-02-10.db"


def assert_table_read(connection: sqlite3.Connection, name: str, sql: str) -> None:
    table = parse_table(sql)
    listed = connection.execute(
        'SELECT name, upper(type), "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)', (name,)
    ).fetchall()
    keyed = [fold(row[0]) for row in sorted(listed, key=lambda row: row[4]) if row[4]]
    assert table.name == name
    assert [(c.name, c.type.upper()) for c in table.columns] == [(row[0], row[1]) for row in listed]
    assert [bool(table.of(Generated, c.name)) for c in table.columns] == [row[5] > 0 for row in listed]
    assert [bool(table.of(NotNull, c.name)) for c in table.columns if not table.without_rowid] == [
        bool(row[2]) for row in listed if not table.without_rowid
    ]
    defaults = [table.of(Default, c.name) for c in table.columns]
    assert [canonical(default[-1].expression) if default else None for default in defaults] == [
        row[3] if row[3] is None else canonical(row[3]) for row in listed
    ]
    assert [fold(column.name) for key in table.all(PrimaryKey) for column in key.columns] == keyed
    keys = connection.execute(
        'SELECT id, "table", group_concat("from"), on_update, on_delete FROM pragma_foreign_key_list(?) GROUP BY id'
        " ORDER BY id DESC",
        (name,),
    ).fetchall()
    assert [
        (key.table, ",".join(column.name for column in key.columns), key.on_update, key.on_delete)
        for key in table.all(ForeignKey)
    ] == [row[1:] for row in keys]
    options = connection.execute(
        "SELECT wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?", (name,)
    ).fetchone()
    assert (table.without_rowid, table.strict) == options


def assert_index_read(connection: sqlite3.Connection, name: str, sql: str) -> None:
    index = parse_index(sql)
    listed = connection.execute(
        'SELECT name, "desc", coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno', (name,)
    ).fetchall()
    unique, partial = connection.execute(
        'SELECT "unique", partial FROM pragma_index_list(?) WHERE name = ?', (index.table, name)
    ).fetchone()
    assert (index.name, index.unique, index.where is not None) == (name, unique, partial)
    assert [column.descending for column in index.columns] == [bool(row[1]) for row in listed]
    for column, (listed_name, _, collation) in zip(index.columns, listed, strict=True):
        assert listed_name is None or column.name == canonical(quote(listed_name))
        assert column.collation in {None, collation}


def assert_schema_read(connection: sqlite3.Connection) -> int:
    ordinary = connection.execute(
        "SELECT m.name, m.sql FROM sqlite_master m JOIN pragma_table_list l ON l.name = m.name AND l.schema = 'main'"
        " WHERE m.type = 'table' AND l.type = 'table' AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    ).fetchall()
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    for name, sql in ordinary:
        assert_table_read(connection, name, sql)
    for name, sql in indexes:
        assert_index_read(connection, name, sql)
    return len(ordinary) + len(indexes)


@pytest.mark.parametrize("entry", [pytest.param(e, id=e["name"]) for e in CATALOGUE if "ENUM" not in e["name"]])
def test_every_table_of_the_catalogue_is_read_as_sqlite_reads_it(entry: dict[str, str]) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(entry["setup"])
        assert_schema_read(connection)


def test_the_real_main_database_is_read_as_sqlite_reads_it() -> None:
    with closing(sqlite3.connect(f"file:{MAIN}?immutable=1", uri=True)) as connection:
        assert assert_schema_read(connection) == 86


def col(*names: str) -> tuple[IndexedColumn, ...]:
    return tuple(map(IndexedColumn, names))


COLUMNS = {
    "a": ("", ()),
    "a INT": ("INT", ()),
    "a UNSIGNED BIG INT": ("UNSIGNED BIG INT", ()),
    "a DECIMAL ( 10 , -5 )": ("DECIMAL ( 10 , -5 )", ()),
    "a ENUM('x','y') NOT NULL": ("ENUM('x','y')", (NotNull(col("a")),)),
    "a 'long type' \"T\"": ("'long type' \"T\"", ()),
    "a NULL ON CONFLICT FAIL": ("", ()),
    "a not null on conflict replace": ("", (NotNull(col("a"), "REPLACE"),)),
    "a CONSTRAINT x CONSTRAINT [y z] NOT NULL": ("", (NotNull(col("a"), name="y z"),)),
    "a CONSTRAINT nothing": ("", ()),
    "a PRIMARY KEY": ("", (PrimaryKey(col("a")),)),
    "a INTEGER PRIMARY KEY ASC ON CONFLICT ABORT AUTOINCREMENT": (
        "INTEGER",
        (PrimaryKey(col("a"), autoincrement=True, conflict="ABORT"),),
    ),
    "a PRIMARY KEY DESC": ("", (PrimaryKey((IndexedColumn("a", descending=True),)),)),
    "a UNIQUE ON CONFLICT IGNORE": ("", (Unique(col("a"), "IGNORE"),)),
    "a CHECK ( a > (1) ) CHECK(')'<>a)": ("", (Check(col("a"), "a > (1)"), Check(col("a"), "')'<>a"))),
    "a DEFAULT 'x''y' UNIQUE": ("", (Default(col("a"), "'x''y'"), Unique(col("a")))),
    "a DEFAULT - 1.5": ("", (Default(col("a"), "- 1.5"),)),
    "a DEFAULT +1": ("", (Default(col("a"), "+1"),)),
    "a DEFAULT((1)+(2))NOT NULL": ("", (Default(col("a"), "((1)+(2))"), NotNull(col("a")))),
    "a DEFAULT CURRENT_TIMESTAMP": ("", (Default(col("a"), "CURRENT_TIMESTAMP"),)),
    "a DEFAULT x'00' COLLATE NoCase": ("", (Default(col("a"), "x'00'"), Collate(col("a"), "NoCase"))),
    "a REFERENCES p": ("", (ForeignKey(col("a"), "p"),)),
    "a REFERENCES [p q]('x') ON DELETE SET NULL ON UPDATE NO ACTION MATCH full ON INSERT CASCADE": (
        "",
        (ForeignKey(col("a"), "p q", ("x",), on_delete="SET NULL", match="FULL"),),
    ),
    "a REFERENCES p ON DELETE SET DEFAULT ON UPDATE RESTRICT NOT DEFERRABLE INITIALLY IMMEDIATE NOT NULL": (
        "",
        (
            ForeignKey(
                col("a"),
                "p",
                on_delete="SET DEFAULT",
                on_update="RESTRICT",
                deferrable="NOT DEFERRABLE INITIALLY IMMEDIATE",
            ),
            NotNull(col("a")),
        ),
    ),
    "a REFERENCES p NOT NULL DEFERRABLE INITIALLY DEFERRED": (
        "",
        (ForeignKey(col("a"), "p", deferrable="DEFERRABLE INITIALLY DEFERRED"), NotNull(col("a"))),
    ),
    "a DEFERRABLE": ("", ()),
    "a INT GENERATED ALWAYS AS (1+ (2)) STORED": ("INT", (Generated(col("a"), "1+ (2)", stored=True),)),
    "a GENERATED ALWAYS AS (1) VIRTUAL": ("", (Generated(col("a"), "1"),)),
    "a generated": ("generated", ()),
    "a TEXT AS (1) NOT NULL": ("TEXT", (Generated(col("a"), "1"), NotNull(col("a")))),
}


@pytest.mark.parametrize(("definition", "declared"), COLUMNS.items(), ids=COLUMNS)
@pytest.mark.parametrize("frame", ["CREATE TABLE t(z,{},y)", "create temp table t ( z --,\n, {} /*)*/ , y ) ;"])
def test_a_column_is_read_with_its_type_and_constraints(
    definition: str, declared: tuple[str, tuple[object, ...]], frame: str
) -> None:
    sql = frame.format(definition)
    table = parse_table(sql)
    column = table.columns[1]
    assert (column.type, column.constraints) == declared
    assert sql[slice(*column.span)] == definition
    assert [other.name for other in table.columns] == ["z", "a", "y"]


TABLES = {
    "PRIMARY KEY(b,'a')": (PrimaryKey(col("b", "a")),),
    "PRIMARY KEY(a AUTOINCREMENT) ON CONFLICT FAIL": (PrimaryKey(col("a"), autoincrement=True, conflict="FAIL"),),
    "CONSTRAINT u UNIQUE(a COLLATE NOCASE ASC, [b] DESC)": (
        Unique((IndexedColumn("a", "NOCASE"), IndexedColumn("b", descending=True)), name="u"),
    ),
    "CHECK(a>0) CHECK(b IN (1,2)) UNIQUE(a)": (Check((), "a>0"), Check((), "b IN (1,2)"), Unique(col("a"))),
    "FOREIGN KEY(a,b) REFERENCES p(x,y) ON DELETE CASCADE, CHECK(1) ON CONFLICT ROLLBACK": (
        ForeignKey(col("a", "b"), "p", ("x", "y"), on_delete="CASCADE"),
        Check((), "1", "ROLLBACK"),
    ),
    "CONSTRAINT nothing, CHECK(1)": (Check((), "1"),),
}


@pytest.mark.parametrize(("definition", "declared"), TABLES.items(), ids=TABLES)
def test_the_tables_own_constraints_are_read_with_commas_or_without(
    definition: str, declared: tuple[object, ...]
) -> None:
    sql = f"CREATE TABLE t(a,b,{definition})"
    table = parse_table(sql)
    assert table.constraints == declared
    assert [len(parse_table(f"CREATE TABLE t(a,b,{sql[slice(*c.span)]})").constraints) for c in table.constraints] == [
        1 for _ in declared
    ]


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ('CREATE TABLE IF NOT EXISTS main."x""y"(a)', ParsedTable('x"y', (ParsedColumn("a", "", ()),), ())),
        ("CREATE TABLE [select]('a b')STRICT", ParsedTable("select", (ParsedColumn("a b", "", ()),), (), strict=True)),
        (
            "CREATE TABLE t(a) without rowid , strict",
            ParsedTable("t", (ParsedColumn("a", "", ()),), (), without_rowid=True, strict=True),
        ),
        (
            'CREATE TABLE t("check","",key)',
            ParsedTable("t", tuple(ParsedColumn(n, "", ()) for n in ("check", "", "key")), ()),
        ),
    ],
)
def test_names_in_any_quotes_and_options_are_read(sql: str, table: ParsedTable) -> None:
    assert parse_table(sql) == table


@pytest.mark.parametrize(
    ("sql", "position", "expected"),
    [
        ("", 0, "CREATE"),
        ("DROP TABLE t", 0, "CREATE"),
        ("CREATE VIRTUAL TABLE t USING fts5(a)", 7, "a table, not a virtual table"),
        ("CREATE TABLE t AS SELECT 1", 15, "a list of columns (SQLite stores it expanded)"),
        ("CREATE TABLE t", 14, "("),
        ("CREATE TABLE t(", 15, "a name"),
        ("CREATE TABLE t(a", 16, "NOT or NULL or DEFAULT or PRIMARY or UNIQUE or CHECK or REFERENCES or COLLATE or"),
        ("CREATE TABLE t(a CHECK(", 23, ")"),
        ("CREATE TABLE t(a,)", 17, "a name"),
        ("CREATE TABLE t(a,CHECK(1),)", 26, "a constraint"),
        ("CREATE TABLE t(a,CHECK(1) b)", 26, "PRIMARY or UNIQUE or CHECK or FOREIGN"),
        ("CREATE TABLE t(a,UNIQUE())", 24, "a column"),
        ("CREATE TABLE t(a,UNIQUE(a", 24, ")"),
        ("CREATE TABLE t(a DEFAULT", 24, "more text"),
        ("CREATE TABLE t(a) WITH", 18, "WITHOUT"),
        ("CREATE TABLE t(a) STRICT x", 25, "the end"),
    ],
)
def test_what_is_no_table_is_refused_with_the_place(sql: str, position: int, expected: str) -> None:
    with pytest.raises(UnreadableSqlError) as refusal:
        parse_table(sql)
    assert refusal.value.position == position
    assert refusal.value.expected.startswith(expected)


def test_the_message_names_the_statement_the_place_and_the_next_step() -> None:
    with pytest.raises(UnreadableSqlError) as refusal:
        parse_table("CREATE TABLE t(a,\n  UNIQUE b)")
    assert str(refusal.value) == (
        "cannot read 'CREATE TABLE t(a, UNIQUE b)': expected ( at offset 27, found 'b)'; "
        "archmig cannot edit this statement safely: change it by hand, or report a bug"
    )


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("CREATE INDEX i ON t(a)", ParsedIndex("i", "t", False, col("a"))),
        (
            'create unique index if not exists main.[i j] on "t" ("A" COLLATE NoCase DESC, lower( B ) , c || d ASC)',
            ParsedIndex(
                "i j",
                "t",
                True,
                (IndexedColumn("a", "NoCase", True), IndexedColumn("lower ( b )"), IndexedColumn("c || d")),
            ),
        ),
        (
            "CREATE INDEX i ON t(a NULLS FIRST, b DESC NULLS LAST) WHERE (A <> 'where') -- x",
            ParsedIndex("i", "t", False, (IndexedColumn("a"), IndexedColumn("b", None, True)), "a <> 'where'"),
        ),
        ("CREATE INDEX i ON t((a) COLLATE b)", ParsedIndex("i", "t", False, (IndexedColumn("a", "b"),))),
        ('CREATE INDEX i ON t("x y","null")', ParsedIndex("i", "t", False, col('"x y"', '"null"'))),
    ],
)
def test_an_index_is_read_in_normal_form(sql: str, index: ParsedIndex) -> None:
    assert parse_index(sql) == index


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE t(a)", "CREATE INDEX i ON t(a", "CREATE INDEX i ON t(a) x", "CREATE INDEX"]
)
def test_what_is_no_index_is_refused(sql: str) -> None:
    with pytest.raises(UnreadableSqlError):
        parse_index(sql)


def test_how_a_table_is_written_makes_no_difference_to_what_it_is() -> None:
    assert parse_table("CREATE TABLE t(a INT NOT NULL)") == parse_table('create table "t" ( a/**/INT  not null )')


def test_a_text_of_any_depth_is_read() -> None:
    deep = "(" * 20_000 + "1" + ")" * 20_000
    assert parse_table(f"CREATE TABLE t(a CHECK{deep})").columns[0].constraints == (Check(col("a"), deep[1:-1]),)
