"""What a revision dropped beyond what it does in the chain, on one connection: restored, or refused by name."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import RevisionLosesError
from architect_migrate.databases.sqlite.authorizer import write_log
from architect_migrate.databases.sqlite.repair.batch_repair import Before, Stored, look, mend
from support.schemas import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"
COUNTING = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)"
ADDED = "ALTER TABLE t ADD COLUMN due TEXT"
INDEX = "CREATE INDEX own ON t (name)"
TRIGGER = "CREATE TRIGGER told AFTER INSERT ON t BEGIN DELETE FROM t WHERE name = 'x'; END"
VIEW = "CREATE VIEW seen AS SELECT name FROM t"


def remade(columns: str, text: str = "{}", table: str = "t") -> str:
    """What Alembic's batch operation does: the table is copied to one of another name, which takes its place."""
    made = text.format(f"CREATE TABLE _alembic_tmp_{table} (id INTEGER PRIMARY KEY, {columns})")
    return (
        f"{made}; INSERT INTO _alembic_tmp_{table} (id, name) SELECT id, name FROM {table}; DROP TABLE {table};"
        f"ALTER TABLE _alembic_tmp_{table} RENAME TO {table}"
    )


BATCH = remade("name TEXT, due TEXT")


@dataclass(frozen=True)
class Mended:
    """What was put back; every object's text by name; the rows of sqlite_sequence; tables made anew; whether the
    chain was asked for."""

    back: tuple[str, ...]
    texts: dict[str, str]
    sequences: tuple[tuple[str, int], ...]
    remade: set[str]
    asked: bool


def statements(script: str) -> Iterator[str]:
    """Each statement of a script; the body of a trigger has semicolons of its own."""
    text = ""
    for part in script.split(";"):
        text += f"{part};"
        if sqlite3.complete_statement(text):
            yield text
            text = ""


def mended(database: str, run: str, first: str = T, second: str = ADDED) -> Mended:
    """Run statements of revision 2, which in the chain does `second` after `first`, and mend what they did."""
    history = line_of(first, second)
    asked = []
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.create_function("own", 1, lambda value: value, deterministic=True)
        connection.executescript(database)
        connection.execute("BEGIN")
        before = look(connection)
        with write_log(connection) as seen:
            for statement in statements(run):
                connection.execute(statement)
        back = mend(connection, before, seen, "2", lambda: asked.append(1) or history)
        after = look(connection)
    texts = {each.name: each.sql for each in after.objects}
    return Mended(back, texts, after.sequences, seen.remade, bool(asked))


def lost(database: str, run: str, first: str = T, second: str = ADDED) -> tuple[tuple[str, ...], str]:
    with pytest.raises(RevisionLosesError) as refused:
        mended(database, run, first, second)
    assert refused.value.revision == "2"
    return refused.value.objects, refused.value.reason


def test_what_is_looked_at_is_every_object_with_a_text_and_every_counter() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        assert look(connection) == Before((), ())
        connection.executescript(
            f"{COUNTING.replace('TABLE t', 'TABLE T')}; CREATE TABLE u (v UNIQUE); INSERT INTO T VALUES (7, 'x');"
            "INSERT INTO sqlite_sequence VALUES ('odd', 'text')"
        )
        seen = look(connection)
    assert [(each.kind, each.name, each.table, bool(each.root)) for each in seen.objects] == [
        ("table", "T", "T", True),
        ("table", "u", "u", True),
    ]
    assert seen.sequences == (("t", 7),)
    assert Stored("index", "Own", "T", "").key == ("index", "own")


def test_where_nothing_is_gone_the_chain_is_not_asked() -> None:
    found = mended(f"{T}; {INDEX}", ADDED)
    assert (found.back, found.asked, found.remade) == ((), False, set())


def test_a_table_that_the_chain_removes_may_go() -> None:
    assert mended(f"{T}; CREATE TABLE u (v)", "DROP TABLE t", second="DROP TABLE t").back == ()


def test_a_table_that_the_chain_leaves_alone_may_not_go() -> None:
    assert lost(f"{T}; CREATE TABLE mine (v); CREATE TABLE also (v)", "DROP TABLE mine; DROP TABLE also") == (
        ("table also", "table mine"),
        "the chain keeps them",
    )


@pytest.mark.parametrize(
    ("text", "back"),
    [(INDEX, "index own"), (TRIGGER, "trigger told"), ("CREATE INDEX low ON t (lower(name))", "index low")],
)
def test_what_goes_with_a_table_that_is_made_anew_is_put_back(text: str, back: str) -> None:
    found = mended(f"{T}; {text}", BATCH)
    assert (found.back, found.remade) == ((back,), {"t"})
    assert found.texts[back.split()[1]] == text


@pytest.mark.parametrize(("text", "back"), [(INDEX, "index own"), (TRIGGER, "trigger told"), (VIEW, "view seen")])
def test_what_a_revision_drops_by_name_is_put_back_where_the_chain_does_not(text: str, back: str) -> None:
    kind, name = back.split()
    assert mended(f"{T}; {text}", f"{ADDED}; DROP {kind} {name}").back == (back,)
    assert mended(f"{T}; {text}", f"{ADDED}; DROP {kind} {name}", f"{T}; {text}", f"DROP {kind} {name}").back == ()


def test_things_are_put_back_in_the_order_in_which_they_need_each_other() -> None:
    via = "CREATE TRIGGER via INSTEAD OF INSERT ON seen BEGIN INSERT INTO t (name) VALUES (new.name); END"
    drops = "DROP TRIGGER via; DROP VIEW seen; DROP INDEX own; DROP TRIGGER told"
    found = mended(f"{T}; {VIEW}; {via}; {TRIGGER}; {INDEX}", drops)
    assert found.back == ("index own", "view seen", "trigger via", "trigger told")


def test_an_index_that_a_batch_operation_makes_otherwise_is_put_back_as_it_was() -> None:
    partial = "CREATE INDEX own ON t (name) WHERE id > 1"
    found = mended(f"{T}; {partial}", f"{BATCH}; {INDEX}")
    assert (found.back, found.texts["own"]) == (("index own",), partial)


def test_an_index_that_is_replaced_on_a_table_that_is_not_made_anew_stays_replaced() -> None:
    found = mended(f"{T}; {INDEX}", "DROP INDEX own; CREATE INDEX own ON t (id)")
    assert (found.back, found.texts["own"]) == ((), "CREATE INDEX own ON t (id)")


def test_an_index_that_the_chain_makes_otherwise_stays_so() -> None:
    other = "CREATE INDEX own ON t (name, id)"
    found = mended(f"{T}; {INDEX}", f"{BATCH}; {other}", f"{T}; {INDEX}", f"{ADDED}; DROP INDEX own; {other}")
    assert (found.back, found.texts["own"]) == ((), other)


def test_an_index_of_a_table_that_is_not_made_anew_stays_as_the_revision_left_it() -> None:
    other = "CREATE TABLE u (v, w); CREATE INDEX u_v ON u (v)"
    found = mended(f"{T}; {TRIGGER}; {other}", f"{BATCH}; DROP INDEX u_v; CREATE INDEX u_v ON u (w)")
    assert (found.back, found.texts["u_v"]) == (("trigger told",), "CREATE INDEX u_v ON u (w)")


def test_an_index_that_a_batch_operation_makes_as_it_was_is_left() -> None:
    assert mended(f"{T}; {INDEX}; {TRIGGER}", f"{BATCH}; {INDEX}").back == ("trigger told",)


def test_a_trigger_that_a_batch_operation_makes_otherwise_is_left_to_it() -> None:
    other = TRIGGER.replace("'x'", "'y'")
    found = mended(f"{T}; {INDEX}; {TRIGGER}", f"{BATCH}; {other}")
    assert (found.back, found.texts["told"]) == (("index own",), other)


def test_what_only_the_database_has_on_a_table_that_the_chain_removes_stops_the_run() -> None:
    with pytest.raises(RevisionLosesError, match="index own, trigger told"):
        mended(f"{T}; CREATE TABLE u (v); {INDEX}; {TRIGGER}", "DROP TABLE t", second="DROP TABLE t")


def test_a_view_of_a_table_that_the_chain_removes_is_put_back_or_stops_the_run() -> None:
    objects, reason = lost(f"{T}; CREATE TABLE u (v); {VIEW}", "DROP VIEW seen; DROP TABLE t", second="DROP TABLE t")
    assert (objects, "no such table: main.t" in reason) == (("view seen",), True)


def test_a_trigger_that_no_longer_compiles_stops_the_run() -> None:
    rename = "ALTER TABLE t RENAME COLUMN name TO title"
    objects, reason = lost(f"{T}; {TRIGGER}", f"DROP TRIGGER told; {rename}", second=rename)
    assert (objects, "no such column: name" in reason) == (("trigger told",), True)


# What a table made anew has lost of itself.

FIRST = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT{})"


@pytest.mark.parametrize(
    ("more", "run", "what"),
    [
        (", mine TEXT", BATCH, "column t.mine"),
        (" COLLATE NOCASE", BATCH, "column t.name: collation was nocase and is binary"),
        (
            " NOT NULL DEFAULT 'x'",
            BATCH,
            "column t.name: nullability was NOT NULL and is NULL allowed, default was 'x' and is none",
        ),
        (" UNIQUE", BATCH, "unique t(name)"),
        (" UNIQUE ON CONFLICT IGNORE", remade("name TEXT UNIQUE, due TEXT"), "ON CONFLICT IGNORE of t(name)"),
        (" NOT NULL ON CONFLICT ABORT", remade("name TEXT NOT NULL, due TEXT"), "ON CONFLICT ABORT of t(name)"),
        (" REFERENCES t", BATCH, "foreign key t(name) to t"),
    ],
)
def test_what_a_table_made_anew_lost_of_itself_stops_the_run(more: str, run: str, what: str) -> None:
    cause = "only the revision can keep these: alter the table by its own statements"
    assert lost(FIRST.format(more), run) == ((what,), cause)


@pytest.mark.parametrize(
    ("more", "second", "run"),
    [
        pytest.param(", mine TEXT", "ALTER TABLE t DROP COLUMN mine", remade("name TEXT"), id="a column"),
        pytest.param(
            " UNIQUE ON CONFLICT IGNORE",
            f"DROP TABLE t; {FIRST.format('')}",
            remade("name TEXT"),
            id="uniqueness and its clause",
        ),
        pytest.param(
            " NOT NULL ON CONFLICT IGNORE",
            f"DROP TABLE t; {FIRST.format('')}",
            remade("name TEXT"),
            id="NOT NULL and its clause",
        ),
        pytest.param(
            ", mine TEXT NOT NULL ON CONFLICT IGNORE",
            "ALTER TABLE t DROP COLUMN mine",
            remade("name TEXT"),
            id="a column and its clause",
        ),
        pytest.param(" DEFAULT 'x'", f"DROP TABLE t; {FIRST.format('')}", remade("name TEXT"), id="a default"),
    ],
)
def test_what_the_chain_takes_from_a_table_may_go(more: str, second: str, run: str) -> None:
    assert mended(FIRST.format(more), run, FIRST.format(more), second).back == ()


IGNORE = " ON CONFLICT IGNORE"


@pytest.mark.parametrize(
    ("more", "second"),
    [
        pytest.param(" UNIQUE", f"DROP TABLE t; {T}", id="uniqueness"),
        pytest.param(" NOT NULL", f"DROP TABLE t; {T}", id="NOT NULL"),
        pytest.param(", mine TEXT NOT NULL", "ALTER TABLE t DROP COLUMN mine", id="a column"),
    ],
)
def test_a_clause_of_this_database_alone_goes_with_what_the_chain_takes_away(more: str, second: str) -> None:
    assert mended(FIRST.format(more + IGNORE), remade("name TEXT"), FIRST.format(more), second).back == ()


@pytest.mark.parametrize(
    ("more", "second", "run"),
    [
        (" UNIQUE", f"DROP TABLE t; {FIRST.format(' NOT NULL UNIQUE')}", remade("name TEXT NOT NULL UNIQUE")),
        (" NOT NULL", f"DROP TABLE t; {FIRST.format(' UNIQUE NOT NULL')}", remade("name TEXT NOT NULL UNIQUE")),
        (" NOT NULL UNIQUE", f"DROP TABLE t; {FIRST.format(' NOT NULL')}", remade("name TEXT NOT NULL")),
    ],
)
def test_a_clause_of_this_database_alone_does_not_go_with_another_change_of_its_column(
    more: str, second: str, run: str
) -> None:
    database = FIRST.format(more.replace(" NOT NULL", f" NOT NULL{IGNORE}") if "NOT" in more else more + IGNORE)
    assert lost(database, run, FIRST.format(more), second)[0] == ("ON CONFLICT IGNORE of t(name)",)


def test_a_clause_that_the_chain_writes_may_go_as_it_does_there() -> None:
    clause = " UNIQUE ON CONFLICT IGNORE"
    run = remade("name TEXT UNIQUE, due TEXT")
    assert mended(FIRST.format(clause), run, FIRST.format(clause)).back == ()


def test_a_column_that_the_chain_changes_keeps_what_only_this_database_says_of_it() -> None:
    second = f"DROP TABLE t; {FIRST.format(' NOT NULL')}"
    objects, _ = lost(FIRST.format(" COLLATE NOCASE"), remade("name TEXT NOT NULL"), second=second)
    assert objects == ("column t.name: collation was nocase and is binary",)


def test_extras_and_what_needs_no_repair_are_no_loss() -> None:
    assert mended(T, remade("name TEXT, due TEXT, more TEXT")).back == ()
    assert mended(T.replace("TEXT", "VARCHAR(9)"), BATCH).back == ()


def test_a_table_short_of_a_column_counts_as_made_anew() -> None:
    run = "ALTER TABLE t DROP COLUMN mine"
    assert lost(FIRST.format(", mine TEXT"), run)[0] == ("column t.mine",)
    assert mended(FIRST.format(", mine TEXT"), run, FIRST.format(", mine TEXT"), run).remade == {"t"}


def test_a_table_that_is_only_altered_is_not_made_anew() -> None:
    assert mended(f"{T}; {INDEX}", f"{ADDED}; DROP INDEX own").remade == set()


def test_a_virtual_table_is_never_taken_for_another() -> None:
    virtual = "CREATE VIRTUAL TABLE f USING fts5(a)"
    assert mended(f"{T}; {virtual}; {INDEX}", f"{ADDED}; DROP INDEX own").remade == set()


def test_what_cannot_be_told_of_a_table_made_anew_stops_the_run() -> None:
    objects, reason = lost(f"{T}; CREATE INDEX by_own ON t (own(name))", BATCH)
    assert objects == ("index by_own",)
    assert reason == "it cannot be compared with its state before the revision: no such function: own"


# AUTOINCREMENT.

FORTY = "INSERT INTO t VALUES (1, 'x'), (40, 'y'); DELETE FROM t WHERE id = 40"


def test_autoincrement_is_put_back_and_goes_on_where_it_was() -> None:
    found = mended(f"{COUNTING}; {FORTY}; {INDEX}", BATCH)
    assert found.back == ("AUTOINCREMENT of t", "index own")
    assert "AUTOINCREMENT" in found.texts["t"]
    assert found.sequences == (("t", 40),)


def test_autoincrement_that_the_revision_keeps_goes_on_where_it_was() -> None:
    keeping = BATCH.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT")
    found = mended(f"{COUNTING}; {FORTY}", keeping, COUNTING)
    assert (found.back, found.sequences) == ((), (("t", 40),))


def test_autoincrement_that_the_chain_takes_away_stays_away() -> None:
    found = mended(f"{COUNTING}; {FORTY}", BATCH, COUNTING, BATCH)
    assert (found.back, "AUTOINCREMENT" in found.texts["t"], found.sequences) == ((), False, ())


def test_a_counter_that_is_higher_already_is_left() -> None:
    keeping = BATCH.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT") + "; INSERT INTO t VALUES (50, 'new', NULL)"
    assert mended(f"{COUNTING}; {FORTY}", keeping, COUNTING).sequences == (("t", 50),)


def test_another_key_than_the_one_before_stops_the_run() -> None:
    run = BATCH.replace("id INTEGER PRIMARY KEY, name TEXT", "id INTEGER, name TEXT PRIMARY KEY")
    objects, _ = lost(f"{COUNTING}; {FORTY}", run)
    assert objects == (
        "column t.id: nullability was NOT NULL and is NULL allowed",
        "primary key of t: key was id and is name",
    )


def test_a_counter_of_a_table_that_is_not_made_anew_is_left() -> None:
    other = "CREATE TABLE u (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO u VALUES (9)"
    lower = "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'u'"
    found = mended(f"{COUNTING}; {FORTY}; {other}", f"{BATCH}; {lower}")
    assert (found.back, dict(found.sequences)) == (("AUTOINCREMENT of t",), {"t": 40, "u": 1})


def test_autoincrement_that_the_revision_adds_is_no_loss() -> None:
    counted = BATCH.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT")
    assert mended(f"{T}; INSERT INTO t VALUES (3, 'x')", counted).back == ()
