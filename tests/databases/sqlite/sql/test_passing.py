"""What statements rename for good and what they make on their way, in every spelling that SQLite takes."""

from __future__ import annotations

import pytest

from architect_migrate.databases.sqlite.sql.passing import OnTheWay, copied_table, on_the_way
from architect_migrate.model.history import Link, Move, Passing, Rename, Role


def columns(*names: str) -> frozenset[str]:
    return frozenset(names)


T, X = {"t": columns("id", "a")}, {"x": columns("id", "a")}
BATCH = [
    "CREATE TABLE _alembic_tmp_t (\n\tid INTEGER NOT NULL, \n\tb TEXT, \n\tPRIMARY KEY (id)\n)",
    "INSERT INTO _alembic_tmp_t (id, b) SELECT t.id, t.a AS anon_1 \nFROM t",
    "DROP TABLE t",
    "ALTER TABLE _alembic_tmp_t RENAME TO t",
]
COPY = Passing("_alembic_tmp_t", "t", Role.COPY)


def test_a_batch_operation_makes_its_copy_on_the_way() -> None:
    same = [BATCH[0].replace("b TEXT", "a TEXT"), BATCH[1].replace("(id, b)", "(id, a)"), *BATCH[2:]]
    assert on_the_way(same, T, T) == OnTheWay((COPY,))


@pytest.mark.parametrize("source", ["t.a", "a", '"a"', "t.a AS anon_1", "CAST(t.a AS TEXT)", "CAST(a AS INTEGER) AS b"])
def test_a_batch_operation_that_renames_a_column_copies_it_under_another_name(source: str) -> None:
    insert = f"INSERT INTO _alembic_tmp_t (id, b) SELECT t.id, {source} FROM t"
    renamed = on_the_way([BATCH[0], insert, *BATCH[2:]], T, {"t": columns("id", "b")})
    assert renamed == OnTheWay((COPY,), (Rename("a", "b", "t"),))


@pytest.mark.parametrize("source", ["'x'", "NULL", "upper(a)", "a || 'x'", "coalesce(a, 1)"])
def test_a_column_that_is_computed_is_not_renamed(source: str) -> None:
    insert = f"INSERT INTO _alembic_tmp_t (id, b) SELECT id, {source} FROM t"
    assert on_the_way([BATCH[0], insert, *BATCH[2:]], T, {"t": columns("id", "b")}) == OnTheWay((COPY,))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE t RENAME TO x",
        "alter table T rename to X;",
        'ALTER TABLE "t" RENAME TO "x"',
        "ALTER TABLE [t] RENAME TO `x`",
        "ALTER TABLE main.t RENAME TO x",
        'ALTER TABLE "main"."t" RENAME TO x',
        "ALTER /* why */ TABLE t -- now\n RENAME TO x",
    ],
)
def test_a_table_is_renamed_in_every_spelling(statement: str) -> None:
    assert on_the_way([statement], T, X) == OnTheWay((), (Rename("t", "x"),))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE t RENAME COLUMN a TO b",
        "ALTER TABLE t RENAME a TO b",
        "ALTER TABLE T RENAME COLUMN A TO B;",
        'ALTER TABLE "t" RENAME COLUMN "a" TO "b"',
        "ALTER TABLE main.t RENAME [a] TO `b`",
    ],
)
def test_a_column_is_renamed_in_every_spelling(statement: str) -> None:
    assert on_the_way([statement], T, {"t": columns("id", "b")}) == OnTheWay((), (Rename("a", "b", "t"),))


def test_renames_in_a_row_are_one_from_the_first_name_to_the_last() -> None:
    tables = ["ALTER TABLE t RENAME TO y", "ALTER TABLE y RENAME TO x"]
    assert on_the_way(tables, T, X) == OnTheWay((Passing("y", "t", Role.ASIDE),), (Rename("t", "x"),))
    columns_ = ["ALTER TABLE t RENAME a TO b", "ALTER TABLE t RENAME b TO c"]
    assert on_the_way(columns_, T, {"t": columns("id", "c")}).renames == (Rename("a", "c", "t"),)


@pytest.mark.parametrize("column_first", [True, False])
def test_a_column_is_renamed_in_the_table_that_gets_another_name(*, column_first: bool) -> None:
    table = "ALTER TABLE t RENAME TO x"
    column = "ALTER TABLE {} RENAME a TO b"
    statements = [column.format("t"), table] if column_first else [table, column.format("x")]
    found = on_the_way(statements, T, {"x": columns("id", "b")})
    assert found.renames == (Rename("t", "x"), Rename("a", "b", "x"))


def test_a_column_is_renamed_in_a_table_that_is_made_just_before() -> None:
    statements = ["CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", *BATCH]
    assert on_the_way(statements, {}, {"t": columns("id", "b")}).renames == (Rename("a", "b", "t"),)


def test_rows_that_go_by_way_of_a_table_that_does_not_last_are_moved() -> None:
    statements = [
        "CREATE TABLE y (id INTEGER PRIMARY KEY, a TEXT)",
        "INSERT INTO y SELECT * FROM t",
        "DROP TABLE t",
        "CREATE TABLE x (id INTEGER PRIMARY KEY, a TEXT)",
        "INSERT INTO x SELECT * FROM y",
        "DROP TABLE y",
    ]
    assert on_the_way(statements, T, X).moves == (Move("t", "", "x"),)


@pytest.mark.parametrize("insert", ["INSERT INTO x SELECT * FROM z", "INSERT INTO x (id, a) SELECT id, b FROM z"])
@pytest.mark.parametrize("names", [("z",), ("y", "z")], ids=["renamed once", "renamed twice"])
def test_rows_of_a_table_with_a_name_that_does_not_last_are_moved(insert: str, names: tuple[str, ...]) -> None:
    renames = [f"ALTER TABLE {old} RENAME TO {new}" for old, new in zip(("t", *names), names, strict=False)]
    create = "CREATE TABLE x (id INTEGER PRIMARY KEY, a TEXT)"
    found = on_the_way([*renames, "ALTER TABLE z RENAME a TO b", create, insert, "DROP TABLE z"], T, X)
    assert {each.name: each.table for each in found.passing} == dict.fromkeys(names, "t")
    pairs = (("id", "id"),) if "(" in insert else ()  # column b is called so on the way only
    assert (found.moves, found.renames) == ((Move("t", "", "x", columns=pairs),), ())


def test_a_loop_over_a_table_with_a_name_that_does_not_last_is_one_over_its_rows() -> None:
    statements = ["ALTER TABLE t RENAME TO z", "CREATE TABLE x (id INTEGER)", "SELECT id FROM z", "DROP TABLE z"]
    assert on_the_way(statements, T, X).moves == (Move("t", "", "x", link=Link.READ),)


def test_a_table_that_keeps_its_new_name_is_not_moved_to_its_copy() -> None:
    statements = ["ALTER TABLE t RENAME TO y", "CREATE TABLE x AS SELECT * FROM y"]
    found = on_the_way(statements, T, {**X, "y": T["t"]})
    assert (found.moves, found.renames) == ((), (Rename("t", "y"),))


def test_a_column_that_is_called_column_can_be_renamed() -> None:
    found = on_the_way(["ALTER TABLE t RENAME column TO b"], {"t": columns("column")}, {"t": columns("b")})
    assert found == OnTheWay((), (Rename("column", "b", "t"),))


def test_names_with_quotes_and_spaces_are_read() -> None:
    before, after = {'my "t"': columns("id")}, {"ta ble": columns("id")}
    assert on_the_way(['ALTER TABLE "my ""t""" RENAME TO [ta ble]'], before, after) == OnTheWay(
        (), (Rename('my "t"', "ta ble"),)
    )


@pytest.mark.parametrize(
    "create", ["CREATE TABLE t_new", "create table if not exists main.T_NEW", 'CREATE TABLE "t_new"']
)
def test_a_copy_made_by_hand_is_on_its_way(create: str) -> None:
    made = [f"{create} (id, a)", "INSERT INTO t_new SELECT * FROM t", "DROP TABLE t", "ALTER TABLE t_new RENAME TO t"]
    assert on_the_way(made, T, T) == OnTheWay((Passing("t_new", "t", Role.COPY),))


def test_a_table_put_aside_until_its_successor_is_filled_is_on_its_way() -> None:
    made = ["ALTER TABLE t RENAME TO t_old", "CREATE TABLE t (id, a)", "INSERT INTO t SELECT * FROM t_old"]
    assert on_the_way([*made, "DROP TABLE t_old"], T, T) == OnTheWay((Passing("t_old", "t", Role.ASIDE),))


def test_what_stays_is_neither_on_its_way_nor_renamed() -> None:
    made = ["CREATE TABLE x (id, a)", "INSERT INTO x (id, a) SELECT id, a FROM t", "ALTER TABLE t ADD COLUMN c"]
    assert on_the_way(made, T, T | X) == OnTheWay()


def test_a_rename_that_is_taken_back_is_none() -> None:
    made = on_the_way(["ALTER TABLE t RENAME a TO b", "ALTER TABLE t RENAME b TO a"], T, T)
    assert made == OnTheWay(moves=(Move("t", "b", "t", "a", link=Link.ASIDE),))


def test_columns_that_swap_their_names_are_put_aside_for_both() -> None:
    swapped = [f"ALTER TABLE t RENAME {old} TO {new}" for old, new in (("a", "x"), ("id", "a"), ("x", "id"))]
    assert on_the_way(swapped, T, T).moves == tuple(Move("t", "x", "t", name, link=Link.ASIDE) for name in ("a", "id"))


CREATE_X, DROP_T = "CREATE TABLE x (id, a)", "DROP TABLE t"
KNOWN = (("id", "id"), ("a", "a"))
MOVES = {
    "rows": ("INSERT INTO x (id, a) SELECT id, a FROM t", (Move("t", "", "x", "", KNOWN),)),
    "rows under other names": ("INSERT INTO x (a) SELECT t.id FROM t", (Move("t", "", "x", "", (("id", "a"),)),)),
    "rows by every column": ("INSERT INTO x SELECT * FROM t", (Move("t", "", "x"),)),
    "rows that are computed": ("INSERT OR IGNORE INTO main.x SELECT id, upper(a) FROM t", (Move("t", "", "x"),)),
    "rows by way of a query": ("WITH q AS (SELECT * FROM t) INSERT INTO x SELECT * FROM q", (Move("t", "", "x"),)),
    "rows of a loop": ("SELECT id, a FROM t", (Move("t", "", "x", link=Link.READ),)),
    "values": ("UPDATE x SET a = (SELECT a FROM t WHERE t.id = x.id)", (Move("t", "", "x"),)),
    "what reflection asks": ('SELECT sql FROM sqlite_master WHERE name = "t"', ()),
    "constants": ("INSERT INTO x (id, a) VALUES (1, 't')", ()),
}


@pytest.mark.parametrize(("statement", "moves"), MOVES.values(), ids=MOVES)
def test_rows_that_go_from_a_dropped_table_to_a_new_one_are_a_move(statement: str, moves: tuple[Move, ...]) -> None:
    assert on_the_way([CREATE_X, statement, DROP_T], T, X) == OnTheWay(moves=moves)


def test_a_table_that_is_made_from_another_is_a_move() -> None:
    assert on_the_way(["CREATE TABLE x AS SELECT * FROM t", DROP_T], T, X) == OnTheWay(moves=(Move("t", "", "x"),))


@pytest.mark.parametrize(
    ("statement", "link", "columns_as_they_are"),
    [
        ("UPDATE t SET b = a", Link.COPIED, (("a", "b"),)),
        ("UPDATE t SET b = upper(a)", Link.COPIED, ()),
        ("UPDATE t SET b = a WHERE id > 1", Link.COPIED, ()),
        ('UPDATE OR IGNORE main.t SET ("b", id) = (upper(a), 1) WHERE a IS NOT NULL', Link.COPIED, ()),
        ("SELECT id, a FROM t", Link.READ, ()),
    ],
)
def test_values_that_go_from_a_dropped_column_to_a_new_one_are_a_move(
    statement: str, link: Link, columns_as_they_are: tuple[tuple[str, str], ...]
) -> None:
    made = ["ALTER TABLE t ADD COLUMN b", statement, "ALTER TABLE t DROP COLUMN a"]
    assert on_the_way(made, T, {"t": columns("id", "b")}) == OnTheWay(
        moves=(Move("t", "a", "t", "b", columns_as_they_are, link),)
    )


def test_a_column_that_becomes_a_table_is_a_move() -> None:
    made = [CREATE_X, "INSERT INTO x (id, a) SELECT id, a FROM t", "ALTER TABLE t DROP COLUMN a"]
    assert on_the_way(made, T, {"t": columns("id")} | X) == OnTheWay(moves=(Move("t", "a", "x"),))


@pytest.mark.parametrize(
    ("statements", "replaced"),
    [
        ([DROP_T, "CREATE TABLE t (id, a)"], {"t"}),
        (["ALTER TABLE t RENAME TO t2", "CREATE TABLE t (id, a)"], {"t"}),
        (["ALTER TABLE t RENAME TO t2", "CREATE TABLE t AS SELECT * FROM t2"], ()),
        (["ALTER TABLE t RENAME TO t2", "CREATE TABLE t (id)", "SELECT id FROM t", "INSERT INTO t VALUES (1)"], ()),
        (["CREATE TABLE n (id)", "INSERT INTO n SELECT id FROM t", DROP_T, "ALTER TABLE n RENAME TO t"], ()),
        (["ALTER TABLE t ADD COLUMN b"], ()),
    ],
)
def test_a_table_that_is_made_again_without_its_rows_is_replaced(statements: list[str], replaced: set[str]) -> None:
    assert on_the_way(statements, T, T | {"t2": columns("id", "a")}).replaced == set(replaced)


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("INSERT INTO s SELECT * FROM t", "t"),
        ('REPLACE INTO s (id, a) SELECT * FROM main."T";', "t"),
        ("INSERT INTO s SELECT id, a FROM t", ""),
        ("INSERT INTO s VALUES (1, 'select * from t')", ""),
        ("SELECT * FROM t", ""),
    ],
)
def test_the_table_that_an_insert_copies_as_it_is(sql: str, table: str) -> None:
    assert copied_table(sql) == table
