"""An edit changes what it means to change; SQLite judges the result, and every other byte stays."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architect_migrate.core.names import quote
from architect_migrate.core.sql_errors import EditImpossibleError, UnreadableSqlError
from architect_migrate.databases.sqlite.sql.edit import edit_table
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

TIGHT = "CREATE TABLE t(id INTEGER PRIMARY KEY,a TEXT DEFAULT'x'NOT NULL,b INT CHECK(b>0)UNIQUE)"
HOSTILE = """CREATE TABLE "t" (
    id INTEGER PRIMARY KEY, -- the key, (important)
    a varchar(10) constraint nn not null default 'x', /* a, */
    b INT -- last ) column
    CHECK (b > 0) -- why
    , -- after
    unique (a, b) -- one
    check (a <> '--') constraint u unique (b), foreign key (b) references p(id)
    -- end
) """
TAIL = "create table t(id integer, a text collate nocase -- tail,\n)"
ALL = {"tight": TIGHT, "hostile": HOSTILE, "tail": TAIL}

# Each edit of each text as the part that goes and the part that comes; an empty part is found by what follows it.
CHANGES: list[tuple[str, Edit, str, str]] = [
    ("tight", AddColumn("c INT DEFAULT 1 -- x"), "UNIQUE)", "UNIQUE, c INT DEFAULT 1)"),
    ("hostile", AddColumn("c INT"), "    , -- after\n", "    , -- after\n    c INT,\n"),
    ("tail", AddColumn('"c d"'), "nocase -- tail,\n", 'nocase, -- tail,\n    "c d"\n'),
    ("tight", SetNotNull("b"), "b INT", "b INT NOT NULL"),
    ("tight", SetNotNull("a"), "", ""),
    ("hostile", SetNotNull("b"), "b INT --", "b INT NOT NULL --"),
    ("tail", SetNotNull("a"), "a text", "a text NOT NULL"),
    ("tight", DropNotNull("a"), "NOT NULL", ""),
    ("hostile", DropNotNull("a"), " constraint nn not null", ""),
    ("tight", SetDefault("a", "'y'"), "DEFAULT'x'NOT", "DEFAULT 'y' NOT"),
    ("tight", SetDefault("b", "1 + 1 -- two"), "b INT", "b INT DEFAULT (1 + 1)"),
    ("tight", SetDefault("b", "-1"), "b INT", "b INT DEFAULT -1"),
    ("tight", SetDefault("b", "(1) + (2)"), "b INT", "b INT DEFAULT ((1) + (2))"),
    ("tight", SetDefault("b", "((1) + (2))"), "b INT", "b INT DEFAULT ((1) + (2))"),
    ("hostile", SetDefault("a", "CURRENT_TIMESTAMP"), "default 'x'", "default CURRENT_TIMESTAMP"),
    ("tight", DropDefault("a"), "DEFAULT'x'NOT", "NOT"),
    ("hostile", DropDefault("a"), " default 'x'", ""),
    ("tight", SetType("a", "VARCHAR(9)"), "a TEXT", "a VARCHAR(9)"),
    ("hostile", SetType("b", ""), "b INT", "b"),
    ("hostile", SetType("a", "TEXT"), "varchar(10)", "TEXT"),
    ("tight", SetCollation("a", "NOCASE"), "a TEXT", "a TEXT COLLATE NOCASE"),
    ("tight", SetCollation("a", ""), "", ""),
    ("tail", SetCollation("a", "my order"), "collate nocase", 'COLLATE "my order"'),
    ("tail", SetCollation("a", ""), " collate nocase", ""),
    ("tight", AddConstraint("CHECK (a <> '') -- x"), "UNIQUE)", "UNIQUE, CHECK (a <> ''))"),
    ("hostile", AddConstraint("UNIQUE (id)"), "p(id)\n    -- end\n", "p(id),\n    -- end\n    UNIQUE (id)\n"),
    (
        "tail",
        AddConstraint("CONSTRAINT x CHECK(1)"),
        "nocase -- tail,\n",
        "nocase, -- tail,\n    CONSTRAINT x CHECK(1)\n",
    ),
    ("tight", DropCheck("(B > 0)"), " CHECK(b>0)UNIQUE", " UNIQUE"),
    ("hostile", DropCheck('"b">0'), "\n    CHECK (b > 0) -- why", "\n     -- why"),
    ("hostile", DropCheck("a<>'--'"), "    check (a <> '--') constraint", "     constraint"),
    ("tight", DropUnique(("B",)), "UNIQUE", ""),
    ("hostile", DropUnique(("b", "a")), "unique (a, b) -- one", " -- one"),
    ("hostile", DropUnique(("b",)), "constraint u unique (b), ", ""),
    ("hostile", DropForeignKey(("b",), "P"), ", foreign key (b) references p(id)", ""),
    ("tight", SetAutoincrement("id"), "KEY,", "KEY AUTOINCREMENT,"),
    ("tight", SetPrimaryKey(("id",)), "", ""),
]


def valid(sql: str) -> bool:
    """Whether SQLite takes the text for a table."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.create_collation("my order", lambda one, other: (one > other) - (one < other))
        connection.execute(sql)
    return True


@pytest.mark.parametrize(("text", "edit", "old", "new"), CHANGES, ids=[f"{c[0]}-{c[1]}" for c in CHANGES])
def test_an_edit_changes_its_part_of_the_text_and_no_other_byte(text: str, edit: Edit, old: str, new: str) -> None:
    before = ALL[text]
    assert old in before
    after = edit_table(before, [edit])
    assert after == before.replace(old, new, 1)
    assert valid(after)


def test_a_primary_key_moves_from_a_column_to_the_table_and_back() -> None:
    composite = edit_table(TIGHT, [SetPrimaryKey(("b", "A"))])
    assert composite == (
        'CREATE TABLE t(id INTEGER,a TEXT DEFAULT\'x\'NOT NULL,b INT CHECK(b>0)UNIQUE, PRIMARY KEY ("b", "a"))'
    )
    assert edit_table(composite, [SetPrimaryKey(("id",))]) == TIGHT


def test_autoincrement_goes_inside_the_parentheses_of_a_tables_key_and_only_once() -> None:
    sql = "CREATE TABLE t(id INTEGER,a, PRIMARY KEY(id /*,)*/) ON CONFLICT FAIL)"
    after = edit_table(sql, [SetAutoincrement("ID")])
    assert after == "CREATE TABLE t(id INTEGER,a, PRIMARY KEY(id AUTOINCREMENT /*,)*/) ON CONFLICT FAIL)"
    assert valid(after)
    assert edit_table(after, [SetAutoincrement("id")]) == after


def test_a_line_comment_before_what_is_cut_swallows_nothing() -> None:
    sql = "CREATE TABLE t(a INT -- one\n NOT NULL, b INT -- two\n)"
    assert edit_table(sql, [DropNotNull("a")]) == "CREATE TABLE t(a INT -- one\n , b INT -- two\n)"


IMPOSSIBLE: list[tuple[str, Edit, str]] = [
    (TIGHT, AddColumn("a INT"), 'there is a column "a" already'),
    (TIGHT, AddColumn("c INT, d INT"), "the definition is not that of one column"),
    (TIGHT, AddColumn("CHECK(1)"), "the definition does not parse: expected NOT or NULL or DEFAULT"),
    (TIGHT, AddColumn("c INT) STRICT; --"), "the definition does not parse: expected the end"),
    (TIGHT, AddColumn("c INT) /*"), "the definition closes the table"),
    (TIGHT, SetNotNull("z"), 'there is no column "z"'),
    (TIGHT, DropNotNull("b"), "the column has no NotNull"),
    (TIGHT, DropDefault("b"), "the column has no Default"),
    (TIGHT, SetDefault("b", " -- none"), "the default is empty"),
    (TIGHT, SetDefault("b", "1)"), "the result would not parse: expected"),
    (TIGHT, SetType("b", "INT NOT NULL"), "the result would declare something else"),
    (TIGHT, SetType("b", "INT,"), "the result would not parse: expected"),
    (TIGHT, AddConstraint("c INT"), "the definition is not that of one constraint of a table"),
    (TIGHT, AddConstraint("CHECK(1), CHECK(2)"), "the definition is not that of one constraint of a table"),
    (TIGHT, AddConstraint("NOT NULL"), "the definition is not that of one constraint of a table"),
    (TIGHT, DropCheck("b > 1"), "there is no such constraint"),
    (TIGHT, DropUnique(("a",)), "there is no such constraint"),
    (HOSTILE, DropForeignKey(("a",), "p"), "there is no such constraint"),
    (TIGHT, SetAutoincrement("a"), "the primary key is not that column alone"),
    (TIGHT, SetPrimaryKey(()), "a primary key has at least one column"),
    (TIGHT, SetPrimaryKey(("z",)), 'there is no column "z"'),
]


@pytest.mark.parametrize(("sql", "edit", "reason"), IMPOSSIBLE, ids=[str(case[1]) for case in IMPOSSIBLE])
def test_an_edit_that_does_not_fit_is_refused_with_the_reason(sql: str, edit: Edit, reason: str) -> None:
    with pytest.raises(EditImpossibleError) as refusal:
        edit_table(sql, [edit])
    assert refusal.value.reason.startswith(reason)
    assert str(refusal.value) == f"table 't': {edit!r} cannot be made: {refusal.value.reason}; change the table by hand"


def test_a_text_that_cannot_be_read_is_not_edited() -> None:
    with pytest.raises(UnreadableSqlError):
        edit_table("CREATE TABLE t(a", [SetNotNull("a")])


@dataclass(frozen=True)
class Column:
    """A column as SQLite should report it, with what an edit can change."""

    name: str
    type: str
    not_null: bool
    default: str | None
    unique: bool


FILLER = st.sampled_from([" ", "\n", "\t", " /*,)*/ ", " --,)\n", "/**/", "\n    -- x\n    "])
NAMES = ["a", "b c", "select", "d--e", "f'g", "(,", "É"]
TYPES = st.sampled_from(["", "INT", "VARCHAR(10)", "my type", "TEXT"])
DEFAULTS = st.sampled_from(["1", "-1.5", "'x,)--'", "NULL", "x'00'", "1 + 1", "lower('A')"])
COLUMNS = st.lists(
    st.builds(Column, st.sampled_from(NAMES), TYPES, st.booleans(), st.none() | DEFAULTS, st.booleans()),
    min_size=1,
    max_size=5,
    unique_by=lambda column: column.name,
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, tuple[Column, ...]]:
    """A CREATE TABLE text with comments anywhere, and what it declares."""
    columns = draw(COLUMNS)
    texts = []
    for column in columns:
        parts = [quote(column.name), column.type]
        tail = ["NOT NULL"] if column.not_null else []
        tail += ["UNIQUE"] if column.unique else []
        tail += [f"DEFAULT ({column.default})"] if column.default is not None else []
        tail += draw(st.sampled_from([[], ["CHECK (1)"], ["COLLATE NOCASE"], ["CONSTRAINT n NULL"], ["REFERENCES p"]]))
        parts += draw(st.permutations(tail))
        texts.append("".join(draw(FILLER) + part for part in parts if part) + draw(FILLER))
    constraints = draw(st.lists(st.sampled_from(["CHECK (2)", "CONSTRAINT x CHECK (','<>'--')"]), max_size=2))
    listed = ",".join([*texts, *(draw(FILLER) + text + draw(FILLER) for text in constraints)])
    return f"CREATE TABLE t({listed})", tuple(columns)


@st.composite
def edits_of(draw: st.DrawFn, columns: tuple[Column, ...]) -> tuple[Edit, tuple[Column, ...]]:
    """An edit that fits the columns, and the columns after it."""
    at = draw(st.integers(0, len(columns) - 1))
    column = columns[at]
    kind = draw(st.sampled_from(["null", "default", "type", "unique", "add", "check"]))
    edit: Edit
    match kind:
        case "null":
            edit = DropNotNull(column.name) if column.not_null else SetNotNull(column.name)
            changed = [replace(column, not_null=not column.not_null)]
        case "default":
            new = draw(st.none() | DEFAULTS) if column.default is not None else draw(DEFAULTS)
            edit = DropDefault(column.name) if new is None else SetDefault(column.name, new)
            changed = [replace(column, default=new)]
        case "type":
            new = draw(TYPES)
            edit, changed = SetType(column.name, new), [replace(column, type=new)]
        case "unique" if column.unique:
            edit, changed = DropUnique((column.name,)), [replace(column, unique=False)]
        case "unique":
            edit, changed = AddConstraint(f"UNIQUE ({quote(column.name)})"), [replace(column, unique=True)]
        case "add" if "new" not in {other.name for other in columns}:
            new_column = Column("new", "TEXT", True, "'n'", False)
            return AddColumn("new TEXT NOT NULL DEFAULT 'n' -- end"), (*columns, new_column)
        case _:
            edit, changed = AddConstraint("CHECK (3)"), [column]
    return edit, (*columns[:at], *changed, *columns[at + 1 :])


def reported(sql: str) -> tuple[Column, ...]:
    """The columns as SQLite reports them."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(sql)
        unique = {
            name
            for (name,) in connection.execute(
                "SELECT x.name FROM pragma_index_list('t') l JOIN pragma_index_xinfo(l.name) x WHERE x.key"
            )
        }
        listed = connection.execute("SELECT name, type, \"notnull\", dflt_value FROM pragma_table_xinfo('t')")
        return tuple(
            Column(name, declared, bool(strict), default, name in unique) for name, declared, strict, default in listed
        )


@given(st.data())
def test_any_run_of_edits_of_any_table_does_what_it_says_and_nothing_else(data: st.DataObject) -> None:
    sql, columns = data.draw(tables())
    assert reported(sql) == columns
    for _ in range(data.draw(st.integers(1, 5))):
        edit, columns = data.draw(edits_of(columns))
        sql = edit_table(sql, [edit])
        assert reported(sql) == columns
