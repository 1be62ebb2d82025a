"""Things that get their last name in several steps, in revisions that ran in part: rows go along, or it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.scenarios import ask, batch, code, codes, come_home, gone, nothing_to_do, own_chain, script, stamp
from support.scenarios import revision as raw

if TYPE_CHECKING:
    from pathlib import Path

POSTS = "CREATE TABLE posts (id INTEGER PRIMARY KEY, size INTEGER)"
ROWS = "INSERT INTO posts VALUES (1, 10), (2, 20)"
LATER = "CREATE TABLE tags (id INTEGER PRIMARY KEY)"


def test_a_table_that_one_revision_renames_twice_is_renamed_with_its_rows(tmp_path: Path) -> None:
    """A table that the revision makes is there, made by hand, so it does not run as a whole; `notes` never lasts."""
    renames = ("ALTER TABLE posts RENAME TO notes", "ALTER TABLE notes RENAME TO orders")
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS),
            "b2": raw("a1", *renames, LATER, "CREATE INDEX ix_orders ON orders (size)"),
        },
    )
    script(home.database, POSTS, ROWS, LATER, *stamp("a1"))
    assert come_home(home, gone("posts"))[0] == "rename table posts to orders"
    assert ask(home.database, "SELECT * FROM orders ORDER BY id") == [(1, 10), (2, 20)]


def test_a_table_that_two_revisions_rename_is_renamed_with_its_rows(tmp_path: Path) -> None:
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS),
            "b2": raw("a1", "ALTER TABLE posts RENAME TO notes", "CREATE INDEX ix_notes ON notes (size)"),
            "c3": raw("b2", "ALTER TABLE notes RENAME TO orders", "CREATE INDEX ix_orders ON orders (size)"),
            "d4": raw("c3", LATER, "CREATE INDEX ix_size ON orders (size)"),
        },
    )
    script(home.database, POSTS, ROWS, LATER, *stamp("a1"))
    assert come_home(home, gone("posts"))[0] == "rename table posts to orders"
    assert ask(home.database, "SELECT * FROM orders ORDER BY id") == [(1, 10), (2, 20)]


def test_rows_that_two_revisions_move_are_not_left_behind_by_an_empty_last_place(tmp_path: Path) -> None:
    """Neither of the two moves has its both ends: the first new place is never made, and the second old one neither."""

    def moved(old: str, new: str) -> tuple[str, ...]:
        made = f"CREATE TABLE {new} (id INTEGER PRIMARY KEY, size INTEGER)"
        return made, f"INSERT INTO {new} (id, size) SELECT id, size FROM {old}", f"DROP TABLE {old}"

    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS),
            "b2": raw("a1", *moved("posts", "notes")),
            "c3": raw("b2", *moved("notes", "orders")),
            "d4": raw("c3", LATER, "CREATE INDEX ix_size ON orders (size)"),
        },
    )
    script(home.database, POSTS, ROWS, LATER, *stamp("a1"))
    assert codes(home) == [("interrupted-undecided", "table posts")]


def test_a_column_that_is_renamed_together_with_its_table_keeps_its_values(tmp_path: Path) -> None:
    """The batch operation was to rename it in the table that the same revision had renamed before."""
    rename = batch("orders", "alter_column('size', existing_type=sa.Integer(), new_column_name='amount')")
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS, "CREATE TABLE other (id INTEGER PRIMARY KEY)"),
            "b2": code("a1", "op.rename_table('posts', 'orders')", *rename),
        },
    )
    # `other` was dropped by hand, so that no position fits and what is missing is made object by object.
    left = "CREATE TABLE _alembic_tmp_orders (id INTEGER PRIMARY KEY, amount INTEGER)"
    script(home.database, POSTS.replace("posts", "orders"), ROWS.replace("posts", "orders"), left)
    come_home(home, gone("orders.size", "_alembic_tmp_orders"))
    assert ask(home.database, "SELECT id, amount FROM orders ORDER BY id") == [(1, 10), (2, 20)]


def test_a_column_of_a_table_that_the_same_revision_makes_keeps_its_values(tmp_path: Path) -> None:
    rename = batch("posts", "alter_column('size', existing_type=sa.Integer(), new_column_name='amount')")
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, LATER),
            "b2": code("a1", f"op.execute({POSTS!r})", *rename),
        },
    )
    script(home.database, LATER, POSTS, ROWS)
    come_home(home, gone("posts.size"))
    assert ask(home.database, "SELECT id, amount FROM posts ORDER BY id") == [(1, 10), (2, 20)]


# What a batch operation leaves of a table that only revisions beyond the stamp make.

COPY = POSTS.replace("posts", "_alembic_tmp_posts")
LATE = {"a1": raw(None, LATER), "b2": raw("a1"), "c3": raw("b2", POSTS)}


def test_an_empty_copy_of_a_table_that_a_later_revision_makes_is_dropped_before_that_runs(tmp_path: Path) -> None:
    home = own_chain(tmp_path, LATE)
    script(home.database, LATER, COPY, *stamp("b2"))
    dropped = ["drop table _alembic_tmp_posts", "run revision c3", "stamp c3"]
    assert come_home(home, gone("_alembic_tmp_posts")) == dropped


def test_rows_in_a_copy_of_a_table_that_the_stamp_stops_before_are_not_left_beside_a_new_one(tmp_path: Path) -> None:
    home = own_chain(tmp_path, LATE)
    script(home.database, LATER, COPY, ROWS.replace("posts", "_alembic_tmp_posts"), *stamp("b2"))
    assert codes(home) == [("interrupted-undecided", "table _alembic_tmp_posts")]


def test_a_table_gets_its_name_as_the_chain_spells_it(tmp_path: Path) -> None:
    order = 'CREATE TABLE "Order" (id INTEGER PRIMARY KEY, "Size" INTEGER)'
    home = own_chain(tmp_path, {"a1": raw(None, order), "b2": raw("a1", LATER)})
    script(home.database, order.replace("Order", "_alembic_tmp_Order"), *stamp("a1"))
    script(home.database, 'INSERT INTO "_alembic_tmp_Order" VALUES (1, 10)')
    come_home(home, gone("_alembic_tmp_Order", "_alembic_tmp_order"))
    assert ask(home.database, "SELECT name FROM sqlite_master WHERE name LIKE 'order'") == [("Order",)]


def test_values_that_were_to_be_moved_are_not_left_in_a_column_that_a_later_revision_makes_again(
    tmp_path: Path,
) -> None:
    """A column of the last revision, made by hand, brings the position past both."""
    posts = "CREATE TABLE posts (id INTEGER PRIMARY KEY, made INTEGER NOT NULL, size INTEGER NOT NULL)"
    moved = ("ALTER TABLE posts ADD COLUMN title INTEGER", "UPDATE posts SET title = size")
    again = batch("posts", "alter_column('made', existing_type=sa.Integer(), nullable=True)")
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, posts),
            "b2": raw("a1", *moved, "ALTER TABLE posts DROP COLUMN size"),
            "c3": code("b2", *again, "op.add_column('posts', sa.Column('size', sa.Integer()))"),
            "d4": raw("c3", "ALTER TABLE posts ADD COLUMN rank INTEGER"),
        },
    )
    script(home.database, posts, "INSERT INTO posts VALUES (1, 5, 10)", *stamp("a1"))
    script(home.database, "ALTER TABLE posts ADD COLUMN rank INTEGER")
    assert codes(home) == [("interrupted-undecided", "column posts.size")]


def test_a_table_made_empty_under_a_name_that_another_one_had_makes_way_for_its_rows(tmp_path: Path) -> None:
    """The chain once had both names at the same time; where the database is, it has one of them."""
    teams = "CREATE TABLE teams (id INTEGER PRIMARY KEY, size INTEGER)"
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, teams.replace("size", "code"), POSTS),
            "b2": raw("a1", "ALTER TABLE teams RENAME TO tags"),
            "c3": raw("b2", teams, "INSERT INTO teams SELECT * FROM posts", "DROP TABLE posts"),
        },
    )
    script(home.database, teams.replace("size", "code").replace("teams", "tags"), POSTS, ROWS, teams, *stamp("b2"))
    come_home(home, gone("posts", "teams"))
    assert ask(home.database, "SELECT * FROM teams ORDER BY id") == [(1, 10), (2, 20)]


def test_a_column_that_two_revisions_rename_keeps_its_values(tmp_path: Path) -> None:
    """A table of a later revision, made by hand, brings the position past both."""
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS),
            "b2": raw("a1", "ALTER TABLE posts RENAME COLUMN size TO height"),
            "c3": raw(
                "b2", "ALTER TABLE posts RENAME COLUMN height TO length", LATER, "CREATE VIEW v AS SELECT 1 AS n"
            ),
        },
    )
    script(home.database, POSTS, ROWS, LATER, *stamp("a1"))
    assert come_home(home, gone("posts.size"))[0] == "rename column posts.size to length"
    assert ask(home.database, "SELECT id, length FROM posts ORDER BY id") == [(1, 10), (2, 20)]


def test_values_that_two_revisions_move_are_not_left_behind_by_an_empty_last_column(tmp_path: Path) -> None:
    def moved(old: str, new: str) -> tuple[str, ...]:
        add = f"ALTER TABLE posts ADD COLUMN {new} INTEGER"
        return add, f"UPDATE posts SET {new} = {old}", f"ALTER TABLE posts DROP COLUMN {old}"

    chain = {
        "a1": raw(None, POSTS),
        "b2": raw("a1", *moved("size", "height")),
        "c3": raw("b2", *moved("height", "length")),
    }
    home = own_chain(tmp_path, chain | {"d4": raw("c3", LATER)})
    script(home.database, POSTS, ROWS, LATER, *stamp("a1"))
    assert codes(home) == [("interrupted-undecided", "column posts.size")]


# The last of several places, made by hand or by newer models before the revisions ran.

TWO_MOVES = {
    "a1": raw(None, POSTS),
    "b2": raw(
        "a1",
        "ALTER TABLE posts ADD COLUMN height INTEGER",
        "UPDATE posts SET height = size",
        "ALTER TABLE posts DROP COLUMN size",
    ),
    "c3": raw("b2", "ALTER TABLE posts RENAME COLUMN height TO length"),
}
LENGTH = "ALTER TABLE posts ADD COLUMN length INTEGER"


def test_an_empty_last_column_makes_way_for_two_revisions_that_bring_its_values(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TWO_MOVES)
    script(home.database, POSTS, ROWS, LENGTH, *stamp("a1"))
    steps = ["drop column posts.length", "run revision b2", "run revision c3", "stamp c3"]
    assert come_home(home, gone("posts.size", "posts.length")) == steps
    assert ask(home.database, "SELECT id, length FROM posts ORDER BY id") == [(1, 10), (2, 20)]


def test_a_full_last_table_is_asked_about_before_the_revisions_that_bring_its_rows(tmp_path: Path) -> None:
    notes, orders = (POSTS.replace("posts", name) for name in ("notes", "orders"))
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS),
            "b2": raw("a1", notes, "INSERT INTO notes SELECT * FROM posts", "DROP TABLE posts"),
            "c3": raw("b2", orders, "INSERT INTO orders SELECT * FROM notes", "DROP TABLE notes"),
        },
    )
    script(home.database, POSTS, ROWS, orders, "INSERT INTO orders VALUES (9, 90)", *stamp("a1"))
    assert codes(home) == [("interrupted-undecided", "table posts")]


@pytest.mark.parametrize("last", [("ALTER TABLE notes RENAME TO orders",), ()], ids=["rename", "copy"])
def test_as_many_other_rows_in_the_last_table_do_not_stand_for_those_that_were_to_come(
    tmp_path: Path, last: tuple[str, ...]
) -> None:
    notes, orders = (POSTS.replace("posts", name) for name in ("notes", "orders"))
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS),
            "b2": raw("a1", notes, "INSERT INTO notes SELECT * FROM posts", "DROP TABLE posts"),
            "c3": raw("b2", *(last or (orders, "INSERT INTO orders SELECT * FROM notes", "DROP TABLE notes"))),
        },
    )
    script(home.database, POSTS, ROWS, orders, "INSERT INTO orders VALUES (8, 80), (9, 90)", *stamp("a1"))
    assert codes(home) == [("interrupted-undecided", "table posts")]


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER TABLE posts RENAME COLUMN size TO length",),
        (LENGTH, "UPDATE posts SET length = size", "ALTER TABLE posts DROP COLUMN size"),
    ],
    ids=["rename", "copy"],
)
@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "not stamped"])
def test_other_values_in_both_columns_are_asked_about_before_the_revision(
    tmp_path: Path, statements: tuple[str, ...], stamped: tuple[str, ...]
) -> None:
    """Somebody made the new column, or wrote to the old one since: no revision leaves both."""
    home = own_chain(tmp_path, {"a1": raw(None, POSTS), "b2": raw("a1", *statements)})
    script(home.database, POSTS, ROWS, LENGTH, "UPDATE posts SET length = id", *stamped)
    assert codes(home) == [("interrupted-undecided", "column posts.size")]


def test_other_values_in_a_column_of_the_old_name_are_the_applications_own_long_after(tmp_path: Path) -> None:
    home = own_chain(
        tmp_path, {"a1": raw(None, POSTS), "b2": raw("a1", "ALTER TABLE posts RENAME COLUMN size TO length")}
    )
    script(home.database, POSTS.replace("size", "length"), ROWS, *stamp("b2"))
    script(home.database, "ALTER TABLE posts ADD COLUMN size INTEGER", "UPDATE posts SET size = id")
    nothing_to_do(home)


def test_a_copy_that_a_batch_operation_left_does_not_hide_that_its_table_has_a_new_name(tmp_path: Path) -> None:
    """Killed within the batch operation: the table has the new name, and a column that was to go."""
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS),
            "b2": code("a1", "op.rename_table('posts', 'orders')", *batch("orders", "drop_column('size')")),
        },
    )
    script(home.database, POSTS, ROWS, "ALTER TABLE posts RENAME TO orders", *stamp("a1"))
    script(home.database, "CREATE TABLE _alembic_tmp_orders (id INTEGER NOT NULL, PRIMARY KEY (id))")
    script(home.database, "INSERT INTO _alembic_tmp_orders SELECT id FROM orders")
    steps = ["drop table _alembic_tmp_orders", "rename table orders to posts", "run revision b2", "stamp b2"]
    assert come_home(home, gone("posts", "orders.size", "_alembic_tmp_orders")) == steps
    assert ask(home.database, "SELECT * FROM orders ORDER BY id") == [(1,), (2,)]


@pytest.mark.parametrize("named", ["posts", "orders"], ids=["neither is done", "the table is renamed"])
def test_a_column_keeps_its_values_where_a_later_revision_renames_its_table(tmp_path: Path, named: str) -> None:
    """A table of the last revision, made by hand, brings the position past both."""
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS),
            "b2": raw("a1", "ALTER TABLE posts RENAME COLUMN size TO height", "CREATE TABLE keys (id INTEGER)"),
            "c3": raw("b2", "ALTER TABLE posts RENAME TO orders", LATER, "CREATE VIEW v AS SELECT 1 AS n"),
        },
    )
    script(home.database, POSTS.replace("posts", named), ROWS.replace("posts", named), LATER, *stamp("a1"))
    steps = come_home(home, gone("posts", "posts.size", "orders.size"))
    assert "rename column orders.size to height" in steps
    assert ask(home.database, "SELECT id, height FROM orders ORDER BY id") == [(1, 10), (2, 20)]


@pytest.mark.parametrize("rows", [("INSERT INTO orders (id) VALUES (7)",), ()], ids=["with rows", "empty"])
@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamp too low", "stamp lost"])
def test_a_table_put_aside_under_its_old_name_is_asked_about_beside_one_made_by_hand(
    tmp_path: Path, stamped: tuple[str, ...], rows: tuple[str, ...]
) -> None:
    home = own_chain(
        tmp_path,
        {
            "a1": raw(None, POSTS),
            "b2": raw("a1", "ALTER TABLE posts DROP COLUMN size"),
            "c3": raw("b2", "ALTER TABLE posts RENAME TO orders"),
        },
    )
    aside = POSTS.replace("posts", "posts_old"), ROWS.replace("posts", "posts_old")
    script(home.database, *aside, "CREATE TABLE orders (id INTEGER PRIMARY KEY)", *rows, *stamped)
    assert codes(home) == [("interrupted-undecided", "table posts_old")]


def test_a_copy_of_the_old_name_is_the_applications_own_where_the_stamp_fits(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, POSTS), "b2": raw("a1", "ALTER TABLE posts RENAME TO orders")})
    aside = POSTS.replace("posts", "posts_old"), ROWS.replace("posts", "posts_old")
    script(home.database, *aside, POSTS.replace("posts", "orders"), "INSERT INTO orders VALUES (7, 7)", *stamp("b2"))
    nothing_to_do(home)


def test_tables_that_are_missing_do_not_show_where_a_revision_stopped(tmp_path: Path) -> None:
    """After its third statement the revision leaves none of its tables; here a person has put the last one aside."""
    made = "CREATE TABLE tags (id INTEGER PRIMARY KEY, code TEXT)"
    moved = ("CREATE TABLE keys (id INTEGER PRIMARY KEY, size INTEGER)", "INSERT INTO keys SELECT * FROM posts")
    chain = {"a1": raw(None, POSTS), "b2": raw("a1", *moved, "DROP TABLE posts", "DROP TABLE keys", made)}
    home = own_chain(tmp_path, chain)
    script(home.database, made, "INSERT INTO tags VALUES (1, 'x')", "ALTER TABLE tags RENAME TO tags_old", *stamp("b2"))
    assert come_home(home, gone("tags_old")) == ["rename table tags_old to tags"]
    assert ask(home.database, "SELECT * FROM tags") == [(1, "x")]
