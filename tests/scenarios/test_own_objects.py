"""Objects of the application that look like the chain's: they are kept with their rows, or a person decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import reconcile as carry_out
from architect_migrate.runs.upgrade import preview_upgrade
from support.scenarios import ask, batch, code, codes, come_home, gone, nothing_to_do, own_chain, script, stamp, stays
from support.scenarios import revision as raw

if TYPE_CHECKING:
    from pathlib import Path

STAMPS = pytest.mark.parametrize("stamped", [stamp("r4"), ()], ids=["stamped", "stamp lost"])

# Tables that a revision makes on its way.

T = "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, n VARCHAR(20){})"
ROWS = "INSERT INTO t (id, n) VALUES (1, 'ann'), (2, 'bob')"
ON_THE_WAY = {
    "r1": raw(None, T.format(""), "CREATE TABLE log (id INTEGER NOT NULL PRIMARY KEY)"),
    "r2": raw("r1", "DROP TABLE log", "CREATE TABLE stage (id INTEGER, n TEXT)", "ALTER TABLE stage RENAME TO stage2"),
    "r3": raw("r2", "DROP TABLE stage2"),
    "r4": raw(
        "r3",
        T.format(", w INTEGER").replace("TABLE t", "TABLE t_new"),
        "INSERT INTO t_new (id, n) SELECT id, n FROM t",
        "DROP TABLE t",
        "ALTER TABLE t_new RENAME TO t",
    ),
}
OWN = {
    "renamed on its way": ("CREATE TABLE stage (id INTEGER, n TEXT)", "INSERT INTO stage VALUES (1, 'mine')"),
    "renamed on its way, empty": ("CREATE TABLE stage (id INTEGER, n TEXT)",),
    "a copy with some of the columns": (
        "CREATE TABLE t_new (id INTEGER PRIMARY KEY, n TEXT)",
        "INSERT INTO t_new VALUES (1, 'ann')",
    ),
    "a copy with the same columns": (
        T.format(", w INTEGER").replace("TABLE t", "TABLE t_new"),
        "INSERT INTO t_new VALUES (1, 'ann', NULL)",
    ),
}


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
@STAMPS
def test_a_table_called_like_one_on_its_way_is_the_applications_where_a_position_fits(
    tmp_path: Path, own: tuple[str, ...], stamped: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, ON_THE_WAY)
    script(home.database, T.format(", w INTEGER"), ROWS, *own, *stamped)
    if stamped:
        nothing_to_do(home)
    else:
        assert come_home(home) == ["stamp r4"]


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_a_lost_index_does_not_make_it_the_chains(tmp_path: Path, own: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, ON_THE_WAY | {"r5": raw("r4", "CREATE INDEX ix_n ON t (n)", "CREATE TABLE k (id)")})
    script(home.database, T.format(", w INTEGER"), ROWS, "CREATE TABLE k (id)", *own, *stamp("r5"))
    assert come_home(home) == ["create index ix_n"]


# Tables that are called like one of the chain's that was put aside.

DROPPED = {
    "r1": raw(None, "CREATE TABLE x (id INTEGER NOT NULL PRIMARY KEY, n TEXT)", "CREATE TABLE o (id INTEGER)"),
    "r2": raw("r1", "DROP TABLE x"),
    "r3": raw("r2", "CREATE TABLE k (id INTEGER)"),
    "r4": raw("r3", "CREATE TABLE z (id INTEGER NOT NULL PRIMARY KEY, n VARCHAR(20))"),
}
OTHER, K = "CREATE TABLE o (id INTEGER)", "CREATE TABLE k (id INTEGER)"
Z = "CREATE TABLE z (id INTEGER NOT NULL PRIMARY KEY, n VARCHAR(20))"
MINE = "CREATE TABLE {} (id INTEGER PRIMARY KEY, n TEXT)", "INSERT INTO {} VALUES (1, 'mine'), (2, 'mine too')"


def mine(name: str) -> list[str]:
    return [line.format(name) for line in MINE]


@pytest.mark.parametrize("name", ["x_backup", "x_old", "tmp_x"])
@STAMPS
def test_a_table_is_not_put_aside_where_the_chain_dropped_the_one_of_its_name(
    tmp_path: Path, name: str, stamped: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, DROPPED)
    script(home.database, OTHER, K, Z, *mine(name), *stamped)
    if stamped:
        nothing_to_do(home)
    else:
        assert come_home(home) == ["stamp r4"]


@pytest.mark.parametrize("stamped", ["r2", "r4", ""])
def test_a_table_called_like_one_that_the_chain_makes_later_is_asked_about(tmp_path: Path, stamped: str) -> None:
    home = own_chain(tmp_path, DROPPED)
    script(home.database, OTHER, *mine("z_old"), *(stamp(stamped) if stamped else ()))
    assert home.survey().state is State.UNDECIDED
    (finding, *_) = (stay for stay in stays(home) if stay.subject == "table z_old")
    assert "2 rows" in finding.found


LOGS, TAGS = (f"CREATE TABLE {name} (id INTEGER NOT NULL PRIMARY KEY, n TEXT)" for name in ("logs", "tags"))
BROUGHT = {
    "r0": raw(None, LOGS.replace("n TEXT", "m TEXT")),
    "r1": raw("r0", "ALTER TABLE logs ADD COLUMN n TEXT", "UPDATE logs SET n = m", "ALTER TABLE logs DROP COLUMN m"),
    "r2": raw("r1", TAGS, "INSERT INTO tags SELECT * FROM logs", "DROP TABLE logs"),
    "r3": raw("r2", "ALTER TABLE tags RENAME TO files"),
}


@pytest.mark.parametrize("head", ["r2", "r3"])
def test_a_table_like_one_that_would_get_the_rows_of_a_missing_table_is_asked_about(tmp_path: Path, head: str) -> None:
    """It is the table of the next revision, which was interrupted before its stamp, and then put aside."""
    home = own_chain(tmp_path, {each: text for each, text in BROUGHT.items() if each <= head})
    script(home.database, TAGS.replace("tags", "tags_old"), "INSERT INTO tags_old VALUES (1, 'one')", *stamp("r1"))
    assert codes(home) == [("named-like-chain", "table tags_old")]


def test_a_table_like_one_that_gets_the_rows_of_another_is_no_question(tmp_path: Path) -> None:
    home = own_chain(tmp_path, BROUGHT)
    script(home.database, LOGS, "INSERT INTO logs VALUES (1, 'one')", *mine("tags_old"), *stamp("r1"))
    come_home(home, gone("logs"))


def test_an_entry_says_before_the_run_that_such_a_table_is_the_applications(tmp_path: Path) -> None:
    home = own_chain(tmp_path, DROPPED)
    script(home.database, OTHER, *mine("z_old"), *stamp("r2"))
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("named-like-chain", "table z_old")
    home = home.settled(finding.entry)
    assert come_home(home) == ["run revision r3", "run revision r4", "stamp r4"]
    assert (home.preview().outcome, home.survey().state) == (Outcome.NOTHING, State.UP_TO_DATE)


def test_a_table_that_is_dropped_and_made_again_leaves_none_that_looks_put_aside(tmp_path: Path) -> None:
    x = "CREATE TABLE x (id INTEGER NOT NULL PRIMARY KEY, n TEXT)"
    home = own_chain(tmp_path, {"r1": raw(None, x), "r2": raw("r1", "DROP TABLE x"), "r3": raw("r2", x)})
    script(home.database, x, "INSERT INTO x VALUES (1, 'one')", *mine("x_old"), *stamp("r1"))
    assert codes(home) == [("interrupted-undecided", "table x_old"), ("named-like-chain", "table x_old")]


def test_a_table_put_aside_with_the_chains_index_is_asked_about_beside_a_full_one(tmp_path: Path) -> None:
    chain = {"r1": raw(None, Z, "CREATE INDEX ix_n ON z (n)", OTHER)}
    home = own_chain(tmp_path, chain)
    script(home.database, Z, "INSERT INTO z VALUES (1, 'one')", "CREATE INDEX ix_n ON z (n)", OTHER, *stamp("r1"))
    script(home.database, "PRAGMA legacy_alter_table = ON", "ALTER TABLE z RENAME TO z_old")
    script(home.database, Z, "INSERT INTO z VALUES (7, 'new')")
    assert ("interrupted-undecided", "table z_old") in codes(home)


# What stands beside a full table of the chain that bears its name with _old, and whether it was put aside.
BESIDE = {
    "its own rows": (Z.replace("TABLE z", "TABLE z_old"), "INSERT INTO z_old VALUES (1, 'one')"),
    "a row of z too": (Z.replace("TABLE z", "TABLE z_old"), "INSERT INTO z_old VALUES (1, 'one'), (7, 'new')"),
    "no key": ("CREATE TABLE z_old (id INTEGER, n TEXT)", "INSERT INTO z_old VALUES (1, 'one')"),
}


@pytest.mark.parametrize(("beside", "asked"), [*zip(BESIDE.values(), (True, False, False), strict=True)], ids=BESIDE)
def test_a_table_put_aside_is_asked_about_where_the_full_one_has_none_of_its_rows(
    tmp_path: Path, beside: tuple[str, ...], asked: bool
) -> None:
    home = own_chain(tmp_path, {"r1": raw(None, Z, OTHER)})
    script(home.database, Z, "INSERT INTO z VALUES (7, 'new')", OTHER, *beside, *stamp("r1"))
    if asked:
        assert codes(home) == [("interrupted-undecided", "table z_old")]
    else:
        nothing_to_do(home)


def test_a_table_made_under_a_name_that_was_renamed_away_is_put_aside_by_itself(tmp_path: Path) -> None:
    x = "CREATE TABLE x (id INTEGER NOT NULL PRIMARY KEY, n TEXT)"
    chain = {"r1": raw(None, x), "r2": raw("r1", "ALTER TABLE x RENAME TO y"), "r3": raw("r2", x, K)}
    home = own_chain(tmp_path, chain)
    script(home.database, x.replace("TABLE x", "TABLE y"), x.replace("TABLE x", "TABLE x_old"), K, *stamp("r3"))
    script(home.database, "INSERT INTO x_old VALUES (1, 'one')")
    assert come_home(home, gone("x_old")) == ["rename table x_old to x"]


def test_what_an_entry_keeps_outside_is_told_with_its_rows(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"r1": raw(None, Z, OTHER)})
    script(home.database, Z, OTHER, Z.replace("TABLE z", "TABLE z_old"), *stamp("r1"))
    script(home.database, "INSERT INTO z_old VALUES (1, 'one')")
    (finding,) = stays(home)
    home = home.settled(finding.entry)
    nothing_to_do(home)
    kept = [found for found in home.survey().findings if found.subject == "table z_old"]
    assert [(found.code, found.found) for found in kept] == [
        ("kept-outside", "it has columns of z and 1 row, and z is empty")
    ]


def test_a_copy_on_its_way_is_asked_about_beside_the_new_name_that_models_made(tmp_path: Path) -> None:
    b = "CREATE TABLE {} (id INTEGER NOT NULL PRIMARY KEY, n VARCHAR(9){})"
    chain = {
        "r1": raw(None, b.format("b", ""), OTHER),
        "r2": code("r1", *batch("b", "alter_column('n', existing_type=sa.String(9), nullable=False)")),
        "r3": raw("r2", "ALTER TABLE b RENAME TO bb"),
    }
    home = own_chain(tmp_path, chain)
    left = b.format("_alembic_tmp_b", " NOT NULL"), "INSERT INTO _alembic_tmp_b VALUES (1, 'x')"
    script(home.database, OTHER, *left, b.format("bb", " NOT NULL"), *stamp("r1"))
    assert ("interrupted-undecided", "table _alembic_tmp_b") in codes(home)


def test_a_copy_with_nothing_but_a_new_columns_default_of_its_own_is_dropped(tmp_path: Path) -> None:
    chain = {
        "r1": raw(None, T.format("")),
        "r2": code("r1", *batch("t", "add_column(sa.Column('m', sa.String(9), server_default='A', nullable=False))")),
    }
    home = own_chain(tmp_path, chain)
    copy = T.format(", m VARCHAR(9) DEFAULT 'A' NOT NULL").replace("TABLE t", "TABLE _alembic_tmp_t")
    script(home.database, T.format(""), ROWS, copy, "INSERT INTO _alembic_tmp_t (id, n) SELECT * FROM t", *stamp("r1"))
    assert come_home(home, gone("_alembic_tmp_t"))[0] == "drop table _alembic_tmp_t"


# What a revision drops that may have run before.

X_AND_W = "CREATE TABLE x (id INTEGER, b TEXT)", "CREATE TABLE w (id INTEGER, a TEXT)"
DROPPING = {
    "r1": raw(None, *X_AND_W),
    "r2": raw("r1", "ALTER TABLE x DROP COLUMN b"),
    "r3": raw("r2", "DROP TABLE w"),
}
X, W = "CREATE TABLE x (id INTEGER)", ("CREATE TABLE w (id INTEGER, a TEXT)", "INSERT INTO w VALUES (1, 'mine')")


def test_rows_that_a_revision_drops_which_may_have_run_are_asked_about(tmp_path: Path) -> None:
    home = own_chain(tmp_path, DROPPING)
    script(home.database, X, *W)
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("drop-undecided", "table w")
    assert finding.found.startswith("r3 drops it with 1 row, ")
    come_home(home.settled(finding.entry), gone("w"))


@pytest.mark.parametrize(("stamped", "steps"), [("r2", ["run revision r3", "stamp r3"]), ("r3", [])])
def test_a_stamp_says_whether_it_ran(tmp_path: Path, stamped: str, steps: list[str]) -> None:
    home = own_chain(tmp_path, DROPPING)
    script(home.database, X, *W, *stamp(stamped))
    if steps:
        assert come_home(home, gone("w")) == steps
    else:
        nothing_to_do(home)


def test_values_of_a_column_that_a_revision_drops_which_may_have_run_are_asked_about(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"r1": DROPPING["r1"], "r2": DROPPING["r2"]})
    script(home.database, "CREATE TABLE x (id INTEGER, b TEXT)", "INSERT INTO x VALUES (1, 'mine'), (2, NULL)", W[0])
    assert codes(home) == [("drop-undecided", "column x.b")]
    assert "1 value" in stays(home)[0].found


def test_it_is_asked_about_in_a_database_that_has_drifted_too(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {**DROPPING, "r1": raw(None, T.format(""), *X_AND_W)})
    script(home.database, T.format("").replace("VARCHAR(20)", "VARCHAR(20) NOT NULL"), X, *W)
    assert ("drop-undecided", "table w") in codes(home)


def test_an_empty_table_is_dropped_without_a_question(tmp_path: Path) -> None:
    home = own_chain(tmp_path, DROPPING)
    script(home.database, X, W[0])
    assert come_home(home, gone("w")) == ["stamp r2", "run revision r3", "stamp r3"]


# Constraints on columns that a revision dropped.

HANGING = "CREATE TABLE e (id INTEGER NOT NULL PRIMARY KEY, boss INTEGER, pay INTEGER{})"
ON_BOSS = {
    "unique": ", CONSTRAINT uq_e UNIQUE (boss, pay)",
    "check": ", CONSTRAINT ck_e CHECK (boss IS NULL OR boss < 9)",
}


@pytest.mark.parametrize("constraint", ON_BOSS.values(), ids=ON_BOSS)
def test_a_constraint_that_a_stamp_ahead_of_the_drop_of_its_column_left_goes(tmp_path: Path, constraint: str) -> None:
    chain = {
        "r1": raw(None, HANGING.format(constraint), OTHER),
        "r2": code("r1", *batch("e", f"drop_constraint('{constraint.split()[2]}')", "drop_column('boss')")),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, HANGING.format(constraint), "INSERT INTO e VALUES (1, 1, 5)", OTHER, *stamp("r2"))
    assert home.survey().state is State.DRIFTED
    come_home(home)
    assert constraint.split()[2] not in ask(home.database, "SELECT sql FROM sqlite_master WHERE name = 'e'")[0][0]


# Names in double quotes, which SQLite takes for texts where there is no such column.

P = "CREATE TABLE p (id INTEGER NOT NULL PRIMARY KEY, m INTEGER)"
RENAMING = {
    "r1": raw(None, P),
    "r2": code("r1", *batch("p", "alter_column('m', existing_type=sa.Integer(), new_column_name='mm')")),
}
LG = "CREATE TABLE lg (t)"
READS_M = {
    "view": 'CREATE VIEW v AS SELECT "m" AS a FROM p',
    "trigger": 'CREATE TRIGGER tg AFTER INSERT ON p BEGIN INSERT INTO lg SELECT "m" FROM p; END',
}


@pytest.mark.parametrize("own", READS_M.values(), ids=READS_M)
def test_a_name_that_would_become_a_text_refuses_the_run(tmp_path: Path, own: str) -> None:
    home = own_chain(tmp_path, RENAMING)
    script(home.database, P, "INSERT INTO p VALUES (1, 5)", LG, own, *stamp("r1"))
    assert [code for code, _ in codes(home)] == ["cannot-succeed"]


def test_an_index_gets_the_new_name_of_its_column(tmp_path: Path) -> None:
    home = own_chain(tmp_path, RENAMING)
    script(home.database, P, "INSERT INTO p VALUES (1, 5)", 'CREATE INDEX own_i ON p("m")', *stamp("r1"))
    shown = home.preview()
    assert shown.plan is not None
    assert carry_out(home.context(), shown.plan, lambda *_: None).warnings == ()
    assert ask(home.database, "SELECT name FROM pragma_index_xinfo('own_i') WHERE key") == [("mm",)]


def test_a_text_in_double_quotes_was_one_before(tmp_path: Path) -> None:
    home = own_chain(tmp_path, RENAMING)
    script(home.database, P, 'CREATE VIEW v AS SELECT "only a text" AS a FROM p', *stamp("r1"))
    come_home(home, gone("p.m"))


# What only the database has on a table whose rows a revision brings to another.

PERSON = "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT{})"
MOVING = {
    "r1": raw(None, PERSON.format("")),
    "r2": raw(
        "r1",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO people SELECT id, name FROM person",
        "DROP TABLE person",
    ),
}
ON_PERSON = {
    "column": (PERSON.format(", mine TEXT"), "INSERT INTO person VALUES (1, 'ann', 'MINE')"),
    "index": (PERSON.format(""), "CREATE INDEX own_i ON person (name)"),
    "trigger": (PERSON.format(""), LG, "CREATE TRIGGER tg AFTER INSERT ON person BEGIN INSERT INTO lg VALUES (1); END"),
}


@pytest.mark.parametrize("there", ON_PERSON.values(), ids=ON_PERSON)
def test_what_the_successor_of_a_table_would_not_have_refuses_the_run(tmp_path: Path, there: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, MOVING)
    script(home.database, *there, *stamp("r1"))
    (finding,) = stays(home)
    assert finding.code == "cannot-succeed"
    assert "the table that takes its place does not have" in finding.found


# What constraints do with rows that break them.

CODES = "CREATE TABLE c (id INTEGER NOT NULL PRIMARY KEY{pk}, n TEXT NOT NULL{nn}, m INTEGER, UNIQUE (m){uq})"
CONFLICTS = {
    "not null, of the database": ({}, {"nn": "REPLACE"}),
    "not null, of the chain": ({"nn": "IGNORE"}, {}),
    "not null, another": ({"nn": "IGNORE"}, {"nn": "FAIL"}),
    "unique, of the database": ({}, {"uq": "REPLACE"}),
    "unique, of the chain": ({"uq": "REPLACE"}, {}),
    "primary key, of the database": ({}, {"pk": "REPLACE"}),
    "primary key, of the chain": ({"pk": "IGNORE"}, {}),
}


def codes_table(says: dict[str, str]) -> str:
    return CODES.format(**{part: f" ON CONFLICT {says[part]}" if part in says else "" for part in ("pk", "nn", "uq")})


@pytest.mark.parametrize(("chain", "there"), CONFLICTS.values(), ids=CONFLICTS)
def test_what_a_constraint_does_with_rows_is_as_the_chain_says(
    tmp_path: Path, chain: dict[str, str], there: dict[str, str]
) -> None:
    home = own_chain(tmp_path, {"r1": raw(None, codes_table(chain))})
    script(home.database, codes_table(there), "INSERT INTO c VALUES (1, 'a', 1), (2, 'b', 2)", *stamp("r1"))
    assert home.survey().state is State.DRIFTED
    (step,) = come_home(home)
    assert step.startswith("rebuild table c: ")
    assert home.preview().outcome is Outcome.NOTHING


def test_a_missing_unique_comes_with_what_it_does(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"r1": raw(None, codes_table({"uq": "REPLACE"}))})
    script(home.database, codes_table({}).replace(", UNIQUE (m)", ""), *stamp("r1"))
    assert come_home(home) == ["rebuild table c: add constraint UNIQUE (m) ON CONFLICT REPLACE"]


def test_to_abort_is_what_a_constraint_does_anyway(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"r1": raw(None, codes_table({"nn": "ABORT"}))})
    script(home.database, codes_table({"uq": "ABORT"}), *stamp("r1"))
    nothing_to_do(home)


RENAMED = (
    "ALTER TABLE items RENAME TO tags",
    "ALTER TABLE tags RENAME COLUMN size TO made",
    "CREATE TABLE items (id INTEGER PRIMARY KEY, size INTEGER, made INTEGER)",
    "INSERT INTO items SELECT * FROM files",
    "DROP TABLE files",
)


def test_an_index_goes_along_where_another_table_takes_the_names_of_its_table_and_column(tmp_path: Path) -> None:
    first = (
        "CREATE TABLE items (id TEXT PRIMARY KEY, size TEXT)",
        "CREATE TABLE files (id INTEGER PRIMARY KEY, size INTEGER, made INTEGER)",
    )
    home = own_chain(tmp_path, {"r1": raw(None, *first), "r2": raw("r1", *RENAMED)})
    rows = ("INSERT INTO items VALUES ('k', 's')", "INSERT INTO files VALUES (1, 2, 3)")
    script(home.database, *first, *rows, 'CREATE INDEX own ON "items" ("size")', *stamp("r1"))
    shown = home.preview()
    assert shown.plan is not None
    done = carry_out(home.context(), shown.plan, lambda *_: None)
    assert done.outcome is Outcome.DONE, done.detail
    assert ask(home.database, "SELECT tbl_name, sql FROM sqlite_master WHERE name = 'own'") == [
        ("tags", 'CREATE INDEX own ON "tags" ("made")')
    ]


MAIL = "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, CONSTRAINT uq UNIQUE (mail))"
MAILS = "INSERT INTO t VALUES (1, 'a')"
UNIQUE_TOO = "CREATE UNIQUE INDEX mine ON t (mail)"


def test_a_unique_index_on_what_is_unique_anyway_stays_one(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, MAIL), "b2": raw("a1", "CREATE TABLE other (id INTEGER PRIMARY KEY)")})
    mine = "CREATE TABLE m (id INTEGER PRIMARY KEY, mail TEXT REFERENCES t (mail))"
    script(home.database, MAIL, MAILS, UNIQUE_TOO, mine, "INSERT INTO m VALUES (1, 'a')", *stamp("a1"))
    assert come_home(home) == ["run revision b2", "stamp b2"]
    assert ask(home.database, "SELECT sql FROM sqlite_master WHERE name = 'mine'") == [(UNIQUE_TOO,)]


def test_a_unique_index_lets_rows_in_where_a_pending_revision_does(tmp_path: Path) -> None:
    drops = batch("t", "drop_constraint('uq', type_='unique')")
    home = own_chain(tmp_path, {"a1": raw(None, MAIL), "b2": code("a1", *drops)})
    script(home.database, MAIL, MAILS, UNIQUE_TOO, *stamp("a1"))
    refused = preview_upgrade(home.context())
    assert refused.plan is not None
    assert [(each.code, each.subject, each.found, each.advice) for each in refused.plan.blockers] == [
        (
            "refuses-later",
            "index mine on t",
            "after these revisions it refuses rows that the chain's schema accepts",
            "run archmig reconcile instead: it runs the revisions too, and lets such rows in",
        )
    ]
    assert come_home(home) == ["drop index mine", "create index mine", "run revision b2", "stamp b2"]
    script(home.database, "INSERT INTO t VALUES (2, 'a')")


E_, E_ROWS = "CREATE TABLE edge (a INTEGER PRIMARY KEY, b INTEGER)", "INSERT INTO edge VALUES (1, 2)"


def test_an_entry_may_say_that_the_table_of_rows_put_aside_is_to_be_missing(tmp_path: Path) -> None:
    """The advice has two ways out; this is the second, pasted as it is printed."""
    home = own_chain(tmp_path, {"a1": raw(None, E_)})
    script(
        home.database,
        E_,
        E_ROWS,
        "ALTER TABLE edge RENAME TO edge_old",
        "ALTER TABLE edge_old ADD COLUMN c",
        *stamp("a1"),
    )
    first = stays(home)[0]
    assert first.advice == "rename it to edge by hand, or do without edge: add this to environments.toml"
    assert first.entry == '[[resolve]]\ntable = "edge"\nkeep = true'
    assert home.settled(first.entry).preview().outcome is Outcome.NOTHING


def test_a_copy_on_its_way_that_was_put_aside_itself_is_asked_about(tmp_path: Path) -> None:
    """Found with make truth: the rows stayed in the copy, and an empty one took the table's place."""
    copy = (
        "CREATE TABLE edge_new (a INTEGER PRIMARY KEY, b INTEGER)",
        "INSERT INTO edge_new SELECT * FROM edge",
        "DROP TABLE edge",
        "ALTER TABLE edge_new RENAME TO edge",
    )
    home = own_chain(tmp_path, {"a1": raw(None, E_), "b2": raw("a1", *copy)})
    aside = "ALTER TABLE edge_new RENAME TO edge_new_old", copy[0]
    script(home.database, E_, E_ROWS, *copy[:3], *aside, *stamp("a1"))
    found = stays(home)[0]
    assert (found.code, found.subject) == ("interrupted-undecided", "table edge_new_old")
    assert found.found == "it is called like edge_new, has columns of edge and 1 row, and edge_new is empty"


LABELS, LABEL_ROWS = "CREATE TABLE t (id INTEGER PRIMARY KEY, label TEXT)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"
BY_HAND = {
    "a column": (
        "ALTER TABLE t RENAME COLUMN label TO lbl",
        "column t.lbl",
        "it is declared as label and has 2 values, and there is no t.label",
        "rename it to label by hand; if it is another column, add this to environments.toml",
    ),
    "a table": (
        "ALTER TABLE t RENAME TO things",
        "table things",
        "it has exactly the columns and the key of t and 2 rows, and there is no table t",
        "rename it to t by hand; if it is another table, add this to environments.toml",
    ),
}


@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "stamp lost"])
@pytest.mark.parametrize("case", BY_HAND.values(), ids=list(BY_HAND))
def test_what_was_renamed_by_hand_is_asked_about(
    tmp_path: Path, case: tuple[str, str, str, str], stamped: tuple[str, ...]
) -> None:
    rename, *told = case
    home = own_chain(tmp_path, {"a1": raw(None, LABELS)})
    script(home.database, LABELS, LABEL_ROWS, rename, *stamped)
    (found,) = (each for each in stays(home) if each.code == "interrupted-undecided")
    assert [found.subject, found.found, found.advice] == told
    if stamped:
        assert home.settled(found.entry).preview().outcome is Outcome.PLANNED


def test_a_column_of_another_name_or_declaration_is_the_applications_own(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, LABELS)})
    own = ("title TEXT", "labels INTEGER", "label_2 TEXT NOT NULL DEFAULT ''")
    script(home.database, f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(own)})", *stamp("a1"))
    script(home.database, "INSERT INTO t VALUES (1, 'a', 2, 'b')")
    assert come_home(home) == ["add column t.label"]
