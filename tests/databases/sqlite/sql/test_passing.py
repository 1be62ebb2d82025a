"""What statements rename for good and what they make on their way, in every spelling that SQLite takes."""

from __future__ import annotations

import pytest

from architect_migrate.databases.sqlite.sql.passing import on_the_way
from architect_migrate.model.history import Passing, Rename, Role


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
    assert on_the_way(same, T, T) == ((COPY,), ())


@pytest.mark.parametrize("source", ["t.a", "a", '"a"', "t.a AS anon_1", "CAST(t.a AS TEXT)", "CAST(a AS INTEGER) AS b"])
def test_a_batch_operation_that_renames_a_column_copies_it_under_another_name(source: str) -> None:
    insert = f"INSERT INTO _alembic_tmp_t (id, b) SELECT t.id, {source} FROM t"
    renamed = on_the_way([BATCH[0], insert, *BATCH[2:]], T, {"t": columns("id", "b")})
    assert renamed == ((COPY,), (Rename("a", "b", "t"),))


@pytest.mark.parametrize("source", ["'x'", "NULL", "upper(a)", "a || 'x'", "coalesce(a, 1)"])
def test_a_column_that_is_computed_is_not_renamed(source: str) -> None:
    insert = f"INSERT INTO _alembic_tmp_t (id, b) SELECT id, {source} FROM t"
    assert on_the_way([BATCH[0], insert, *BATCH[2:]], T, {"t": columns("id", "b")}) == ((COPY,), ())


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
    assert on_the_way([statement], T, X) == ((), (Rename("t", "x"),))


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
    assert on_the_way([statement], T, {"t": columns("id", "b")}) == ((), (Rename("a", "b", "t"),))


def test_a_column_that_is_called_column_can_be_renamed() -> None:
    found = on_the_way(["ALTER TABLE t RENAME column TO b"], {"t": columns("column")}, {"t": columns("b")})
    assert found == ((), (Rename("column", "b", "t"),))


def test_names_with_quotes_and_spaces_are_read() -> None:
    before, after = {'my "t"': columns("id")}, {"ta ble": columns("id")}
    assert on_the_way(['ALTER TABLE "my ""t""" RENAME TO [ta ble]'], before, after) == (
        (),
        (Rename('my "t"', "ta ble"),),
    )


@pytest.mark.parametrize(
    "create", ["CREATE TABLE t_new", "create table if not exists main.T_NEW", 'CREATE TABLE "t_new"']
)
def test_a_copy_made_by_hand_is_on_its_way(create: str) -> None:
    made = [f"{create} (id, a)", "INSERT INTO t_new SELECT * FROM t", "DROP TABLE t", "ALTER TABLE t_new RENAME TO t"]
    assert on_the_way(made, T, T) == ((Passing("t_new", "t", Role.COPY),), ())


def test_a_table_put_aside_until_its_successor_is_filled_is_on_its_way() -> None:
    made = ["ALTER TABLE t RENAME TO t_old", "CREATE TABLE t (id, a)", "INSERT INTO t SELECT * FROM t_old"]
    assert on_the_way([*made, "DROP TABLE t_old"], T, T) == ((Passing("t_old", "t", Role.ASIDE),), ())


def test_what_stays_is_neither_on_its_way_nor_renamed() -> None:
    made = ["CREATE TABLE x (id, a)", "INSERT INTO x (id, a) SELECT id, a FROM t", "ALTER TABLE t ADD COLUMN c"]
    assert on_the_way(made, T, T | X) == ((), ())


def test_a_rename_that_is_taken_back_is_none() -> None:
    assert on_the_way(["ALTER TABLE t RENAME a TO b", "ALTER TABLE t RENAME b TO a"], T, T) == ((), ())
