"""How one index, trigger or view gets the chain's shape, and what is asked of rows before uniqueness."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from architect_migrate.databases.sqlite.repair.objects import doubled, dropped
from architect_migrate.model.diff import Extra
from architect_migrate.model.facts import facts
from architect_migrate.planning.plan import headline
from architect_migrate.planning.row_questions import Answer
from support.repairs import fill, ground_of, object_repair
from support.schemas import schema_of

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, kind TEXT); CREATE TABLE other (name)"
ROWS = "; INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, NULL, NULL), (4, NULL, NULL)"
INDEX = "CREATE INDEX own ON t (name)"
UNIQUE = "CREATE UNIQUE INDEX own ON t (name)"
VIEW = "CREATE VIEW seen AS SELECT id FROM t"
TRIGGER = "CREATE TRIGGER told AFTER INSERT ON t BEGIN DELETE FROM t WHERE id < 0; END"


def chain(*objects: str) -> str:
    return "; ".join((T, *objects))


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (INDEX, "create index own for r1"),
        (UNIQUE, "create index own for r1"),
        (VIEW, "create view seen for r1"),
        (TRIGGER, "create trigger told for r1"),
        ("CREATE INDEX Own ON t (kind)", "create index Own for r1"),
    ],
)
def test_a_missing_object_is_created_from_the_text_of_the_chain(text: str, step: str) -> None:
    found = object_repair(chain(text), T + ROWS)
    assert (found.steps, found.blockers, found.left) == ((step,), (), ())


@pytest.mark.parametrize(
    ("text", "other", "steps"),
    [
        (INDEX, "CREATE INDEX Own ON t (kind)", ("drop index Own for r1", "create index own for r1")),
        (VIEW, "CREATE VIEW Seen AS SELECT 1", ("drop view Seen for r1", "create view seen for r1")),
        (
            TRIGGER,
            TRIGGER.replace("INSERT", "UPDATE"),
            ("drop trigger told for r1", "create trigger told for r1"),
        ),
    ],
)
def test_an_object_in_another_shape_is_replaced(text: str, other: str, steps: tuple[str, ...]) -> None:
    found = object_repair(chain(text), chain(other) + ROWS)
    assert (found.steps, found.blockers, found.left) == (steps, (), ())


def test_an_index_of_another_table_that_bears_the_name_stays_under_another() -> None:
    found = object_repair(chain(INDEX), chain('CREATE INDEX "own" ON other (name)'))
    assert found.steps == ("drop index own for r1", "create index own for r1", "create index own_other for r1")
    assert found.left == ()


def test_an_extra_unique_index_that_refuses_rows_is_kept_without_its_uniqueness() -> None:
    found = object_repair(T, chain("CREATE UNIQUE INDEX mine ON t (kind) WHERE kind > 'x'"))
    assert found.steps == ("drop index mine for r1", "create index mine for r1")
    assert (found.blockers, found.left) == ((), ())


def test_what_the_chain_does_not_know_goes_where_it_is_told_to() -> None:
    mine = schema_of(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, Name TEXT, CHECK (id > 0)); CREATE INDEX Own ON t (id);"
        "CREATE VIEW Seen AS SELECT 1; CREATE TRIGGER Told AFTER INSERT ON t BEGIN SELECT 1; END"
    )
    steps = [headline(step) for fact in facts(mine).values() for step in dropped(Extra(fact)).steps]
    assert steps == [
        "drop table t",
        "drop column t.id",
        "drop column t.Name",
        "drop index Own",
        "drop trigger Told",
        "drop view Seen",
    ]


# Whether rows leave room for a unique index.


def unique(index: str, rows: str) -> list[str]:
    """What stands in the way of a unique index, without the entry that would settle it."""
    found = object_repair(chain(index), f"{T}; {rows}")
    assert bool(found.steps) != bool(found.blockers)
    return [f"{code} {subject}: {why.partition(' [')[0]}" for code, subject, why in found.blockers]


MORE = "blocked-duplicates index own: must be unique, but 1 value occurs more than once"


@pytest.mark.parametrize(
    ("index", "rows", "expected"),
    [
        (UNIQUE, "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, NULL, 'x'), (4, NULL, 'x')", []),
        (UNIQUE, "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'A', 'y')", [f"{MORE} ('a' in 2 rows)"]),
        ("CREATE UNIQUE INDEX own ON t (name COLLATE BINARY)", "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'A', 'y')", []),
        (
            "CREATE UNIQUE INDEX own ON t (kind COLLATE NOCASE)",
            "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'X')",
            [f"{MORE} ('x' in 2 rows)"],
        ),
        ("CREATE UNIQUE INDEX own ON t (name, kind)", "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'a', 'y')", []),
        ("CREATE UNIQUE INDEX own ON t (kind) WHERE id > 1", "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'x')", []),
    ],
)
def test_a_unique_index_is_made_where_its_values_are_distinct(index: str, rows: str, expected: list[str]) -> None:
    assert unique(index, rows) == expected


def test_an_entry_that_would_settle_doubled_values_is_offered() -> None:
    ((_, _, found),) = object_repair(chain(UNIQUE), T + "; INSERT INTO t VALUES (1, 'a', 'x'), (2, 'a', 'x')").blockers
    assert found.endswith('[[[resolve]]\ntable = "t"\nindex = "own"\nkeep = true]')


def test_an_index_in_another_shape_stays_where_values_stand_more_than_once() -> None:
    found = object_repair(chain(UNIQUE), chain(INDEX) + "; INSERT INTO t VALUES (1, 'a', 'x'), (2, 'a', 'x')")
    assert (found.steps, [blocker[0] for blocker in found.blockers]) == ((), ["blocked-duplicates"])


WIDER = "CREATE TABLE t (id INTEGER PRIMARY KEY, name, plain, fixed DEFAULT 1, nick, mark, late DEFAULT 1, empty)"
ENTRIES = (
    fill("t", "nick", "name"),
    fill("t", "mark", default="1"),
    fill("t", "late", null=True),
    fill("t", "empty", null=True),
)


@pytest.mark.parametrize(
    ("columns", "where", "expected"),
    [
        pytest.param("name", "", Answer(1, ("'a' in 2 rows",)), id="a column that is there"),
        pytest.param("name plain", "", Answer(0), id="a column that will be NULL makes rows differ"),
        pytest.param("plain", "", Answer(0), id="NULL never stands twice"),
        pytest.param("fixed", "", Answer(1, ("one default in 2 rows",)), id="one default for all rows"),
        pytest.param("name fixed", "", Answer(1, ("'a' in 2 rows",)), id="a default tells no rows apart"),
        pytest.param("nick", "", Answer(1, ("'a' in 2 rows",)), id="what it is copied from counts"),
        pytest.param("mark", "", Answer(1, ("one default in 2 rows",)), id="a default that an entry gives"),
        pytest.param(
            "late", "", Answer(1, ("one default in 2 rows",)), id="an entry that gives nothing leaves the default"
        ),
        pytest.param("empty", "", Answer(0), id="an entry that gives nothing leaves NULL"),
        pytest.param("name", "id > 1", Answer(0), id="rows outside the index do not count"),
        pytest.param(
            "name", '"Plain" IS NOT NULL', Answer(0), id="rows cannot be asked of a column that is yet to come"
        ),
    ],
)
def test_values_count_as_rows_will_hold_them(columns: str, where: str, expected: Answer) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name); INSERT INTO t VALUES (1, 'a'), (2, 'a')"
        )
        assert doubled(ground_of(WIDER, connection, ENTRIES), "t", tuple(columns.split()), (), where) == expected


@pytest.mark.parametrize("rows", ["", "; INSERT INTO t VALUES (1, 'a')"])
def test_one_default_stands_twice_only_where_there_are_two_rows(rows: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"CREATE TABLE t (id INTEGER PRIMARY KEY, name){rows}")
        assert doubled(ground_of(WIDER, connection), "t", ("fixed",)).count == 0


def test_a_table_that_is_yet_to_come_has_no_rows() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        repair_context = ground_of(WIDER, connection)
        assert (
            doubled(repair_context, "t", ("fixed",)).count,
            repair_context.rows("t"),
            repair_context.column("t", "id"),
        ) == (0, 0, None)


def test_the_database_spells_a_table_and_the_chain_one_that_is_yet_to_come() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("CREATE TABLE Here (a); INSERT INTO Here VALUES (1)")
        repair_context = ground_of("CREATE TABLE HERE (a); CREATE TABLE There (b)", connection)
        assert (repair_context.spelling("here"), repair_context.spelling("there"), repair_context.rows("here")) == (
            "Here",
            "There",
            1,
        )
        assert repair_context.wanted("there", "b").name == "b"


def test_an_index_on_an_expression_is_left_to_sqlite() -> None:
    found = object_repair(chain("CREATE UNIQUE INDEX own ON t (lower(name))"), T)
    assert found.steps == ("create index own for r1",)
